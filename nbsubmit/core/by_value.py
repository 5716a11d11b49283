"""The source of modules that the node cannot import, copied into the job's folder.

An import in the job looks there first. Since the files go, and not what the kernel holds of the
module, relative imports, data files and compiled parts work; and what the job makes of the module's
classes is of the very same classes in the notebook.
"""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from nbsubmit.core import origin
from nbsubmit.core.errors import CaptureError, OptionError, TooLarge
from nbsubmit.core.folder import PRIVATE_FILE, PRIVATE_FOLDER
from nbsubmit.core.units import format_bytes

# Copied for every job: this is for source, not for data.
LARGEST_BYTES = 256 << 20
MOST_FILES = 20_000
# Where Python keeps what it has compiled, for itself.
_COMPILED = "__pycache__"


@dataclass(frozen=True)
class Source:
    """A module's or a package's files.

    Attributes
    ----------
    name : str
        The outermost package.
    files : tuple of (Path, str)
        Each file, and its place below the folder that an import is led to.
    size_bytes : int
        What they take together.
    """

    name: str
    files: tuple[tuple[Path, str], ...]
    size_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return what is worth knowing of it once it has been copied."""
        return {"name": self.name, "files": len(self.files), "size_bytes": self.size_bytes}


def find(names: Iterable[str], store: Path) -> tuple[Source, ...]:
    """Return the source of modules; nothing is written.

    Parameters
    ----------
    names : iterable of str
        Modules or packages. A part of a package goes with all of it, for it needs the rest.
    store : Path
        The store of jobs, which is not sent along with a package that it lies in.

    Raises
    ------
    OptionError
        If there is no such module here, or it has no files of its own.
    TooLarge
        If the files are too large, or too many.
    """
    roots = dict.fromkeys(origin.root_of(name) for name in names)
    return tuple(_source(root, store) for root in roots)


def _source(root: str, store: Path) -> Source:
    files: dict[str, Path] = {}
    size = 0
    for file, place in _files(root, store):
        if place in files:
            continue
        files[place] = file
        size += file.stat().st_size
        if size > LARGEST_BYTES or len(files) > MOST_FILES:
            raise TooLarge(_too_large(root, files.values()), (root,))
    if not files:
        raise OptionError(f"--by-value {root}: it has no files to send. Leave it out")
    return Source(root, tuple((file, place) for place, file in files.items()), size)


def _too_large(root: str, files: Iterable[Path]) -> str:
    largest = max(files, key=lambda file: file.stat().st_size)
    return (
        f"--by-value {root}: its files take more than {format_bytes(LARGEST_BYTES)} or are more "
        f"than {MOST_FILES}; the largest so far is {largest} "
        f"({format_bytes(largest.stat().st_size)}). Nothing was submitted. "
        f"Keep data outside of the package, where the nodes can read them"
    )


def _files(root: str, store: Path) -> Iterator[tuple[Path, str]]:
    """Find a module's files, each with its place; of a package in several folders, all parts."""
    for place in _places(root):
        if place.is_dir():
            yield from ((file, f"{root}/{below}") for file, below in _tree(place, store))
        else:
            called = place.name.partition(".")[0]
            yield place, place.name if called == root else f"{root}{place.suffix}"


def _places(root: str) -> list[Path]:
    """Return a module's file, or the folders of a package.

    Raises
    ------
    OptionError
        If it has none.
    """
    module = sys.modules.get(root)
    if module is None:
        spec = origin.find(root)
        if spec is None:
            raise OptionError(f"--by-value {root}: there is no such module here{_hint(root)}")
        folders, file = spec.submodule_search_locations, spec.origin if spec.has_location else ""
    else:
        folders, file = origin.attributes(module).get("__path__"), origin.file_of(module)
    places = list(folders or ([file] if file else ()))
    if root in sys.stdlib_module_names and not any(map(origin.is_own, places)):
        raise OptionError(
            f"--by-value {root}: it is part of Python, which every node has. Leave it out"
        )
    if not places:
        raise OptionError(
            f"--by-value {root}: it has no files. Leave it out: what is made in the notebook goes "
            f"by itself when the cell reads it"
        )
    if not all(Path(place).exists() for place in places):
        raise OptionError(
            f"--by-value {root}: it does not lie in files of its own ({places[0]}). Install it "
            f"where the nodes see it"
        )
    return [Path(place) for place in places]


def _hint(root: str) -> str:
    near = difflib.get_close_matches(root, map(origin.root_of, list(sys.modules)), n=1)
    return f"; did you mean {near[0]}?" if near else ". Name it as it is imported"


def _tree(folder: Path, store: Path) -> Iterator[tuple[Path, PurePath]]:
    """Walk through a folder, links followed, without what is hidden, made by Python, or ours."""
    seen: set[tuple[int, int]] = set()
    for path, folders, files in os.walk(folder, followlinks=True):
        here = Path(path)
        known = here.stat().st_dev, here.stat().st_ino
        if known in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(known)
        folders[:] = sorted(name for name in folders if _goes(here / name, store))
        for name in sorted(files):
            file = here / name
            if not name.startswith(".") and file.is_file():
                yield file, file.relative_to(folder)


def _goes(folder: Path, store: Path) -> bool:
    return not folder.name.startswith(".") and folder.name != _COMPILED and folder != store


def write(sources: Iterable[Source], folder: Path) -> None:
    """Copy the files below a folder, readable by the user alone.

    Raises
    ------
    CaptureError
        If one cannot be read or written.
    """
    made: set[PurePath] = set()
    for source in sources:
        for file, place in source.files:
            try:
                for parent in reversed(PurePath(place).parents):
                    if parent not in made:
                        (folder / parent).mkdir(PRIVATE_FOLDER, exist_ok=True)
                        # Otherwise made by Python when it imports, for whom the umask then says.
                        (folder / parent / _COMPILED).mkdir(PRIVATE_FOLDER, exist_ok=True)
                        made.add(parent)
                _copy(file, folder / place)
            except OSError as error:
                raise CaptureError(
                    f"--by-value {source.name}: {file} cannot be copied to {folder}: "
                    f"{error.strerror}. Nothing was submitted"
                ) from None


def _copy(file: Path, target: Path) -> None:
    with file.open("rb") as content:
        runs = os.fstat(content.fileno()).st_mode & 0o100
        mode = PRIVATE_FILE | runs
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as out:
            shutil.copyfileobj(content, out)
