"""The stores that the user's processes have sent jobs to, for whoever shows the jobs of all.

In the user's own folder there is a file for each store, which says where that is. It is written by
who sends the first job of its process there; a list is never needed to find a job that is named.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from pathlib import Path

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import PRIVATE_FOLDER, write_whole
from nbsubmit.core.trust import check_private, read_own

_log = logging.getLogger("nbsubmit")

# A store that cannot be seen may be on a disk that is not here now; for so long it is remembered.
_REMEMBERED_SECONDS = 30 * 24 * 3600.0
_noted: set[tuple[Path, Path]] = set()


def place() -> Path:
    """Return the folder of these files."""
    state_home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state_home).expanduser().absolute() / "nbsubmit" / "stores"


def note(store: Path) -> None:
    """Note that jobs are sent to a store; where that fails nobody is told.

    Once in a process is enough, and takes 0.3 ms.
    """
    folder = place()
    if (folder, store) in _noted:
        return
    _noted.add((folder, store))
    text = json.dumps({"path": str(store)}).encode()
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        check_private(folder)
        name = hashlib.sha256(os.fsencode(store)).hexdigest()[:32]
        write_whole(folder / f"{name}.json", lambda out: out.write(text))
    except (OSError, FolderError):
        _log.debug("the store %s could not be noted", store, exc_info=True)


def known() -> list[Path]:
    """Return the stores that are there, and forget those that are surely gone."""
    folder = place()
    try:
        check_private(folder)
        files = sorted(folder.glob("*.json"))
    except (OSError, FolderError):
        return []
    return [store for file in files if (store := _store(file)) is not None]


def _store(file: Path) -> Path | None:
    try:
        store = Path(json.loads(read_own(file))["path"])
        if store.is_absolute() and store.is_dir():
            return store
        is_old = time.time() - file.stat().st_mtime > _REMEMBERED_SECONDS
        if is_old or store.parent.is_dir():
            file.unlink(missing_ok=True)
    except (OSError, FolderError, ValueError, KeyError, TypeError):
        _log.debug("%s is not what nbsubmit wrote there", file, exc_info=True)
    return None
