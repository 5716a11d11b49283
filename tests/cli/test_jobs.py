"""``nbsubmit jobs``, ``show``, ``cancel`` and ``resubmit``: what people and programs are told."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.state import JobState
from nbsubmit.sandbox.sandbox import Sandbox
from tests.cli.conftest import HOLDS, Shell, code_of
from tests.way import Way, named, until

KEYS = {
    "id", "name", "backend", "handle", "state", "live", "reason", "advice", "node", "sent",
    "started", "seconds", "remaining", "starts", "ahead", "cpus", "gpus", "memory", "time_limit",
    "peak_memory", "progress", "tasks", "notebook", "folder",
}  # fmt: skip
MORE_KEYS = {
    "line", "sends", "left_out", "missing", "warnings", "brings", "imports", "changed", "deleted",
    "unsent", "error", "failed_tasks",
}  # fmt: skip


def test_where_there_are_none_that_is_said(shell: Shell) -> None:
    assert shell.run("jobs").stdout == "no jobs here\n"
    assert shell.json("jobs") == []
    assert "no job by the id 'k7q2'" in shell.run("show", "k7q2", code=1).stderr


def test_a_list_can_be_of_some_states_and_of_live_jobs(
    shell: Shell, local: Way, gate: Path
) -> None:
    well, badly = local.run("x = 1"), local.run("1 / 0")
    live = local.send(HOLDS, {"gate": str(gate)})
    assert [job["id"] for job in shell.json("jobs")] == [well.id, badly.id, live.id]
    assert [job["id"] for job in shell.json("jobs", "--live")] == [live.id]
    assert [job["id"] for job in shell.json("jobs", "--state", "failed")] == [badly.id]
    found = shell.json("jobs", "--state", "FAILED,timeout", "--state", "COMPLETED")
    assert [job["id"] for job in found] == [well.id, badly.id]
    assert shell.run("jobs", "--state", "LOST").stdout == "no such jobs here\n"
    said = shell.run("jobs", "--state", "LATE", code=2).stderr
    assert "there is no 'LATE'; there are PENDING, RUNNING" in said


def test_programs_are_told_all_under_keys_that_stay(shell: Shell, local: Way, gate: Path) -> None:
    gate.touch()
    job = local.run(HOLDS + "y = gate * 2", {"gate": str(gate)}, options=named("learn"))
    (listed,) = shell.json("jobs")
    assert set(listed) == KEYS
    assert (listed["id"], listed["name"], listed["state"]) == (job.id, "learn", "COMPLETED")
    assert (listed["live"], listed["backend"]) == (False, "local")
    assert listed["sent"] <= listed["started"]
    assert listed["seconds"] > 0
    assert Path(listed["folder"]).samefile(job.folder.path)
    shown = shell.json("show", job.id[-4:])
    assert set(shown) == KEYS | MORE_KEYS
    assert [value["name"] for value in shown["sends"]] == ["gate"]
    assert [value["name"] for value in shown["brings"]] == ["y"]
    assert shown["error"] is None
    failed = local.run("1 / 0")
    assert "ZeroDivisionError" in shell.json("show", failed.id)["error"]


def test_a_list_at_a_terminal_is_brought_up_to_date_until_none_is_live(
    shell: Shell, local: Way, gate: Path
) -> None:
    job = local.send(HOLDS, {"gate": str(gate)}, options=named("first"))
    child = shell.at_terminal("jobs", "--follow")
    child.expect("first .*RUNNING")
    later = local.send(HOLDS, {"gate": str(gate)}, options=named("second"))
    child.expect(r"\x1b\[1A\r\x1b\[J.*first .*RUNNING.*\n.*second .*RUNNING")
    gate.touch()
    child.expect("first .*COMPLETED.*\n.*second .*COMPLETED")
    assert code_of(child) == 0
    assert job.wait(60).state is later.wait(60).state is JobState.COMPLETED


def test_a_terminal_that_is_small_sees_the_live_ones_and_no_wrapped_line(
    shell: Shell, local: Way, gate: Path
) -> None:
    for number in range(5):
        local.run("x = 1", options=named(f"done-{number}"))
    local.send(HOLDS, {"gate": str(gate)}, options=named("alive"))
    child = shell.at_terminal("jobs", "--follow", size=(5, 40))
    # The size may be set only after the first drawing, which is drawn over then.
    child.expect_exact("... and 4 more")
    child.expect("alive")
    drawn = str(child.before) + str(child.after) + child.readline()
    assert max(len(line) for line in drawn.splitlines()) < 40
    child.sendintr()
    assert code_of(child) == 130
    assert "Traceback" not in str(child.before)


def test_elsewhere_each_change_is_a_line(shell: Shell, local: Way, gate: Path) -> None:
    job = local.send(HOLDS, {"gate": str(gate)})
    watching = shell.start("jobs", "--follow")
    assert watching.stdout is not None
    lines = [watching.stdout.readline()]
    while "RUNNING" not in lines[-1]:
        lines.append(watching.stdout.readline())
    gate.touch()
    rest, errors = watching.communicate(timeout=60)
    assert errors == ""
    assert rest.startswith(job.id)
    assert "COMPLETED" in rest
    assert "\x1b" not in "".join(lines) + rest


def test_to_follow_and_to_tell_as_json_exclude_each_other(shell: Shell) -> None:
    said = shell.run("jobs", "--follow", "--json", code=2).stderr
    assert "--follow goes neither with --json nor with --sizes" in said


def test_several_jobs_are_cancelled_and_one_that_is_not_there_keeps_none(
    shell: Shell, local: Way, gate: Path
) -> None:
    ended = local.run("x = 1")
    live = [local.send(HOLDS, {"gate": str(gate)}) for _ in range(2)]
    done = shell.run("cancel", live[0].id, "nonesuch", ended.id, code=1)
    assert f"job {live[0].id} is being cancelled" in done.stdout
    assert f"job {ended.id} had ended: COMPLETED" in done.stdout
    assert "job nonesuch could not be cancelled: no job by the id" in done.stderr
    assert live[0].wait(60).state is JobState.CANCELLED
    (told,) = shell.json("cancel", live[1].id)
    assert (told["id"], told["cancelled"], told["error"]) == (live[1].id, True, None)
    assert live[1].wait(60).state is JobState.CANCELLED


def test_what_was_sent_again_is_told_to_programs(shell: Shell) -> None:
    job = nbsubmit.LocalExecutor(shell.folder / "logs").submit(divmod, 1, 0)
    job.wait(60)
    logs = ("--folder", "logs")
    (told,) = shell.json("resubmit", job.id, *logs)
    assert (told["id"], told["state"], told["error"]) == (job.id, "FAILED", None)
    new = until(lambda: shell.json("show", told["new"], *logs)["error"], "the new one has failed")
    assert "ZeroDivisionError" in new
    (again,) = shell.json("resubmit", "--failed", *logs)
    assert again["id"] == told["new"]
    assert "which one?" in shell.run("resubmit", code=2).stderr


def test_the_same_on_slurm(shell: Shell, on_slurm: Sandbox, slurm_way: Way, gate: Path) -> None:
    job = slurm_way.send(HOLDS, {"gate": str(gate)})
    until(lambda: shell.json("show", job.id)["state"] == "RUNNING", "it runs")
    (listed,) = shell.json("jobs", "--live")
    assert (listed["handle"], listed["backend"]) == (job.handle, "slurm")
    child = shell.at_terminal("jobs", "--follow")
    child.expect("RUNNING")
    (told,) = shell.json("cancel", job.handle)
    assert told["cancelled"]
    child.expect("CANCELLED")
    assert code_of(child) == 0


@pytest.mark.parametrize("words", [["jobs"], ["show", "ID"], ["logs", "ID"]])
def test_who_reads_no_more_ends_it_quietly(shell: Shell, local: Way, words: list[str]) -> None:
    job = local.run("print('line\\n' * 300_000)")
    given = [job.id if word == "ID" else word for word in words]
    with shell.start(*given) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()
        assert reading.stderr.read() == ""
    assert reading.returncode == 141


def test_an_interrupt_ends_it_quietly(shell: Shell, local: Way, gate: Path) -> None:
    local.send(HOLDS, {"gate": str(gate)})
    watching = shell.start("jobs", "--follow")
    assert watching.stdout is not None
    while "RUNNING" not in watching.stdout.readline():
        pass
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=60)
    assert (errors.strip(), watching.returncode) == ("", 130)
