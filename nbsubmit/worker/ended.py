"""What has to be so when the user's code has ended: its process, and files that can be opened."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbsubmit.worker.execute import Outcome

# So many files are open at once, at most, while a result is written.
_SPARE_FILES = 16


def leave_if_forked(owner: int, outcome: Outcome) -> None:
    """End a child that the code has forked and that came to its end: it is not the job.

    It ends as a script would, and at once: what another thread had locked when it was forked
    stays locked in it.

    Parameters
    ----------
    owner : int
        The job's process.
    outcome : Outcome
        How the code has ended in this process.
    """
    if os.getpid() == owner:
        return
    code, error = 0, outcome.error
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        with suppress(BaseException):
            os.write(2, "".join(traceback.format_exception(error)).encode(errors="replace"))
        code = 1
    os._exit(code & 0xFF)


@contextmanager
def spare_files() -> Iterator[None]:
    """Keep some descriptors aside: code that has opened all that it may is to be told of, too."""
    kept, null = list[int](), Path(os.devnull).stat().st_rdev
    with suppress(OSError):
        kept += [os.open(os.devnull, os.O_RDONLY) for _ in range(_SPARE_FILES)]
    try:
        yield
    finally:
        for descriptor in kept:
            with suppress(OSError):  # the code may have closed all that it found open
                if os.fstat(descriptor).st_rdev == null:
                    os.close(descriptor)
