"""Whether a cell has been sent before, with the same inputs: then it need not be sent again."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nbsubmit.core import content, keys, own_modules, packages
from nbsubmit.core.backend import Backend
from nbsubmit.core.cell import Cell
from nbsubmit.core.changes.kinds import is_fixed
from nbsubmit.core.changes.within import address_of
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Key, Keys
from nbsubmit.core.payload import PART
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.submit import Request

_log = logging.getLogger("nbsubmit")


def key_of(
    request: Request,
    cell: Cell,
    tasks: object,
    home: dict[str, Any],
    in_case: Collection[str] = (),
) -> Key | None:
    """Return the key of a cell that could be sent; None if its values cannot be told by content.

    Parameters
    ----------
    request : Request
        What is to be sent.
    cell : Cell
        The cell.
    tasks : object
        What each task of an array has for itself.
    home : dict
        The notebook's namespace.
    in_case : collection of str
        Names that are sent in case that code reads them which other jobs bring.
    """
    payload = request.payload
    awaited: dict[str, list[str]] = {}
    for after in request.after:
        for name in after.names:
            awaited.setdefault(name, []).append(after.job.id)
    parts = {entry.name for entry in payload.entries if entry.why == PART}
    try:
        values = {
            name: content.digest(value, home)
            for name, value in payload.names.items()
            if name not in parts and name not in awaited
        }
        own = content.digest(tasks, home) if tasks else ""
    except Exception:  # of whatever code the values bring for being pickled
        _log.debug("a cell's values cannot be told by their content", exc_info=True)
        return None
    # Of what values are made with they tell themselves: some are still to come.
    modules = {n: module for n, module in payload.modules.items() if n not in in_case}
    in_case_modules = {n: payload.modules[n] for n in payload.modules.keys() - modules.keys()}
    base = [
        cell.source,
        repr((cell.compile_flags, cell.interactivity, cell.bring)),
        repr(sorted(_options(request.options).items())),
        repr(sorted(modules.items())),
        *_made_with([*modules.values(), *payload.submodules], cell.source),
        repr([(a.job.id, a.whatever) for a in request.after if not a.names]),
        repr((sys.version_info[:3], sys.prefix, str(Path.cwd()))),
        own,
        repr(_shared(payload.names)),
        repr(_environment(" ".join((cell.source, *payload.sources.values())))),
    ]
    values |= {
        name: content.together([module, *_made_with([module], "")])
        for name, module in in_case_modules.items()
    }
    of_jobs = {name: keys.of_jobs(ids) for name, ids in awaited.items()}
    return Key(content.together(base), {**values, **of_jobs}, frozenset(in_case) & values.keys())


def _shared(values: Mapping[str, Any]) -> list[list[str]]:
    """Return the names that have one object among them, or arrays in one memory."""
    groups: dict[int, list[str]] = {}
    for name, value in sorted(values.items(), key=lambda pair: pair[0]):
        if not is_fixed(value):
            groups.setdefault(address_of(value), []).append(name)
    return sorted(names for names in groups.values() if len(names) > 1)


def _environment(text: str) -> list[tuple[str, str]]:
    """Return the variables of the environment that a text names, with their values."""
    words = set(_WORD.findall(text))
    return sorted((name, value) for name, value in os.environ.items() if name in words)


_WORD = re.compile(r"""["'$]\{?(\w+)""")


def _made_with(modules: Sequence[str], source: str) -> list[str]:
    """Return what tells the user's own modules and the packages among these from others."""
    modules = sorted(set(modules))
    found = packages.needed({name: name for name in modules})
    return [
        repr(sorted(own_modules.texts(modules, source).items())),
        repr([str(package) for package in found]),
    ]


def _options(options: CellOptions) -> dict[str, Any]:
    """Return what of the options makes a difference to what a job does."""
    resources = replace(options.resources, name=None)
    return {
        "resources": sorted(asdict(resources).items(), key=str),
        "setup": options.setup,
        "teardown": options.teardown,
        "env": sorted(options.env.items()),
        "python": options.python,
        "by_value": options.by_value,
        "exclude": options.exclude,
        "ranks": options.ranks,
        "maps": [str(one) for one in options.maps],
        "product": options.product,
        "indices": options.indices,
    }


def on(key: Key, backend: Backend) -> Key:
    """Return the key of the same on a backend."""
    return replace(key, base=content.together([key.base, backend.name]))


def find(
    key: Key, request: Request, store: Path, open_job: Callable[[str], Job], *, reuse: bool
) -> Job | None:
    """Return the latest job that is the same and alive, or has succeeded if that will do.

    Two cells with the same text are two cells, where the front end tells them apart.
    """
    for job_id in Keys(store).find(key):
        try:
            job = open_job(job_id)
        except NbsubmitError:  # it is on its way out, or not safe to read
            continue
        if not _is_of_cell(job, request.origin):
            continue
        if not job.done() or (reuse and job.state is JobState.COMPLETED):
            return job
    return None


def _is_of_cell(job: Job, origin: Mapping[str, Any]) -> bool:
    other = job.spec.get("origin", {})
    return all(
        name not in other or name not in origin or other[name] == origin[name]
        for name in ("notebook", "cell")
    )
