"""A job that wants to do something to whoever looks at it: in a terminal and in a shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from tests.hostile import EVIL, obeyed
from tests.journeys.conftest import QUICK
from tests.journeys.test_terminal import run
from tests.way import Way, named

PROMPT = r"In \[\d+\]: "
# All that a job has a say in: its output, the names of types and of what it leaves, its error.
SOURCE = """
import sys
print("out", EVIL)
print("err", EVIL, file=sys.stderr)
kind = type(EVIL, (), {"__repr__": lambda self: EVIL})
globals()[EVIL] = 1
thing = kind()
lock = type("lock" + EVIL, (), {"__reduce__": lambda self: 1 / 0})()
"""
FAILS = "display(thing)\nraise ValueError(EVIL)\n"


@pytest.fixture
def way(make_way: Callable[..., Way], tmp_path: Path) -> Way:
    return make_way("debug", tmp_path / ".nbsubmit")


@pytest.fixture
def jobs(way: Way) -> tuple[Job, Job]:
    """One that ends well and one that does not, both as bad as can be."""
    names = {"EVIL": EVIL}
    well = way.run(SOURCE + "thing", names, options=named(f"well{EVIL}"))
    badly = way.run(SOURCE + FAILS, names, options=named(f"badly{EVIL}"))
    end = badly.folder.end_file  # as a scheduler's words would be kept
    badly.folder.write_json(end, {"state": "FAILED", "reason": EVIL, "node": EVIL, "at": 0.0})
    return well, badly


def at_a_terminal(command: list[str], folder: Path) -> str:
    """Run a command at a terminal, and return all that the terminal is shown."""
    child: pexpect.spawn[str] = pexpect.spawn(
        command[0],
        command[1:],
        cwd=str(folder),
        env={**os.environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 200),
    )
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


COMMANDS = (
    ["jobs"], ["jobs", "--sizes"], ["show", "ID"], ["logs", "ID"], ["cancel", "ID"],
    ["clean"], ["clean", "--keep", "0", "--dry-run"], ["resubmit", "ID"], ["show", EVIL],
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: plain(" ".join(words)))
def test_no_command_shows_a_terminal_anything_that_it_would_obey(
    jobs: tuple[Job, Job], tmp_path: Path, words: list[str]
) -> None:
    for job in jobs:
        given = [job.id if word == "ID" else word for word in words]
        shown = at_a_terminal([sys.executable, "-m", "nbsubmit", *given], tmp_path)
        assert shown.strip()
        assert "Traceback (most recent call last)" not in shown or words[0] == "show"
        assert obeyed(shown) == []


def test_what_is_shown_is_still_what_the_job_has_said(
    jobs: tuple[Job, Job], tmp_path: Path
) -> None:
    shown = at_a_terminal([sys.executable, "-m", "nbsubmit", "logs", jobs[0].id], tmp_path)
    assert "out " in shown
    assert "err " in shown
    assert "click" in shown  # the text of the link


@pytest.fixture
def terminal(tmp_path: Path, jobs: tuple[Job, Job]) -> Iterator[pexpect.spawn[str]]:
    """IPython in a terminal of which the shell itself asks for nothing."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        cwd=str(tmp_path),
        env={**os.environ, **QUICK, "IPYTHONDIR": str(tmp_path / "ipython"), "TERM": "dumb"},
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 200),
    )
    child.expect(PROMPT)
    yield child
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()


@pytest.mark.kernel
def test_no_line_in_a_terminals_ipython_shows_it_anything_that_it_would_obey(
    terminal: pexpect.spawn[str], jobs: tuple[Job, Job]
) -> None:
    well, badly = (job.id for job in jobs)
    lines = [
        "%load_ext nbsubmit",
        "%jobs list --all",
        *(f"%jobs {action} {id_}" for action in ("show", "logs") for id_ in (well, badly)),
        "%jobs clean --keep 0 --dry-run --all",
        f"import nbsubmit; job = nbsubmit.attach('{well}'); job",
        f"bad = nbsubmit.attach('{badly}'); bad",
        "job.load_errors if job.result() else ''",
        "bad.result()",
        "raise bad.exception()",
        f"%jobs attach {well}",
        f"%jobs cancel {badly}",
        "EVIL = ''.join(map(chr, [27, 93, 48, 59, 120, 7]))",
        "get_ipython().run_line_magic('jobs', 'show ' + repr(EVIL))",
    ]
    shown = ""
    for line in lines:
        terminal.sendline(line)
        terminal.expect(PROMPT)
        said = str(terminal.before)
        assert (line, obeyed(said)) == (line, [])
        shown += said
    for words in ("well", "badly", "out ", "err ", "ValueError"):
        assert words in shown


@pytest.mark.kernel
def test_what_a_cell_prints_that_is_waited_for_is_harmless_at_a_terminal_too(
    terminal: pexpect.spawn[str],
) -> None:
    run(terminal, "%load_ext nbsubmit")
    cell = "print('said', ''.join(map(chr, [27, 93, 48, 59, 120, 7])), 'all')"
    shown = run(terminal, "%%local --debug --wait", cell)
    assert "said  all" in shown
    assert obeyed(shown) == []
