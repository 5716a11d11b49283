"""Variables that are changed for a while, and as before then."""

from __future__ import annotations

import os

import pytest

from nbsubmit.core.tasks import OF_A_JOB
from nbsubmit.helpers import clean_env, environment_variables

HIDDEN = (
    "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURMD_NODENAME", "SRUN_CPUS_PER_TASK",
    "SBATCH_ACCOUNT", "SUBMITIT_EXECUTOR", "PMI_RANK", "PMIX_RANK", "PMI2_FD", "MASTER_ADDR",
    "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK",
    "TORCHELASTIC_RUN_ID", *OF_A_JOB,
)  # fmt: skip
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "NBSUBMIT_FOLDER", "RANKS", "MY_RANK")


def test_what_a_job_was_told_is_hidden_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*HIDDEN, *KEPT, "OTHER"):
        monkeypatch.setenv(name, f"of {name}")
    before = dict(os.environ)
    with clean_env(extra_names=["OTHER", "NOT_SET"]):
        assert [name for name in (*HIDDEN, "OTHER") if name in os.environ] == []
        assert [os.environ[name] for name in KEPT] == [f"of {name}" for name in KEPT]
        assert set(before) - set(os.environ) == {*HIDDEN, "OTHER"}
    assert dict(os.environ) == before


def test_they_come_back_after_an_error_and_whatever_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with clean_env():
        os.environ["SLURM_JOB_ID"] = "18"
    assert os.environ["SLURM_JOB_ID"] == "17"
    with pytest.raises(ZeroDivisionError), clean_env():
        1 / 0  # noqa: B018
    assert os.environ["SLURM_JOB_ID"] == "17"


def test_variables_are_set_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "before")
    monkeypatch.delenv("NOT_THERE", raising=False)
    with environment_variables(THERE=3, NOT_THERE="x"):
        assert (os.environ["THERE"], os.environ["NOT_THERE"]) == ("3", "x")
    assert os.environ["THERE"] == "before"
    assert "NOT_THERE" not in os.environ
