"""What a browser is told of jobs: the messages, whatever is in their rows.

Rows and messages are the twin of ``labextension/src/protocol.ts``; both are held to
``tests/contract/wire.json``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Changes when another release of the front end could not read what this one sends.
WIRE = 1
# A job's row.
Row = dict[str, Any]


def rows_message(rows: Iterable[Row], **more: Any) -> dict[str, Any]:
    """Return some rows with the version of the wire, and what else there is to say."""
    return {"wire": WIRE, "rows": [*rows], **more}


def lasting(row: Row) -> Row:
    """Return what of a row does not go on by itself: if that is as before, there is no news."""
    return {name: value for name, value in row.items() if name != "seconds"}
