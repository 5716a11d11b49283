"""Jobs that are sent from inside of a job: they start, and are as if sent from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE, Way, until

pytestmark = pytest.mark.slurm

# All that a job can tell of what it was given; beside it what the one around it was.
SEEN = """
import os, resource

def seen():
    umask = os.umask(0)
    os.umask(umask)
    return {
        "names": dict(os.environ),
        "cpus": len(os.sched_getaffinity(0)),
        "memory": list(resource.getrlimit(resource.RLIMIT_AS)),
        "umask": umask,
    }
"""
LIBRARY = f"""
import json, os, sys
import nbsubmit
{SEEN}
executor = nbsubmit.SlurmExecutor(folder="logs")
inner = executor.submit(seen).result(timeout={PATIENCE})
print(json.dumps({{"outer": seen(), "inner": inner}}))
"""
# A front end, a kernel and a cell, as on a node where JupyterHub has started them.
KERNEL = f"""
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
def run(code):
    outputs = []
    reply = client.execute_interactive(code, timeout={PATIENCE}, output_hook=outputs.append)
    text = "".join(m["content"].get("text", "") for m in outputs)
    assert reply["content"]["status"] == "ok", (reply, text)
    return text
try:
    run("%load_ext nbsubmit")
    run({SEEN!r})
    run("outer = seen()")
    run("%%slurm --wait --quiet\\ninner = seen()")
    print(run("import json; print(json.dumps(dict(outer=outer, inner=inner)))"))
finally:
    manager.shutdown_kernel(now=True)
"""
# What the job around it is given, all of which shows in its environment.
GIVEN = ["--job-name=outer", "--ntasks=2", "--cpus-per-task=2", "--mem-per-cpu=64M", "--gpus=1",
         "--time=10", "--nice=3"]  # fmt: skip
# Whatever starts a process leaves such things.
OF_A_SHELL = {"SHLVL", "PWD", "OLDPWD", "_", "ENVIRONMENT", "HOSTNAME", "LINES", "COLUMNS"}
OF_A_KERNEL = {
    "JPY_PARENT_PID", "JPY_SESSION_NAME", "PYDEVD_USE_FRAME_EVAL", "CLICOLOR", "TERM",
    "FORCE_COLOR", "CLICOLOR_FORCE", "PAGER", "GIT_PAGER", "MPLBACKEND",
}  # fmt: skip


@pytest.fixture
def outside(make_way: Callable[..., Way], on_slurm: Sandbox) -> dict[str, Any]:
    """What a job sees that is sent from outside."""
    job = make_way("slurm").run(f"{SEEN}\nresult = seen()")
    found: dict[str, Any] = job.names["result"]
    return found


def told(text: str) -> dict[str, Any]:
    line = next(line for line in text.splitlines() if line.startswith('{"outer"'))
    found: dict[str, Any] = json.loads(line)
    return found


def in_sbatch(code: str, folder: Path, given: list[str] = GIVEN, wrap: str = "") -> str:
    """Run Python in a batch job, and return what it printed."""
    (folder / "run.py").write_text(code)
    command = f"{wrap} {sys.executable} run.py > said 2> trouble; echo $? > code"
    subprocess.run(
        ["sbatch", "--parsable", "--output=/dev/null", *given, f"--wrap={command}"],
        cwd=folder,
        env={**os.environ, "ONLY_OUTER": "1"},
        check=True,
        capture_output=True,
    )
    until(lambda: (folder / "code").exists() and (folder / "code").read_text(), "the job has run")
    assert (folder / "code").read_text() == "0\n", (folder / "trouble").read_text()
    return (folder / "said").read_text()


def check(found: dict[str, Any], outside: dict[str, Any], also: Collection[str] = ()) -> None:
    """The inner job is as one that was sent from outside, and has nothing of the outer one's."""
    outer, inner, usual = (one["names"] for one in (found["outer"], found["inner"], outside))
    assert outer["SLURM_JOB_NAME"] == "outer"
    assert inner["SLURM_JOB_NAME"] == "nbsubmit"
    assert inner["SLURM_JOB_ID"] != outer["SLURM_JOB_ID"]
    assert inner["SLURM_CONF"] == outer["SLURM_CONF"]
    by_both = OF_A_SHELL | set(also) | {"ONLY_OUTER"}
    assert (inner.keys() ^ usual.keys()) - by_both == set()
    # Of Slurm's variables those that speak of size are the same, too.
    sizes = re.compile(r"SLURM_.*(CPU|MEM|TASKS|NNODES|NUM_NODES|GPU|PRIO|BIND|EXPORT|LIMIT)")
    assert {n: v for n, v in inner.items() if sizes.match(n)} == {
        n: v for n, v in usual.items() if sizes.match(n)
    }
    for what in ("cpus", "memory", "umask"):
        assert found["inner"][what] == outside[what]


