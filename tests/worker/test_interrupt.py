"""A worker that is told to end."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.worker import interrupt
from nbsubmit.worker.interrupt import Interruptions, Terminated


@pytest.fixture
def interruptions(tmp_path: Path) -> Interruptions:
    folder = JobFolder(tmp_path / "240102-030405-bcdf")
    folder.create()
    return Interruptions(folder)


def test_what_is_told_twice_at_once_is_heeded_once(interruptions: Interruptions) -> None:
    """Slurm tells the script, which passes it on, and the process itself."""
    with pytest.raises(Terminated):
        interruptions._heed(signal.SIGTERM, None)
    interruptions._heed(signal.SIGTERM, None)  # its values are being collected by then


def test_a_signal_that_comes_while_another_is_being_heeded_waits_for_nothing(
    interruptions: Interruptions,
) -> None:
    """It may come wherever a function of Python's begins, in the same thread."""
    interruptions._busy = True  # with the first of them

    def come_too(frame: FrameType, _event: str, _value: object) -> None:
        if frame.f_code.co_name != "_heed":
            sys.settrace(None)
            interruptions._heed(signal.SIGTERM, None)
            sys.settrace(come_too)

    def heed() -> None:
        sys.settrace(come_too)
        interruptions._heed(signal.SIGTERM, None)
        sys.settrace(None)

    thread = threading.Thread(target=heed, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_cell_that_goes_on_after_it_was_told_to_end_can_be_told_again(
    interruptions: Interruptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupt, "_TWICE_SECONDS", 0.0)
    for _ in range(2):
        with pytest.raises(Terminated):
            interruptions._heed(signal.SIGTERM, None)
