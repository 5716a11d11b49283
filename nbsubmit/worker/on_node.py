"""What ``nbsubmit doctor`` runs on a node: it tells which Python that is and what it can import.

It is run as text by whatever Python a job would be given, so it needs nothing but that, and no
newer one than 3.6.
"""

import importlib
import json
import os
import shutil
import sys
import tempfile
import time


def look(place: str) -> None:
    """Write what this Python is into a file, whole."""
    told = {
        "executable": sys.executable,
        "version": list(sys.version_info[:3]),
        "prefix": sys.prefix,
        "modules": {name: module(name) for name in ("cloudpickle", "xxhash", "psutil")},
        "temporary": temporary(),
    }
    begun = time.time()
    worker = module("nbsubmit.worker.run")
    worker["seconds"] = time.time() - begun
    told["worker"] = worker
    with open(place + ".part", "w") as out:
        json.dump(told, out)
    os.replace(place + ".part", place)


def module(name: str) -> "dict[str, object]":
    """Return of which version a module is and where, or why it cannot be imported."""
    try:
        found = importlib.import_module(name)
        top = sys.modules[name.partition(".")[0]]
        told = {"file": found.__file__}  # type: dict[str, object]
        told["version"] = str(getattr(top, "__version__", ""))
        if top is not found:
            folder = importlib.import_module(top.__name__ + ".core.folder")
            told["format"] = getattr(folder, "FORMAT", 0)
        return told
    except BaseException as error:
        return {"error": type(error).__name__ + ": " + str(error)}


def temporary() -> "dict[str, object]":
    """Return the folder for temporary files and the room in it, or why there is none."""
    try:
        path = tempfile.gettempdir()
        with tempfile.TemporaryFile():
            return {"path": path, "free": shutil.disk_usage(path).free}
    except OSError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    look(sys.argv[-1])
