"""The steps of a value's way, each measured in a process of its own; see `tests.bench.data`.

``python -m tests.bench.data_steps FOLDER VALUE STEP SCALE`` does one of them.
"""

from __future__ import annotations

import copy
import os
import pickle
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import cloudpickle
import joblib

from nbsubmit.backends.debug import DebugBackend
from nbsubmit.core.bundle import Bundle, Parts
from nbsubmit.core.capture import capture
from nbsubmit.core.cell import Cell
from nbsubmit.core.contents import Contents
from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.handed import Handed
from nbsubmit.core.inject import Injector, Sending, Snapshot
from nbsubmit.core.job import Job
from nbsubmit.core.mapped import Mappings
from nbsubmit.core.names import analyse
from nbsubmit.core.payload import Payload
from nbsubmit.core.result import Result
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions, Launch
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import Request, submit
from nbsubmit.core.watch import Watcher
from nbsubmit.worker.collect import collect
from nbsubmit.worker.execute import Outcome
from nbsubmit.worker.sent import Sent
from tests.bench.data_values import VALUES, Value
from tests.bench.measured import measured

CHUNK = 1 << 20
WATCHED = ("value",)
PATIENCE = 60.0


class Idle(DebugBackend):
    """Starts nothing."""

    def start(self, launch: Launch) -> str:
        return launch.id


class Bench:
    """One process: a notebook or a job, with a ``__main__`` of its own, beside a store.

    Parameters
    ----------
    path : Path
        Where all files go.
    value : Value
        What is sent.
    scale : float
        The part of its full size.
    """

    def __init__(self, path: Path, value: Value, scale: float) -> None:
        self.path, self.value, self.scale = path, value, scale
        self.store = JobStore(path / "store")
        self.settings = Settings()
        self.watcher = Watcher(self.settings)
        self.mappings = Mappings()
        self.cell = Cell(value.change, value.change, "<cell>", watched=WATCHED)
        self.module = types.ModuleType("__main__")
        self.home: dict[str, Any] = self.module.__dict__
        sys.modules["__main__"] = self.module
        for package in value.packages:
            __import__(package)

    def run(self, source: str) -> None:
        """Run a cell."""
        exec(compile(source, "<cell>", "exec"), self.home)

    def define(self) -> None:
        """Have the value's class, as plain pickles need it."""
        self.run(self.value.define)

    def make(self) -> None:
        """Make the value."""
        self.home["scale"] = self.scale
        self.define()
        self.run(self.value.make)

    def use(self) -> None:
        """Read all of the value."""
        self.run(self.value.use)

    @property
    def job(self) -> JobFolder:
        """The folder of the first job."""
        return self.store.folders()[0]

    def capture(self) -> Payload:
        source = self.value.change
        return capture(analyse(source), self.home, self.store.blobs, source=source)

    def send(self, payload: Payload) -> None:
        """Write a job's folder."""
        request = Request(self.cell, payload, CellOptions())
        submit(request, Idle(), self.store, self.watcher, self.settings, self.home)

    def load_sent(self) -> tuple[Contents, Parts | None]:
        """Load what was sent, as a job does."""
        job = self.job
        payload = job.read_json(job.payload_file)
        assert payload is not None
        contents = Contents.from_json(payload["contents"])
        bundle = Bundle(job.payload_stream, contents, job.locate)
        parts = bundle.load(self.home, self.home.__setitem__, mappings=self.mappings)
        return contents, parts

    def fingerprint(self, contents: Contents, parts: Parts | None) -> Sent:
        return Sent.take(self.home, contents, (), self.cell, self.mappings, parts)

    def handle(self) -> Job:
        """Return the handle of the first job, which has ended."""
        return Job(self.job, Idle(), self.watcher, self.home).wait(PATIENCE)


def send(bench: Bench) -> None:
    """What a cell waits for: all is written, and what was sent can be told from what it will be."""
    bench.make()
    with measured():
        payload = bench.capture()
        bench.send(payload)
        Handed(payload, bench.home, WATCHED)


def load(bench: Bench) -> None:
    with measured():
        bench.load_sent()
        bench.use()


def fingerprint(bench: Bench) -> None:
    """What a job does before its cell, to find afterwards what the cell has changed."""
    contents, parts = bench.load_sent()
    with measured():
        bench.fingerprint(contents, parts)


