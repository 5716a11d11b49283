"""Magics that have no sense in a job are passed over or refused, in words."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

PASSED = (
    "%matplotlib widget",
    "%matplotlib qt",
    "%gui qt",
    "%pdb on",
    "%load_ext nbsubmit",
    "%reload_ext nbsubmit",
)


@pytest.mark.parametrize("line", PASSED)
def test_what_only_shows_things_otherwise_is_passed_over(
    swept: Kernel, magic: str, line: str
) -> None:
    ran = swept.run(f"{magic} --wait --quiet\n{line}\nprint('goes on')")
    assert ran.stdout == "goes on\n"
    assert ran.stderr.startswith(f"{line} is passed over in a job: ")


def test_figures_are_pictures_whatever_window_is_asked_for(swept: Kernel, magic: str) -> None:
    ran = swept.run(
        f"{magic} --wait --quiet\n%matplotlib widget\n"
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    )
    assert "image/png" in ran.data[-1]


@pytest.mark.parametrize("line", ["%matplotlib inline", "%load_ext autoreload"])
def test_what_has_a_sense_in_a_job_is_done_in_silence(swept: Kernel, magic: str, line: str) -> None:
    ran = swept.run(f"{magic} --wait --quiet\n{line}\nprint('goes on')")
    assert (ran.stdout, ran.stderr) == ("goes on\n", "")


def test_a_debugger_is_refused(swept: Kernel, magic: str) -> None:
    ran = swept.try_(f"{magic} --wait --quiet\n%debug\nprint('goes on')")
    assert "%debug has nobody to ask in a job" in plain(ran.stderr + ran.traceback)
    assert ran.stdout == ""
