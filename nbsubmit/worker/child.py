"""A process that was forked and is to be as good as a new one, and what is done before the fork."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

# What most jobs import besides: 7 ms for each; a job that is run alone does not wait for it.
_ALSO = (
    "nbsubmit.core.patterns", "nbsubmit.core.slices", "nbsubmit.worker.call",
    "nbsubmit.worker.frames", "nbsubmit.worker.links",
)  # fmt: skip


def has_one_thread() -> bool:
    """Tell whether a fork has all that this process has.

    It has none of the threads that something has begun, and all the locks they hold.
    """
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208  # no Path is needed


def say_what_was_printed() -> None:
    """Write out what was printed until now: each fork would do so, too."""
    sys.stdout.flush()
    sys.stderr.flush()


def load_more() -> None:
    """Import what most of those that are forked will need."""
    for name in _ALSO:
        importlib.import_module(name)


def keep_shared() -> None:
    """Have the collector look at nothing that is there now: to touch shared memory copies it.

    A fork that collects once copies 140 pages instead of 1,320, in 1 ms instead of 11.
    """
    gc.collect()
    gc.freeze()


def as_a_process(do: Callable[[], int]) -> NoReturn:
    """Do it and end, as a process of Python does and without what is left to the one before."""
    code = 1
    try:
        _begin_anew()
        code = do()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def _begin_anew() -> None:
    """Have modules know this process where they have noted what the one before was."""
    set_again = getattr(threading.main_thread(), "_set_native_id", None)
    if set_again is not None:
        set_again()
    logging: Any = sys.modules.get("logging")
    began = getattr(logging, "_startTime", None)  # what a log's relative times count from
    if began is not None:
        logging._startTime = time.time_ns() if isinstance(began, int) else time.time()


def say_who(what: str) -> None:
    """Have ``ps`` show this as the worker's argument: it would show the first job's for ever.

    The words lie in memory where the kernel has put them. Words that need more room go on over the
    first environment, of which nothing is used any more in a process that has another; then the
    kernel takes all of them for a single one.
    """
    import ctypes  # 3 ms, and no worker that is started by itself needs it

    with suppress(OSError, ValueError, IndexError):
        first, after, end, words = _words()
        if not 0 < first < after <= end:  # a system that does not tell
            return
        text = b"\0".join((*words, os.fsencode(what)))
        if len(text) < after - first:
            text = text.ljust(after - first, b"\0")
        else:
            text = b" ".join((*words, os.fsencode(what)))[: end - first - 1] + b"\0"
        ctypes.memmove(first, text, len(text))


@functools.cache
def _words() -> tuple[int, int, int, list[bytes]]:
    """Return where the words begin and end, where the environment does, and what stays of them.

    These are Python, ``-m`` and the module. A fork has all of them in the same place.
    """
    import ctypes

    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    first, after, end = int(fields[45]), int(fields[46]), int(fields[48])
    return first, after, end, ctypes.string_at(first, after - first).split(b"\0")[:3]
