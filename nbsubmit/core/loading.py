"""What lies in a job's folder → values here: those that it brought, and those that it was sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from nbsubmit.core import lines, packages
from nbsubmit.core.bundle import Bundle
from nbsubmit.core.call import SHARED
from nbsubmit.core.definitions.known import adopting, defined_by
from nbsubmit.core.errors import ResultUnreadable
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.lending import lending
from nbsubmit.core.originals import Home, Originals
from nbsubmit.core.result import CAUSE, CLASSES, EXCEPTION, VALUE, Result
from nbsubmit.core.sent import Sent
from nbsubmit.core.slices import load as load_slice
from nbsubmit.core.slices import read as read_slice
from nbsubmit.core.tasks import TaskFolder

# What was sent, by name, and the parts of that by their numbers.
Copies = tuple[Mapping[str, Any], Mapping[int, Any]]

_WORDS = {VALUE: "the last expression", EXCEPTION: "the error"}


def load_brought(
    folder: JobFolder,
    result: Result,
    sources: Mapping[str, str],
    home: Namespace,
    sender: Home | None,
    copies: Callable[[], Copies],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that a job brought, and why others could not be rebuilt here.

    Parameters
    ----------
    folder : JobFolder
        The job's.
    result : Result
        What it brought.
    sources : mapping
        Code file → text, of what was sent.
    home : dict
        The namespace that functions among the values are bound to.
    sender : Home or None
        The notebook that may be asked for the objects that it has sent.
    copies : callable
        Returns what was sent as it was then, for where the notebook has it no more.

    Raises
    ------
    ResultUnreadable
        If another Python, or another release of a package, has written it.
    """
    if result.python != sys.version_info[:2]:
        raise ResultUnreadable(
            f"job {folder.id} ran under Python {result.python[0]}.{result.python[1]}, which "
            f"this one cannot read ({sys.version_info[0]}.{sys.version_info[1]}). Use that one "
            f"to look at it:  nbsubmit.attach({folder.id!r}).names",
            folder.id,
            folder.path,
        )
    folder.check_parts()
    _check_packages(folder, result)
    lines.remember_unknown(sources)
    brought = Bundle(folder.result_stream, result.contents, folder.locate)
    originals = Originals(sender, copies, result.changed)
    with defined_by(copies), lending(home, result.modules) as lender:
        values, failed = brought.load_what_can_be(home, originals, lender.lend)
        originals.change_classes(values.pop(CLASSES, ()))
    # An exception that cannot be rebuilt is told by its text.
    told = {n: why for n, why in failed.items() if n not in (EXCEPTION, CAUSE)}
    return values, {name: _with_cure(folder.id, why) for name, why in told.items()}


def load_copies(folder: JobFolder, sent: Sent, home: Namespace) -> Copies:
    """Return the values that a job was sent, as they were then, and their parts."""
    folder.check_parts()
    values: dict[str, Any] = {}
    payload = Bundle(folder.payload_stream, sent.contents, folder.locate)
    with adopting(home):
        parts = payload.load(home, values.__setitem__)
        if isinstance(folder, TaskFolder) and folder.slices_file.exists():
            shared = values.pop(SHARED, ())
            values |= load_slice(read_slice(folder), home, shared)
    return values, parts() if parts else {}


def _check_packages(folder: JobFolder, result: Result) -> None:
    """Make sure that what came back was not written by a package of another version."""
    for package in result.packages:
        here = "" if packages.load(package) else packages.conflict(package)
        if here:
            raise ResultUnreadable(
                f"job {folder.id} wrote {_WORDS.get(package.needed_by, package.needed_by)} with "
                f"{package}, and here is "
                f"{package.name} {here}, which may not read it. All that it brought stays in "
                f"{folder.path}: in a Python that has {package}, "
                f"nbsubmit.attach({folder.id!r}).names has it",
                folder.id,
                folder.path,
            )


def _with_cure(job_id: str, why: str) -> str:
    """Say what to do about a package that is not here."""
    if not why.startswith(ModuleNotFoundError.__name__):
        return why
    return f"{why}; where it is installed, nbsubmit.attach({job_id!r}).names has the value"
