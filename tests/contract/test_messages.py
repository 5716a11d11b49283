"""Every message of an error says what happened, to which, and what to do next.

All of them are read where they are written: the first argument of each call of a subclass of
`NbsubmitError` in the package, and what the functions return that such an argument calls.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.errors import NbsubmitError

ROOT = Path(__file__).parents[2] / "nbsubmit"
FILES = sorted(ROOT.rglob("*.py"))

# What a reader can do: in the imperative, at the beginning of a sentence or behind a colon, ...
VERBS = [
    "add",
    "ask",
    "attach",
    "call",
    "choose",
    "cancel",
    "delete",
    "fetch",
    "give",
    "have",
    "import",
    "install",
    "keep",
    "leave",
    "look",
    "make",
    "mount",
    "move",
    "name",
    "pass",
    "put",
    "quote",
    "rebuild",
    "remove",
    "rename",
    "repeat",
    "restart",
    "run",
    "save",
    "say",
    "see",
    "send",
    "set",
    "start",
    "take",
    "try",
    "use",
    "wait",
    "write",
]
_DO = re.compile(
    rf"(?:^|[.:;,] +|\bor +|\band +|\()(?:{'|'.join(VERBS)})\b", re.IGNORECASE | re.MULTILINE
)
# ... a command, an option or a setting that helps, or where to look, ...
_COMMAND = re.compile(
    r"%%?[a-z]{3,}|\bnbsubmit [a-z]{3,}|\bnbsubmit\.attach|NBSUBMIT_[A-Z]+"
    r"|pip install|apt-get install|(?<!^)--[a-z][a-z-]+ |\bThe end of \{log\}"
)
# ... or what would have been right.
_RIGHT = re.compile(
    r"\bit takes\b|\btakes (?:true|one|no more)\b|\bthere (?:is|are) |\bit may be\b|\bonly\b"
    r"|\bas in\b|\bIt has:|\bfrom 1 on\b|\bis less than\b|\bis not an? \b|\bmust (?:be|have)\b"
    r"|\bnone of\b|\bneeds (?:a|at)\b|\bthe latest are\b",
    re.IGNORECASE,
)
# Parts of a message that say it, by the names that they have where they are put in.
_PARTS = re.compile(r"\{(?:_cure|_hint|_there_is|advice|answer|hint|near|has|cure|how|why)\b")
# The words of another program or of the system, which say best what it wants.
_WORDS = re.compile(
    r"\{(?:error|said|told|wrong|message|failed|text)(?:\.\w+)?\}|strerror\}"
    r"|\.(?:load_errors|unsent)\["
)

# Whatever a person cannot do anything with.
_JARGON = re.compile(
    r"Traceback|NoneType|object at 0x|!$|\bError\b"
    r"|\b(?:invalid|illegal|unexpected|please|sorry|oops|failed to)\b",
    re.IGNORECASE,
)
# The reason of a state; the advice stands beside it.
WITH_ADVICE = {"its folder {folder.whole} was deleted"}
# Expressions that are another error's words, or are put together where they are tested.
ELSEWHERE = {
    "'\\n'.join([*told, 'Nothing was submitted.'])": "tests/core/test_unpicklable.py",
    "'\\n'.join(told)": "tests/core/test_unpicklable.py",
    "failed.reason": "the backend's words",
    "str(error)": "another error's words",
    "str(answer)": "another error's words",
    "told": "put together above it",
    "err or str(failed)": "what a program has printed",
    "text": "a task's own status",
    "entry.name": "heard by its caller alone, who tells it",
    "error.name": "heard by its caller alone, who tells it",
}


@dataclass(frozen=True)
class Message:
    where: str
    kind: str
    text: str


def error_names() -> set[str]:
    for path in FILES:
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        if parts[-1] != "__main__" and "class " in path.read_text():
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
    return {kind.__name__ for kind in everything_below(NbsubmitError)}


def everything_below(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for one in kind.__subclasses__():
        yield from everything_below(one)


def words(node: ast.expr) -> str | None:
    """The text of an expression, with what is put in between braces; None if it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) or "" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [words(part) or f"{{{ast.unparse(part)}}}" for part in (node.left, node.right)]
        return "".join(parts)
    return None


def texts(node: ast.expr, module: ast.Module) -> Iterator[str]:
    """The texts that an argument may be: its own, or what a function beside it returns."""
    text = words(node)
    if text is not None:
        yield text
        return
    if isinstance(node, ast.IfExp):
        yield from texts(node.body, module)
        yield from texts(node.orelse, module)
        return
    name = ""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        name = name.rpartition(".")[2]
    functions = [
        each for each in ast.walk(module)
        if isinstance(each, ast.FunctionDef) and each.name == name
    ]  # fmt: skip
    if functions:
        for returned in ast.walk(functions[0]):
            if isinstance(returned, ast.Return) and returned.value is not None:
                text = words(returned.value)
                if text:
                    yield text
    elif ast.unparse(node) not in ELSEWHERE and not name:
        raise AssertionError(f"{ast.unparse(node)}: who reads this message?")


def messages() -> Iterator[Message]:
    kinds = error_names()
    for path in FILES:
        module = ast.parse(path.read_text())
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.id if isinstance(node.func, ast.Name) else ""
                if called in kinds:
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    for text in texts(node.args[0], module):
                        yield Message(where, called, text)


MESSAGES = [*messages()]


def test_they_were_found() -> None:
    assert len(MESSAGES) > 150
    assert {"OptionError", "FolderError", "NotPicklable", "UnknownJob"} <= {
        m.kind for m in MESSAGES
    }


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.where)
def test_a_message_says_what_and_which_and_what_next(message: Message) -> None:
    text = message.text
    told = f"{message.where}: {text}"
    assert len(text.split()) > 2 or "{" in text, f"it says too little: {told}"
    assert not _JARGON.search(re.sub(r"\{[^{}]*\}", "", text)), f"nobody understands it: {told}"
    assert "{" in text or re.search(r"[%'-]\w+|\w\(\)|\w=", text), f"which one is it? {told}"
    if text in WITH_ADVICE:
        return
    helps = (_DO, _COMMAND, _RIGHT, _PARTS, _WORDS)
    assert any(pattern.search(text) for pattern in helps), f"and what next? {told}"


@pytest.mark.parametrize(
    "text",
    ["", "failed", "something is wrong", "job {job.id} is bad", "Traceback: {error}", "use it!"],
)
def test_messages_that_say_less_would_be_found(text: str) -> None:
    with pytest.raises(AssertionError):
        test_a_message_says_what_and_which_and_what_next(Message("here", "OptionError", text))
