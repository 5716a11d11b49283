"""A namespace → text that is the same exactly if the values are: runs inside the two kernels."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from tests.cells.allowed import UNCOUNTED, stays_on_the_node, without_where_and_when
from tests.cells.describer import Describer
from tests.cells.functions import hash_of
from tests.cells.relations import same_objects, shared_memory

Namespace = dict[str, Any]

_SHOWN = 20_000


def write(namespace: Namespace, file: str, work: str, count: int) -> None:
    """Write the digest of a notebook's namespace and its folder to a file, as JSON.

    Parameters
    ----------
    namespace : dict
        The notebook's.
    file : str
        Where to write.
    work : str
        The folder in which the notebook began.
    count : int
        The number of the cell that ran last, for its entry in ``Out``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _digest(namespace, Path(work), count)
    Path(file).write_text(json.dumps(found))


def _digest(namespace: Namespace, work: Path, count: int) -> dict[str, Any]:
    mine = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in UNCOUNTED
    }
    handles = sorted(name for name, value in mine.items() if stays_on_the_node(value))
    counted = {name: value for name, value in mine.items() if name not in handles}
    values = dict(counted)
    if count in namespace["Out"]:
        values[f"Out[{count}]"] = namespace["Out"][count]
    return {
        "values": {name: _text(value, namespace) for name, value in values.items()},
        "handles": handles,
        "same object": same_objects(counted),
        "shared memory": shared_memory(counted),
        "files": _files(work),
    }


def _text(value: Any, namespace: Namespace) -> str:
    """What can be read of a value's description, and the hash of all."""
    text = without_where_and_when(Describer(namespace).text(value))
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}… {hash_of(text.encode())} of {len(text)}"


def _files(work: Path) -> dict[str, str]:
    paths = [path for path in work.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(work)): hash_of(path.read_bytes()) for path in paths}
