"""A private Slurm starts, works, breaks on demand, and never leaves anything behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from nbsubmit.sandbox import programs
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.processes import Identity, wait_until
from nbsubmit.sandbox.record import Phase, Record, load
from nbsubmit.sandbox.sandbox import Sandbox, down, find, up

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from nbsubmit.cli.sandbox import sandbox; sandbox()"]
# A job that another process group and an orphan belong to, all of which must go.
STUBBORN = "trap '' TERM; (setsid sleep 300 &) ; sleep 300"


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    return wait_until(condition, seconds, pause_seconds=0.1)


def mentioning(place: Path) -> list[str]:
    """Processes whose command, folder or environment names this place."""
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(place) in text for text in told):
            found.append(f"{process.pid} {told[:3]}")
    return found


def remains(record: Record) -> list[str]:
    """What is left of a sandbox: processes, and its folder of sockets."""
    alive = [str(one.pid) for one in record.processes() if one.alive]
    sockets = [str(record.short)] if record.short.exists() else []
    return [*alive, *mentioning(record.config.folder), *mentioning(record.short), *sockets]


def record_of(sandbox: Sandbox) -> Record:
    record = load(sandbox.folder)
    assert record is not None
    return record


def start_stubborn_job(sandbox: Sandbox) -> Record:
    """Have a job run that does not go by itself; give the record that names its steps."""
    output = sandbox.folder / "stubborn.txt"
    script = f"touch {output}; {STUBBORN}"
    sandbox.call("sbatch", f"--output={os.devnull}", "--wrap", script)
    assert eventually(output.exists)
    assert eventually(lambda: len(record_of(sandbox).strays) >= 4)
    return record_of(sandbox)


def leaves_nothing(record: Record) -> None:
    assert eventually(lambda: not remains(record)), remains(record)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where one test starts its own sandbox, which is gone after it whatever happened."""
    place = tmp_path / "sandbox"
    yield place
    down(place)


def nbsubmit_sandbox(*argv: str, place: Path) -> subprocess.Popen[str]:
    """Start the command line, with temporary folders below a place."""
    environ = os.environ | {"TMPDIR": str(place)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *argv], cwd=ROOT, env=environ, stdout=pipe, stderr=pipe, text=True
    )


# --- a real Slurm ----------------------------------------------------------------------


def test_a_job_really_runs(slurm: Sandbox, tmp_path: Path) -> None:
    output = tmp_path / "out.txt"
    slurm.call("sbatch", "--wait", f"--output={output}", "--wrap", "echo the answer is 42")
    assert output.read_text() == "the answer is 42\n"


def test_a_job_spans_two_nodes(slurm: Sandbox) -> None:
    names = slurm.call("srun", "-N2", "printenv", "SLURMD_NODENAME")
    assert sorted(names.split()) == ["n1", "n2"]


def test_a_job_sees_the_gpus_it_asked_for_and_no_others(slurm: Sandbox) -> None:
    assert slurm.call("srun", "-G2", "printenv", "CUDA_VISIBLE_DEVICES") == "0,1\n"
    assert slurm.call("srun", "sh", "-c", "echo ${CUDA_VISIBLE_DEVICES-none}") == "none\n"


def test_the_short_partition_is_there(slurm: Sandbox) -> None:
    assert slurm.call("sinfo", "-h", "-o", "%P %D %l") == "main* 2 infinite\ndebug 1 10:00\n"


def test_accounting_knows_a_job_and_its_comment(slurm_accounting: Sandbox) -> None:
    slurm = slurm_accounting
    job = slurm.call(
        *("sbatch", "--parsable", "--wait", "--output=/dev/null", "--comment=mine"),
        *("--wrap", "true"),
    ).strip()
    ask = ("sacct", "-nPX", "-j", job, "-o", "JobID,State,Comment")
    assert eventually(lambda: slurm.call(*ask).strip() == f"{job}|COMPLETED|mine")


def test_another_slurms_variables_do_not_get_in(
    slurm: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "elsewhere")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm/slurm.conf")
    slurm.call("sbatch", "--wait", "--output=/dev/null", "--wrap", "true")


# --- up and down -----------------------------------------------------------------------


def test_up_finds_the_one_that_is_up(slurm: Sandbox) -> None:
    again = up(SandboxConfig(slurm.folder, nodes=5))
    assert again.found
    assert again.config == slurm.config
    assert find(slurm.folder) == again


def test_down_where_nothing_is_up_is_no_error(tmp_path: Path) -> None:
    assert not down(tmp_path / "nowhere")


