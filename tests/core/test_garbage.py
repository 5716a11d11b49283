"""Nothing is collected for a while, and afterwards it is as it was."""

from __future__ import annotations

import gc

import pytest

from nbsubmit.core.garbage import uncollected


def test_the_collector_runs_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="x"), uncollected():
        int("x")
    assert gc.isenabled()


def test_nothing_is_collected_meanwhile() -> None:
    with uncollected():
        assert not gc.isenabled()


def test_it_waits_until_the_outermost_is_done() -> None:
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_the_user_has_switched_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
