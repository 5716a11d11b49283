"""A row as text: for the terminal, for logs, and for the panel's own lines."""

from __future__ import annotations

from datetime import datetime, timedelta

from nbsubmit.client.bars import Bar
from nbsubmit.client.rows import JobRow
from nbsubmit.client.width import width_of
from nbsubmit.core.payload import PART
from nbsubmit.core.result import VALUE
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import counted as counted
from nbsubmit.core.units import format_bytes, format_memory, format_whole

_SOON = timedelta(days=365)
_BACKENDS = {"slurm": "Slurm job", "local": "process", "debug": "this process"}


def name(row: JobRow) -> str:
    """Which job: our id and name, and the backend's own id."""
    own = f"({handle(row)})" if row.handle else ""
    return " ".join(part for part in (f"job {row.short_id}", row.name, own) if part)


def handle(row: JobRow) -> str:
    """The backend's own id, with its kind: ``Slurm job 17``."""
    return f"{_BACKENDS.get(row.backend, row.backend)} {row.handle}" if row.handle else ""


def title(row: JobRow) -> str:
    """One line: which job, where, in what state, for how long."""
    return " ".join(part for part in (name(row), row.state.value, where_and_when(row)) if part)


def nothing_printed(row: JobRow) -> str:
    """Say that a job has printed nothing."""
    return f"job {row.short_id} has printed nothing{'' if row.state.ended else ' so far'}"


def where_and_when(row: JobRow) -> str:
    """On which node, and for how long of how long it has run or ran."""
    verb = "after" if row.state.ended else "for"
    parts = [f"on {row.node}" if row.node else "", f"{verb} {time(row)}" if row.elapsed else ""]
    return " ".join(part for part in parts if part)


def time(row: JobRow) -> str:
    """For how long it has run, and of how long while it runs."""
    if row.state is JobState.RUNNING and row.elapsed and row.time_limit:
        return f"{row.elapsed} of {format_whole(row.time_limit)}"
    return row.elapsed


def why(row: JobRow) -> str:
    """The reason for the state, what is known of the wait, and what to do next."""
    counts = tasks(row)
    counts = "" if counts and row.reason.startswith(counts) else counts
    reason = ", ".join(part for part in (counts, row.reason, wait(row)) if part)
    return "; ".join(part for part in (reason, row.advice) if part)


def why_without_counts(row: JobRow) -> str:
    """The same, where it stands beside the signs of the tasks, which say how many are how."""
    return why(row).removeprefix(tasks(row)).lstrip(",; ")


def tasks(row: JobRow) -> str:
    """How many tasks are in which state; empty for a job that has none."""
    return counted(row.counts) if row.tasks else ""


def wait(row: JobRow, now: datetime | None = None) -> str:
    """When a job is expected to start, and how many come before it; empty if not known."""
    now = now or datetime.now()
    parts = []
    if row.starts is not None:
        start = datetime.fromtimestamp(row.starts)
        # A time that has passed is an old guess, and one that is years away is none.
        if now < start < now + _SOON:
            day = "" if start.date() == now.date() else f"{start:%a} {start.day} {start:%b} "
            parts.append(f"starts about {day}{start:%H:%M}")
    if row.ahead is not None:
        parts.append(f"{row.ahead} ahead" if row.ahead else "next in line")
    return ", ".join(parts)


def progress(row: JobRow) -> str:
    """How far a job is that shows it: ``42 % (epoch 3 of 10)``; empty if it does not."""
    if not row.progress:
        return ""
    bar = row.progress[0]
    inside = row.progress[1] if len(row.progress) > 1 else None
    if bar.total is None or bar.fraction is None:
        return f"{_named(bar, inside)}"
    done = bar.fraction
    if inside is not None and inside.fraction is not None:
        done = min(done + inside.fraction / bar.total, 1.0)
    return f"{100 * done:.0f} % ({_named(bar, inside)})"


def _named(bar: Bar, inside: Bar | None) -> str:
    """Which it is at while there is another bar inside, else how many it has done."""
    now = bar.done + 1 if inside is not None and not bar.finished else bar.done
    of = f" of {_count(bar.total)}" if bar.total is not None else ""
    return f"{bar.description} {_count(now)}{of}".strip()


