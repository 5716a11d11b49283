"""Slurm's own programs hang, fail, or take ten seconds for an answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.backends.slurm import commands
from nbsubmit.client.executor import SlurmExecutor
from nbsubmit.client.jobs import attach, jobs
from nbsubmit.core import questions, settle
from nbsubmit.core.errors import SubmitError
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Watcher
from tests.cluster.faults.site import FAILS, PATIENCE, PROGRAMS, SETTINGS, TELL, WAITS, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState

HANGS = "exec sleep 600"
# Until it is mended.
HANGS_ON = 'while [ -e "${0%/bin/*}/${0##*/}.fault" ]; do sleep 0.2; done; exit 1'
SLOW = "sleep 10"
SILENT = "slurm has not answered yet"
KILLED = f"{TELL}os.kill(os.getpid(), 9)"


@pytest.fixture(autouse=True)
def patience() -> Iterator[float]:
    """A program that hangs is given up sooner than for users, so that the tests are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "TIMEOUT_SECONDS", 3.0)
        yield 3.0


@pytest.mark.parametrize(("what", "line"), [("hangs", HANGS), ("fails", FAILS)])
def test_a_job_ends_truly_while_slurm_does_not_answer(site: Site, what: str, line: str) -> None:
    for name in ("squeue", "sacct"):
        site.break_(name, line)
    good, killed = site.send(f"{TELL}y = 2"), site.send(KILLED)
    site.measure(
        f"squeue and sacct {what[:-1] if what == 'fails' else 'hang'}; the job succeeds", good
    )
    assert good.names == {"y": 2}
    site.measure(
        f"squeue and sacct {what[:-1] if what == 'fails' else 'hang'}; the job is killed", killed
    )
    assert killed.state is S.FAILED
    assert killed.status.reason.startswith("the worker was killed by SIGKILL")


@pytest.mark.once
def test_what_is_not_known_is_said_and_mended_once_slurm_answers_again(site: Site) -> None:
    site.break_("squeue", FAILS)
    # One that has not met with failures yet, after which it would ask seldom.
    job = site.send("y = 1", begin="now+1hour", watcher=Watcher(SETTINGS))
    since = time.time()
    until(lambda: "cannot be asked" in job.status.reason, "it is said", PATIENCE)
    site.note("squeue fails; the job waits", str(job.status), time.time() - since)
    assert job.state is S.PENDING
    assert "slurm cannot be asked: squeue: " in job.status.reason
    assert "Unable to contact slurm controller" in job.status.reason
    site.mend()
    until(lambda: job.status.reason == "its time to begin has not come", "it asks again", PATIENCE)
    job.cancel()


def test_an_answer_that_takes_ten_seconds_lets_no_job_be_judged_before(
    site: Site, tmp_path: Path
) -> None:
    """A job that is queued again has ended once; that alone must not end it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(commands, "TIMEOUT_SECONDS", 20.0)
    gate = tmp_path / "gate"
    job = site.running(names={"gate": str(gate)})
    gone = site.send(KILLED)
    site.break_("squeue", SLOW)
    seen: list[JobState] = []
    job.listen(lambda one: seen.append(one.state))
    site.call("scontrol", "requeue", job.handle)
    until(lambda: job.stdout().count("printed before") == 2, "it runs again", PATIENCE)
    site.measure("killed while squeue takes 10 s", gone)
    assert gone.state is S.FAILED
    gate.touch()
    assert job.wait(PATIENCE).names == {"x": 1, "y": 2}
    assert set(seen) <= {S.RUNNING, S.PENDING, S.COMPLETED}
    patch.undo()


QUEUED_AGAIN = """
import os
place = os.environ["NBSUBMIT_JOB"]
if not os.path.exists(gate):
    open(gate, "w").close()
    open(os.path.join(place, "requeue.json"), "w").close()
    os._exit(0)
