"""`nbsubmit doctor` on real clusters, healthy ones and such as are wrong in the usual ways."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.modules import other_python
from tests.way import until

pytestmark = pytest.mark.slurm


@dataclass
class Visit:
    """What the doctor has found.

    Attributes
    ----------
    code : int
        Its exit code.
    findings : list of dict
        What it found.
    """

    code: int
    findings: list[dict[str, str]]

    def of(self, grade: str) -> dict[str, str]:
        return {each["subject"]: each["told"] for each in self.findings if each["grade"] == grade}

    @property
    def all(self) -> dict[str, str]:
        return {each["subject"]: each["told"] for each in self.findings}

    @property
    def problems(self) -> dict[str, str]:
        return self.of("problem")

    def fix(self, subject: str) -> str:
        return next(each["fix"] for each in self.findings if each["subject"] == subject)


Sees = Callable[..., Visit]


@pytest.fixture
def doctor(tmp_path: Path) -> Sees:
    """Have the doctor look, from a folder of this test."""

    def look(
        *words: str, cluster: Sandbox | None = None, cwd: Path = tmp_path, **environ: str
    ) -> Visit:
        ours = cluster.environ if cluster else {}
        done = subprocess.run(
            [sys.executable, "-m", "nbsubmit", "doctor", "--json", *words],
            cwd=cwd,
            env={**os.environ, **ours, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return Visit(done.returncode, json.loads(done.stdout))

    return look


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Slurm of one node for tests that break it."""
    config = SandboxConfig(tmp_path_factory.mktemp("frail"), nodes=1)
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


def test_a_healthy_cluster_has_no_problems_and_nothing_is_left(
    doctor: Sees, slurm: Sandbox, tmp_path: Path
) -> None:
    visit = doctor(cluster=slurm)
    assert (visit.code, visit.problems) == (0, {})
    # Of a machine that has much to do it may be said that it is slow.
    assert {*visit.of("warning")} <= {"controller", "queue", "Python there"}
    found = visit.all
    assert "answers in" in found["controller"]
    assert found["partitions"] == "you may use main, debug (10 min)"
    assert found["accounting"].startswith("there is none")
    assert found["limits"].startswith("arrays of up to 1,000 tasks")
    assert "reads and writes it, and what it writes is seen here" in found["store there"]
    assert "import" in found["Python there"]
    assert [*tmp_path.iterdir()] == []


def test_a_cluster_that_keeps_accounts_tells_them(doctor: Sees, slurm_accounting: Sandbox) -> None:
    visit = doctor(cluster=slurm_accounting)
    assert visit.code == 0
    assert visit.all["accounting"].startswith("sacct answers in")
    assert "account" in visit.of("ok")


