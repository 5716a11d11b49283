"""numpy's arrays that lie in files go as their place there, for the nodes see the same files."""

from __future__ import annotations

import mmap
import os
import platform
from pathlib import Path
from typing import Any

from nbsubmit.core.reducers import Context, subclasses
from nbsubmit.core.reducers.views import is_contiguous, start_of


def reduce_array(array: Any, context: Context) -> Any:
    """Reduce an array that lies in a file as its place there."""
    if not lies_there(array):
        return subclasses.reduce_array(array, context)
    if array.mode != "r":
        array.flush()
    file = Path(array.filename)
    offset = _begin(array) + _inside(array)
    order = "C" if array.flags.c_contiguous else "F"
    mode = "r" if array.mode == "r" else "r+"  # never one that would empty the file
    place = (str(file), array.dtype, mode, offset, array.shape, order, file.stat().st_ino)
    return open_mapped, place


def lies_there(array: Any) -> bool:
    """Tell whether another process finds an array in the file that it was made from.

    What was written to a private mapping is in no file, and a file that was deleted or replaced is
    not to be found under its name.
    """
    mapping = getattr(array, "_mmap", None)
    if mapping is None or array.filename is None or array.mode == "c" or not is_contiguous(array):
        return False
    # One that was made from another array says that it is of the file, and is not in it.
    if not 0 <= _inside(array) <= len(mapping) - array.nbytes:
        return False
    return _shows(start_of(array), Path(array.filename))


def base_of(array: Any) -> Any:
    """Return the array in a file that a plain one looks at; None if there is none."""
    base = array.base
    while base is not None and getattr(base, "_mmap", None) is None:
        base = getattr(base, "base", None)
    return base if base is not None and lies_there(base) else None


def _begin(array: Any) -> int:
    """Where in the file the mapping begins: at a multiple of the page size."""
    return int(array.offset - array.offset % mmap.ALLOCATIONGRANULARITY)


def _inside(array: Any) -> int:
    """Where in the mapping the array lies: a part of one knows the file and not its own place."""
    return start_of(array) - start_of(_as_bytes(array._mmap))


def _as_bytes(buffer: Any) -> Any:
    import numpy as np

    return np.frombuffer(buffer, np.uint8)


def _shows(address: int, file: Path) -> bool:
    """Tell whether this memory shows the file that has the name now.

    A mapping goes on showing the file that was opened, whatever has become of its name.
    """
    try:
        facts = file.stat()
    except OSError:
        return False
    device, number, deleted = _mapped_at(address)
    if deleted:
        return False
    # Some file systems, layered ones for instance, tell the kernel other numbers than they tell us.
    return device != (os.major(facts.st_dev), os.minor(facts.st_dev)) or number == facts.st_ino


def _mapped_at(address: int) -> tuple[tuple[int, int], int, bool]:
    """Return device and number of the file that is mapped at an address, and if it was deleted."""
    with Path("/proc/self/maps").open() as lines:
        for line in lines:
            span, _, _, device, number, *name = line.split(maxsplit=5)
            start, _, end = span.partition("-")
            if int(start, 16) <= address < int(end, 16):
                major, _, minor = device.partition(":")
                deleted = bool(name) and name[0].rstrip().endswith("(deleted)")
                return (int(major, 16), int(minor, 16)), int(number), deleted
    return (0, 0), 0, True


def open_mapped(
    file: str, dtype: Any, mode: Any, offset: int, shape: tuple[int, ...], order: Any, number: int
) -> Any:
    """Map a part of a file as an array.

    Raises
    ------
    OSError
        If it is not the file, or not all of it, that the array lay in.
    """
    import numpy as np

    try:
        facts = Path(file).stat()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the array lies in {file}, which {platform.node()} does not see; put the file where "
            f"the nodes see it, or send a copy: numpy.array(...)"
        ) from None
    # numpy would lengthen a file that is too short.
    needed = offset + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if facts.st_size < needed:
        raise OSError(
            f"the array lies in {file}, which was cut short since: it has {facts.st_size} bytes, "
            f"and the array ends at {needed}; write the file anew and send the cell once more"
        )
    if facts.st_ino != number:
        raise OSError(
            f"the array lies in {file}, which was replaced by another file since; open it anew and "
            f"send the cell once more, or send a copy: numpy.array(...)"
        )
    return np.memmap(file, dtype, mode, offset, shape, order)
