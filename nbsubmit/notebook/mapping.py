"""``--map`` and ``--array`` → what each task has for itself: the expressions are evaluated here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from nbsubmit.core.errors import OptionError
from nbsubmit.core.home import Namespace
from nbsubmit.core.indices import MOST_TASKS
from nbsubmit.core.spec import CellOptions, Mapped


def tasks(options: CellOptions, namespace: Namespace) -> list[Namespace] | None:
    """Return the names that each task has for itself, with their values; None if it is no array.

    Raises
    ------
    OptionError
        If an expression gives nothing that can be gone through, or no elements; or if several that
        go side by side do not give the same number of them.
    """
    if options.indices is not None:
        return [{} for _ in options.indices]
    if not options.maps:
        return None
    columns = [_bound(one, _elements(one, namespace)) for one in options.maps]
    if not options.product:
        _check_lengths(options.maps, columns)
    rows = itertools.product(*columns) if options.product else zip(*columns, strict=True)
    found = [
        {name: value for part in row for name, value in part.items()}
        for row in itertools.islice(rows, MOST_TASKS + 1)
    ]
    if len(found) > MOST_TASKS:
        raise OptionError(
            f"--product makes more than {MOST_TASKS} tasks of them. Have each take several"
        )
    return found


def names(options: CellOptions) -> set[str]:
    """Return the names that the expressions mention."""
    code = (compile(one.source, f"<{one}>", "eval") for one in options.maps)
    return {name for one in code for name in one.co_names}


def _elements(one: Mapped, namespace: Namespace) -> list[Any]:
    try:
        code = compile(one.source, f"<{one}>", "eval")
        value = eval(code, namespace)  # noqa: S307 - it is the user's own line
    except Exception as error:
        raise OptionError(f"{one}: {type(error).__name__}: {error}") from error
    try:
        elements = iter(value)
    except TypeError:
        kind = type(value).__name__
        raise OptionError(
            f"{one}: it gives {_article(kind)} {kind}, and there is nothing in it to go through"
        ) from None
    try:
        found = list(itertools.islice(elements, MOST_TASKS + 1))
    except Exception as error:
        raise OptionError(f"{one}: {type(error).__name__}: {error}") from error
    if not found:
        raise OptionError(f"{one}: there is nothing in it, so there would be no task")
    if len(found) > MOST_TASKS:
        raise OptionError(
            f"{one}: it gives more than {MOST_TASKS} elements. Have each task take several"
        )
    return found


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"


def _bound(one: Mapped, elements: Sequence[Any]) -> list[Namespace]:
    """Bind the names to each element, or to its parts."""
    if len(one.names) == 1:
        return [{one.names[0]: element} for element in elements]
    found = []
    for number, element in enumerate(elements):
        try:
            parts = list(element)
        except TypeError:
            kind = type(element).__name__
            raise OptionError(
                f"{one}: element {number} is {_article(kind)} {kind}, which has no parts for "
                f"{len(one.names)} names. Give as many parts as names, or name one"
            ) from None
        if len(parts) != len(one.names):
            raise OptionError(
                f"{one}: element {number} has {len(parts)} parts, and there are "
                f"{len(one.names)} names"
            )
        found.append(dict(zip(one.names, parts, strict=True)))
    return found


def _check_lengths(maps: Sequence[Mapped], columns: Sequence[Sequence[Any]]) -> None:
    if len({len(column) for column in columns}) > 1:
        told = ", ".join(
            f"{','.join(one.names)} has {len(column)}"
            for one, column in zip(maps, columns, strict=True)
        )
        raise OptionError(
            f"--map: {told}: side by side they must have as many. "
            f"--product makes a task for each combination"
        )
