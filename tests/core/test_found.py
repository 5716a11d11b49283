"""What a job's folder says, read from its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nbsubmit.core.contents import Contents, Entry
from nbsubmit.core.errors import FolderError, OtherFormat
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.found import Found, look
from nbsubmit.core.packages import Package
from nbsubmit.core.result import CellError, Result
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.usage import Limits, Sample

DONE = Result(started=1.0, ended=2.0, python=(3, 11))
RAISED = replace(DONE, error=CellError("KeyError", "'x'", ("trace",)))
TOLD = replace(DONE, error=CellError("Terminated", "SIGTERM", ("trace",)), signal="SIGTERM")
GIVEN = Limits(memory=1 << 30)
MOST = Sample(at=1.0, cpu=50.0, memory=1, peak=950 << 20)
LITTLE = replace(MOST, peak=10 << 20)


def test_what_the_folder_says_is_read_from_its_files(folder: JobFolder) -> None:
    assert look(folder) == Found()
    folder.write_json(folder.handle_file, {"backend": "slurm", "handle": "17", "at": 1.0})
    folder.write_json(folder.started_file, {"host": "n1", "pid": 2, "at": 1.0})
    folder.write_json(folder.signal_file, {"signal": "SIGTERM", "at": 1.0})
    folder.write_json(folder.cancel_file, {"at": 1.0})
    folder.exit_file.write_text("137")
    assert look(folder) == Found(
        handle="17", node="n1", started=1.0, signal="SIGTERM", cancelled=True, exit_code=137
    )


def test_what_a_job_was_given_and_what_it_used_last_is_read_too(folder: JobFolder) -> None:
    started = {"host": "n1", "pid": 2, "at": 1.0, "limits": GIVEN.to_json()}
    folder.write_json(folder.started_file, started)
    folder.usage_file.write_bytes(LITTLE.line() + MOST.line())
    assert look(folder) == Found(node="n1", started=1.0, limits=GIVEN, usage=MOST)


def test_of_a_worker_that_never_started_the_last_words_are_read(folder: JobFolder) -> None:
    folder.log_err.write_text("first\n" * 9000 + "  the last of it\n\n")
    folder.exit_file.write_text("1")
    assert look(folder).last_words == "the last of it"
    folder.log_err.write_text("")
    assert look(folder).last_words == ""
    folder.log_err.unlink()
    assert look(folder).last_words == ""


def test_of_a_worker_that_started_what_the_cell_wrote_is_no_last_word(folder: JobFolder) -> None:
    folder.log_err.write_text("said by the cell")
    folder.exit_file.write_text("1")
    folder.write_json(folder.started_file, {"host": "n1", "pid": 2, "at": 1.0})
    assert look(folder).last_words == ""


def test_a_result_is_read_as_it_was_written(folder: JobFolder) -> None:
    entry = Entry("x", "int", 5, "", 10, ((0, 0, 4096, 1),), 5, True)
    contents = Contents((entry,), (("", 0, 4096),), "result.bin")
    result = replace(
        RAISED, contents=contents, changed=("x",), deleted=("y",),
        modules={"np": "numpy"},
        unsent={"z": "a lock"},
        packages=(Package("numpy", "2.4.6", "x"),),
    )  # fmt: skip
    folder.write_json(folder.result_file, result.to_json())
    assert look(folder).result == result


def test_beside_a_complete_result_no_other_end_is_read(folder: JobFolder) -> None:
    folder.write_json(folder.result_file, DONE.to_json())
    folder.write_json(folder.signal_file, {"signal": "SIGTERM", "at": 1.0})
    folder.exit_file.write_text("143")
    assert look(folder) == Found(result=DONE)
    folder.write_json(folder.result_file, TOLD.to_json())
    assert look(folder) == Found(result=TOLD, signal="SIGTERM", exit_code=143)


def test_why_it_was_not_queued_again_is_read_once_it_has_ended(folder: JobFolder) -> None:
    folder.requeue_failed_file.write_text("Requested operation is presently disabled\n")
    assert look(folder) == Found()
    folder.exit_file.write_text("1")
    assert look(folder).not_queued == "Requested operation is presently disabled"


def test_a_result_of_another_nbsubmit_is_told(folder: JobFolder) -> None:
    folder.write_json(folder.result_file, RAISED.to_json() | {"format": 1})
    with pytest.raises(OtherFormat, match="by another nbsubmit, in format 1, and this one reads"):
        look(folder)


def test_a_refusal_and_an_end_are_read_as_they_were_written(folder: JobFolder) -> None:
    folder.write_json(folder.refusal_file, {"reason": "no such partition", "at": 1.0})
    folder.write_json(
        folder.end_file,
        {"state": "TIMEOUT", "reason": "why", "advice": "what", "node": "n1", "at": 1.0},
    )
    seen = look(folder)
    assert seen.refusal == "no such partition"
    assert seen.end == Status(JobState.TIMEOUT, "why", "what", "n1")


@pytest.mark.parametrize("text", ["", "1x", "\n"])
def test_an_exit_code_that_is_not_there_yet_is_none(folder: JobFolder, text: str) -> None:
    folder.exit_file.write_text(text)
    assert look(folder).exit_code is None


@pytest.mark.parametrize("file", ["result_file", "handle_file", "started_file", "end_file"])
@pytest.mark.parametrize("text", ["{", "[]", '{"of another": "version"}'])
def test_a_file_that_is_not_what_nbsubmit_writes_is_an_error_of_ours(
    folder: JobFolder, file: str, text: str
) -> None:
    getattr(folder, file).write_text(text)
    with pytest.raises(FolderError, match="is not what nbsubmit wrote there"):
        look(folder)


def test_a_time_that_is_no_time_is_one_too(folder: JobFolder) -> None:
    folder.write_json(folder.started_file, {"host": "n1", "at": 10**400})
    with pytest.raises(FolderError, match="is not what nbsubmit wrote there"):
        look(folder)


@pytest.mark.parametrize(
    "words",
    [
        "slurmstepd: error: StepId=17.batch exceeded memory limit (906 > 209), being killed",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=17.batch.",
        "slurmstepd: error: Detected 1 oom-kill event(s) in step 17.batch cgroup. Some of your "
        "processes may have been killed by the cgroup out-of-memory handler.",
        "epoch 3 of 7slurmstepd-n1: error: Exceeded job memory limit",
        "slurmd[n1]: error: Job 17 exceeded memory limit (906 > 209), being killed",
    ],
)
def test_the_end_of_a_log_says_whether_memory_was_the_reason(tmp_path: Path, words: str) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    folder.write_json(folder.spec_file, {"created": 0.0})
    folder.write_json(folder.started_file, {"host": "n1", "at": 1.0})
    folder.log_err.parent.mkdir(exist_ok=True)
    folder.log_err.write_text("x" * 10_000 + f"\n{words}\n")
    assert not look(folder).over_memory
    assert look(folder, over=True).over_memory
    folder.exit_file.write_text("137")
    assert look(folder).over_memory


@pytest.mark.parametrize(
    "words",
    ["the oom_kill of the kernel is on", "error: it exceeded memory limit of its configuration"],
)
def test_what_the_cell_prints_of_memory_is_no_reason(folder: JobFolder, words: str) -> None:
    folder.write_json(folder.started_file, {"host": "n1", "at": 1.0})
    folder.log_err.write_text(f"slurmstepd: error: something else\n{words}\n")
    folder.exit_file.write_text("137")
    assert not look(folder, over=True).over_memory


def test_a_job_that_was_killed_by_sigterm_was_told_to_end(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    folder.write_json(folder.spec_file, {"created": 0.0})
    folder.exit_file.write_text("143")
    assert look(folder).may_run_again
    folder.write_json(folder.cancel_file, {"at": 1.0})
    assert not look(folder).may_run_again
