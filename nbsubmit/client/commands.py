"""Programs as functions: what they print is shown as it comes, and returned."""

from __future__ import annotations

import codecs
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TextIO, cast

from nbsubmit.core.errors import FailedJobError

_CHUNK_BYTES = 1 << 16


class CommandFunction:
    """A program that is called like a function.

    Parameters
    ----------
    command : list of str
        The program and its first arguments.
    verbose : bool
        Show what it prints, as it comes; by default it does.
    cwd : path, optional
        Where it is run; by default where this process is.
    env : mapping, optional
        All of its variables; by default those of this process.

    Raises
    ------
    TypeError
        If the command is no list.

    Examples
    --------
    >>> greet = nbsubmit.helpers.CommandFunction(["echo", "hello"], verbose=False)
    >>> greet("world")
    'hello world'
    >>> nbsubmit.DebugExecutor("logs").submit(greet, "job").result()
    'hello job'
    """

    def __init__(
        self,
        command: list[str],
        verbose: bool = True,
        cwd: Path | str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(command, list):
            raise TypeError(
                f"a command is a list of its words, as ['echo', 'hello'], and not {command!r}"
            )
        self.command = command
        self.verbose = verbose
        self.cwd = None if cwd is None else str(cwd)
        self.env = None if env is None else dict(env)

    def __repr__(self) -> str:
        return f"CommandFunction({self.command!r})"

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """Run it, and return what it has printed, without blanks around.

        Parameters
        ----------
        *args
            More arguments.
        **kwargs
            Options after them: ``k=3`` is ``--k=3``.

        Raises
        ------
        FailedJobError
            If it ends with an error: what it has printed to standard error.
        OSError
            If it cannot be run.
        """
        words = [*self.command, *args, *(f"--{name}={value}" for name, value in kwargs.items())]
        command = [str(word) for word in words]
        code, out, err = self._run(command)
        if code:
            failed = subprocess.CalledProcessError(code, command, out, err)
            raise FailedJobError(err or str(failed)) from failed
        return out

    def _run(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Return its code and what it has printed to each stream."""
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.cwd, env=self.env
        ) as process:
            try:
                out, err = self._follow(process)
                return process.wait(), out, err
            except BaseException:  # an interrupt among them
                process.kill()
                raise

    def _follow(self, process: subprocess.Popen[bytes]) -> tuple[str, str]:
        """Read both streams as they come, here and not in a thread: where prints go may differ."""
        out = _Stream(sys.stdout if self.verbose else None)
        err = _Stream(sys.stderr if self.verbose else None)
        with selectors.DefaultSelector() as selector:
            for pipe, stream in ((process.stdout, out), (process.stderr, err)):
                selector.register(cast("IO[bytes]", pipe), selectors.EVENT_READ, stream)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, _CHUNK_BYTES)
                    key.data.take(data)
                    if not data:
                        selector.unregister(key.fileobj)
        return out.text, err.text


class _Stream:
    """The text of a stream that comes in pieces, which may end inside of a letter."""

    def __init__(self, shown: TextIO | None) -> None:
        self._shown = shown
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []

    def take(self, data: bytes) -> None:
        """Take the next piece; an empty one is the end."""
        piece = self._decoder.decode(data, final=not data)
        self._pieces.append(piece)
        if self._shown is not None and piece:
            self._shown.write(piece)
            self._shown.flush()

    @property
    def text(self) -> str:
        return "".join(self._pieces).strip()


def run_cmd(args: Sequence[str], **kwargs: Any) -> str:
    """Run a program and return what it prints, without blanks around.

    Parameters
    ----------
    args : list of str
        The program and its arguments.
    **kwargs
        For `subprocess.check_output`.

    Raises
    ------
    subprocess.CalledProcessError
        If it ends with an error.
    OSError
        If it cannot be run.

    Examples
    --------
    >>> nbsubmit.helpers.run_cmd(["echo", "hello"])
    'hello'
    """
    printed = subprocess.check_output(args, **kwargs)
    text = printed if isinstance(printed, str) else printed.decode("utf-8", "replace")
    return text.strip()