def test_people_read_what_is_wrong_and_what_to_do(slurm: Sandbox, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbsubmit", "doctor", "--partition", "no-such"],
        cwd=tmp_path,
        env={**os.environ, **slurm.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "PROBLEM partition: jobs ask for no-such, and there is none by that name\n" in done.stdout
    )
    assert "        → Correct it: there are main, debug\n" in done.stdout
    assert done.stdout.endswith("\n2 problems\n")


@pytest.fixture
def blind(frail: Sandbox, tmp_path: Path) -> Iterator[Path]:
    """A folder that the node does not see: there is another disk in its place there."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root can give a node disks of its own")
    place = tmp_path / "scratch"
    place.mkdir()
    (node,) = frail.config.node_names
    frail.kill_node(node)
    run = 'mount -t tmpfs none "$0" && exec slurmd -D -N "$1"'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", run, str(place), node]
    other = subprocess.Popen(
        command, env=frail.client_environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        frail.adopt(other.pid)
        until(lambda: frail.node_states().get(node) == "idle", "the node is there again")
        yield place
    finally:
        other.send_signal(signal.SIGTERM)
        other.wait(30)
        frail.start_node(node)
        until(lambda: frail.node_states().get(node) == "idle", "the node is as before")


def test_a_store_that_the_node_does_not_see_is_told(
    doctor: Sees, frail: Sandbox, blind: Path
) -> None:
    visit = doctor("--folder", str(blind / "jobs"), cluster=frail)
    assert visit.code == 1
    assert visit.problems == {"store there": f"n1 does not see {blind / 'jobs'}"}
    assert "NBSUBMIT_FOLDER" in visit.fix("store there")


def test_a_notebooks_folder_that_the_node_does_not_see_is_told(
    doctor: Sees, frail: Sandbox, blind: Path, tmp_path: Path
) -> None:
    work = blind / "notebooks"
    work.mkdir()
    visit = doctor("--folder", str(tmp_path / "jobs"), cluster=frail, cwd=work)
    assert visit.problems == {"folder there": f"n1 does not have {work}: the job ran in /tmp"}


def test_a_folder_by_another_name_is_the_same_folder(
    doctor: Sees, slurm: Sandbox, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    visit = doctor(cluster=slurm, cwd=link, PWD=str(link))
    assert visit.problems == {}


def test_a_python_that_the_node_does_not_have_is_told(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor("--python", "/no/such/python", cluster=slurm)
    assert visit.problems == {"Python there": "n1 does not have /no/such/python"}
    assert "--python" in visit.fix("Python there")


def test_a_python_without_nbsubmit_is_told(doctor: Sees, slurm: Sandbox, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    # What is around has no say in it: -I.
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    visit = doctor("--python", str(bare), cluster=slurm)
    assert visit.code == 1
    assert "runs no job: ModuleNotFoundError" in visit.problems["Python there"]


def test_a_python_that_is_no_python_is_told(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor("--python", "false", cluster=slurm)
    assert visit.problems == {"Python there": "false fails on n1: it says nothing"}


def test_another_python_is_told(doctor: Sees, slurm: Sandbox, tmp_path: Path) -> None:
    other = other_python(tmp_path / "python")
    visit = doctor("--python", f"{other} -s", "--env", "PYTHONPATH=", cluster=slurm)
    mine = ".".join(map(str, sys.version_info[:3]))
    told = visit.problems["Python there"]
    assert re.fullmatch(rf"{other} -s is Python 3\.\d+\.\S+ on n1, and {mine} here", told)


def test_lines_before_python_that_fail_are_told(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor("--setup", "exit 3", cluster=slurm)
    assert "ended with code 3 before anything was looked at" in visit.problems["a tiny job"]
    assert "--setup" in visit.fix("a tiny job")


def test_a_job_that_has_to_wait_is_cancelled_and_told(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor("--begin", "now+1hour", "--hold", cluster=slurm)
    assert visit.code == 0  # neither was for the tiny job
    slurm.call("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        visit = doctor("--patience", "5", "--partition", "debug", cluster=slurm)
        queue = slurm.call("squeue", "--noheader", "--name=nbsubmit-doctor", "--format=%T")
    finally:
        slurm.call("scontrol", "update", "PartitionName=debug", "State=UP")
    assert visit.problems == {"partition": "debug, which jobs ask for, is down: jobs wait there"}
    assert "still waits (its partition is down)" in visit.of("warning")["a tiny job"]
    assert queue == ""


def test_options_of_configuration_files_are_those_of_the_tiny_job(
    doctor: Sees, slurm: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / ".nbsubmit.toml").write_text('[defaults]\npartition = "debug"\nmem = "900G"\n')
    visit = doctor(cluster=slurm)
    assert visit.of("ok")["partition"].startswith("debug, which jobs ask for,")
    assert "Memory specification" in visit.problems["a tiny job"]
    assert doctor("--mem", "100M", cluster=slurm).code == 0
    assert doctor("--no-defaults", cluster=slurm).code == 0


def test_a_wrong_configuration_file_is_told_and_the_rest_is_looked_at(
    doctor: Sees, slurm: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / ".nbsubmit.toml").write_text("[defaults]\nnodse = 3\n")
    visit = doctor(cluster=slurm)
    assert visit.code == 1
    assert "line 2: there is no option 'nodse'" in visit.problems["configuration"]
    assert "store there" in visit.of("ok")


def test_variables_of_sbatch_are_told_and_change_nothing(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor(cluster=slurm, SBATCH_PARTITION="no-such", NBSUBMIT_FOLDR="x")
    assert visit.code == 0
    told = [each for each in visit.findings if each["subject"] == "variables"]
    assert 'partition = "no-such"' in told[1]["fix"]
    assert told[0] == {
        "subject": "variables",
        "grade": "warning",
        "told": "NBSUBMIT_FOLDR is set, and nothing reads it",
        "fix": "Did you mean NBSUBMIT_FOLDER?",
    }


def test_a_store_that_others_can_write_to_is_told_and_no_job_is_sent(
    doctor: Sees, slurm: Sandbox, tmp_path: Path
) -> None:
    store = tmp_path / ".nbsubmit"
    store.mkdir(mode=0o777)
    store.chmod(0o777)
    visit = doctor(cluster=slurm)
    assert "others may write to" in visit.problems["store"]
    assert "a tiny job" not in visit.of("ok")


def test_a_controller_that_is_down_is_told_at_once(doctor: Sees, frail: Sandbox) -> None:
    frail.stop_controller()
    try:
        visit = doctor(cluster=frail)
    finally:
        frail.start_controller()
        until(lambda: frail.node_states().get("n1") == "idle", "the node is there again")
    assert visit.code == 1
    assert [*visit.problems] == ["controller"]
    assert "does not answer" in visit.problems["controller"]
    assert "%%local" in visit.fix("controller")


def test_a_munge_that_does_not_vouch_is_told(doctor: Sees, slurm: Sandbox, tmp_path: Path) -> None:
    other = tmp_path / "etc" / "slurm.conf"
    other.parent.mkdir()
    other.write_text(
        re.sub("AuthInfo=socket=[^,]*", "AuthInfo=socket=/no/munge", slurm.conf.read_text())
    )
    visit = doctor(SLURM_CONF=str(other))
    assert [*visit.problems] == ["controller"]
    assert visit.fix("controller").startswith("Munge does not vouch for you here")


def test_a_machine_that_does_not_know_its_cluster_is_told(doctor: Sees, tmp_path: Path) -> None:
    visit = doctor(SLURM_CONF=str(tmp_path / "no.conf"))
    assert visit.problems == {
        "controller": f"SLURM_CONF names {tmp_path / 'no.conf'}, and there is no such file"
    }


def test_a_login_shell_that_prints_is_told(doctor: Sees, slurm: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bash_profile").write_text("echo welcome home")
    visit = doctor(cluster=slurm, HOME=str(home))
    assert visit.code == 0
    assert visit.of("warning")["login shell"] == "it prints something on n1: 'welcome home'"


def test_no_job_is_sent_where_none_is_wanted(doctor: Sees, slurm: Sandbox) -> None:
    visit = doctor("--no-job", cluster=slurm)
    assert visit.code == 0
    assert "a tiny job" not in visit.of("ok")


def test_without_slurm_the_rest_is_looked_at(doctor: Sees, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    visit = doctor(PATH=str(empty))
    assert visit.code == 0
    assert "no sbatch on the PATH" in visit.of("warning")["Slurm"]
    assert "store" in visit.of("ok")
