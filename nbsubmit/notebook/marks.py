"""Which jobs a notebook has sent, and which kernel has what they brought.

In the store there is a folder for each notebook, and in it a file for each of its jobs, whose name
is the job's id, and behind it the kernel that has what it brought. So one listing tells what is to
be told when a kernel starts, and nothing is locked: a file appears, and is renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import PRIVATE_FOLDER, write_whole
from nbsubmit.core.trust import read_own

FOLDER = "notebooks"
_ABOUT = "notebook.json"
_MARK = re.compile(r"(\d{6}-\d{6}-\w{4})(?:\.(\w+))?$")


@dataclass(frozen=True)
class Mark:
    """What a notebook knows of one of its jobs.

    Attributes
    ----------
    job : str
        The job's id.
    kernel : str
        The kernel that has what the job brought; empty if none had it yet.
    file : Path
        The mark's file.
    """

    job: str
    kernel: str
    file: Path

    def cell(self) -> dict[str, Any]:
        """Return by what its cell can be known again."""
        return _read(self.file)


class Marks:
    """The marks of one notebook.

    Parameters
    ----------
    path : Path
        Their folder, which is made when there is something to mark.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, store: Path, notebook: Path) -> Marks:
        """Return the marks of a notebook in a store."""
        key = hashlib.blake2b(os.fsencode(notebook), digest_size=8).hexdigest()
        return cls(store / FOLDER / key)

    def notebook(self) -> Path | None:
        """Return the notebook's path, as it was."""
        path = _read(self.path / _ABOUT).get("path")
        return Path(path) if path else None

    def add(self, job: str, notebook: Path, cell: dict[str, Any]) -> None:
        """Mark a job as sent."""
        self.path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        if not (self.path / _ABOUT).exists():
            _write(self.path / _ABOUT, {"path": str(notebook)})
        _write(self.path / job, cell)

    def all(self) -> dict[str, Mark]:
        """Return the marks, by the ids of the jobs, the oldest job first."""
        try:
            with os.scandir(self.path) as entries:
                names = sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return {}
        found: dict[str, Mark] = {}
        for name in names:
            # A file that is being renamed may be listed under both names: the later one counts.
            match = _MARK.match(name)
            if match:
                found[match[1]] = Mark(match[1], match[2] or "", self.path / name)
        return found

    def bring(self, job: str, kernel: str) -> None:
        """Note that this kernel has what a job has brought; nothing if the job is not marked."""
        brought = self.path / f"{job}.{kernel}"
        try:
            (self.path / job).rename(brought)
        except FileNotFoundError:
            mark = self.all().get(job)
            if mark is None:
                return
            with suppress(FileNotFoundError):  # yet another kernel was quicker
                mark.file.rename(brought)
        with suppress(FileNotFoundError):
            os.utime(brought)


def latest_kernel(marks: dict[str, Mark], without: str) -> str:
    """Return the kernel that was the last to have what a job brought, of all but one."""
    found: dict[str, float] = {}
    for mark in marks.values():
        if mark.kernel and mark.kernel != without:
            with suppress(FileNotFoundError):
                at = mark.file.stat().st_mtime
                found[mark.kernel] = max(at, found.get(mark.kernel, 0.0))
    return max(found, key=lambda kernel: found[kernel], default="")


def _write(file: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False).encode(errors="backslashreplace")
    write_whole(file, lambda out: out.write(text))


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, FolderError):
        data = json.loads(read_own(file))
        if isinstance(data, dict):
            return data
    return {}
