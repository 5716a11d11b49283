"""The messages between Python and TypeScript, as ``wire.json`` has them, and what is like them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbsubmit.core.state import JobState

WIRE: dict[str, Any] = json.loads(Path(__file__).with_name("wire.json").read_text())
ROWS: dict[str, dict[str, Any]] = WIRE["rows"]
# Keys whose values are counted by names that differ from job to job.
_COUNTS = ("tasks", "options")


def kinds(value: Any) -> Any:
    """What a message consists of, without what it says."""
    if isinstance(value, dict):
        return {
            key: "by name" if key in _COUNTS and isinstance(each, dict) else kinds(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def assert_like(found: Any, example: Any, where: str = "") -> None:
    """Make sure that a message has the keys of an example, and values of the same kinds.

    Where either has nothing, the other may have something.
    """
    mine, theirs = kinds(found), kinds(example)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        assert set(found) == set(example), where
        for key, value in found.items():
            if mine[key] != "by name":
                assert_like(value, example[key], f"{where}.{key}")
    elif isinstance(mine, list) and isinstance(theirs, list):
        if found and example:
            assert_like(found[0], example[0], f"{where}[0]")
    else:
        assert mine == theirs or "NoneType" in (mine, theirs), (where, found, example)


def assert_row(found: dict[str, Any]) -> None:
    """Make sure that something is a job's row, all of it such as JSON can have."""
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert_like(found, ROWS["running"])
    assert JobState(found["state"]).ended is not found["live"]
    assert set(found["can"]) <= {"cancel", "resubmit", "clean", "attach"}
    for state, count in found["tasks"].items():
        assert JobState(state)
        assert isinstance(count, int)
    if found["progress"] is not None:
        assert_like(found["progress"], ROWS["running"]["progress"])
