"""A name that the cell missed, and why it was not sent: said below the error that it caused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbsubmit.core.reserved import is_magic

_UNDEFINED = r"(?:name|variable) '(\w+)' is not defined"
_NO_MAGIC = r"(?:Line|Cell) magic (?:function )?`(%+[^`]+)` not found"


def explain(
    error: BaseException, namespace: Mapping[str, Any], payload: Mapping[str, Any]
) -> list[str]:
    """Return a sentence for each name that an error, or one behind it, did not find.

    Parameters
    ----------
    error : BaseException
        What ended the cell.
    namespace : mapping
        The cell's.
    payload : mapping
        What was sent, and what was left out.
    """
    sentences: dict[str, None] = {}
    for part in behind(error):
        for name in _not_found(part):
            if name not in namespace:
                known = _why_not_sent(name, payload)
                unseen = not isinstance(part, KeyError) and _why_not_seen(name, payload)
                sentences[known or unseen or ""] = None
    return [sentence for sentence in sentences if sentence]


def note(error: BaseException, sentences: list[str]) -> None:
    """Put the sentences below the error wherever it is shown."""
    if sentences and type(error).__name__ == "UsageError":  # its message is all that is shown
        error.args = ("\n".join([str(error), *sentences]),)
    elif sentences:
        # What add_note does, which Python 3.10 does not have; IPython shows them there too.
        error.__notes__ = [*getattr(error, "__notes__", ()), *sentences]


def behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that led to it."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        part = todo.pop()
        if part is not None and id(part) not in seen:
            seen.add(id(part))
            yield part
            hidden = None if part.__suppress_context__ else part.__context__
            todo += [hidden, part.__cause__, *reversed(getattr(part, "exceptions", ()))]


def _not_found(error: BaseException) -> list[str]:
    if isinstance(error, UnboundLocalError):
        return []
    if isinstance(error, NameError):
        # Libraries that look names up themselves say them only in the message.
        name = getattr(error, "name", None)
        return [name] if name else re.findall(_UNDEFINED, str(error))
    if type(error).__name__ == "UsageError":  # IPython's, which may not be here
        return re.findall(_NO_MAGIC, str(error))
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return [error.args[0]]  # globals()["name"]
    return []


def _why_not_sent(name: str, payload: Mapping[str, Any]) -> str:
    if name in payload["left_out"]:
        return f"{name} was not sent: {payload['left_out'][name]}."
    if name in payload["excluded"]:
        return f"{name} was not sent: --without says so. Send it, or make it inside the cell."
    return ""


def _why_not_seen(name: str, payload: Mapping[str, Any]) -> str:
    if name in payload["others"] and is_magic(name):
        return (
            f"{name} was not sent: it is in the notebook, but nothing in the cell shows that it is "
            f"called. Call it by its name, in a line of its own"
        )
    if name in payload["others"]:
        return (
            f"{name} was not sent: it is in the notebook, but nothing in the cell shows that it is "
            f"read. Name it:  --in {name}"
        )
    return ""