def test_a_script_in_a_batch_job_sends_a_job(outside: dict[str, Any], tmp_path: Path) -> None:
    found = told(in_sbatch(LIBRARY, tmp_path))
    assert found["outer"]["names"]["CUDA_VISIBLE_DEVICES"]
    assert found["outer"]["names"]["SLURM_CPUS_PER_TASK"] == "2"
    assert found["inner"]["names"]["ONLY_OUTER"] == "1"  # set by the user: it goes along
    check(found, outside)


def test_a_script_that_srun_has_started_in_it_sends_a_job(
    outside: dict[str, Any], tmp_path: Path
) -> None:
    wrap = "srun --ntasks=1 --cpus-per-task=2 --exact --mem-bind=none --cpu-bind=none"
    found = told(in_sbatch(LIBRARY, tmp_path, wrap=wrap))
    assert "SLURM_STEP_ID" in found["outer"]["names"]
    assert any(name.startswith("SLURM_CPU_BIND") for name in found["outer"]["names"])
    check(found, outside)


@pytest.mark.parametrize("command", ["srun", "salloc"])
def test_a_script_sends_a_job_from_an_allocation_of_its_own(
    outside: dict[str, Any], on_slurm: Sandbox, tmp_path: Path, command: str
) -> None:
    given = ["--ntasks=1", "--job-name=outer", "--mem=200M", "--cpus-per-task=2", "--time=10"]
    done = subprocess.run(
        [command, *given, sys.executable, "-c", LIBRARY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    check(told(done.stdout), outside)


@pytest.mark.kernel
def test_a_cell_of_a_kernel_in_a_batch_job_is_sent(outside: dict[str, Any], tmp_path: Path) -> None:
    found = told(in_sbatch(KERNEL, tmp_path))
    check(found, outside, also=OF_A_KERNEL)


def test_a_batch_job_that_got_no_environment_gives_a_job_what_it_has(
    outside: dict[str, Any], on_slurm: Sandbox, tmp_path: Path
) -> None:
    """SLURM_GET_USER_ENV and SLURM_EXPORT_ENV of the outer one say nothing to the inner one."""
    needed = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "SLURM_CONF": str(on_slurm.conf)}
    exports = ",".join(["NONE", *(f"{name}={value}" for name, value in needed.items())])
    given = ["--job-name=outer", f"--export={exports}"]
    found = told(in_sbatch(f"import os; os.environ['MINE'] = '1'\n{LIBRARY}", tmp_path, given))
    assert found["inner"]["names"]["MINE"] == "1"
    assert found["inner"]["names"]["SLURM_JOB_ID"] != found["outer"]["names"]["SLURM_JOB_ID"]


def test_a_job_sends_a_job(make_way: Callable[..., Way], outside: dict[str, Any]) -> None:
    """Its own folder, number and limits are the outer one's, and the inner one has others."""
    source = f"{SEEN}\nimport nbsubmit\nexecutor = nbsubmit.SlurmExecutor(folder='logs')\n"
    source += f"inner = executor.submit(seen).result({PATIENCE})\n"
    source += "both = dict(outer=seen(), inner=inner)"
    extra = {"ntasks": "2", "mem-per-cpu": "64M"}
    asked = CellOptions(resources=Resources(name="outer", cpus=2, gpus="1", extra=extra))
    job = make_way("slurm").run(source, options=asked)
    assert job.exception() is None
    found = job.names["both"]
    check(found, outside)
    ours = [name for name in found["inner"]["names"] if name.startswith("NBSUBMIT_JOB")]
    assert "NBSUBMIT_JOB" in ours
    for name in ours:
        assert found["inner"]["names"][name] != found["outer"]["names"][name]