def bring_back(bench: Bench) -> None:
    """From the end of the cell to the result on the disk."""
    sent = bench.fingerprint(*bench.load_sent())
    bench.run(bench.value.change)
    with measured():
        job = bench.job
        found = collect(bench.cell, bench.home, sent, Outcome(), ignore=set())
        placed = found.values.place(bench.store.blobs, job.result_pack.name, bench.mappings)
        placed.write_blobs(job.blobs, durable=True)
        write_whole(job.result_stream, placed.write_stream, durable=True)
        write_whole(job.result_pack, placed.write_pack, durable=True)
        python, changed = sys.version_info[:2], tuple(found.changed)
        result = Result(0, 0, python, contents=placed.contents, changed=changed)
        job.write_json(job.result_file, result.to_json())


def take_home(bench: Bench) -> None:
    """In the notebook that has sent it, whose objects take on the new content.

    This process has not, so it begins with copies of what was sent: they have its class.
    """
    bench.load_sent()
    bench.home["value"] = copy.deepcopy(bench.home["value"])
    snapshot = Snapshot.take(bench.home, WATCHED)
    sending = Sending(1, snapshot, Handed(bench.capture(), bench.home, WATCHED))
    injector, job = Injector(bench.home), bench.handle()
    with measured():
        job.sent_from(injector.home_of(sending))
        injector.inject(sending, job.names, changed=WATCHED)
        bench.use()


def take_elsewhere(bench: Bench) -> None:
    """In a process that knows nothing of it."""
    job = bench.handle()
    with measured():
        bench.home.update(job.names)
        bench.use()


def plain_dump(dump: Callable[..., Any], *, durable: bool) -> Callable[[Bench], None]:
    """Dump the value into one file."""

    def step(bench: Bench) -> None:
        bench.make()
        with measured(), (bench.path / f"{dump.__module__}.pkl").open("wb") as file:
            dump(bench.home["value"], file, protocol=5)
            _finish(file, durable)

    return step


def plain_load(load: Callable[..., Any], dump: Callable[..., Any]) -> Callable[[Bench], None]:
    """Load what was dumped."""

    def step(bench: Bench) -> None:
        bench.define()
        with measured(), (bench.path / f"{dump.__module__}.pkl").open("rb") as file:
            bench.home["value"] = load(file)
            bench.use()

    return step


def raw_write(*, durable: bool) -> Callable[[Bench], None]:
    """Write as many bytes as were sent."""

    def step(bench: Bench) -> None:
        chunk = memoryview(os.urandom(CHUNK))
        left = sent_bytes(bench.job)
        with measured(), (bench.path / "raw").open("wb", buffering=0) as file:
            while left:
                left -= file.write(chunk[:left])
            _finish(file, durable)

    return step


def raw_read(bench: Bench) -> None:
    chunk = bytearray(CHUNK)
    with measured(), (bench.path / "raw").open("rb", buffering=0) as file:
        while file.readinto(chunk):
            pass


def _finish(file: IO[bytes], durable: bool) -> None:
    if durable:
        file.flush()
        os.fsync(file.fileno())


def sent_bytes(job: JobFolder) -> int:
    """What was written for a job in all."""
    blobs = job.blobs.iterdir() if job.blobs.exists() else ()
    return sum(file.stat().st_size for file in (job.payload_stream, job.payload_pack, *blobs))


# In the order in which each finds what it needs.
STEPS: dict[str, Callable[[Bench], None]] = {
    "send": send,
    "send again": send,
    "cloudpickle.dump": plain_dump(cloudpickle.dump, durable=False),
    "joblib.dump": plain_dump(joblib.dump, durable=False),
    "raw write": raw_write(durable=False),
    "load and use": load,
    "pickle.load and use": plain_load(pickle.load, cloudpickle.dump),
    "joblib.load and use": plain_load(joblib.load, joblib.dump),
    "raw read": raw_read,
    "fingerprint": fingerprint,
    "bring back": bring_back,
    "cloudpickle.dump, fsync": plain_dump(cloudpickle.dump, durable=True),
    "joblib.dump, fsync": plain_dump(joblib.dump, durable=True),
    "raw write, fsync": raw_write(durable=True),
    "take home": take_home,
    "take home elsewhere": take_elsewhere,
}


if __name__ == "__main__":
    folder, name, step, part = sys.argv[1:]
    STEPS[step](Bench(Path(folder), VALUES[name], float(part)))
