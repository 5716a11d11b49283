"""What somebody who looked has found: well, doubtful or wrong, in a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How it stands with what was looked at."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    subject : str
        What was looked at, in a word or two.
    grade : Grade
        How it stands with that.
    told : str
        What was found, in a sentence.
    fix : str
        What to do about it; empty where all is well.
    """

    subject: str
    grade: Grade
    told: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as plain data."""
        return {
            "subject": self.subject,
            "grade": self.grade.value,
            "told": self.told,
            "fix": self.fix,
        }


def well(subject: str, told: str) -> Finding:
    """Return that all is well."""
    return Finding(subject, Grade.OK, told)


def warning(subject: str, told: str, fix: str = "") -> Finding:
    """Return something that works and may not for long, or not as somebody thinks."""
    return Finding(subject, Grade.WARNING, told, fix)


def problem(subject: str, told: str, fix: str = "") -> Finding:
    """Return something that keeps jobs from running or from bringing what they make."""
    return Finding(subject, Grade.PROBLEM, told, fix)
