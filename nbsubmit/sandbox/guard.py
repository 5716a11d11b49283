"""The outermost process of a sandbox: it only waits for the supervisor to end.

Then it kills what the supervisor left, should that have been killed itself: orphans below come
to the guard, as it is the next subreaper above. If it is the guard that is killed, the kernel
tells the supervisor, which stops everything as if it had been asked to.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from nbsubmit.sandbox.processes import (
    Identity,
    become_subreaper,
    descendants,
    die_with_parent,
    kill_all,
)
from nbsubmit.sandbox.record import Record, load
from nbsubmit.sandbox.supervisor import supervise


def detach(folder: Path) -> None:
    """Become a guard in the background; return when the record names it."""
    record = load(folder)
    if record is None:
        return
    hold, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(hold, 1)  # until the other end is closed, that is, until the record is written
        _guard(record)
        os._exit(0)
    record.guard = Identity.of(pid)
    record.save()


def _guard(record: Record) -> None:
    become_subreaper()
    me = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        die_with_parent(me, signal.SIGTERM)
        supervise(record)
        os._exit(0)
    _pass_on_signals(supervisor)
    _reap_until(supervisor)
    _sweep()
    (load(record.config.folder) or record).close()


def _pass_on_signals(supervisor: int) -> None:
    def pass_on(_: int, __: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, pass_on)


def _reap_until(supervisor: int) -> None:
    while os.wait()[0] != supervisor:
        pass


def _sweep() -> None:
    """Kill and reap until there is no child; more may come as orphans from further below."""
    with contextlib.suppress(ChildProcessError):
        while True:
            kill_all(descendants(os.getpid()))
            os.waitpid(-1, 0)