def _count(number: float) -> str:
    if number >= 10_000:
        return format_bytes(number).rstrip("B").replace(" ", "")
    return f"{number:g}"


def memory(row: JobRow) -> str:
    """The most memory that was used, of how much; empty while not known."""
    if row.peak is None:
        return ""
    of = f" of {format_memory(row.limits.memory)}" if row.limits.memory else ""
    return f"peak {format_memory(row.peak)}{of}"


def goes(row: JobRow) -> str:
    """How a job goes, or went: its progress and its memory."""
    return ", ".join(part for part in (progress(row), memory(row)) if part)


def same(row: JobRow) -> str:
    """One line: why a cell was not sent."""
    what = "the same cell with the same inputs"
    told = (
        f"took the result of {name(row)}: {what} has succeeded"
        if row.state.ended
        else f"attached to {name(row)}, {row.state.value}: {what} was sent before"
    )
    return f"{told}. --fresh sends another"


def sends(row: JobRow) -> str:
    """One line: what was sent, with sizes."""
    parts = [_sent(*of_name) for of_name in row.sent if of_name[-1] != PART]
    line = f"sends {', '.join(parts)}" if parts else "sends no names"
    if row.left_out:
        line += f"; leaves out {', '.join(name for name, _ in row.left_out)}"
    if row.missing:
        line += f"; {', '.join(row.missing)} not defined here"
    return line


def _sent(name: str, kind: str, size: str, how: str, _why: str) -> str:
    note = how or ("" if size else kind)
    return " ".join(part for part in (name, size, f"({note})" if note else "") if part)


def warnings(row: JobRow) -> list[str]:
    """What the user should know, a line each."""
    return [f"warning: {text}" for text in row.warnings]


def brings(row: JobRow) -> str:
    """One line: what came back; empty while nothing has."""
    if not row.state.ended:
        return ""
    back = [f"{n} (changed)" if n in row.changed else n for n in row.back if n not in row.kept]
    parts = [f"brings {', '.join(back)}"] if back else []
    if row.imported:
        parts.append(f"imports {', '.join(row.imported)}")
    if row.deleted:
        parts.append(f"deletes {', '.join(row.deleted)}")
    if row.kept:
        parts.append(f"{', '.join(row.kept)}: yours is newer and stays; the job's is in job.names")
    if row.apart:
        example = f'job.tasks[0].names["{row.apart[0]}"]'
        parts.append(
            f"{', '.join(row.apart)}: changed in each task and left here as it was; see {example}"
        )
    parts += [
        f"{'the last expression' if name == VALUE else name} stays on the node: {reason}"
        for name, reason in row.unsent
    ]
    return "; ".join(parts)


def ended(row: JobRow) -> str:
    """One line for a job that has ended: which, how, and what it brings."""
    return "; ".join(part for part in (title(row), tasks(row), brings(row)) if part)


def table(lines: list[tuple[str, ...]]) -> str:
    """Columns, as wide as they need to be."""
    if not lines:
        return ""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def cropped(line: str, columns: int) -> str:
    """As much of a line as does not wrap in a terminal with so many columns."""
    width = 0
    for at, character in enumerate(line):
        width += max(width_of(character), 0)
        if width > columns:
            return line[:at]
    return line


def list_line(row: JobRow, size: float | None = None) -> tuple[str, ...]:
    """The columns of a list: id, name, backend, its id, state, time, reason and how it goes.

    With a size in bytes there is one more.
    """
    note = "; ".join(part for part in (why(row), goes(row)) if part)
    room = () if size is None else (format_bytes(size),)
    return (row.id, row.name, row.backend, row.handle, row.state.value, time(row), *room, note)


def details(row: JobRow) -> str:
    """All that is known, over several lines."""
    parts = [title(row), why(row), goes(row)]
    if row.sent or row.left_out or row.missing:
        parts.append(sends(row))
    if row.sent:
        parts.append(table([("  " + r[0], *r[1:]) for r in row.sent]))
    if row.left_out:
        parts.append("left out:\n" + "\n".join(f"  {n}: {r}" for n, r in row.left_out))
    parts += [*warnings(row), brings(row)]
    return "\n".join(part for part in parts if part)
