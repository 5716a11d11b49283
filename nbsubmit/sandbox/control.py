"""Requests to a running supervisor: one line of JSON there, one back, over a private socket."""

from __future__ import annotations

import contextlib
import json
import select
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from nbsubmit.sandbox.errors import SandboxError

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What the supervisor is asked to do.

    Parameters
    ----------
    verb : str
        ``start``, ``stop`` or ``kill`` a daemon, or ``adopt`` a process.
    target : str
        The daemon's name, or the process's pid.
    """

    verb: str
    target: str


def ask(path: Path, request: Request) -> None:
    """Have a request done; return when it is, raise with the supervisor's words if it is not."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_SECONDS)
            line.connect(str(path))
            line.sendall(json.dumps(asdict(request)).encode() + b"\n")
            answer = json.loads(_read_line(line))
    except OSError as error:
        raise SandboxError(f"The sandbox's supervisor does not answer ({error}).") from error
    if answer != "done":
        raise SandboxError(str(answer))


class Desk:
    """The supervisor's end of the socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    def serve(self, seconds: float, do: Callable[[Request], None]) -> None:
        """Wait so long for a request, and have it done."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return
        # A client that goes away in the middle is its own affair.
        with contextlib.suppress(OSError, ValueError, TypeError):
            line = self._socket.accept()[0]
            with line:
                line.settimeout(2)
                request = Request(**json.loads(_read_line(line)))
                line.settimeout(None)
                line.sendall(json.dumps(_outcome(request, do)).encode() + b"\n")


def _outcome(request: Request, do: Callable[[Request], None]) -> str:
    try:
        do(request)
    except SandboxError as error:
        return str(error)
    return "done"


def _read_line(line: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        part = line.recv(4096)
        if not part:
            raise ConnectionResetError("it hung up")
        received += part
    return received
