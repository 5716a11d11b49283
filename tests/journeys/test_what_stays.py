"""What cannot travel, in a real kernel: it is refused with a cure that cures, or goes by name."""

from __future__ import annotations

import re

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_everything_that_cannot_go_is_told_at_once_with_its_cure(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import concurrent.futures, ctypes, ipywidgets, multiprocessing, sqlite3, threading\n"
        "class Store:\n"
        "    def __init__(self):\n"
        "        self.db, self.lock = sqlite3.connect(':memory:'), threading.Lock()\n"
        "store, pool = Store(), concurrent.futures.ThreadPoolExecutor(1)\n"
        "end, other = multiprocessing.Pipe()\n"
        "library, slider = ctypes.CDLL(None), ipywidgets.IntSlider(3)\n"
        "rows = (n for n in range(3))"
    )
    ran = kernel.try_(f"{magic} --wait --quiet\nstore, pool, end, library, slider, rows")
    assert plain(ran.traceback).splitlines() == [
        "NotPicklable: end is an end of a pipe, and cannot be sent to the job: make it inside the "
        "cell. end is read in line 2.",
        "library is a library that is loaded into this process, and cannot be sent to the job: "
        "load it inside the cell. library is read in line 2.",
        "pool is a pool of workers, and cannot be sent to the job: make it inside the cell. "
        "pool is read in line 2.",
        "rows is a generator, and cannot be sent to the job: make it inside the cell, or send "
        "list(rows). rows is read in line 2.",
        "slider is a widget, which lives in the notebook's page, and cannot be sent to the job: "
        "ask for it inside the cell, or send slider.value. slider is read in line 2.",
        "store.db is a connection to a database, and cannot be sent to the job: connect inside "
        "the cell, or have __getstate__ of its class leave it out. store is read in line 2.",
        "store.lock is a lock, and cannot be sent to the job: make it inside the cell, or have "
        "__getstate__ of its class leave it out. store is read in line 2.",
        "Nothing was submitted. To send the cell without:  "
        "--without end,library,pool,rows,slider,store",
    ]
    kernel.run("value, rows = slider.value, list(rows)")
    cure = (
        "import concurrent.futures, ctypes\n"
        "library = ctypes.CDLL(None)\n"
        "with concurrent.futures.ThreadPoolExecutor(1) as pool:\n"
        "    print(value, rows, library.strlen(b'abc'), pool.submit(len, 'ab').result())"
    )
    assert kernel.run(f"{magic} --wait --quiet\n{cure}").stdout == "3 [0, 1, 2] 3 2\n"


def test_what_the_job_made_and_cannot_bring_is_told_with_what_can_come(
    kernel: Kernel, magic: str
) -> None:
    ran = kernel.run(
        f"{magic} --wait --as job\n"
        "import queue\n"
        "waiting, found = queue.Queue(), [1, (n for n in 'ab')]\n"
        "total = 3"
    )
    ran = kernel.run("print(total)\nprint(*job.found.result.unsent.values(), sep='\\n')")
    assert ran.stdout.splitlines() == [
        "3",
        "waiting is a queue between threads: bring list(waiting.queue) instead",
        "found[1] is a generator: bring list(found[1]) instead",
    ]


def test_streams_and_environment_are_those_of_the_job(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import os, sys\n"
        "env, out = os.environ, sys.stdout\n"
        "def log(line, file=sys.stdout): print(line, file=file)\n"
        "class Logger:\n"
        "    def __init__(self): self.stream = sys.stderr\n"
        "logger = Logger()"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\n"
        "import os\n"
        "log('one')\n"
        "print('two', env is os.environ, file=out)\n"
        "logger.stream.write('three')\n"
        "logger.lines = 3\n"
        "def later(line, file=out): file.write(line)"
    )
    assert (ran.stdout, ran.stderr) == ("one\ntwo True\n", "three")
    ran = kernel.run("print(env is os.environ, logger.stream is sys.stderr)\nlater('four')")
    assert ran.stdout == "True True\nfour"
