"""How long a piece of a process takes, and how much memory of its own the process needs for it.

Private memory is ``RssAnon`` of ``/proc/PID/status``: what no file could give back. A mapped file's
pages are not in it until they are written to. Another process reads it every few milliseconds, for
a thread would wait for whatever holds the interpreter's lock, and the kernel's own high-water mark
counts the pages of files too. A peak that lasts for less than that may be missed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.005


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes
    ----------
    seconds : float
        The time by the clock.
    extra_bytes : int
        The most private memory in that time, less what there was before.
    """

    seconds: float
    extra_bytes: int


@dataclass(frozen=True)
class _Stretch:
    """What the measured process knows itself; the clock is the same in all processes."""

    begun: float
    ended: float
    before: int
    after: int


@contextmanager
def measured() -> Iterator[None]:
    """Measure what is done meanwhile, and print it for the process that started this one.

    Memory that was freed is given back first, so that none is used again unseen; and what others
    have yet to write is written.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    os.sync()
    before, begun = private_bytes("self"), time.monotonic()
    yield
    ended = time.monotonic()
    print(json.dumps(asdict(_Stretch(begun, ended, before, private_bytes("self")))))


def run(*arguments: str) -> Figures:
    """Run a module that measures one stretch, in a new process.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; its own words are on stderr.
    """
    command = [sys.executable, "-m", *arguments]
    samples: list[tuple[float, int]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            samples.append((time.monotonic(), private_bytes(str(process.pid))))
            time.sleep(SAMPLE_SECONDS)
        told, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    stretch = _Stretch(**json.loads(told))
    inside = [size for at, size in samples if stretch.begun <= at <= stretch.ended]
    most = max([stretch.before, stretch.after, *inside])
    return Figures(stretch.ended - stretch.begun, most - stretch.before)


def private_bytes(process: str) -> int:
    """Return the private memory of a process; none once it has ended."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0
