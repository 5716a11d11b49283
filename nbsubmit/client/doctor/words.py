"""Findings as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from nbsubmit.core.finding import Finding, Grade
from nbsubmit.core.harmless import plain

_SIGNS = {Grade.OK: "ok      ", Grade.WARNING: "warning ", Grade.PROBLEM: "PROBLEM "}
_INDENT = " " * len(_SIGNS[Grade.OK])
_WIDTH = 100


def line(finding: Finding) -> str:
    """Return a finding, and below it what to do."""
    told = _wrapped(f"{finding.subject}: {finding.told}", _SIGNS[finding.grade])
    return f"{told}\n{_wrapped(finding.fix, f'{_INDENT}→ ')}" if finding.fix else told


def _wrapped(text: str, first: str) -> str:
    return textwrap.fill(
        plain(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def summary(findings: Sequence[Finding]) -> str:
    """Return how it stands on the whole."""
    counts = {grade: sum(each.grade is grade for each in findings) for grade in Grade}
    problems, warnings = counts[Grade.PROBLEM], counts[Grade.WARNING]
    if not problems and not warnings:
        return "all is well"
    parts = [_counted(problems, "problem"), _counted(warnings, "warning")]
    return " and ".join(part for part in parts if part)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""
