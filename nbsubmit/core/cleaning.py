"""Jobs that are no longer needed: which they are, and how their folders go.

The choice is a pure function. A folder first loses its name and then its files, so that a reader
never sees half a job; whoever is killed in between leaves something that the next cleaning removes.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import scandir, urandom
from pathlib import Path

from nbsubmit.core.blobs import named_in
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.folder import BLOBS, JobFolder
from nbsubmit.core.sizes import Size
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import listing, tasks_of

_AGE = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$", re.IGNORECASE)
_SECONDS = (7 * 86400, 86400, 3600, 60, 1)
_GONE = ".gone-"
# What a killed process has left may be that of a living one until then.
LEFT_SECONDS = 24 * 3600.0
# So long another process may need between hiding a folder and deleting it.
_GOING_SECONDS = 3600.0


@dataclass(frozen=True)
class Item:
    """A job that may go.

    Attributes
    ----------
    id, name : str
        Which it is.
    state : JobState
        Its state.
    at : float
        When it ended, in seconds since the epoch; when it was sent if that is not known.
    stays : str
        Why it has to stay, or empty.
    needs : frozenset of str
        The jobs that have to stay for as long as it does.
    size : Size
        How much room it takes.
    """

    id: str
    state: JobState
    at: float
    name: str = ""
    stays: str = ""
    needs: frozenset[str] = frozenset()
    size: Size = field(default_factory=Size)


@dataclass(frozen=True)
class Wish:
    """Which jobs are to go: those that all of this is true of.

    Attributes
    ----------
    older : float or None
        They ended so many seconds ago.
    keep : int or None
        They are not among so many that were sent last.
    states : frozenset of JobState or None
        They ended so.
    ids : frozenset of str or None
        They are these.
    """

    older: float | None = None
    keep: int | None = None
    states: frozenset[JobState] | None = None
    ids: frozenset[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is asked for."""
        return (self.older, self.keep, self.states, self.ids) == (None,) * 4


def choose(items: Sequence[Item], wish: Wish, now: float) -> tuple[list[Item], dict[str, str]]:
    """Return the jobs that go, and of those that were asked for and stay: the id → why.

    Parameters
    ----------
    items : sequence of Item
        All jobs of the store, oldest first.
    wish : Wish
        What is asked for.
    now : float
        The time, in seconds since the epoch.
    """
    asked = [item for item in items if _is_asked_for(item, wish)]
    if wish.keep:
        asked = asked[: -wish.keep]
    asked = [item for item in asked if wish.older is None or now - item.at >= wish.older]
    stays = {item.id: item.stays for item in asked if item.stays}
    going = {item.id for item in asked} - stays.keys()
    while needed := _needed(items, going):
        stays |= needed
        going -= needed.keys()
    return [item for item in asked if item.id in going], stays


def _is_asked_for(item: Item, wish: Wish) -> bool:
    if wish.ids is not None and item.id not in wish.ids:
        return False
    if wish.states is not None:
        return item.state in wish.states
    return item.state.ended or wish.ids is not None


def _needed(items: Iterable[Item], going: set[str]) -> dict[str, str]:
    return {
        need: f"job {item.id} needs it"
        for item in items
        if item.id not in going
        for need in item.needs & going
    }


def parse_age(text: str) -> float:
    """Seconds in an age: ``30d``, ``2w``, ``1d12h``.

    Raises
    ------
    OptionError
        If it is none.
    """
    match = _AGE.match(text.strip())
    if match is None or not any(match.groups()):
        raise OptionError(f"--older: {text!r} is not an age; write 30d, 2w, 12h or 1d12h")
    return sum(
        int(number) * size for number, size in zip(match.groups(default="0"), _SECONDS, strict=True)
    )


def parse_states(text: str) -> frozenset[JobState]:
    """Return states that are separated by commas.

    Raises
    ------
    OptionError
        If one is no state in which a job ends.
    """
    ends = {str(state): state for state in JobState if state.ended}
    words = [word.strip().upper() for word in text.split(",")]
    for word in words:
        if word not in ends:
            raise OptionError(
                f"--state: a job does not end as {word!r}; it may be {', '.join(ends)}"
            )
    return frozenset(ends[word] for word in words)


def parse_count(text: str) -> int:
    """Return how many jobs are to be kept.

    Raises
    ------
    OptionError
        If it is no number.
    """
    if not text.strip().isdecimal():
        raise OptionError(f"--keep: {text!r} is not a number of jobs")
    return int(text)


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
    done = listing(folder).ended
    return all(str(part.key) in done or part.end_file.exists() for part in parts)


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
    for path in (store.path / "jobs").glob(f"{_GONE}*"):
        if _is_left(path, now, _GOING_SECONDS):
            with suppress(OSError):
                delete(path)
    return store.blobs.collect(now, needed=None if store.blobs.has_links else _named(store))


def _named(store: JobStore) -> set[str]:
    """Return the buffers that jobs refer to, also those that somebody hides just now."""
    found: set[str] = set()
    for pattern in ("*.json", "*.pkl"):
        for file in (store.path / "jobs").rglob(pattern):
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
