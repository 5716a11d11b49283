"""A row as text: for the terminal, for logs, and for the panel's own lines."""

from __future__ import annotations

from nbsubmit.client.rows import JobRow
from nbsubmit.core.payload import PART
from nbsubmit.core.result import VALUE

_BACKENDS = {"slurm": "Slurm job", "local": "process", "debug": "this process"}


def name(row: JobRow) -> str:
    """Which job: our id and name, and the backend's own id."""
    parts = [
        f"job {row.short_id}",
        row.name,
        f"({_BACKENDS.get(row.backend, row.backend)} {row.handle})" if row.handle else "",
    ]
    return " ".join(part for part in parts if part)


def title(row: JobRow) -> str:
    """One line: which job, where, in what state, for how long."""
    return " ".join(part for part in (name(row), row.state.value, where_and_when(row)) if part)


def where_and_when(row: JobRow) -> str:
    """On which node, and for how long it has run or ran."""
    verb = "after" if row.state.ended else "for"
    parts = [f"on {row.node}" if row.node else "", f"{verb} {row.elapsed}" if row.elapsed else ""]
    return " ".join(part for part in parts if part)


def why(row: JobRow) -> str:
    """The reason for the state, and what to do next."""
    return "; ".join(part for part in (row.reason, row.advice) if part)


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
    parts += [
        f"{'the last expression' if name == VALUE else name} stays on the node: {reason}"
        for name, reason in row.unsent
    ]
    return "; ".join(parts)


def table(lines: list[tuple[str, ...]]) -> str:
    """Columns, as wide as they need to be."""
    if not lines:
        return ""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def list_line(row: JobRow) -> tuple[str, ...]:
    """The columns of a list: id, name, backend, its id, state, time, reason."""
    return (row.id, row.name, row.backend, row.handle, row.state.value, row.elapsed, why(row))


def details(row: JobRow) -> str:
    """All that is known, over several lines."""
    parts = [title(row), why(row)]
    if row.sent or row.left_out or row.missing:
        parts.append(sends(row))
    if row.sent:
        parts.append(table([("  " + r[0], *r[1:]) for r in row.sent]))
    if row.left_out:
        parts.append("left out:\n" + "\n".join(f"  {n}: {r}" for n, r in row.left_out))
    parts += [*warnings(row), brings(row)]
    return "\n".join(part for part in parts if part)
