"""What the notebook had around it → the job's process: folder, path, and the packages it needs.

Whatever would keep the values from being rebuilt is said before that is tried, in words.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import types
from typing import Any

from nbsubmit.core import packages
from nbsubmit.core.errors import NbsubmitError, OtherFormat
from nbsubmit.core.folder import LIMITS_VARIABLE, NODE_VARIABLE, JobFolder, check_format
from nbsubmit.core.origin import place_of, root_of
from nbsubmit.core.packages import Package
from nbsubmit.core.tasks import RANK_VARIABLE
from nbsubmit.core.trust import check_all_below
from nbsubmit.core.usage import Limits

PYTHON = sys.version_info[:2]
_OTHER = "--python COMMAND, or --setup LINE"


class Incompatible(NbsubmitError):
    """What was sent cannot be read by this Python."""


def enter(folder: JobFolder, payload: dict[str, Any]) -> None:
    """Make this process look like the notebook's.

    Raises
    ------
    Incompatible
        If what was sent cannot be rebuilt here.
    """
    _go_to(payload["working_directory"])
    # Of the files that the job's own code makes; ours say of each who may read it.
    os.umask(payload["umask"])
    sys.path[:] = _path(payload)
    sent = [source["name"] for source in payload["by_value"]]
    if sent:
        if folder.modules.exists():
            check_all_below(folder.modules)
        sys.path.insert(0, str(folder.modules))
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for package in packages.from_json(payload["packages"]):
        _check_package(package, package.name in sent)


def leave(folder: JobFolder) -> None:
    """Forget what was loaded from the job's own folder: the process may be the notebook's."""
    if folder.modules.exists():
        inside = f"{folder.modules}{os.sep}"
        for name, module in list(sys.modules.items()):
            if place_of(module).startswith(inside):
                del sys.modules[name]


def node() -> str:
    """Return the name of this host as the backend knows it."""
    return os.environ.get(NODE_VARIABLE) or platform.node()


def rank_here() -> int:
    """Return which of the processes of a job this one is, from 0."""
    for variable in (RANK_VARIABLE, "SLURM_PROCID", "PMI_RANK"):
        if os.environ.get(variable, "").isdecimal():
            return int(os.environ[variable])
    return 0


def limits() -> Limits:
    """Return what the job was given, as far as that is known; the processors always are."""
    given = Limits.from_words(os.environ.get(LIMITS_VARIABLE, ""))
    return given.over(Limits(cpus=_processors()))


def _processors() -> int:
    """The processors that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # a system that does not bind processes to processors
        return os.cpu_count() or 1


def import_module(module: str, name: str) -> types.ModuleType:
    """Import a module that is bound to a name.

    Raises
    ------
    Incompatible
        If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Incompatible(
            f"{name} is the module {module}, which cannot be imported on {node()}: {error}"
        ) from error


def check_versions(payload: dict[str, Any]) -> None:
    """Make sure that what was sent can be read here, before any of it is read.

    Raises
    ------
    Incompatible
        If another Python or another nbsubmit has written it.
    """
    sent_by = tuple(payload["python"])
    if sent_by != PYTHON:
        raise Incompatible(
            f"the notebook runs Python {sent_by[0]}.{sent_by[1]} and this job Python "
            f"{PYTHON[0]}.{PYTHON[1]} ({sys.executable}); code cannot travel between them. "
            f"Use one Python for both:  --python COMMAND"
        )
    try:
        check_format(payload, "what was sent")
    except OtherFormat as error:
        raise Incompatible(f"on {node()}, with {sys.executable}: {error}") from None


def _check_package(package: Package, was_sent: bool) -> None:
    error = packages.load(package)
    if error is not None:
        raise Incompatible(
            f"{package.needed_by} needs {package}, which cannot be imported on {node()} "
            f"({sys.executable}): {type(error).__name__}: {error}. "
            f"{_cure(package, error, was_sent)}"
        ) from error
    here = "" if was_sent else packages.conflict(package)
    if here:
        raise Incompatible(
            f"{package.needed_by} needs {package}, which the notebook has, and on {node()} there "
            f"is {package.name} {here} ({sys.executable}): it may not read what the other writes. "
            f"Use an environment that has the same:  {_OTHER}"
        )


def _cure(package: Package, error: Exception, was_sent: bool) -> str:
    missing = root_of(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    if missing == package.name and package.place:
        return f"It is {package.place} here. Send its source along:  --by-value {package.name}"
    if missing and (package.place or was_sent):
        return f"Send {missing} along too, if it is yours:  --by-value {missing}"
    if package.place:
        return f"It is {package.place} in the notebook"
    return f"Use an environment that has it:  {_OTHER}"


def _go_to(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        raise Incompatible(
            f"the notebook's folder {directory} cannot be entered on {node()}: "
            f"{error.strerror}; the job runs there"
        ) from None


def _path(payload: dict[str, Any]) -> list[str]:
    """The notebook's path; in another environment with that one's packages in place of its own."""
    sent: list[str] = payload["path"]
    if payload["prefix"] == sys.prefix:
        return sent
    foreign = (f"{payload['prefix']}{os.sep}", f"{payload['base_prefix']}{os.sep}")
    kept = [entry for entry in sent if not entry.startswith(foreign)]
    own = [entry for entry in sys.path if entry not in kept]
    first = next((n for n, entry in enumerate(sent) if entry.startswith(foreign)), len(sent))
    return kept[:first] + own + kept[first:]
