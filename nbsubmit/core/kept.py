"""What is kept of a cell that failed: its frames and their values, as plain data.

It lies beside the result in two files of its own, so that nobody pays for it who does not look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbsubmit.core.folder import FORMAT, check_format

# By this name a value refers to the namespace as a whole; no name of the notebook is like it.
EVERYTHING = "<globals>"


class NotHere:
    """Stands for a value that was not kept, or that cannot be rebuilt here.

    Parameters
    ----------
    type : str
        The value's type.
    why : str
        Why it is not here.
    shown : str
        What it looked like.
    """

    def __init__(self, type: str, why: str, shown: str = "") -> None:
        self._type = type
        self._why = why
        self._shown = shown

    def __repr__(self) -> str:
        shown = f": {self._shown}" if self._shown else ""
        return f"<{self._type} that is not here ({self._why}){shown}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"this {self._type} is not here ({self._why}), nor is its {name}")


@dataclass(frozen=True)
class KeptValue:
    """A value that was kept, or what is known of one that could not be.

    Attributes
    ----------
    type : str
        Its type, as people write it.
    start, size : int
        Where it lies in the file of values; a size of 0 says that it is not there.
    shown : str
        What it looks like, of one that is not there, or not with all its parts.
    why_not : str
        Why it is not.
    """

    type: str
    start: int = 0
    size: int = 0
    shown: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class KeptFrame:
    """One frame.

    Attributes
    ----------
    file, name : str
        Its code's file and name.
    line, first_line : int
        Where it was, and where its code begins.
    module : str
        The module whose globals it has; empty for the notebook's.
    arguments : tuple of str
        Those among its locals that are arguments.
    values : mapping or None
        Name → number of the value; None if its locals are the notebook's namespace itself.
    """

    file: str
    name: str
    line: int
    first_line: int
    module: str = ""
    arguments: tuple[str, ...] = ()
    values: Mapping[str, int] | None = None


@dataclass(frozen=True)
class KeptError:
    """An exception with the frames that it went through.

    Attributes
    ----------
    type, message : str
        Its type's name, and what it says.
    value : int
        The number of its value.
    is_cause : bool
        Whether it is the cause of the one before it, and not just what was being handled.
    frames : tuple of KeptFrame
        The innermost last.
    """

    type: str
    message: str
    value: int
    is_cause: bool
    frames: tuple[KeptFrame, ...] = ()


@dataclass(frozen=True)
class Kept:
    """All that is kept of a failure.

    Attributes
    ----------
    python : tuple of int
        The worker's version of Python, major and minor.
    errors : tuple of KeptError
        The one that ended the cell, then the one that led to it, and so on.
    values : tuple of KeptValue
        By number.
    names : mapping
        Name → number, of names of the namespace that neither were sent nor come back.
    modules : mapping
        Name → module that is bound to it.
    texts : mapping
        Code file → first line and text of each stretch around a frame.
    """

    python: tuple[int, int]
    errors: tuple[KeptError, ...]
    values: tuple[KeptValue, ...] = ()
    names: Mapping[str, int] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, list[tuple[int, str]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Kept:
        """Return what `to_json` wrote.

        Raises
        ------
        OtherFormat
            If another nbsubmit has written it.
        """
        check_format(data, "what was kept of the job's error")
        return cls(
            python=(data["python"][0], data["python"][1]),
            errors=tuple(_error(error) for error in data["errors"]),
            values=tuple(KeptValue(**value) for value in data["values"]),
            names=data["names"],
            modules=data["modules"],
            texts={file: [(n, text) for n, text in data["texts"][file]] for file in data["texts"]},
        )


def _error(data: Mapping[str, Any]) -> KeptError:
    return KeptError(**{**data, "frames": tuple(_frame(frame) for frame in data["frames"])})


def _frame(data: Mapping[str, Any]) -> KeptFrame:
    return KeptFrame(**{**data, "arguments": tuple(data["arguments"])})
