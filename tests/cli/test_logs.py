"""``nbsubmit logs``: all of it, its end, or as it comes, and how the job stands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbsubmit
from tests.cli.conftest import COMMAND, HOLDS, Shell, code_of
from tests.way import Way

BOTH = """\
import sys
for number in range(5):
    print("out", number)
    print("err", number, file=sys.stderr)
"""


def lines(kind: str, *numbers: int) -> str:
    return "".join(f"{kind} {number}\n" for number in numbers)


def test_each_stream_goes_where_it_belongs(shell: Shell, local: Way) -> None:
    job = local.run(BOTH)
    done = shell.run("logs", job.id)
    assert (done.stdout, done.stderr) == (lines("out", *range(5)), lines("err", *range(5)))
    done = shell.run("logs", "--stdout", job.id)
    assert (done.stdout, done.stderr) == (lines("out", *range(5)), "")
    done = shell.run("logs", "--stderr", job.id)
    assert (done.stdout, done.stderr) == ("", lines("err", *range(5)))


def test_it_can_begin_with_the_last_lines(shell: Shell, local: Way) -> None:
    job = local.run(BOTH)
    done = shell.run("logs", "-n", "2", job.id)
    assert (done.stdout, done.stderr) == (lines("out", 3, 4), lines("err", 3, 4))
    assert shell.run("logs", "-n", "0", job.id).stdout == ""
    assert shell.run("logs", "-n", "99", job.id).stdout == lines("out", *range(5))
    assert "-1" in shell.run("logs", "-n", "-1", job.id, code=2).stderr


def test_it_follows_a_job_at_a_terminal_until_that_ends(
    shell: Shell, local: Way, gate: Path
) -> None:
    job = local.send(HOLDS, {"gate": str(gate)})
    child = shell.at_terminal("logs", "-f", job.id)
    child.expect("begun\r\n")
    gate.touch()
    child.expect("goes on\r\n")
    child.expect("COMPLETED on")
    assert code_of(child) == 0


def test_an_interrupt_ends_the_following_and_not_the_job(
    shell: Shell, local: Way, gate: Path
) -> None:
    job = local.send(HOLDS, {"gate": str(gate)})
    child = shell.at_terminal("logs", "--follow", job.id)
    child.expect("begun")
    child.sendintr()
    assert code_of(child) == 130
    assert "Traceback" not in str(child.before)
    gate.touch()
    assert job.wait(60).state == "COMPLETED"


def test_the_exit_code_tells_how_the_job_stands_if_that_is_asked(
    shell: Shell, local: Way, gate: Path
) -> None:
    well, badly = local.run("x = 1"), local.run("1 / 0")
    live = local.send(HOLDS, {"gate": str(gate)})
    shell.run("logs", well.id, "--exit-code")
    shell.run("logs", badly.id)
    shell.run("logs", badly.id, "--exit-code", code=3)
    shell.run("logs", live.id, "--exit-code", code=4)
    following = shell.start("logs", "-f", "--exit-code", live.id)
    gate.touch()
    out, err = following.communicate(timeout=60)
    assert (out, err, following.returncode) == ("begun\ngoes on\n", "", 0)


def id_of(array: Sequence[nbsubmit.Job[Any]]) -> str:
    return array[0].folder.whole.name


def test_tasks_stand_below_their_numbers_and_many_are_not_mixed(shell: Shell) -> None:
    executor = nbsubmit.LocalExecutor(shell.folder / "logs")
    logs = ("logs", "--folder", "logs")
    few = executor.map_array(print, ["I am 0", "I am 1"])
    few.wait(60)
    told = shell.run(*logs, id_of(few)).stdout
    assert told == "--- task 0 ---\nI am 0\n--- task 1 ---\nI am 1\n"
    assert shell.run(*logs, f"{id_of(few)}_1").stdout == "I am 1\n"
    many = executor.map_array(print, range(9))
    said = shell.run(*logs, id_of(many), code=2).stderr
    assert f"job {id_of(many)} has 9 tasks: name one of them, as {id_of(many)}_0" in said


def test_a_large_log_takes_no_more_memory_than_a_small_one(shell: Shell, local: Way) -> None:
    job = local.run("for _ in range(60): print('0123456789' * 100_000)")

    def run(*words: str) -> int:
        """Return the most memory that it took, in kB."""
        process = subprocess.Popen(
            [*COMMAND, *words], env=shell.environ, cwd=shell.folder, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        process.returncode = status
        return int(usage.ru_maxrss)

    small = run("show", job.id)
    assert run("logs", job.id) < small + 20_000
    assert run("logs", "-n", "3", job.id) < small + 20_000


def test_at_a_terminal_it_says_that_there_is_nothing(shell: Shell, local: Way) -> None:
    job = local.run("x = 1")
    child = shell.at_terminal("logs", job.id)
    child.expect(f"job {job.id[-4:]} has printed nothing\r\n")
    assert code_of(child) == 0
    done = shell.run("logs", job.id)
    assert (done.stdout, done.stderr) == ("", "")


def test_it_follows_a_job_on_slurm(shell: Shell, slurm_way: Way, gate: Path) -> None:
    job = slurm_way.send(HOLDS, {"gate": str(gate)})
    child = shell.at_terminal("logs", "-f", "--exit-code", job.id)
    child.expect("begun\r\n")
    slurm_way.backend.stop(job.handle)
    child.expect("CANCELLED")
    assert code_of(child) == 3
