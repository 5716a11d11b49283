"""One command run beside a sandbox, as if the caller had run it: signals, exit code and all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from types import FrameType

from nbsubmit.sandbox.processes import die_with_parent
from nbsubmit.sandbox.sandbox import Sandbox

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
NOT_FOUND, NOT_EXECUTABLE, BY_SIGNAL = 127, 126, 128


def run_command(sandbox: Sandbox, argv: Sequence[str]) -> int:
    """Run a command against this sandbox and give its exit code, as a shell counts them.

    Should this process be killed, the command ends too: with all below it when the sandbox
    is this process's own, and by a SIGTERM to it alone when the sandbox was up before.
    """
    try:
        with _passed_on() as children:
            child = subprocess.Popen(
                argv,
                env=sandbox.client_environ(),
                preexec_fn=partial(_begin, os.getpid() if sandbox.found else 0),
            )
            children.append(child)
            return _result(sandbox, child)
    except FileNotFoundError:
        return NOT_FOUND
    except PermissionError:
        return NOT_EXECUTABLE


def _begin(parent: int) -> None:
    if parent:
        die_with_parent(parent, signal.SIGTERM)


def _result(sandbox: Sandbox, child: subprocess.Popen[bytes]) -> int:
    try:
        if not sandbox.found:
            sandbox.adopt(child.pid)
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    return code if code >= 0 else BY_SIGNAL - code


@contextlib.contextmanager
def _passed_on() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Pass signals on to the children in the list, and go on waiting for these."""
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(signum: int, _: FrameType | None) -> None:
        if not children:
            raise SystemExit(BY_SIGNAL + signum)
        if signum not in (signal.SIGINT, signal.SIGQUIT) or not _at_terminal():
            children[0].send_signal(signum)

    before = {signum: signal.signal(signum, pass_on) for signum in _SIGNALS}
    try:
        yield children
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _at_terminal() -> bool:
    """Whether Ctrl-C reaches the command by itself, being in the foreground as we are."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
