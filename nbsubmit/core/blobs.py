"""Large buffers, kept once each under a name made from their content.

The name is a hash and the size, never the identity of whatever held the bytes: a changed array has
another name, the same data sent again are there already, which is 0.10 s for 1 GiB instead of 0.39.
A job's folder holds each blob that it needs by a hard link, so a blob with one link is needed by
nobody.

The hash is xxh3-128: safe from accident at ten times a disk's speed, and at fifteen times that of
SHA-256. It is no defence against somebody who wants a collision, so a store is one user's alone.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Set
from itertools import islice
from pathlib import Path

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import PRIVATE_FOLDER, new_file
from nbsubmit.core.trust import check_private, is_own

# At least this large, a buffer is worth a file of its own; inodes are rationed on clusters.
SMALLEST_BLOB = 1 << 20
# A writer may be between writing a blob and linking it into its job's folder.
KEEP_SECONDS = 24 * 3600.0

_NAME = r"[0-9a-f]{32}-\d+$"
_NAMED = re.compile(rb"blobs/([0-9a-f]{32}-\d+)")
# What Linux writes in one call at most is a little less than 2 GiB.
_CHUNK = 1 << 30
# What every Linux takes at once.
_MOST_PIECES = 1000
_HALF = ".half-"
_NO_LINKS, _COLLECTED = ".no-links", ".collected"


def name_of(parts: Iterable[memoryview | bytes]) -> str:
    """Return the name of the blob that has this content."""
    import xxhash  # 1 ms, which a job without buffers does not need

    digest = xxhash.xxh3_128()
    size = 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return f"{digest.hexdigest()}-{size}"


def name_of_pack(names: Iterable[str], size: int) -> str:
    """Return the name of a blob of several pieces, which is made of theirs."""
    import xxhash

    return f"{xxhash.xxh3_128_hexdigest(' '.join(names).encode())}-{size}"


def is_name(text: str) -> bool:
    """Tell whether a text could be a blob's name."""
    return re.match(_NAME, text) is not None


def named_in(data: bytes) -> set[str]:
    """Return the names of the blobs that a file of a job refers to."""
    return {name.decode() for name in _NAMED.findall(data)}


class BlobStore:
    """The blobs of one store.

    Parameters
    ----------
    path : Path
        Their folder; made when the first blob is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, name: str) -> bool:
        """Tell whether a blob is there, whole and the user's own; else it is written anew."""
        try:
            found = os.lstat(self.path / name)
        except FileNotFoundError:
            return False
        is_whole = stat.S_ISREG(found.st_mode) and found.st_size == _size(name)
        return is_whole and is_own(found)

    def put(self, name: str, parts: Iterable[memoryview | bytes], *, durable: bool = False) -> None:
        """Keep a blob, unless it is there."""
        if self.has(name):
            # It was needed just now: that is what keeps it from being collected.
            os.utime(self.path / name)
            return
        self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        check_private(self.path)
        descriptor, temporary = new_file(self.path, _HALF)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for some in _some_at_a_time(parts):
                    _write(file.fileno(), some)
                os.fchmod(file.fileno(), 0o400)
                if durable:
                    os.fsync(file.fileno())
            temporary.replace(self.path / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def hold(self, name: str, folder: Path) -> None:
        """Have a job's folder hold a blob.

        Where the file system has no hard links only a look into all jobs tells which are needed.
        """
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        try:
            (folder / name).hardlink_to(self.path / name)
        except FileExistsError:
            return
        except FileNotFoundError:
            raise FolderError(
                f"the data {self.path / name} was deleted meanwhile. Send it again"
            ) from None
        except OSError:
            (self.path / _NO_LINKS).touch(mode=0o600)

    def release(self, names: Iterable[str]) -> int:
        """Delete those of these blobs that no job's folder holds any more.

        Returns
        -------
        int
            The bytes that were freed.
        """
        if not self.path.is_dir() or not self.has_links:
            return 0
        check_private(self.path)
        freed = 0
        for name in filter(is_name, names):
            file = self.path / name
            # Without its name nobody can hold it any more; who tries to writes it again.
            hidden = self.path / f"{_HALF}{os.urandom(8).hex()}"
            try:
                if file.lstat().st_nlink > 1:
                    continue
                file.rename(hidden)
                found = hidden.lstat()
                if found.st_nlink > 1:
                    hidden.rename(file)
                    continue
                hidden.unlink()
            except FileNotFoundError:
                continue
            freed += found.st_size
        return freed

    def collect_now_and_then(self) -> None:
        """Collect if that was not done for a day."""
        mark = self.path / _COLLECTED
        try:
            if not self.path.is_dir() or time.time() - mark.stat().st_mtime < KEEP_SECONDS:
                return
        except FileNotFoundError:
            pass
        mark.touch(mode=0o600)
        os.utime(mark)
        self.collect()

    @property
    def has_links(self) -> bool:
        """Tell whether a link count says who needs a blob: not every file system has hard links."""
        return not (self.path / _NO_LINKS).exists()

    def collect(
        self,
        now: float | None = None,
        keep_seconds: float = KEEP_SECONDS,
        needed: Set[str] | None = None,
    ) -> int:
        """Delete the blobs that no job needs and that were not needed lately.

        Parameters
        ----------
        now : float, optional
            The time, in seconds since the epoch.
        keep_seconds : float
            What was needed since so long ago stays.
        needed : set of str, optional
            The names of those that jobs need, for where there are no hard links to tell; without
            it nothing is deleted there.

        Returns
        -------
        int
            The bytes that were freed.
        """
        if not self.path.is_dir() or (needed is None and not self.has_links):
            return 0
        check_private(self.path)
        by_links = self.has_links
        oldest = (time.time() if now is None else now) - keep_seconds
        freed = 0
        for entry in os.scandir(self.path):
            found = entry.stat(follow_symlinks=False)
            # The second is what a killed writer left.
            ours = is_name(entry.name) or entry.name.startswith(_HALF)
            free = found.st_nlink == 1 and (by_links or entry.name not in (needed or ()))
            if ours and free and found.st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)
                freed += found.st_size
        return freed


def _size(name: str) -> int:
    return int(name.rpartition("-")[2])


def _some_at_a_time(parts: Iterable[memoryview | bytes]) -> Iterator[list[memoryview]]:
    """As many pieces as may be written with one call: 5,000 small ones in 0.4 of the time."""
    pieces = (
        memoryview(part)[start : start + _CHUNK]
        for part in parts
        for start in range(0, len(part), _CHUNK)
    )
    while some := list(islice(pieces, _MOST_PIECES)):
        yield some


def _write(descriptor: int, pieces: list[memoryview]) -> None:
    while pieces:
        written = os.writev(descriptor, pieces)
        while pieces and written >= len(pieces[0]):
            written -= len(pieces.pop(0))
        if written:
            pieces[0] = pieces[0][written:]
