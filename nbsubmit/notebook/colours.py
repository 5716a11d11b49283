"""The colours of states, which can be read on light and on dark ground."""

from __future__ import annotations

from nbsubmit.core.state import JobState

_WAITING, _GOING, _GOOD, _BAD = "#b26a00", "#3b7dd8", "#1f8f3f", "#d1453b"
_COLOURS = {
    JobState.PENDING: _WAITING,
    JobState.SUSPENDED: _WAITING,
    JobState.RUNNING: _GOING,
    JobState.COMPLETED: _GOOD,
}


def colour(state: JobState) -> str:
    """Return the colour of a state."""
    return _COLOURS.get(state, _BAD)