y = 1
"""


@pytest.mark.once
def test_a_job_that_has_had_itself_queued_again_is_not_given_up_while_nobody_can_be_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "VERDICT_SECONDS", 0.5)
    for name in ("squeue", "sacct"):
        site.break_(name, FAILS)
    job = site.send(QUEUED_AGAIN, {"gate": str(tmp_path / "gate")})
    seen: list[str] = []
    job.listen(lambda one: seen.append(str(one.status)))
    until(lambda: "waits to be run again (run 2)" in job.status.reason, "it is said", PATIENCE)
    assert job.state is S.PENDING
    assert job.wait(PATIENCE).names["y"] == 1
    assert not any(status.startswith(("FAILED", "LOST", "CANCELLED")) for status in seen), seen


@pytest.mark.once
def test_a_job_that_is_cancelled_while_scancel_hangs_ends_once_it_answers(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "_STOP_AGAIN", 3.0)
    job = site.running()
    site.break_("scancel", HANGS)
    since = time.monotonic()
    with pytest.raises(OSError, match="scancel: no answer within 3 s"):
        job.cancel()
    assert time.monotonic() - since < 20
    until(lambda: job.status.reason == "being cancelled", "it is said", PATIENCE)
    site.mend()
    # It is told again without anybody asking for it.
    job.wait(PATIENCE)
    assert job.status.reason == "cancelled from this notebook"


@pytest.mark.once
def test_an_array_that_is_cancelled_while_scancel_hangs_ends_too_at_one_call(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "_STOP_AGAIN", 3.0)
    executor = SlurmExecutor(folder=site.folder / "logs")
    tasks = executor.map_array(time.sleep, [600] * 3)
    until(lambda: {task.state for task in tasks} == {S.RUNNING}, "all run", PATIENCE)
    site.break_("scancel", HANGS)
    with pytest.raises(OSError, match="scancel: no answer within 3 s"):
        tasks.cancel()
    site.mend()
    before = site.calls("scancel")
    for task in tasks:
        task.wait(PATIENCE)
        assert task.status.reason == "cancelled from this notebook"
    assert site.calls("scancel") == before + 1


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("scontrol", HANGS, "controller does not answer"),
        ("scontrol", FAILS, "controller does not answer"),
        ("sbatch", HANGS, "no answer within 3 s"),
    ],
)
def test_a_cell_that_cannot_be_sent_says_so_in_time_and_leaves_nothing_running(
    site: Site, name: str, line: str, words: str
) -> None:
    before = queue(site)
    site.break_(name, line)
    with pytest.raises(SubmitError, match=words):
        site.send("y = 1")
    site.mend()
    assert queue(site) <= before


def queue(site: Site) -> set[str]:
    """What waits or runs."""
    return set(site.call("squeue", "--noheader", "--format=%i").split())


@pytest.mark.once
def test_who_looks_at_jobs_while_all_of_slurm_hangs_sees_what_is_on_the_disk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "TIMEOUT_SECONDS", 600.0)
    # Asked as by another process: no question of others is open.
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    store = tmp_path / "store"
    good = site.send("y = 1", store=store).wait(PATIENCE)
    waits = site.send("y = 1", store=store, hold=None)
    unknown = [site.send("y = 1", store=store, hold=None) for _ in range(3)]
    for job in unknown:  # who sent them was killed before it could note their ids, an hour ago
        job.folder.write_json(job.folder.spec_file, {**job.spec, "created": time.time() - 3600})
        job.folder.handle_file.unlink()
    for name in PROGRAMS:
        site.break_(name, HANGS_ON)
    found = {job.id: job.status for job in jobs(store)}
    assert found[good.id].state is S.COMPLETED
    for job in (waits, *unknown):
        assert (found[job.id].state, found[job.id].reason) == (S.PENDING, SILENT)
    impatient = Watcher(SETTINGS, 0.5)
    assert attach(waits.id, store, watcher=impatient).status.reason == SILENT
    assert attach(unknown[0].id, store, watcher=impatient).status.reason == SILENT
    site.mend()
    for job in unknown:
        assert attach(job.id, store).handle == job.handle


@pytest.mark.once
def test_a_job_that_sbatch_took_without_a_word_is_found(site: Site, tmp_path: Path) -> None:
    real = site.sandbox.conf
    site.break_("sbatch", f'SLURM_CONF={real} /usr/bin/sbatch "$@" > /dev/null; exec sleep 600')
    gate = tmp_path / "gate"
    job = site.send(WAITS, {"gate": str(gate)})
    site.mend()
    assert job.handle
    gate.touch()
    assert job.wait(PATIENCE).names == {"x": 1, "y": 2}
