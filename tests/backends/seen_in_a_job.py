"""Functions that run in jobs and tell what a process is like there."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any


def surroundings() -> dict[str, Any]:
    """All that a worker has from whoever started it."""
    status = Path("/proc/self/status").read_text()
    before = os.umask(0)
    os.umask(before)
    main = sys.modules["__main__"]
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    # Of a job by itself a shell counts how deep it is, and notes what it ran last.
    env = {k: v for k, v in os.environ.items() if k not in ("NBSUBMIT_JOB", "SHLVL", "_", "PS1")}
    return {
        "argv": sys.argv,
        "command": sys.orig_argv[:-1],
        "environment": env,
        "folder": str(Path.cwd()),
        "PWD": os.environ["PWD"],
        "files": lasting_files(),
        "flags": str(sys.flags),
        "handlers": {
            n: h if h is None or isinstance(h, int) else h.__qualname__ for n, h in handlers.items()
        },
        "leads its session": os.getsid(0) == os.getppid() == os.getpgid(0),
        "limits": Path("/proc/self/limits").read_text(),
        "main": {k: v for k, v in vars(main).items() if isinstance(v, str)},
        "path": sys.path,
        "status": [
            s
            for s in status.splitlines()
            if s.startswith(("Uid", "Gid", "SigB", "SigI", "SigC", "Cap"))
        ],
        "stdin": sys.stdin.read(),
        "streams": [
            (s.fileno(), s.encoding, s.errors) for s in (sys.__stdout__, sys.__stderr__) if s
        ],
        "main thread": threading.main_thread().native_id == os.getpid(),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "umask": before,
    }


def descriptors() -> list[int]:
    """What is open, by number."""
    return [int(path.name) for path in Path("/proc/self/fd").iterdir()]


def lasting_files() -> list[str]:
    """What is open, the streams first.

    A thread of the worker may have a file open for a moment, and so another has another number.
    """
    while True:
        looks = []
        for _ in range(3):
            looks.append({fd: shown for fd in descriptors() if (shown := kind(fd))})
            time.sleep(0.02)
        if all(look == looks[0] for look in looks):
            kinds = [looks[0].pop(fd) for fd in range(3)]
            return kinds + sorted(looks[0].values())


def kind(descriptor: int) -> str:
    """What is open; of a log, and of what has no name, not which."""
    try:
        shown = str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:  # of the listing itself
        return ""
    is_of_job = shown.endswith((".out", ".err", ".jsonl"))
    return Path(shown).suffix if is_of_job else shown.partition(":")[0]


def script() -> str:
    """What the process is that waits for the worker: a shell, or one that was forked."""
    words = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[0])).name


def is_forked() -> bool:
    """Tell whether the worker was forked from a template."""
    return script() not in ("sh", "bash")


def chance() -> tuple[float, int]:
    """A random number and the seed of `hash`."""
    return random.random(), hash("seed")


def logs_count_from() -> tuple[bool, float]:
    """Tell whether the worker was forked, and since when the relative times of its logs count."""
    record = logging.makeLogRecord({})
    return is_forked(), record.created - record.relativeCreated / 1000


def version_of(module: str) -> tuple[bool, int]:
    """Tell whether the worker was forked, and the version of a module."""
    return is_forked(), __import__(module).VERSION


def end_by(way: str) -> None:
    """End without leaving a result."""
    {
        "os._exit": lambda: os._exit(7),
        "a segmentation fault": lambda: ctypes.string_at(0),
        "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "SIGABRT": os.abort,
    }[way]()


def variable(name: str) -> tuple[bool, str | None]:
    """Tell whether the worker was forked, and a variable of its environment."""
    return is_forked(), os.environ.get(name)


def interrupt_all() -> bool:
    """Interrupt all processes of the job, go on, and tell whether the worker was forked."""
    with contextlib.suppress(KeyboardInterrupt):
        os.killpg(0, signal.SIGINT)
        time.sleep(600)
    return is_forked()


def squares(method: str) -> list[int]:
    """Have processes and threads of its own."""
    results: list[int] = []
    with multiprocessing.get_context(method).Pool(2) as pool:
        thread = threading.Thread(target=lambda: results.extend(pool.map(square, range(5))))
        thread.start()
        thread.join()
    return results


def square(number: int) -> int:
    """Return it times itself."""
    return number * number


def wait_with_a_child(note: Path) -> None:
    """Note a child's id, and wait with it for ever."""
    child = os.fork()
    if not child:
        time.sleep(600)
    part = note.with_suffix(".part")
    part.write_text(str(child))
    part.rename(note)
    time.sleep(600)


def wait_for(file: Path) -> bool:
    """Wait for a file, and tell whether the worker was forked."""
    file.with_suffix(".waits").touch()
    while not file.exists():
        time.sleep(0.02)
    return is_forked()
