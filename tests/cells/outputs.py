"""A cell's messages → its outputs, in a form in which two runs can be compared."""

from __future__ import annotations

import json
from typing import Any

from tests.cells.allowed import without_colours, without_where_and_when

Message = dict[str, Any]
_DISPLAYS = ("display_data", "update_display_data", "execute_result")


def outputs(messages: list[Message]) -> list[str]:
    """Return the outputs in their order.

    Text between two displays is joined, stdout before stderr: a kernel sends its two streams
    through buffers of their own, so their order among each other is chance.
    """
    found: list[str] = []
    text = {"stdout": "", "stderr": ""}
    ids: dict[str, int] = {}
    for message in messages:
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            text[content["name"]] += content["text"]
        elif kind in _DISPLAYS:
            found += [*_texts(text), _display(kind, content, ids)]
        elif kind == "clear_output":
            found += [*_texts(text), f"clear_output wait={content['wait']}"]
        elif kind == "error":
            found += [*_texts(text), _error(content)]
    return found + _texts(text)


def _texts(text: dict[str, str]) -> list[str]:
    found = [f"{name}: {without_where_and_when(said)}" for name, said in text.items() if said]
    text.update(stdout="", stderr="")
    return found


def _display(kind: str, content: Message, ids: dict[str, int]) -> str:
    data = {mime: _plain(value) for mime, value in sorted(content["data"].items())}
    known = content.get("transient", {}).get("display_id")
    named = "" if known is None else f" #{ids.setdefault(known, len(ids))}"
    shown = "\n".join(f"{mime}: {value}" for mime, value in data.items())
    return f"{kind}{named}: {shown}\nmetadata: {json.dumps(content['metadata'])}"


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return without_where_and_when(text)


def _error(content: Message) -> str:
    shown = "\n".join(content["traceback"])
    text = without_where_and_when(without_colours(shown))
    coloured = "in colours" if "\x1b" in shown else "plain"
    message = without_where_and_when(content["evalue"])
    return f"error: {content['ename']}: {message}\n{coloured}: {text}"
