"""One command run beside a sandbox, as if the caller had run it: signals, exit code and all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FrameType

from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.processes import become_subreaper, descendants, die_with_parent, kill_all
from nbsubmit.sandbox.sandbox import Sandbox

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
NOT_FOUND, NOT_EXECUTABLE, BY_SIGNAL = 127, 126, 128


def run_command(sandbox: Sandbox, argv: Sequence[str]) -> int:
    """Run a command against this sandbox and give its exit code, as a shell counts them.

    With a sandbox of this process's own, nothing that the command has started outlives it, nor
    this process. With one that was up before, a SIGTERM tells the command of this one's end.
    """
    if not sandbox.found:
        become_subreaper()  # so that what the command leaves behind can be found
    try:
        with _passed_on() as begun:
            begin = partial(_begin, sandbox, os.getpid())
            child = subprocess.Popen(argv, env=sandbox.client_environ(), preexec_fn=begin)
            begun(child)
            code = child.wait()
    except FileNotFoundError:
        return NOT_FOUND
    except PermissionError:
        return NOT_EXECUTABLE
    except subprocess.SubprocessError as error:
        raise SandboxError(
            f"The sandbox in {sandbox.folder} went away before the command could start. Start it "
            f"again:  nbsubmit sandbox up"
        ) from error
    if not sandbox.found:
        kill_all(descendants(os.getpid()))
    return code if code >= 0 else BY_SIGNAL - code


def _begin(sandbox: Sandbox, parent: int) -> None:
    """Prepare the command's own process, before there is anything of the command in it."""
    if sandbox.found:
        die_with_parent(parent, signal.SIGTERM)
    else:
        sandbox.adopt(os.getpid())


@contextlib.contextmanager
def _passed_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Pass signals on to the child that is handed in, also those that came before it."""
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(signum: int, _: FrameType | None) -> None:
        if children:
            _deliver(children[0], signum)
        else:
            early.append(signum)

    def begun(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for signum in early:
            _deliver(child, signum)

    before = {signum: signal.signal(signum, pass_on) for signum in _SIGNALS}
    try:
        yield begun
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _deliver(child: subprocess.Popen[bytes], signum: int) -> None:
    """Signal the command; what a key would send goes to all below it, as a terminal does it."""
    if signum not in (signal.SIGINT, signal.SIGQUIT):
        child.send_signal(signum)
    elif not _at_terminal():
        # The command first: a shell that is about to start something then does not.
        child.send_signal(signum)
        for one in descendants(os.getpid()):
            if one.pid != child.pid:
                one.send(signum)


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
