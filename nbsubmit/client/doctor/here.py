"""What of this machine matters to jobs: Python, Jupyter, the queue and the configuration."""

from __future__ import annotations

import difflib
import os
import platform
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from nbsubmit.backends.queue.machine import GPUS_VARIABLE, SLOTS_VARIABLE
from nbsubmit.backends.queue.place import VARIABLE, QueueFolder
from nbsubmit.core.asking import aside
from nbsubmit.core.config_files import SITE_VARIABLE, Configuration
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.finding import Finding, problem, warning, well
from nbsubmit.core.folder import FORMAT
from nbsubmit.core.settings import NAMES, Settings, of_environment, variable_of
from nbsubmit.core.tasks import OF_A_JOB

_SECONDS = 10.0
# Variables of ours that set nothing of a session.
_OTHERS = (SLOTS_VARIABLE, GPUS_VARIABLE, VARIABLE, SITE_VARIABLE)


@dataclass(frozen=True)
class Facts:
    """What has to fit on both sides.

    Attributes
    ----------
    python : tuple of int
        The release of Python.
    packages : mapping
        The versions of what jobs are written with.
    format : int
        How nbsubmit writes its files.
    """

    python: tuple[int, int, int]
    packages: Mapping[str, str]
    format: int = FORMAT


def facts() -> Facts:
    """Return what is here."""
    names = ("nbsubmit", "cloudpickle")
    found = {name: installed(name) or "" for name in names}
    return Facts((*sys.version_info[:3],), found)


def installed(package: str) -> str | None:
    """Return the version of a package; None if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def settings() -> Settings:
    """Return what the environment sets, for where configuration files are wrong."""
    try:
        return replace(Settings(), **of_environment())
    except OptionError:
        return Settings()


def python() -> Iterator[Finding]:
    """Tell which Python this is, and with what in it."""
    told = f"{platform.python_version()} in {sys.prefix}, nbsubmit {installed('nbsubmit')}"
    yield well("Python here", told)


def jupyter() -> Iterator[Finding]:
    """Tell whether a notebook here can show panels."""
    kernel, widgets = installed("ipykernel"), installed("ipywidgets")
    if kernel is None:
        yield warning(
            "Jupyter",
            "there is no ipykernel in this Python, so notebooks run another one",
            f"{sys.executable} -m pip install ipykernel, and choose this kernel in the notebook",
        )
        return
    parts = {name: installed(name) for name in ("jupyterlab", "notebook")}
    fronts = [f"{name} {found}" for name, found in parts.items() if found]
    shown = ", ".join([f"ipykernel {kernel}", f"ipywidgets {widgets}", *fronts])
    if parts["jupyterlab"] and not installed("jupyterlab_widgets"):
        yield warning(
            "Jupyter",
            f"{shown}; JupyterLab has no jupyterlab_widgets, so it shows text for panels",
            f"{sys.executable} -m pip install jupyterlab_widgets, and load the page anew",
        )
        return
    hint = "" if fronts else (
        "; JupyterLab runs from elsewhere and needs jupyterlab_widgets there"
    )  # fmt: skip
    yield well("Jupyter", shown + hint)


def local_jobs() -> Iterator[Finding]:
    """Tell whether ``%%local`` can keep its queue."""
    queue = QueueFolder()
    try:
        queue.prepare()
        queue.read()
    except (FolderError, OSError) as error:
        yield problem(
            "local jobs", f"the queue of %%local cannot be used: {error}",
            f"Name a folder of yours for it: {VARIABLE}",
        )  # fmt: skip
        return
    yield well("local jobs", f"%%local keeps its queue in {queue.path}")


def configuration(found: Configuration) -> Iterator[Finding]:
    """Tell of files that are passed over, and of variables that nobody reads."""
    for remark in found.remarks:
        told, _, fix = remark.partition(". ")
        yield warning("configuration", told, fix)
    yield from unknown_variables(os.environ)
    read = [str(each.path) for each in found.files if each.is_there and not each.distrust]
    yield well("configuration", f"read from {', '.join(read)}" if read else "there are no files")


def unknown_variables(environ: Collection[str]) -> Iterator[Finding]:
    """Tell of variables that look like ours and are not."""
    known = [*map(variable_of, NAMES), *_OTHERS]
    for name in sorted(environ):
        if name.startswith("NBSUBMIT_") and name not in (*known, *OF_A_JOB):
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}"
            yield warning("variables", f"{name} is set, and nothing reads it", fix)


def in_time(
    subject: str, what: str, look: Callable[[], list[Finding]], seconds: float = _SECONDS
) -> list[Finding]:
    """Return what is found where that does not take too long: a disk that is gone never answers.

    Parameters
    ----------
    subject, what : str
        What is looked at, for people.
    look : callable
        Looks, and may never return.
    seconds : float
        So long it may take.
    """
    answer = aside(look)
    if wait([answer], seconds).done:
        return answer.result()
    told = f"{what} does not answer within {seconds:g} s, as where a disk is mounted that is gone"
    fix = "Wait until the site's disks are back, or name a folder on another one: NBSUBMIT_FOLDER"
    return [problem(subject, told, fix)]
