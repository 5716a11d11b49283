"""What a tiny job, and this machine, show is judged as it should be."""

from __future__ import annotations

import ast
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.backends.slurm.trial import ANOTHER, NOT_THERE, NOT_WRITABLE, Evidence
from nbsubmit.client.doctor import disk, here, verdicts
from nbsubmit.client.doctor.here import Facts
from nbsubmit.client.doctor.words import line, summary
from nbsubmit.core.finding import Finding, Grade, problem, warning, well
from nbsubmit.core.folder import FORMAT, JobFolder
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import launch_of
from nbsubmit.worker import on_node

HERE = Facts((3, 11, 7), {"nbsubmit": "0.1.0", "cloudpickle": "3.1.1"}, 5)
LAUNCH = launch_of(JobFolder(Path("/home/me/.nbsubmit/doctor-1")), CellOptions(), Path("/home/me"))
PYTHON: dict[str, Any] = {
    "executable": "/env/bin/python",
    "prefix": "/env",
    "version": [3, 11, 4],
    "modules": {"cloudpickle": {"version": "3.1.0"}, "xxhash": {"version": "3"}},
    "worker": {"file": "/env/nbsubmit/worker/run.py", "seconds": 0.2, "format": 5},
    "temporary": {"path": "/tmp", "free": 50e9},
}
WELL = Evidence(
    handle="17",
    node="n1",
    sent_at=(1000.0, 1000.5),
    waited=2.0,
    state=JobState.COMPLETED,
    exit_code=0,
    visible_after=0.1,
    times={"SubmitTime": 1000.0, "StartTime": 1002.0},
    seen_at=1003.0,
    shell={
        "now": "1002",
        "folder": "/home/me",
        "is_here": "yes",
        "token": "x",
        "module": "yes",
        "command": "/p",
    },
    python=PYTHON,
    python_code=0,
    version="Python 3.11.4",
    login_code=0,
)


def judged(**other: Any) -> dict[str, Finding]:
    """What is found, by its subject; of each subject the worst."""
    order = [Grade.OK, Grade.WARNING, Grade.PROBLEM]
    found: dict[str, Finding] = {}
    for each in verdicts.of(replace(WELL, **other), LAUNCH, HERE):
        known = found.get(each.subject)
        if known is None or order.index(each.grade) > order.index(known.grade):
            found[each.subject] = each
    return found


def with_python(**other: Any) -> dict[str, Any]:
    return {"python": {**PYTHON, **other}}


def test_where_all_is_well_nothing_else_is_said() -> None:
    assert {each.grade for each in judged().values()} == {Grade.OK}
    assert [*judged()] == [
        "a tiny job",
        "store there",
        "clock",
        "environment",
        "Python there",
        "temporary files",
    ]


def test_a_job_that_the_controller_has_forgotten_may_have_shown_all() -> None:
    found = judged(state=None, exit_code=None, times={})
    assert {each.grade for each in found.values()} == {Grade.OK}