def test_down_leaves_nothing_but_logs(folder: Path) -> None:
    with up(SandboxConfig(folder)) as sandbox:
        record = start_stubborn_job(sandbox)
        assert remains(record)
    assert not remains(record)
    assert sandbox.status().phase is Phase.DOWN
    assert (folder / "log" / "slurmctld.log").exists()


def test_everything_in_the_folder_is_private(slurm_accounting: Sandbox) -> None:
    record = record_of(slurm_accounting)
    secrets = [record.config.folder / name for name in ("munge.key", "slurmdbd.conf")]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (slurm_accounting.folder, record.short)} == {
        0o700
    }


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "log" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(SandboxError, match="holds other things"):
        up(SandboxConfig(tmp_path))
    assert precious.read_text() == "mine"


def test_a_deep_and_odd_folder_works(tmp_path: Path) -> None:
    place = tmp_path.joinpath(*["a rather deep folder"] * 12) / "50% off, #1: it's ünusual [0-1]"
    with up(SandboxConfig(place, accounting=True)) as sandbox:
        assert sandbox.call("srun", "-G1", "echo", "here") == "here\n"


def test_two_live_side_by_side(tmp_path: Path) -> None:
    configs = [SandboxConfig(tmp_path / name, nodes=1) for name in ("left", "right")]
    with ThreadPoolExecutor() as pool:
        left, right = pool.map(up, configs)
    with left, right:
        left.call("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=test")
        assert left.node_states() == {"n1": "drained"}
        assert right.node_states() == {"n1": "idle"}


def test_ids_of_jobs_are_not_used_again_by_the_next_start(folder: Path) -> None:
    seen = []
    for _ in range(2):
        with up(SandboxConfig(folder, nodes=1)) as sandbox:
            seen.append(sandbox.call("srun", "printenv", "SLURM_JOB_ID"))
    assert seen[0] != seen[1]


def test_lines_of_ones_own_go_into_slurm_conf(folder: Path) -> None:
    config = SandboxConfig(
        folder,
        nodes=1,
        gpus=0,
        extra_conf={
            "killwait": "9",
            "PreemptMode": "REQUEUE",
            "PreemptType": "preempt/partition_prio",
        },
        partitions=("PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF",),
    )
    with up(config) as sandbox:
        shown = sandbox.call("scontrol", "show", "config")
        assert "preempt/partition_prio" in shown
        assert "KillWait                = 9 sec" in shown
        assert "PriorityTier=10" in sandbox.call("scontrol", "show", "partition", "urgent")


def test_a_failed_start_shows_the_end_of_the_right_log(folder: Path) -> None:
    with pytest.raises(SandboxError, match=r"(?s)slurmctld ended with code 1.*select/nonsense"):
        up(SandboxConfig(folder, extra_conf={"SelectType": "select/nonsense"}))
    record = load(folder)
    assert record is not None
    assert not remains(record)


def test_missing_programs_are_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError) as caught:
        up(SandboxConfig(tmp_path / "sandbox", accounting=True))
    assert "munged, slurmctld, slurmd, sbatch, sinfo, slurmdbd" in str(caught.value)
    assert str(caught.value).endswith(
        "apt-get install munge slurmctld slurmd slurm-client slurmdbd mariadb-server"
    )
    assert not (tmp_path / "sandbox").exists()


# --- faults on demand ------------------------------------------------------------------


def test_a_killed_node_goes_down_and_comes_back(folder: Path) -> None:
    with up(SandboxConfig(folder, extra_conf={"SlurmdTimeout": "2"})) as sandbox:
        sandbox.kill_node("n2")
        assert sandbox.status().daemons["n2"] is False
        assert eventually(lambda: sandbox.node_states()["n2"].startswith("down"))
        assert sandbox.node_states()["n1"] == "idle"
        sandbox.start_node("n2")
        assert eventually(lambda: sandbox.node_states()["n2"] == "idle")


def test_a_stopped_controller_comes_back_with_its_jobs(folder: Path) -> None:
    with up(SandboxConfig(folder, nodes=1)) as sandbox:
        sandbox.call("sbatch", "--hold", "--job-name=waiting", "--wrap", "true")
        sandbox.stop_controller()
        assert sandbox.node_states(seconds=1) == {}
        assert sandbox.status().daemons["slurmctld"] is False
        sandbox.start_controller()
        assert sandbox.call("squeue", "-h", "-o", "%j") == "waiting\n"


