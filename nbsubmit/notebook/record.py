"""A job as markup: the parts that a live panel and the record of an ended job have in common.

The record is what stays in a saved notebook. It needs neither a kernel nor widgets nor scripts.
"""

from __future__ import annotations

from datetime import datetime

from nbsubmit.client import words
from nbsubmit.client.bars import Bar
from nbsubmit.client.rows import JobRow
from nbsubmit.core.result import VALUE
from nbsubmit.core.units import format_elapsed, format_memory
from nbsubmit.notebook import grid, markup
from nbsubmit.notebook.colours import colour
from nbsubmit.notebook.markup import tag, text

_HEADS = ("name", "type", "size", "how", "why")


def title(row: JobRow) -> str:
    """The state in colour, which job it is, where and for how long; its reason; its bars."""
    state = tag("b", text(row.state.value), f"color:{colour(row.state)}", role="status")
    # One click selects the whole id.
    id_ = tag("code", text(row.short_id), "user-select:all", title=row.id)
    name = tag("b", text(row.name)) if row.name else ""
    left = f", {_left(row.remaining)}" if row.remaining is not None else ""
    rest = text(f"{words.handle(row)} {words.where_and_when(row)}{left}".strip())
    first = " ".join(part for part in (state, name, f"job {id_}", rest) if part)
    parts = [first, text(words.why_without_counts(row)), *(_bar(bar) for bar in row.progress)]
    return "".join(tag("div", part) for part in parts if part)


def _left(seconds: float) -> str:
    return f"{format_elapsed(seconds)} left"


def _bar(bar: Bar) -> str:
    parts = [
        f"{100 * bar.fraction:.0f} %" if bar.fraction is not None else "",
        f"{bar.done:g}" + (f" of {bar.total:g}" if bar.total is not None else ""),
        _left(bar.remaining) if bar.remaining else "",
        bar.note,
    ]
    return markup.bar(bar.description, bar.fraction, ", ".join(part for part in parts if part))


def names(row: JobRow) -> str:
    """What was sent and what came back: a line each, then the tables."""
    lines = [words.sends(row), *words.warnings(row), words.brings(row)]
    return "".join(tag("div", text(line)) for line in lines if line) + _tables(row)


def _tables(row: JobRow) -> str:
    """Each name that was sent, and each that came back, or why it did not."""
    stayed = [*((n, "left out", "", "", why) for n, why in row.left_out)]
    lost = [*((_name(n), "stays on the node", "", "", why) for n, why in row.unsent)]
    tables = [("sent", [*row.sent, *stayed]), ("came back", [*row.came, *lost])]
    return "".join(markup.table(rows, _HEADS, caption) for caption, rows in tables if rows)


def _name(name: str) -> str:
    return "the last expression" if name == VALUE else name


def resources(row: JobRow) -> str:
    """What it used over time, and the most of what was asked for."""
    parts = [text(words.memory(row))] if row.peak is not None else []
    for label, values, top, now in _curves(row):
        parts.append(markup.sparkline(values, top, f"{label} over time") + " " + text(now))
    return "".join(tag("div", part, "margin:4px 0") for part in parts) or text("nothing measured")


def _curves(row: JobRow) -> list[tuple[str, list[float], float | None, str]]:
    samples = row.samples
    if not samples:
        return []
    cpu = [float(sample.cpu) for sample in samples]
    memory = [float(sample.memory) for sample in samples]
    most = row.limits.memory
    curves = [
        ("CPU", cpu, 100.0, f"CPU {cpu[-1]:.0f} %"),
        (
            "memory",
            memory,
            float(most) if most else None,
            f"memory {format_memory(int(memory[-1]))}",
        ),
    ]
    gpus = [s.gpu for s in samples if s.gpu is not None]
    if gpus:
        curves.append(("GPU", [float(g) for g in gpus], 100.0, f"GPU {gpus[-1]:.0f} %"))
    return curves


def script(content: str) -> str:
    """The script that was run."""
    return markup.pre(text(content), "24em")


def times(row: JobRow) -> str:
    """When it started and ended, by the clock."""
    if row.started is None:
        return ""
    start = datetime.fromtimestamp(row.started)
    shown = f"{start:%Y-%m-%d %H:%M:%S}"
    if row.state.ended:
        end = datetime.fromtimestamp(row.started + row.seconds)
        shown += f" to {end:%H:%M:%S}" if end.date() == start.date() else f" to {end:%F %H:%M:%S}"
    return shown


def bundle(row: JobRow, more: str, commands: list[str]) -> dict[str, str]:
    """Return an ended job as what a notebook keeps: markup, and the same as text.

    Parameters
    ----------
    row : JobRow
        The job.
    more : str
        The script.
    commands : list of str
        What can be done with it now.
    """
    told = [line for line in (words.sends(row), *words.warnings(row), words.brings(row)) if line]
    when = ", ".join(part for part in (times(row), words.memory(row)) if part)
    acts = " · ".join(tag("code", text(command), "user-select:all") for command in commands)
    details = [
        ("names", _tables(row)),
        ("resources", resources(row) if row.samples else ""),
        ("script", script(more) if more else ""),
    ]
    body = [
        title(row),
        grid.grid(row),
        grid.failures(row),
        tag("div", text(when)) if when else "",
        *(tag("div", text(line)) for line in told),
        *(tag("details", tag("summary", text(n)) + part) for n, part in details if part),
        tag("div", acts, "opacity:.8") if acts else "",
    ]
    plain = [words.title(row), words.why(row), when, *told, *commands]
    return {
        "text/html": tag("div", "".join(body), _FRAME),
        "text/plain": "\n".join(line for line in plain if line),
    }


_FRAME = "border-left:3px solid rgba(128,128,128,.5);padding-left:.8em"