P, W = Grade.PROBLEM, Grade.WARNING
NOTHING: dict[str, Any] = {"shell": {}, "python": {}, "visible_after": None, "version": ""}
FAILED = {**NOTHING, "state": JobState.FAILED}
CASES: dict[str, tuple[dict[str, Any], str, Grade, str]] = {
    "refused": (
        {"refused": "Invalid account\nThe script is x", "shell": {}, "exit_code": None},
        "a tiny job", P, "it was refused: Invalid account",
    ),
    "waits": (
        {**NOTHING, "state": JobState.PENDING, "reason": "jobs before it", "node": ""},
        "a tiny job", W, "job 17 still waits (jobs before it), so nothing was seen of the nodes",
    ),
    "hangs": (
        {**NOTHING, "state": JobState.RUNNING}, "a tiny job", P,
        "job 17 on n1 runs and writes nothing",
    ),
    "nobody tells": ({**NOTHING, "state": None}, "a tiny job", P, "nobody tells what came of it"),
    "killed": ({**FAILED, "exit_code": 0, "signal": 9}, "a tiny job", P, "ended by signal 9"),
    "set up wrongly": ({**FAILED, "exit_code": 3}, "a tiny job", P, "ended with code 3"),
    "no store": (
        {**FAILED, "exit_code": NOT_THERE}, "store there", P,
        "n1 does not see /home/me/.nbsubmit",
    ),
    "another store": (
        {**FAILED, "exit_code": ANOTHER}, "store there", P,
        "n1 sees another folder by the name /home/me/.nbsubmit",
    ),
    "a store that is read": (
        {**FAILED, "exit_code": NOT_WRITABLE}, "store there", P,
        "n1 sees /home/me/.nbsubmit and cannot write to it",
    ),
    "a store of its own": (
        {"shell": {}, "visible_after": None}, "store there", P,
        "what n1 writes to /home/me/.nbsubmit is not seen here",
    ),
    "a slow store": (
        {"visible_after": 31.0}, "store there", W, "what n1 writes is seen here after 31 s",
    ),
    "another folder": (
        {"shell": {**WELL.shell, "folder": "/tmp", "is_here": ""}}, "folder there", P,
        "n1 does not have /home/me: the job ran in /tmp",
    ),
    "a node before its time": (
        {"shell": {**WELL.shell, "now": "1063"}}, "clock", W, "that of n1 is 1 min 00 s before",
    ),
    "a node behind its time": (
        {"shell": {**WELL.shell, "now": "942"}}, "clock", W, "that of n1 is 1 min 00 s behind",
    ),
    "a controller before its time": (
        {"times": {"SubmitTime": 1060.5, "StartTime": 1062.5}}, "clock", W,
        "that of the controller is 1 min 00 s before the one here",
    ),
    "no variables": (
        {"shell": {**WELL.shell, "token": ""}}, "environment", P,
        "jobs do not get the variables that are set here",
    ),
    "no Python": ({"python": {}, "python_code": 127}, "Python there", P, "n1 does not have"),
    "another Python": ({"version": "Python 2.7.18"}, "Python there", P, "is Python 2.7.18 on n1"),
    "a Python that fails": (
        {"python": {}, "python_code": 1, "said": "a\nNo space", "version": ""},
        "Python there", P, "fails on n1: No space",
    ),
    "no nbsubmit": (
        with_python(worker={"error": "ModuleNotFoundError: nbsubmit", "seconds": 0.1}),
        "Python there", P, "/env/bin/python on n1 runs no job: ModuleNotFoundError: nbsubmit",
    ),
    "another nbsubmit": (
        with_python(worker={**PYTHON["worker"], "format": 4}),
        "Python there", P, "n1 has another nbsubmit in /env/nbsubmit/worker/run.py",
    ),
    "another cloudpickle": (
        with_python(modules={"cloudpickle": {"version": "2.0.0"}}),
        "Python there", W, "cloudpickle is 2.0.0 on n1 and 3.1.1 here",
    ),
    "a slow disk": (
        with_python(worker={**PYTHON["worker"], "seconds": 12.0}),
        "Python there", W, "it takes 12 s to import nbsubmit there",
    ),
    "no temporary files": (
        with_python(temporary={"error": "No usable temporary directory"}),
        "temporary files", P, "n1 has no folder for them",
    ),
    "little room for them": (
        with_python(temporary={"path": "/tmp", "free": 5e6}),
        "temporary files", W, "/tmp on n1 has 5 MB free",
    ),
    "a login shell that talks": ({"login": "Welcome!\n"}, "login shell", W, "'Welcome!'"),
    "a login shell that hangs": ({"login_code": 124}, "login shell", W, "does not start within"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_with_what_to_do(case: str) -> None:
    other, subject, grade, told = CASES[case]
    found = judged(**other)[subject]
    assert found.grade is grade
    assert told in found.told
    assert found.fix


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_makes_nothing_else_wrong(case: str) -> None:
    other, subject, _, _ = CASES[case]
    assert {s for s, each in judged(**other).items() if each.grade is not Grade.OK} == {subject}


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/home /home nfs4 rw 0 0
server:/a\\040b /home/me/a\\040b lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/usr", "ext4"), ("/tmp/x", "tmpfs"), ("/home/me", "nfs4"), ("/home/me/a b/c", "lustre")],
)
def test_the_file_system_of_a_path_is_the_nearest_above_it(path: str, kind: str) -> None:
    assert disk.file_system(Path(path), MOUNTS) == kind


QUOTA = """\
Disk quotas for user me (uid 1000):
     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
   server:/home 950000* 900000 1000000        0   12345       0       0       0
      /scratch   50000       0 1000000        0  100001  100000  100000       0
"""


def test_quotas_that_are_nearly_reached_are_told() -> None:
    found = [*disk.quotas(QUOTA)]
    assert [(each.grade, each.told) for each in found] == [
        (Grade.PROBLEM, "you have used 973 MB of 922 MB on server:/home"),
        (Grade.PROBLEM, "you have used 100,001 files of 100,000 files on /scratch"),
    ]
    assert next(disk.quotas(QUOTA.replace("950000*", "850000 "))).grade is Grade.WARNING
    assert [*disk.quotas("")] == []


def test_variables_that_nothing_reads_are_told() -> None:
    (found,) = here.unknown_variables({"NBSUBMIT_WAIT", "NBSUBMIT_JOB", "NBSUBMIT_WAITS", "HOME"})
    assert found.told == "NBSUBMIT_WAITS is set, and nothing reads it"
    assert found.fix == "Did you mean NBSUBMIT_WAIT?"


def worst(findings: Iterator[Finding]) -> Finding:
    return max(findings, key=lambda each: [Grade.OK, W, P].index(each.grade))


def test_a_store_is_yours_alone_or_a_problem(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "store")
    assert worst(disk.store(store)).grade is Grade.OK
    store.prepare()
    assert worst(disk.store(store)).grade is Grade.OK
    store.path.chmod(0o770)
    assert "others may write to" in worst(disk.store(store)).told
    link = tmp_path / "link"
    link.symlink_to(store.path)
    assert "is a symbolic link" in worst(disk.store(JobStore(link))).told


def test_a_queue_of_local_jobs_that_cannot_be_used_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worst(here.local_jobs()).grade is Grade.OK
    (tmp_path / "queue").write_text("a file")
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    assert "the queue of %%local cannot be used" in worst(here.local_jobs()).told


def test_a_jupyter_without_the_parts_of_a_panel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"ipykernel": "7", "ipywidgets": "8", "jupyterlab": "4"}
    monkeypatch.setattr(here, "installed", there.get)
    assert "no jupyterlab_widgets" in worst(here.jupyter()).told
    del there["jupyterlab"]
    assert "JupyterLab runs from elsewhere" in worst(here.jupyter()).told
    del there["ipykernel"]
    assert worst(here.jupyter()).grade is Grade.WARNING


