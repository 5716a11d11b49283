"""What two runs of a notebook left → what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.cells.harness import Left
from tests.cells.notebook import NotebookCell

_AROUND = 160
_ABSENT = "(not there)"


def differences(cells: list[NotebookCell], plain: list[Left], jobs: list[Left]) -> dict[int, str]:
    """Return a paragraph for each cell that left something else in a job, by its number.

    A difference that is there after a cell and was there already before is not said again.
    """
    said: set[str] = set()
    found = {}
    for cell, here, there in zip(cells, plain, jobs, strict=True):
        now = list(_of_namespaces(here.namespace, there.namespace))
        new = [line for line in now if line not in said]
        said = set(now)
        new += _of_outputs(here.outputs, there.outputs)
        if new:
            head = f"cell {cell.number}, {cell.title}\n{_indented(cell.source)}\n"
            found[cell.number] = head + _list(new)
    return found


def _indented(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.splitlines())


def _list(items: list[str]) -> str:
    return "\n".join(f"  * {item}" for item in items)


def _of_namespaces(plain: dict[str, Any], job: dict[str, Any]) -> Iterator[str]:
    handles = set(plain["handles"])
    here, there = plain["values"], job["values"]
    for name in sorted(here.keys() | there.keys()):
        # A handle may be missing after a job; an older value in its place is wrong.
        one, other = here.get(name, _ABSENT), there.get(name, _ABSENT)
        if one != other:
            one = "a handle" if name in handles else one
            yield _both(name, one, other)
    for name in sorted(set(job["handles"]) - handles - here.keys()):
        yield _both(name, _ABSENT, "a handle")
    for name in sorted(plain["files"].keys() | job["files"].keys()):
        one, other = plain["files"].get(name, _ABSENT), job["files"].get(name, _ABSENT)
        if one != other:
            yield _both(f"file {name}", one, other)
    for relation in ("same object", "shared memory"):
        yield from _of_relations(relation, plain[relation], job[relation])


def _of_relations(relation: str, plain: list[Any], job: list[Any]) -> Iterator[str]:
    for item in plain:
        if item not in job:
            yield f"{relation}: {item} only in a plain kernel"
    for item in job:
        if item not in plain:
            yield f"{relation}: {item} only after a job"


def _of_outputs(plain: list[str], job: list[str]) -> Iterator[str]:
    for number, (one, other) in enumerate(zip_longest(plain, job, fillvalue=_ABSENT), 1):
        if one != other:
            yield _both(f"output {number}", one, other)


def _both(what: str, plain: str, job: str) -> str:
    at = next(
        (at for at, (a, b) in enumerate(zip(plain, job, strict=False)) if a != b),
        min(len(plain), len(job)),
    )
    return f"{what}\n      plain: {_part(plain, at)}\n      job:   {_part(job, at)}"


def _part(text: str, at: int) -> str:
    """What is around the place where the two begin to differ."""
    first, last = max(at - _AROUND, 0), at + _AROUND
    shown = text[first:last].replace("\n", "⏎")
    return f"{'…' if first else ''}{shown}{'…' if last < len(text) else ''}"
