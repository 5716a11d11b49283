"""By what a job is known to be the same as an earlier one, and where that is written down.

A key is made of the cell and of what it gets: the same text with the same values, options, Python
and modules has the same key in every kernel. Of values that other jobs are still to bring it has
those jobs instead; the worker writes the key with the values once it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsubmit.core import content
from nbsubmit.core.folder import PRIVATE_FOLDER
from nbsubmit.core.store import JOBS
from nbsubmit.core.trust import check_private

_KEYS = "keys"
# In the place of a value that another job is to bring.
_OF_JOB = "job "


@dataclass(frozen=True)
class Key:
    """What makes a job the same as another.

    Attributes
    ----------
    base : str
        A hash of all that is known when it is sent.
    values : mapping
        Name → hash of its value, or the job that is to bring it.
    in_case : frozenset of str
        Those that were sent in case that code reads them which other jobs bring; where it turns
        out not to, they make no difference.
    """

    base: str
    values: Mapping[str, str]
    in_case: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Key:
        """Return what `to_json` wrote."""
        return cls(str(data["base"]), dict(data["values"]), frozenset(data.get("in_case", ())))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = {"base": self.base, "values": dict(self.values)}
        return {**found, "in_case": sorted(self.in_case)} if self.in_case else found

    def __str__(self) -> str:
        return content.together({**self.values, "": self.base})


def of_jobs(ids: Iterable[str]) -> str:
    """Return what stands for a value that these jobs are to bring."""
    return _OF_JOB + " ".join(ids)


class Keys:
    """The keys of the jobs of one store: which jobs have which.

    Each job has a file of its own below the key, so that two kernels do not write the same one.

    Parameters
    ----------
    store : Path
        The store.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path = store / _KEYS

    def note(self, key: Key, job_id: str) -> None:
        """Write down that a job has a key."""
        self._path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        folder = self._path / str(key)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        (folder / job_id).touch(mode=0o600)

    def find(self, key: Key) -> list[str]:
        """Return the jobs that have a key and are still there, the latest first."""
        folder = self._path / str(key)
        try:
            ids = sorted((file.name for file in folder.iterdir()), reverse=True)
        except OSError:
            return []
        for place in (self._store, self._path, folder):
            check_private(place)
        jobs = self._store / JOBS
        return [job_id for job_id in ids if (jobs / job_id).is_dir()]

    def tidy(self) -> None:
        """Forget the jobs that are not there any more."""
        if not self._path.is_dir():
            return
        jobs = self._store / JOBS
        for folder in self._path.iterdir():
            for file in folder.iterdir():
                if not (jobs / file.name).is_dir():
                    file.unlink(missing_ok=True)
            with suppress(OSError):  # there are others
                folder.rmdir()
