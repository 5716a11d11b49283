"""Configuration files in a notebook: settings, options for every job, profiles."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

TEXT = """
size_limit = "2G"
[defaults]
time = "7m"
partition = "debug"
env = {FROM = "defaults"}
[profiles.small]
env = {FROM = "profile"}
cpus-per-task = 2
"""
SHOW = "import os; os.environ.get('FROM'), os.environ.get('SLURM_JOB_PARTITION')"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    file = tmp_path / ".nbsubmit.toml"
    file.write_text(TEXT)
    return file


def test_a_cell_for_slurm_has_the_defaults_its_profile_and_its_line(
    project: Path, start_kernel: Callable[..., Kernel], on_slurm: Sandbox
) -> None:
    kernel = start_kernel()
    assert kernel.run(f"%%slurm --wait --quiet\n{SHOW}").result == "('defaults', 'debug')"
    ran = kernel.run(f"%%slurm --wait --quiet --profile small --as job\n{SHOW}")
    assert ran.result == "('profile', 'debug')"
    assert kernel.run("print(job.limits.cpus, job.limits.seconds)").stdout == "2 420\n"
    ran = kernel.run(f"%%slurm --wait --quiet -p main --env FROM=line --profile small\n{SHOW}")
    assert ran.result == "('line', 'main')"
    ran = kernel.run(f"%%slurm --wait --quiet --no-defaults\n{SHOW}")
    assert ran.result == "(None, 'main')"


def test_a_job_that_is_sent_again_has_the_options_that_it_had_and_more(
    project: Path, start_kernel: Callable[..., Kernel], on_slurm: Sandbox
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%slurm --wait --quiet --profile small --as job\n{SHOW}")
    project.write_text("")
    job = kernel.run("print(job.id)").stdout.strip()
    kernel.run(f"%jobs resubmit {job} --time 9m")
    kernel.run("again = __import__('nbsubmit').jobs()[-1]; again.wait(60)")
    assert kernel.run("print(again.id != job.id, again.value)").stdout == (
        "True ('profile', 'debug')\n"
    )
    assert kernel.run("print(again.limits.cpus, again.limits.seconds)").stdout == "2 540\n"


def test_a_shell_sends_a_job_again_with_the_options_that_it_had_and_a_profile(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local --wait --quiet --env FROM=line --as job\n{SHOW}")
    job = kernel.run("print(job.id)").stdout.strip()
    command = [sys.executable, "-m", "nbsubmit", "resubmit", job, "--profile"]
    subprocess.run([*command, "small"], cwd=project.parent, check=True)
    kernel.run("again = __import__('nbsubmit').jobs()[-1]; again.wait(60)")
    assert kernel.run("print(again.value, again.limits.cpus)").stdout == "('profile', None) 2\n"
    done = subprocess.run([*command, "smal"], cwd=project.parent, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"there is no profile 'smal'. Did you mean small?" in done.stderr


def test_a_local_cell_has_its_profile_alone(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel()
    assert kernel.run(f"%%local --wait --quiet\n{SHOW}").result == "(None, None)"
    ran = kernel.run(f"%%local --wait --quiet --profile small\n{SHOW}")
    assert ran.result == "('profile', None)"


def test_settings_of_a_file_hold_and_ipython_has_the_last_word(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel()
    assert kernel.run("%config NbSubmit.size_limit").result == "'2G'"
    kernel.run("%config NbSubmit.size_limit = '3G'")
    assert kernel.run("%config NbSubmit.size_limit").result == "'3G'"
    kernel.run("%config NbSubmit.profile = 'small'")
    assert kernel.run(f"%%local --wait --quiet\n{SHOW}").result == "('profile', None)"


def test_a_site_keeps_its_floor_in_the_notebook_too(
    tmp_path: Path, start_kernel: Callable[..., Kernel]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text("[floors]\nmin_poll_seconds = 30")
    kernel = start_kernel(NBSUBMIT_SITE_CONFIG=str(site), NBSUBMIT_POLL_SECONDS="2")
    assert kernel.run("%config NbSubmit.poll_seconds").result == "30.0"
    ran = kernel.run("%config NbSubmit.poll_seconds = 3")
    assert ran.stdout == "NbSubmit.poll_seconds = 30: the site allows no less\n"
    assert kernel.run("%config NbSubmit.poll_seconds").result == "30.0"


def test_a_profile_that_is_written_later_is_there_and_tab_completes_it(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel()
    assert {"none", "small"} <= {*kernel.complete("%%local --profile ")}
    assert kernel.complete("%%local --profile sm") == ["small"]
    project.write_text(f"{TEXT}\n[profiles.smart]\nenv = {{FROM = 'later'}}")
    assert kernel.complete("%%local --profile sm") == ["small", "smart"]
    ran = kernel.run(f"%%local --wait --quiet --profile smart\n{SHOW}")
    assert ran.result == "('later', None)"


def test_a_wrong_file_is_told_when_the_extension_is_loaded(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    project.write_text("[profiles.a]\n\nmen = '3G'")
    ran = start_kernel(loads=False).try_("%load_ext nbsubmit")
    assert f"{project}, line 3: there is no option 'men'. Did you mean mem?" in ran.traceback


def test_a_file_of_somebody_else_is_passed_over_and_told(
    project: Path, start_kernel: Callable[..., Kernel]
) -> None:
    project.chmod(0o666)
    kernel = start_kernel(loads=False)
    said = kernel.run("%load_ext nbsubmit").stdout
    assert said.startswith(f"nbsubmit: {project} is not used: others may write to it")
    assert kernel.run("%config NbSubmit.size_limit").result == "'4G'"