def test_a_store_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # inside of which not even root can make one
    above = tmp_path / "file"
    assert "cannot be written to" in worst(disk.store(JobStore(above / "store"))).told
    # Where root may write, and nothing can be made.
    found = worst(disk.store(JobStore(Path("/proc/store"))))
    assert found.grade is Grade.PROBLEM
    assert "/proc" in found.told


def test_what_runs_on_a_node_is_read_by_any_python_that_one_may_have() -> None:
    ast.parse(Path(on_node.__file__).read_text(), feature_version=(3, 6))


def test_what_runs_on_a_node_tells_what_it_can_import_and_what_not(tmp_path: Path) -> None:
    on_node.look(str(tmp_path / "told"))
    told = json.loads((tmp_path / "told").read_text())
    assert told["version"] == list(sys.version_info[:3])
    assert told["worker"]["format"] == FORMAT
    assert told["worker"]["file"].endswith("run.py")
    assert told["temporary"]["free"] > 0
    assert on_node.module("no_such_module")["error"] == (
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_findings_are_lines_with_what_to_do_below() -> None:
    assert line(well("clock", "it is right")) == "ok      clock: it is right"
    told = line(problem("store", "word " * 30, "mend it")).splitlines()
    assert told[0].startswith("PROBLEM store: word word")
    assert told[1].startswith("        word")
    assert told[2] == "        → mend it"
    assert max(map(len, told)) <= 100


def test_it_ends_with_how_it_stands() -> None:
    assert summary([well("a", "b")]) == "all is well"
    assert summary([problem("a", "b"), warning("a", "b"), warning("a", "b")]) == (
        "1 problem and 2 warnings"
    )
    assert summary([warning("a", "b")]) == "1 warning"


def test_a_finding_does_nothing_to_the_terminal_that_shows_it() -> None:
    told = line(problem("store", "\x1b]0;owned\x07/scratch/\x1b[2Jada is full", "rm \x1b[31m"))
    assert told == "PROBLEM store: /scratch/ada is full\n        → rm"


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Path]:
    """A disk that is mounted and never answers, as that of a server that is gone."""
    place = tmp_path / "dead"
    place.mkdir()
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("file systems of one's own can be mounted by root alone")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    mount = ctypes.CDLL(None, use_errno=True).mount
    if mount(b"dead", os.fsencode(place), b"fuse", 0, options):
        os.close(server)
        pytest.skip("file systems of one's own can be mounted by root alone")
    yield place
    os.close(server)  # all who wait are let go
    subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=60)


def test_a_disk_that_never_answers_is_told_and_holds_up_nothing_else(dead: Path) -> None:
    def look() -> list[Finding]:
        return [*disk.store(JobStore(dead / "store"))]

    (found,) = here.in_time("store", str(dead), look, 1.0)
    assert found.grade is Grade.PROBLEM
    assert f"{dead} does not answer within 1 s" in found.told
