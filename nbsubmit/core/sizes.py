"""How much room jobs take, and how much there would be without some of them.

A buffer that several jobs share counts once, and is only freed with the last of them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbsubmit.core.folder import JobFolder


@dataclass(frozen=True)
class Shared:
    """A buffer that a job holds and others may hold, too.

    Attributes
    ----------
    size : int
        Its size in bytes.
    links : int
        How many names it has, in the store and in the folders of jobs.
    in_store : bool
        Whether one of them is the store's.
    """

    size: int
    links: int
    in_store: bool = True


@dataclass(frozen=True)
class Size:
    """How much room a job takes.

    Attributes
    ----------
    own : int
        The bytes of its own files.
    shared : mapping
        Name → buffer.
    """

    own: int = 0
    shared: Mapping[str, Shared] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """What it would take if it were alone."""
        return self.own + sum(one.size for one in self.shared.values())


def size_of(folder: JobFolder) -> Size:
    """Look how much room a job takes; no link is followed."""
    shared: dict[str, Shared] = {}
    own = 0
    for path, found in _files(folder.path):
        if path.parent == folder.blobs:
            shared[path.name] = Shared(
                found.st_size, found.st_nlink, _is_same(folder.store_blobs / path.name, found)
            )
        else:
            own += found.st_size
    return Size(own, shared)


def taken(sizes: Iterable[Size]) -> int:
    """Return the bytes that some jobs take together."""
    own, shared = 0, dict[str, int]()
    for size in sizes:
        own += size.own
        shared |= {name: one.size for name, one in size.shared.items()}
    return own + sum(shared.values())


def freed(sizes: Iterable[Size]) -> int:
    """Return the bytes that would be free if these jobs were gone and all others stayed."""
    own, holders, shared = 0, Counter[str](), dict[str, Shared]()
    for size in sizes:
        own += size.own
        holders.update(size.shared.keys())
        shared |= size.shared
    going = (one.size for name, one in shared.items() if one.links - one.in_store <= holders[name])
    return own + sum(going)


def estimate(folders: Iterable[JobFolder], seconds: float) -> tuple[int, bool]:
    """Return the bytes that would be free without some jobs, as far as that is found in time.

    Returns
    -------
    int
        The bytes.
    bool
        Whether all of them were looked at.
    """
    deadline = time.monotonic() + seconds
    sizes: list[Size] = []
    for folder in folders:
        if time.monotonic() > deadline:
            return freed(sizes), False
        sizes.append(size_of(folder))
    return freed(sizes), True


def _is_same(path: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.lstat(), found)
    except OSError:
        return False


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it goes just now, or is nobody's business
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            else:
                yield Path(entry.path), entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
