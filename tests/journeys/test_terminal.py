"""The same in a terminal's IPython, where there is text alone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from nbsubmit.client.screen import as_shown
from tests.journeys.conftest import QUICK
from tests.way import until

PROMPT = r"In \[\d+\]: "


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[pexpect.spawn[str]]:
    """IPython in a terminal, by default one that can do nothing, with the extension loaded."""
    kind = str(getattr(request, "param", "dumb"))
    env = {**os.environ, **QUICK, "IPYTHONDIR": str(tmp_path / "ipython"), "TERM": kind}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        cwd=str(tmp_path),
        env=env,
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 200),
    )
    child.expect(PROMPT)
    child.sendline("%load_ext nbsubmit")
    child.expect(PROMPT)
    yield child
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()


def run(terminal: pexpect.spawn[str], *lines: str) -> str:
    """Type lines, empty ones until the shell takes them, and return what was shown."""
    typed = iter(lines)
    while True:
        terminal.sendline(next(typed, ""))
        if terminal.expect([PROMPT, r"\.\.\.: "]) == 0:
            return str(terminal.before)


@pytest.mark.kernel
def test_a_job_is_announced_ends_and_brings_its_names_home(terminal: pexpect.spawn[str]) -> None:
    run(terminal, "x = 20")
    shown = run(terminal, "%%local", "print('from the job')", "y = x + 1")
    assert "sends x" in shown
    run(terminal, "job = _.wait(60)")
    shown = run(terminal, "print(y)")
    assert "21" in shown


@pytest.mark.kernel
def test_the_end_of_a_job_is_told_at_the_next_prompt(terminal: pexpect.spawn[str]) -> None:
    run(terminal, "%%local --as job", "print('from the job')", "y = 1")
    shown = until(
        lambda: (text := run(terminal, "pass")) and "COMPLETED" in text and text, "the end is told"
    )
    assert "brings y" in shown
    assert "from the job" in shown


@pytest.mark.kernel
def test_an_error_of_our_own_is_one_block(terminal: pexpect.spawn[str]) -> None:
    shown = run(terminal, "%%local --mem lots", "y = 1")
    assert "'lots' is not an amount of memory" in shown
    assert "Traceback" not in shown


SLOW = ("import time", "print('begun')", "for _ in range(20): time.sleep(0.1)", "done = 5")


@pytest.mark.kernel
@pytest.mark.parametrize("terminal", ["xterm"], indirect=True)
def test_a_line_that_is_written_over_tells_how_a_job_goes(terminal: pexpect.spawn[str]) -> None:
    shown = run(terminal, "%%local --wait -J slow", *SLOW)
    assert re.search(r"\r\x1b\[2Kjob \w{4} slow .*RUNNING", shown)
    assert "begun" in as_shown(shown)
    assert "RUNNING" not in as_shown(shown)
    run(terminal, "%%local -J later", *SLOW)
    shown = run(terminal, "job = _.wait(60)")
    assert re.search(r"\r\x1b\[2Kjob \w{4} later .*RUNNING", shown)
    assert "RUNNING" not in as_shown(shown)


@pytest.mark.kernel
def test_a_terminal_that_can_write_nothing_over_gets_plain_lines(
    terminal: pexpect.spawn[str],
) -> None:
    shown = run(terminal, "%%local --wait -J slow", *SLOW)
    assert "\x1b[2K" not in shown
    assert "slow" in shown
    assert "COMPLETED" in shown
