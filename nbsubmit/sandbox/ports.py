"""Free TCP ports for the daemons."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from nbsubmit.sandbox.errors import SandboxError

_LOWEST = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now.

    They lie below the range from which the kernel serves outgoing connections. One out of
    that range (as bound to port 0) could be taken by any client while its node is down.
    Drawn at random, for several sandboxes may be starting; who still loses draws again.
    """
    found: list[int] = []
    for port in random.sample(range(_LOWEST, _highest()), k=min(2000, _highest() - _LOWEST)):
        if len(found) == count:
            break
        if _is_free(port):
            found.append(port)
    if len(found) < count:
        raise SandboxError(f"No {count} TCP ports are free on this machine. Try again later.")
    return found


def taken(port: int) -> bool:
    """Whether somebody listens there; asked by a connect, as a bind would be in the way."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _highest() -> int:
    try:
        first_ephemeral = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first_ephemeral = 32_768
    return first_ephemeral if first_ephemeral > _LOWEST + 2000 else 60_000


def _is_free(port: int) -> bool:
    # No SO_REUSEADDR here: a port in TIME_WAIT counts as taken, which errs on the safe side.
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
