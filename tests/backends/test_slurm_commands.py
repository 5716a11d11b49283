"""Slurm's programs, played by shell scripts on the PATH: what they get, say, and fail with."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbsubmit.backends.slurm import commands
from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.backends.slurm.commands import CommandFailed, NotInTime, clean_environ, plain
from nbsubmit.core.backend import Owner, Report
from nbsubmit.core.errors import BackendMissing, Refused, SubmitError
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from tests.way import until

Program = Callable[[str, str], Path]
MakeLaunch = Callable[..., Launch]


# The environment


def test_what_a_surrounding_job_has_set_is_left_out(environ_of_a_job: dict[str, str]) -> None:
    cleaned = clean_environ(os.environ)
    assert not set(environ_of_a_job) & set(cleaned)


@pytest.mark.parametrize("name", ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"])
def test_where_slurm_is_to_be_found_stays(name: str) -> None:
    assert clean_environ({name: "here", "SLURM_JOB_ID": "1"}) == {name: "here"}


@pytest.mark.parametrize("name", ["PATH", "HOME", "MY_SLURM_THING", "PMI", "SLURMX", "OMP"])
def test_everything_else_stays(name: str) -> None:
    assert clean_environ({name: "x"}) == {name: "x"}


def test_what_a_surrounding_job_alone_has_is_left_out() -> None:
    """Its devices, of which the new job has others or none, and folders that end with it."""
    of_it = {"CUDA_VISIBLE_DEVICES": "1", "ROCR_VISIBLE_DEVICES": "0", "TMPDIR": "/tmp/job.4711/x"}
    of_the_user = {"TMP": "/scratch/14711", "TEMP": "/tmp", "DATA": "/data/4711"}
    everything = {**of_it, **of_the_user}
    assert clean_environ({**everything, "SLURM_JOB_ID": "4711"}) == of_the_user
    assert clean_environ(everything) == everything


def test_a_program_sees_the_cleaned_environment_and_what_is_added(
    program: Program, environ_of_a_job: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "kept")
    program("sbatch", "env")
    seen = dict(
        line.partition("=")[::2]
        for line in commands.run("sbatch", env={"ADDED": "1"})[0].splitlines()
    )
    assert not set(environ_of_a_job) & set(seen)
    assert (seen["MINE"], seen["ADDED"]) == ("kept", "1")


# Running one


def test_a_program_gets_its_arguments_as_they_are_and_its_input(program: Program) -> None:
    program("squeue", 'printf "<%s>" "$@"; cat; echo aside >&2')
    out, err = commands.run("squeue", "two words", "$HOME", "", "a'b\nc", text="input ü")
    assert out == "<two words><$HOME><><a'b\nc>input ü"
    assert err == "aside\n"


def test_bytes_that_are_no_text_are_no_hindrance(program: Program) -> None:
    program("squeue", r"printf 'a\377b'")
    assert commands.run("squeue")[0] == "a�b"


def test_a_program_that_fails_is_an_error_with_its_own_words(program: Program) -> None:
    program("sbatch", "echo 'sbatch: error: Batch job submission failed: no' >&2; exit 1")
    with pytest.raises(CommandFailed) as caught:
        commands.run("sbatch")
    assert isinstance(caught.value, OSError)
    assert (caught.value.program, caught.value.words) == (
        "sbatch",
        "Batch job submission failed: no",
    )
    assert str(caught.value) == "sbatch: Batch job submission failed: no"


def test_a_program_that_fails_without_a_word_is_an_error_with_its_exit_code(
    program: Program,
) -> None:
    program("sbatch", "exit 3")
    with pytest.raises(CommandFailed, match="sbatch: exit code 3"):
        commands.run("sbatch")


@pytest.mark.parametrize("body", ["exec sleep 20", "sleep 20", "trap '' TERM; sleep 20; sleep 20"])
def test_a_program_that_hangs_is_an_error_in_time(program: Program, body: str) -> None:
    program("sacct", body)
    before = time.monotonic()
    with pytest.raises(NotInTime, match=r"sacct: no answer within 0\.2 s"):
        commands.run("sacct", timeout=0.2)
    assert time.monotonic() - before < 5


def test_what_a_program_said_before_it_hung_is_told(program: Program) -> None:
    program("sbatch", "echo 'sbatch: error: no room now, retrying' >&2; exec sleep 20")
    words = r"sbatch: no answer within 0\.5 s, but it said: no room now, retrying$"
    with pytest.raises(NotInTime, match=words):
        commands.run("sbatch", timeout=0.5)


@pytest.fixture
def frozen() -> Iterator[Path]:
    """A group of processes that stand still, and that a signal does not end until they are let go.

    So does one that waits for a disk whose server is gone.
    """
    group = Path("/sys/fs/cgroup/freezer") / f"nbsubmit-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("groups of processes can be made by root alone, and be frozen in version 1")
    yield group
    (group / "freezer.state").write_text("THAWED")
    until(lambda: not (group / "cgroup.procs").read_text(), "all have ended")
    group.rmdir()


def test_a_program_that_cannot_be_ended_is_an_error_in_time_too(
    program: Program, frozen: Path
) -> None:
    program("sacct", f"echo $$ > {frozen}/cgroup.procs; echo FROZEN > {frozen}/freezer.state")
    before = time.monotonic()
    with pytest.raises(NotInTime, match="sacct: no answer within 2 s"):
        commands.run("sacct", timeout=2.0)
    assert time.monotonic() - before < 20
    assert (frozen / "cgroup.procs").read_text()
    program("squeue", "exec sleep 20")
    (frozen / "freezer.state").write_text("THAWED")
    until(lambda: not (frozen / "cgroup.procs").read_text(), "it has ended")
    with pytest.raises(NotInTime):
        commands.run("squeue", timeout=0.2)
    assert commands._given_up == []


def test_a_program_that_is_not_there_says_what_to_do_instead(only_path: Path) -> None:
    with pytest.raises(BackendMissing, match=r"no sbatch on the PATH.*%%local.*sandbox"):
        commands.run("sbatch")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("sbatch: error: invalid qos\n", "invalid qos"),
        (
            "sbatch: error: first\nsbatch: error: Batch job submission failed: second\n",
            "first; Batch job submission failed: second",
        ),
        ("slurm_load_jobs error: Invalid job id\n", "slurm_load_jobs error: Invalid job id"),
        ("scancel: error: Kill job error on job id 5: Invalid job id",
         "Kill job error on job id 5: Invalid job id"),
        ("\n  one  \n\n two \n", "one; two"),
        ("", ""),
    ],
)  # fmt: skip
def test_words_are_made_plain(words: str, text: str) -> None:
    assert plain(words) == text


# The backend over them


def up(program: Program, **bodies: str) -> dict[str, Path]:
    """A Slurm without accounting whose programs do as they are told."""
    answers = {
        "sbatch": "echo 17",
        "squeue": "",
        "scancel": "",
        "sacct": "echo 'Slurm accounting storage is disabled' >&2; exit 1",
        "scontrol": (
            'if [ "$1" = ping ]; then echo "Slurmctld(primary) at n0 is UP";'
            ' else echo "AccountingStorageType = accounting_storage/none"; fi'
        ),
    }
    return {name: program(name, body) for name, body in (answers | bodies).items()}


WITH_ACCOUNTING = (
    'if [ "$1" = ping ]; then echo "Slurmctld(primary) at n0 is UP";'
    ' else echo "AccountingStorageType = accounting_storage/slurmdbd"; fi'
)


def test_a_slurm_whose_controller_answers_can_run_jobs(program: Program) -> None:
    calls = up(program)
    SlurmBackend().check()
    assert calls["scontrol"].read_text() == "ping\n"


def test_a_controller_is_asked_once_for_a_cell_and_again_for_the_next(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = up(program)
    now = 1000.0
    monkeypatch.setattr("nbsubmit.backends.slurm.backend.time.monotonic", lambda: now)
    backend = SlurmBackend()
    for _ in range(3):
        backend.check()
        now += 0.1
    assert calls["scontrol"].read_text() == "ping\n"
    now += 0.5
    backend.check()
    assert calls["scontrol"].read_text() == "ping\nping\n"
    SlurmBackend().check()
    assert calls["scontrol"].read_text() == "ping\nping\nping\n"


def test_a_controller_that_is_gone_since_it_answered_is_told_of_and_asked_again(
    program: Program, make_launch: MakeLaunch
) -> None:
    up(program)
    backend = SlurmBackend()
    backend.check()
    gone = "echo 'error: Unable to contact slurm controller (connect failure)' >&2; exit 1"
    up(program, sbatch=gone, squeue=gone, scontrol="echo 'Slurmctld(primary) at n0 is DOWN'")
    with pytest.raises(BackendMissing, match="its controller does not answer"):
        backend.start(make_launch())
    with pytest.raises(BackendMissing, match="its controller does not answer"):
        backend.check()


@pytest.mark.parametrize(
    "scontrol",
    ["echo 'Slurmctld(primary) at n0 is DOWN'", "echo 'slurm_ping error: no' >&2; exit 1"],
)
def test_a_slurm_whose_controller_is_down_cannot_and_says_so(
    program: Program, scontrol: str
) -> None:
    up(program, scontrol=scontrol)
    with pytest.raises(BackendMissing, match="its controller does not answer"):
        SlurmBackend().check()


@pytest.mark.parametrize("missing", ["sbatch", "squeue", "scancel"])
def test_a_slurm_without_its_programs_is_none(
    program: Program, only_path: Path, missing: str
) -> None:
    up(program)
    (only_path / missing).unlink()
    with pytest.raises(BackendMissing, match=f"there is no {missing} on the PATH"):
        SlurmBackend().check()


@pytest.mark.parametrize(("answer", "handle"), [("17", "17"), ("17;cluster", "17")])
def test_the_handle_is_slurms_job_id(
    program: Program, make_launch: MakeLaunch, answer: str, handle: str
) -> None:
    calls = up(program, sbatch=f"echo '{answer}'")
    assert SlurmBackend().start(make_launch()) == handle
    assert calls["sbatch"].read_text() == "--parsable\n"


def test_what_a_sites_sbatch_says_besides_is_no_handle(
    program: Program, make_launch: MakeLaunch
) -> None:
    up(program, sbatch="echo 'Welcome to the cluster'; echo '17;here'; echo 'Have a nice day'")
    assert SlurmBackend().start(make_launch()) == "17"


def test_a_job_of_which_sbatch_says_no_id_is_looked_for(
    program: Program, make_launch: MakeLaunch
) -> None:
    launch = make_launch()
    up(program, sbatch="echo Welcome", squeue="true")
    with pytest.raises(SubmitError, match="sbatch gave no job id, but said Welcome"):
        SlurmBackend().start(launch)
    up(program, sbatch="echo Welcome", squeue=f"echo '17|nbsubmit:{launch.id}'")
    assert SlurmBackend().start(launch) == "17"


def test_what_is_no_id_does_not_keep_slurm_from_telling_of_the_others(program: Program) -> None:
    calls = up(program, squeue="echo '2|PENDING|Dependency||N/A|N/A|'")
    reports = SlurmBackend().poll(["Welcome\n9", "2"])
    assert reports["Welcome\n9"].state is None
    assert reports["2"].state is JobState.PENDING
    assert "--jobs=2 " in calls["squeue"].read_text()


def test_that_an_id_is_invalid_is_said_of_one_job_alone(program: Program) -> None:
    up(program, squeue="echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert SlurmBackend().poll(["7"])["7"].state is None
    with pytest.raises(CommandFailed, match="Invalid job id"):
        SlurmBackend().poll(["7", "8"])


def test_a_job_that_sbatch_does_not_take_is_refused_in_its_words(
    program: Program, make_launch: MakeLaunch
) -> None:
    up(program, sbatch="echo 'sbatch: error: invalid account' >&2; exit 1")
    with pytest.raises(Refused, match="sbatch refused the job: invalid account"):
        SlurmBackend().start(make_launch())


NO_ANSWER = (
    "sbatch: error: Batch job submission failed: Unable to contact slurm controller",
    "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
)


@pytest.mark.parametrize("words", NO_ANSWER)
def test_a_job_that_got_there_although_sbatch_could_not_say_so_is_found(
    program: Program, make_launch: MakeLaunch, words: str
) -> None:
    launch = make_launch()
    up(
        program,
        sbatch=f"echo '{words}' >&2; exit 1",
        squeue=f"echo '16|nbsubmit:another'; echo '17|nbsubmit:{launch.id}'",
    )
    assert SlurmBackend().start(launch) == "17"


@pytest.mark.parametrize("squeue", ["echo '16|nbsubmit:another'", "exit 1"])
def test_a_job_that_did_not_get_there_is_an_error_and_no_refusal(
    program: Program, make_launch: MakeLaunch, squeue: str
) -> None:
    up(program, sbatch=f"echo '{NO_ANSWER[0]}' >&2; exit 1", squeue=squeue)
    with pytest.raises(SubmitError, match="could not be submitted") as caught:
        SlurmBackend().start(make_launch())
    assert not isinstance(caught.value, Refused)


def test_one_question_is_asked_for_all_jobs(program: Program) -> None:
    calls = up(
        program,
        squeue="echo '1|RUNNING|None|n1|N/A|1:00|(null)'; echo '2|PENDING|Dependency||N/A|N/A|'",
    )
    reports = SlurmBackend().poll(["1", "2"])
    assert reports == {
        "1": Report(JobState.RUNNING, "", "n1", seconds=60),
        "2": Report(JobState.PENDING, "it waits for other jobs"),
    }
    (call,) = calls["squeue"].read_text().splitlines()
    assert "--jobs=1,2" in call
    assert calls["sacct"].read_text() == ""


def test_a_job_that_squeue_has_forgotten_is_unknown_where_nobody_keeps_accounts(
    program: Program,
) -> None:
    calls = up(program, squeue="echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    backend = SlurmBackend()
    assert backend.poll(["1"]) == backend.poll(["1"]) == {"1": Report(None)}
    assert calls["sacct"].read_text() == ""
    assert calls["scontrol"].read_text() == "show config\n"


def test_a_job_that_squeue_has_forgotten_is_looked_up_in_the_accounts(program: Program) -> None:
    calls = up(
        program,
        scontrol=WITH_ACCOUNTING,
        squeue="echo '1|RUNNING|None|n1|N/A|N/A|(null)'",
        sacct="echo '2|TIMEOUT|0:0|n2'",
    )
    reports = SlurmBackend().poll(["1", "2", "3"])
    assert reports["1"].state is JobState.RUNNING
    assert reports["2"] == Report(JobState.TIMEOUT, "", "n2")
    assert reports["3"] == Report(None)
    (call,) = calls["sacct"].read_text().splitlines()
    assert "--jobs=2,3" in call


def test_only_the_accounts_know_who_cancelled_a_job(program: Program) -> None:
    up(
        program,
        scontrol=WITH_ACCOUNTING,
        squeue="echo '1|CANCELLED|None|n1|N/A|N/A|(null)'",
        sacct="echo '1|CANCELLED by 98765|0:15|n1'",
    )
    assert SlurmBackend().poll(["1"])["1"].reason == "cancelled by 98765"


def test_accounts_that_lag_behind_do_not_bring_a_job_back_to_life(program: Program) -> None:
    up(
        program,
        scontrol=WITH_ACCOUNTING,
        squeue="echo '1|CANCELLED|None|n1|N/A|N/A|(null)'",
        sacct="echo '1|RUNNING|0:0|n1'",
    )
    assert SlurmBackend().poll(["1"])["1"].state is JobState.CANCELLED


@pytest.mark.parametrize("sacct", ["exit 1", "echo 'sacct: error: slurmdbd' >&2; exit 1"])
def test_where_the_accounts_cannot_be_read_squeues_word_has_to_do(
    program: Program, sacct: str
) -> None:
    squeue = "echo '1|CANCELLED|None|n1|N/A|N/A|(null)'"
    up(program, scontrol=WITH_ACCOUNTING, squeue=squeue, sacct=sacct)
    assert SlurmBackend().poll(["1", "2"]) == {
        "1": Report(JobState.CANCELLED, "", "n1"),
        "2": Report(None),
    }


def test_a_controller_that_is_down_is_an_error_to_ask_again_after(program: Program) -> None:
    words = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    up(program, squeue=f"echo '{words}' >&2; exit 1")
    with pytest.raises(OSError, match="Unable to contact slurm controller"):
        SlurmBackend().poll(["1"])


def test_a_job_is_cancelled_by_its_id(program: Program) -> None:
    calls = up(program)
    SlurmBackend().stop("17")
    assert calls["scancel"].read_text() == "17\n"


ME = os.geteuid()
# What squeue says of whose a job is; ours is called train.
WHOSE = {
    "ours": (f"nbsubmit:240102-030405-abcd\ttrain\t{ME}", True),
    "ours, with a remark": (f"nbsubmit:240102-030405-abcd for | Ada\ttrain\t{ME}", True),
    "ours, where a site writes comments": (f"project 7\ttrain\t{ME}", True),
    "ours, where a site writes comments and it has no name": (f"project 7\tnbsubmit\t{ME}", True),
    "ours, seen from a container": (f"nbsubmit:240102-030405-abcd\ttrain\t{ME + 1}", True),
    "another of ours": (f"nbsubmit:240102-030405-wxyz\ttrain\t{ME}", False),
    "the user's own": (f"(null)\tother\t{ME}", False),
    "another user's": (f"(null)\ttrain\t{ME + 1}", False),
    "not listed": ("", True),
}
OURS = Owner("240102-030405-abcd", "train")


@pytest.mark.parametrize("case", WHOSE)
def test_only_a_job_that_is_its_owners_still_is_cancelled_or_warned(
    program: Program, case: str
) -> None:
    line, is_ours = WHOSE[case]
    calls = up(program, squeue=f"echo {shlex.quote(line)}" if line else "")
    SlurmBackend().stop("17", OURS)
    SlurmBackend().warn("17", OURS)
    ended = "17\n--batch --signal=USR2 17\n"
    assert calls["scancel"].read_text() == (ended if is_ours else "")
    assert len(calls["squeue"].read_text().splitlines()) == 2


@pytest.mark.parametrize("case", [case for case, (line, _) in WHOSE.items() if line])
def test_only_what_is_said_of_its_owners_job_is_believed(program: Program, case: str) -> None:
    line, is_ours = WHOSE[case]
    up(program, squeue=f"echo {shlex.quote(f'17|RUNNING|None|n1|N/A|N/A|{line}')}")
    assert SlurmBackend().poll(["17"])["17"].is_about(OURS) is is_ours


ACCOUNTS = {
    "ours": ("train|nbsubmit:240102-030405-abcd", True),
    "ours, whose name has a bar": ("tra|in|nbsubmit:240102-030405-abcd for | Ada", True),
    "ours, of which no comment is kept": ("train|", True),
    "ours, by the name of all": ("nbsubmit|", True),
    "another of ours": ("train|nbsubmit:240102-030405-wxyz", False),
    "the user's own": ("other|", False),
    "another, with a comment": ("other|of its own", False),
}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_only_what_is_kept_of_its_owners_job_is_believed(program: Program, case: str) -> None:
    line, is_ours = ACCOUNTS[case]
    sacct = f"echo {shlex.quote(f'17|FAILED|1:0|n1|{line}')}"
    up(program, scontrol=WITH_ACCOUNTING, sacct=sacct)
    report = SlurmBackend().poll(["17"])["17"]
    assert (report.state, report.reason) == (JobState.FAILED, "exit code 1")
    assert report.is_about(OURS) is is_ours


def test_nothing_is_cancelled_while_nobody_says_whose_it_is(program: Program) -> None:
    words = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    calls = up(program, squeue=f"echo '{words}' >&2; exit 1")
    with pytest.raises(OSError, match="Unable to contact slurm controller"):
        SlurmBackend().stop("17", OURS)
    assert calls["scancel"].read_text() == ""


@pytest.mark.parametrize(
    "words",
    [
        "scancel: error: Kill job error on job id 17: Invalid job id specified",
        "scancel: error: Kill job error on job id 17: Job/step already completing or completed",
    ],
)
def test_a_job_that_has_ended_already_is_left_alone(program: Program, words: str) -> None:
    calls = up(program, scancel=f"echo '{words}' >&2; exit 1")
    SlurmBackend().stop("17")
    assert calls["scancel"].read_text() == "17\n"


def test_a_job_that_cannot_be_cancelled_is_an_error(program: Program) -> None:
    up(program, scancel="echo 'scancel: error: Access/permission denied' >&2; exit 1")
    with pytest.raises(OSError, match="scancel: Access/permission denied"):
        SlurmBackend().stop("17")


@pytest.mark.parametrize(
    ("sbatch", "said"),
    [
        (
            "echo 'sbatch: Job 18 to start at 2026-01-01T10:00:00 using 1 processors' >&2",
            "Job 18 to start at 2026-01-01T10:00:00 using 1 processors",
        ),
        ("echo 'sbatch: error: invalid qos' >&2; exit 1", "sbatch would refuse it: invalid qos"),
        (
            "echo 'allocation failure: invalid qos' >&2; exit 1",
            "sbatch would refuse it: allocation failure: invalid qos",
        ),
    ],
)
def test_the_expected_start_is_sbatchs_own_answer(
    program: Program, make_launch: MakeLaunch, sbatch: str, said: str
) -> None:
    calls = up(program, sbatch=f"cat >/dev/null; {sbatch}")
    assert SlurmBackend().expected_start(make_launch()) == said
    assert calls["sbatch"].read_text() == "--test-only\n"