def test_a_fault_for_a_node_that_is_not_there_lists_those_that_are(slurm: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no 'n7' here, but munged, slurmctld, n1, n2"):
        slurm.kill_node("n7")


# --- nothing is left behind ------------------------------------------------------------


def test_killing_the_owner_takes_all_down(folder: Path) -> None:
    owner = subprocess.Popen(["sleep", "300"])
    try:
        record = start_stubborn_job(up(SandboxConfig(folder, accounting=True), owner=owner.pid))
    finally:
        owner.kill()
        owner.wait()
    leaves_nothing(record)


@pytest.mark.parametrize("who", ["guard", "supervisor"])
def test_killing_one_of_the_outer_processes_takes_all_down(folder: Path, who: str) -> None:
    sandbox = up(SandboxConfig(folder, nodes=1))
    record = start_stubborn_job(sandbox)
    victim: Identity = getattr(record, who)
    victim.send(signal.SIGKILL)
    leaves_nothing(record)
    assert not sandbox.status().running
    with up(SandboxConfig(folder, nodes=1)) as again:
        assert not again.found
        assert again.call("srun", "echo", "again") == "again\n"


def test_what_survives_the_death_of_all_others_is_killed_by_the_next_up(folder: Path) -> None:
    sandbox = up(SandboxConfig(folder, nodes=1))
    record = start_stubborn_job(sandbox)
    assert record.guard is not None
    assert record.supervisor is not None
    # Stopped first, so that none can act on the other's end.
    for signum in (signal.SIGSTOP, signal.SIGKILL):
        record.guard.send(signum)
        record.supervisor.send(signum)
    assert eventually(lambda: not any(one.alive for one in record.daemons.values()))
    assert any(one.alive for one in record.strays)
    with up(SandboxConfig(folder, nodes=1)) as again:
        assert not any(one.alive for one in record.processes())
        assert again.call("squeue", "-h") == ""
    assert not remains(record)


def test_removing_the_folder_takes_all_down(folder: Path) -> None:
    record = record_of(up(SandboxConfig(folder, nodes=1)))
    folder.rename(folder.with_name("gone"))
    leaves_nothing(record)


# --- nbsubmit sandbox ------------------------------------------------------------------


def test_run_gives_the_commands_exit_code_and_cleans_up(tmp_path: Path) -> None:
    with nbsubmit_sandbox("run", "--", "sh", "-c", "srun hostname; exit 7", place=tmp_path) as run:
        output, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (7, "")
    assert len(output.split()) == 1
    assert not list(tmp_path.iterdir())
    assert not mentioning(tmp_path)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_run_ends_the_command_and_the_sandbox(
    tmp_path: Path, signum: signal.Signals
) -> None:
    # No shell: dash may lose an interrupt that comes while it starts a program.
    lingering = """
        import subprocess, time
        subprocess.Popen(["sleep", "300"])
        print("begun", flush=True)
        time.sleep(300)
    """
    command = [sys.executable, "-c", dedent(lingering)]
    with nbsubmit_sandbox("run", "--nodes=1", "--", *command, place=tmp_path) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        run.send_signal(signum)
        code = run.wait(timeout=60)
        expected = -signum if signum is signal.SIGKILL else 128 + signum
        assert code == expected
        assert eventually(lambda: not mentioning(tmp_path) and not list(tmp_path.iterdir()))


def test_run_uses_one_that_is_up_and_leaves_it_up(slurm: Sandbox, tmp_path: Path) -> None:
    argv = ("run", f"--folder={slurm.folder}", "printenv", "SLURM_CONF")
    with nbsubmit_sandbox(*argv, place=tmp_path) as run:
        output, errors = run.communicate(timeout=60)
    assert (output, errors) == (f"{slurm.conf}\n", "")
    assert slurm.status().running


def test_run_says_when_there_is_no_such_command(slurm: Sandbox, tmp_path: Path) -> None:
    argv = ("run", f"--folder={slurm.folder}", "no-such-program")
    with nbsubmit_sandbox(*argv, place=tmp_path) as run:
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 127
    assert "'no-such-program' was not found" in errors


def test_up_status_and_down_speak_plainly(folder: Path, tmp_path: Path) -> None:
    def say(*argv: str) -> tuple[int, str]:
        with nbsubmit_sandbox(*argv, f"--folder={folder}", place=tmp_path) as command:
            output, errors = command.communicate(timeout=60)
        assert errors == ""
        return command.returncode, output

    assert say("status") == (1, f"No Slurm is up in {folder}.\n")
    code, told = say("up", "--nodes=1", "--gpus=0")
    assert code == 0
    assert "Slurm is up: 1 node of 8 CPUs and 16384 MB; no accounting." in told
    assert f"export SLURM_CONF={folder}/slurm.conf" in told
    assert "is up already, as it was started: 1 node" in say("up")[1]
    code, told = say("status")
    assert code == 0
    assert "n1         runs, idle" in told
    assert say("down") == (0, f"Slurm in {folder} is down.\n")
    assert say("down") == (0, f"No Slurm was up in {folder}.\n")
