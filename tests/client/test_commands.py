"""Programs as functions."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit import AutoExecutor
from nbsubmit.core.errors import FailedJobError
from nbsubmit.helpers import CommandFunction, run_cmd
from tests.way import PATIENCE, until

PYTHON = [sys.executable, "-c"]


def program(*lines: str) -> list[str]:
    return [*PYTHON, "\n".join(["import os, sys, time", *lines])]


def test_what_a_program_prints_is_returned_without_blanks_around() -> None:
    assert CommandFunction(["echo", "  hello "])() == "hello"


def test_arguments_and_options_are_added() -> None:
    shown = CommandFunction(program("print(sys.argv[1:])", ""), verbose=False)
    assert shown(3, "a b", k=1, name="x y") == "['3', 'a b', '--k=1', '--name=x y']"


def test_it_is_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    CommandFunction(program("print('out')", "print('err', file=sys.stderr)"))()
    assert tuple(capsys.readouterr()) == ("out\n", "err\n")
    CommandFunction(program("print('out')", "print('err', file=sys.stderr)"), verbose=False)()
    assert tuple(capsys.readouterr()) == ("", "")


class Screen(io.StringIO):
    """Makes a file as soon as it has shown a word."""

    def __init__(self, word: str, file: Path) -> None:
        super().__init__()
        self._word = word
        self._file = file

    def flush(self) -> None:
        if self._word in self.getvalue():
            self._file.touch()


def test_it_is_shown_before_the_program_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "go on"
    command = program(
        "print('first', flush=True)",
        f"end = time.monotonic() + {PATIENCE}",
        f"while not os.path.exists({str(file)!r}) and time.monotonic() < end: time.sleep(0.01)",
        "print('last' if time.monotonic() < end else 'nothing was shown')",
    )
    monkeypatch.setattr(sys, "stdout", Screen("first", file))
    assert CommandFunction(command)() == "first\nlast"


@pytest.mark.parametrize("letter", ["ü", "€", "🙂"])
def test_a_letter_that_comes_in_two_pieces_is_one(letter: str) -> None:
    first, *rest = letter.encode()
    command = program(
        f"os.write(1, {bytes([first])!r}); time.sleep(0.1); os.write(1, {bytes(rest)!r})",
    )
    assert CommandFunction(command, verbose=False)() == letter


def test_long_text_of_letters_of_several_bytes_comes_whole() -> None:
    command = program("sys.stdout.reconfigure(encoding='utf-8')", "print('x' + 'ü' * 200_000)")
    assert CommandFunction(command, verbose=False)() == "x" + "ü" * 200_000


def test_what_is_no_text_does_not_hinder() -> None:
    command = program(r"os.write(1, b'a\xffb\xc3')")
    assert CommandFunction(command, verbose=False)() == "a\ufffdb\ufffd"


def test_much_to_both_streams_does_not_stop_it() -> None:
    command = program("for _ in range(200):", " os.write(2, b'e' * 4096); os.write(1, b'o' * 4096)")
    assert len(CommandFunction(command, verbose=False)()) == 200 * 4096


def test_place_and_variables_are_the_programs(tmp_path: Path) -> None:
    command = program("print(os.getcwd(), sorted(os.environ))")
    shown = CommandFunction(command, verbose=False, cwd=tmp_path, env={"LC_ALL": "C", "A": "b"})()
    assert shown == f"{os.path.realpath(tmp_path)} ['A', 'LC_ALL']"


def test_a_program_that_fails_is_an_error_with_its_words() -> None:
    command = program("print('out')", "sys.exit('no such file')")
    with pytest.raises(FailedJobError, match=r"^no such file$") as raised:
        CommandFunction(command, verbose=False)("x")
    cause = raised.value.__cause__
    assert isinstance(cause, subprocess.CalledProcessError)
    assert (cause.returncode, cause.output, cause.stderr) == (1, "out", "no such file")
    assert cause.cmd[-1] == "x"


def test_a_program_that_fails_without_a_word_is_told_by_its_code() -> None:
    with pytest.raises(FailedJobError, match="exit status 3"):
        CommandFunction(program("sys.exit(3)"))()


def test_a_command_is_a_list() -> None:
    with pytest.raises(TypeError, match="list of its words"):
        CommandFunction("echo hello")  # type: ignore[arg-type]


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """What a shell starts in the background is told to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_ends_the_program(tmp_path: Path, heeds_interrupts: None) -> None:
    pid = tmp_path / "pid"
    command = program(f"open({str(pid)!r}, 'w').write(str(os.getpid()))", "time.sleep(600)")

    def interrupt() -> None:
        until(lambda: pid.exists() and pid.read_text(), "the program runs")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        CommandFunction(command)()
    assert time.monotonic() - began < PATIENCE
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_program_is_a_job(tmp_path: Path, backend_name: str) -> None:
    executor = AutoExecutor(tmp_path, cluster=backend_name)
    job = executor.submit(CommandFunction(["echo"]), "hello", k=3)
    assert job.result(PATIENCE) == "hello --k=3"
    assert "hello --k=3" in job.stdout()


def test_run_cmd_returns_what_is_printed(tmp_path: Path) -> None:
    assert run_cmd(["echo", " ü "]) == "ü"
    assert run_cmd(["pwd"], cwd=tmp_path, text=True) == os.path.realpath(tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        run_cmd(["false"])
