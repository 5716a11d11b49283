"""Links to a job's logs, by the names that its user looks for.

The names are submitit's: in the folder that the executor was given, ``<job id>_<rank>_log.out``. A
job makes its own when it starts, for only then is the scheduler's id known to all who need it, and
an array of thousands costs nothing before.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.patterns import resolved
from nbsubmit.core.tasks import TaskFolder


def leave(folder: JobFolder, job_id: str) -> None:
    """Leave links to the logs; without them nothing is lost, so nothing fails for want of them."""
    asked = folder.spec["folder"]
    rank = (folder.key.rank or 0) if isinstance(folder, TaskFolder) else 0
    with suppress(OSError, ValueError):
        place = resolved(asked, job_id, rank)
        place.mkdir(parents=True, exist_ok=True)
        for log, ending in ((folder.log_out, "out"), (folder.log_err, "err")):
            _link(place / f"{job_id}_{rank}_log.{ending}", log)


def _link(name: Path, log: Path) -> None:
    """Make a link, in place of one of an earlier run or of an earlier job with the same id."""
    target = os.path.relpath(log, name.parent.resolve())
    if name.is_symlink():
        name.unlink()
    name.symlink_to(target)
