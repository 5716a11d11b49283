"""What is said of jobs that go, and the words by which they are chosen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from nbsubmit.client.cleaning import Cleaner, Plan
from nbsubmit.client.words import table
from nbsubmit.core.cleaning import Item, Wish, parse_age, parse_count, parse_states
from nbsubmit.core.errors import OptionError
from nbsubmit.core.harmless import plain
from nbsubmit.core.sizes import taken
from nbsubmit.core.units import format_bytes, format_elapsed

# What a user is shown who has not asked for anything.
EXAMPLES = ("--older 30d", "--older 7d", "--keep 20", "--state FAILED", "--keep 0")
_PARSERS = {"--older": parse_age, "--keep": parse_count, "--state": parse_states}


def wish_of(
    cleaner: Cleaner,
    ids: Iterable[str],
    older: str | None = None,
    keep: str | None = None,
    states: Sequence[str] = (),
) -> Wish:
    """Return what the values of the options ask for.

    Raises
    ------
    OptionError
        If one cannot be read.
    UnknownJob
        If there is no such job.
    """
    found = frozenset(cleaner.find(text) for text in ids)
    return Wish(
        None if older is None else parse_age(older),
        None if keep is None else parse_count(keep),
        parse_states(",".join(states)) if states else None,
        found or None,
    )


def parse(words: Sequence[str], flags: Sequence[str]) -> tuple[dict[str, Any], set[str]]:
    """Return the values of the options, as `wish_of` takes them, and the flags among the words.

    Raises
    ------
    OptionError
        If a word is no option, or has no value.
    """
    given: dict[str, Any] = {"ids": [], "states": []}
    seen: set[str] = set()
    left = list(words)
    while left:
        word, _, value = left.pop(0).partition("=")
        if word in _PARSERS:
            if not value and not left:
                raise OptionError(f"{word} needs a value, as in {_example(word)}")
            value = value or left.pop(0)
            if word == "--state":
                given["states"].append(value)
            else:
                given[word.lstrip("-")] = value
        elif word in flags:
            seen.add(word)
        elif word.startswith("-"):
            known = ", ".join((*_PARSERS, *flags))
            raise OptionError(f"%jobs clean: what is {word!r}? There are {known}")
        else:
            given["ids"].append(word)
    return given, seen


def _example(word: str) -> str:
    return next(text for text in EXAMPLES if text.startswith(word))


def overview(cleaner: Cleaner, command: str, whose: str) -> str:
    """What there is, and what each option would free."""
    items = cleaner.items
    if not items:
        return f"no jobs {whose}"
    oldest = time.strftime("%d %b %Y", time.localtime(min(item.at for item in items)))
    size = format_bytes(taken(item.size for item in items))
    states = Counter(item.state for item in items)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    lines = [f"{_jobs(len(items))} {whose} ({counts}), {size}, the oldest of {oldest.lstrip('0')}"]
    rows: list[tuple[str, ...]] = []
    for example in EXAMPLES:
        given, _ = parse(example.split(), ())
        plan = cleaner.plan(wish_of(cleaner, **given))
        frees = f"frees {format_bytes(plan.frees)}" if plan.going else "frees nothing"
        rows.append((f"  {command} {example}", _jobs(len(plan.going)), frees))
    last = f"--keep 0 removes all that have ended; {command} ID… removes some; --dry-run tells only"
    return "\n".join([*lines, table(rows), last])


def listed(items: Sequence[Item]) -> str:
    """A table of jobs."""
    now = time.time()
    rows: list[tuple[str, ...]] = [
        (
            i.id,
            plain(i.name),
            str(i.state),
            f"{format_elapsed(now - i.at)} ago",
            format_bytes(i.size.total),
        )
        for i in items
    ]
    return table(rows)


def told(plan: Plan, *, done: bool) -> str:
    """What went, or would go, and what stays and why."""
    count, size = _jobs(len(plan.going)), format_bytes(plan.frees)
    line = f"removed {count}, freed {size}" if done else f"would remove {count} and free {size}"
    if not plan.going:
        line = "nothing was removed" if done else "nothing would be removed"
    return "\n".join([line, *(f"job {id_} stays: {why}" for id_, why in plan.stays.items())])


def preview(plan: Plan) -> str:
    """Which jobs would go, one by one, and what is told of them together."""
    return "\n".join(part for part in (listed(plan.going), told(plan, done=False)) if part)


def as_json(plan: Plan, *, done: bool) -> dict[str, Any]:
    """Return a plan as plain data."""
    jobs = [
        {"id": i.id, "name": i.name, "state": str(i.state), "at": i.at, "bytes": i.size.total}
        for i in plan.going
    ]
    return {"removed": done, "jobs": jobs, "bytes": plan.frees, "stays": plan.stays}


def _jobs(count: int) -> str:
    return f"{count} job{'s' * (count != 1)}"
