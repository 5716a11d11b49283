"""How the folders of jobs go that are no longer needed, and what killed processes have left.

A folder first loses its name and then its files, so that a reader never sees half a job; whoever
is killed in between leaves something that the next removal takes along.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import scandir, urandom
from pathlib import Path

from nbsubmit.core.blobs import named_in
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import BLOBS, JobFolder
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import have_ended, tasks_of

_GONE = ".gone-"
# What a killed process has left may be that of a living one until then.
LEFT_SECONDS = 24 * 3600.0
# So long another process may need between hiding a folder and deleting it.
_GOING_SECONDS = 3600.0


def remove(store: JobStore, folder: JobFolder, is_held: Callable[[], bool]) -> bool:
    """Remove a job that has ended, with the buffers that no other job holds.

    Parameters
    ----------
    store : JobStore
        Its store.
    folder : JobFolder
        Its folder.
    is_held : callable
        Tells whether a process has it open; asked once it can be opened no more.

    Returns
    -------
    bool
        False if it stays, for somebody has it open.

    Raises
    ------
    FolderError
        If it is not safe to touch, or cannot be removed.
    """
    folder.check()
    hidden = folder.path.with_name(f"{_GONE}{folder.id}-{urandom(4).hex()}")
    try:
        folder.path.rename(hidden)
        if is_held():
            hidden.rename(folder.path)
            return False
        held = [path.name for path in (hidden / BLOBS).glob("*")]
        delete(hidden)
        store.blobs.release(held)
    except OSError as error:
        raise FolderError(f"{folder.path} cannot be removed: {error.strerror}") from error
    return True


def delete(path: Path) -> None:
    """Delete a folder with all that is in it; no link is followed.

    Raises
    ------
    OSError
        If something of it cannot be deleted.
    """
    try:
        shutil.rmtree(path)
    except FileNotFoundError:  # somebody else deletes it, too
        shutil.rmtree(path, ignore_errors=True)
    except PermissionError:
        _make_writable(path)
        shutil.rmtree(path)


def _make_writable(path: Path) -> None:
    """A job's Python packages may have been folders that nobody may write to."""
    path.chmod(0o700)
    for entry in list(scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            _make_writable(Path(entry.path))


def looks_over(folder: JobFolder) -> bool:
    """Tell at a glance whether a job seems to have ended; for an estimate, not to remove it."""
    if folder.refusal_file.exists() or folder.end_file.exists():
        return True
    parts = tasks_of(folder)
    if not parts:
        return folder.result_file.exists()
    return have_ended(folder, parts)


def sweep(store: JobStore, now: float | None = None) -> int:
    """Remove what killed processes have left in a store: half of a job, half of a file.

    Returns
    -------
    int
        The bytes of the buffers that nobody needed.
    """
    now = time.time() if now is None else now
    for folder in store.folders():
        if not folder.spec_file.exists() and _is_left(folder.path, now, LEFT_SECONDS):
            with suppress(FolderError):
                remove(store, folder, lambda: False)
            continue
        for file in _files(folder):
            if _is_left(file, now, LEFT_SECONDS):
                file.unlink(missing_ok=True)
    for path in store.jobs.glob(f"{_GONE}*"):
        if _is_left(path, now, _GOING_SECONDS):
            with suppress(OSError):
                delete(path)
    return store.blobs.collect(now, needed=None if store.blobs.has_links else _named(store))


def _named(store: JobStore) -> set[str]:
    """Return the buffers that jobs refer to, also those that somebody hides just now."""
    found: set[str] = set()
    for pattern in ("*.json", "*.pkl"):
        for file in store.jobs.rglob(pattern):
            with suppress(FileNotFoundError):
                found |= named_in(file.read_bytes())
    return found


def _files(folder: JobFolder) -> Iterator[Path]:
    """Files that somebody has begun to write, which then get another name."""
    for place in (folder.path, folder.path / "results", folder.blobs):
        yield from (path for path in place.glob(".*") if path.is_file())


def _is_left(path: Path, now: float, seconds: float) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return now - max(found.st_mtime, found.st_ctime) > seconds
