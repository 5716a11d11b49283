"""What was sent → the job's namespace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbsubmit.core import lines
from nbsubmit.core.bundle import Bundle, LoadError, Parts
from nbsubmit.core.contents import Contents
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.worker import surroundings

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings


def load(
    folder: JobFolder,
    payload: Mapping[str, Any],
    texts: Mapping[str, str],
    namespace: Namespace,
    arrived: Callable[[str, Any], None],
    contents: Contents,
    mappings: Mappings | None,
) -> Parts | None:
    """Make the process look like the sender's and load what was sent.

    Parameters
    ----------
    folder : JobFolder
        The job's folder.
    payload : mapping
        What lies beside the values.
    texts : mapping
        Code file → text, of the job's own code.
    namespace : dict
        The job's, to which modules and functions are bound.
    arrived : callable
        Takes each name and value.
    contents : Contents
        The values.
    mappings : Mappings or None
        Keeps account of what is mapped.
    """
    surroundings.enter(folder, dict(payload))
    lines.remember({**payload["sources"], **texts})
    for module in payload["submodules"]:
        surroundings.import_module(module, module)
    for name, module in payload["modules"].items():
        namespace[name] = surroundings.import_module(module, name)
    bundle = Bundle(folder.payload_stream, contents, folder.locate)
    try:
        return bundle.load(namespace, arrived, mappings=mappings)
    except LoadError as error:
        raise LoadError(error.name, error.message + _of_what(folder, payload)) from error.__cause__


def _of_what(folder: JobFolder, payload: Mapping[str, Any]) -> str:
    """Say which file could not be read, and whether another cloudpickle has written it."""
    there = payload["cloudpickle"]
    here = getattr(sys.modules.get("cloudpickle"), "__version__", there)
    other = (
        f"; the notebook has cloudpickle {there} and this job {here}. Use one Python for both:  "
        f"--python COMMAND"
    )
    return f", in {folder.payload_stream}{other if there != here else ''}"


def mappings_for(contents: Contents) -> Mappings | None:
    """Return what keeps account of what is mapped; None if nothing is."""
    if not contents.regions:
        return None
    from nbsubmit.core.mapped import Mappings  # 10 ms, with ctypes; few jobs need it

    return Mappings()
