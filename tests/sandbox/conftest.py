"""The running Slurms, for the tests of what runs them."""

from __future__ import annotations

from tests.sandbox_fixture import slurm, slurm_accounting

__all__ = ["slurm", "slurm_accounting"]
