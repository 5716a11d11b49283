"""What stands between a slip of the pen and a full disk: checked before anything is written."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from nbsubmit.core.contents import Entry
from nbsubmit.core.errors import FolderError, TooLarge
from nbsubmit.core.payload import Payload
from nbsubmit.core.slices import Slices
from nbsubmit.core.units import format_bytes, parse_size

# A disk that is filled to the last byte is of no use to the job's logs.
_SPARE_BYTES = 64 << 20
# A disk with less of itself left is nearly full; on a very large one, with less than the second.
_LOW_SHARE, _LOW_BYTES = 0.05, 20e9
# Smaller values are not what makes a payload large.
_WORTH_NAMING = 0.02


def check_size(
    payload: Payload, asked_for: tuple[str, ...], limit: str, slices: Slices | None = None
) -> None:
    """Make sure that no more is written than the user may have had in mind.

    What was named with ``--in`` is meant to go, and what is there already costs nothing.

    Raises
    ------
    TooLarge
        Naming the large values.
    """
    most = parse_size(limit)
    if not most or "*" in asked_for:
        return
    counted = [entry for entry in payload.entries if entry.name not in asked_for]
    total = sum(entry.new_bytes for entry in counted) + (slices.new_bytes if slices else 0)
    if total <= most:
        return
    large = [entry for entry in counted if entry.new_bytes > _WORTH_NAMING * total]
    large.sort(key=lambda entry: -entry.new_bytes)
    raise TooLarge(_message(large, total, most), tuple(entry.name for entry in large))


def _message(large: list[Entry], total: int, most: int) -> str:
    names = ",".join(entry.name for entry in large)
    lines = [f"the cell would send {format_bytes(total)}, and the limit is {format_bytes(most)}:"]
    lines += [f"  {e.name}  {format_bytes(e.new_bytes)}  ({e.why})" for e in large]
    return "\n".join(
        [
            *lines,
            f"Nothing was submitted. If they are meant to go, name them:  --in {names}",
            f"or raise the limit (NBSUBMIT_SIZE_LIMIT), or leave some out:  --without {names}",
        ]
    )


def check_space(payload: Payload, store: Path, slices: Slices | None = None) -> None:
    """Make sure that the store's disk can take what has to be written.

    Raises
    ------
    FolderError
        With what is free and what is needed.
    """
    place = store
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    needed = payload.placed.new_bytes + (slices.new_bytes if slices else 0)
    if needed + _SPARE_BYTES > free:
        raise FolderError(
            f"the disk of {store} has {format_bytes(free)} free; the job's data need "
            f"{format_bytes(needed)}, and {format_bytes(_SPARE_BYTES)} are kept for logs and "
            f"results. Nothing was submitted. Delete jobs that you no longer need "
            f"(%jobs clean, or in a shell  nbsubmit clean --folder {shlex.quote(str(store))}), "
            f"or set NBSUBMIT_FOLDER to a larger disk"
        )


def nearly_full(store: Path) -> str:
    """Say how little room is left on the store's disk; nothing while there is enough."""
    disk = shutil.disk_usage(store)
    if disk.free >= min(_LOW_SHARE * disk.total, _LOW_BYTES):
        return ""
    share = 100 * disk.free / disk.total if disk.total else 0.0
    return f"the disk of {store} has {format_bytes(disk.free)} free, {share:.1f} % of it"
