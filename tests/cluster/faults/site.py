"""A cluster to break: its programs, jobs on it, and how long each fault took to be told."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbsubmit.backends import registry
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Watcher
from nbsubmit.sandbox.sandbox import Sandbox
from tests.cluster.faults.table import TOLD, Measured
from tests.way import Way, until

PROGRAMS = ("sbatch", "squeue", "sacct", "scancel", "scontrol")
SETTINGS = Settings(beat_seconds=1.0, poll_seconds=2.0)
# More than any job of these takes that nobody holds up; only a hang takes so long.
PATIENCE = 120.0

# Says that it runs, and the time at which it meets what is to happen.
TELL = "import os, sys, time\nprint('printed before'); print(time.time(), flush=True)\n"
# What a program of Slurm's does that is told to fail.
FAILS = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"
WAITS = TELL + "x = 1\nwhile not os.path.exists(gate): time.sleep(0.05)\ny = 2"


@dataclass
class Site:
    """A cluster, and what is sent to it.

    Parameters
    ----------
    sandbox : Sandbox
        The cluster.
    folder : Path
        A folder for the store, the programs, and gates.
    record : list of Measured
        What was measured is noted here.
    """

    sandbox: Sandbox
    folder: Path
    record: list[Measured]
    jobs: list[Job] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        for name in PROGRAMS:
            self._put(name)
        self.watcher = Watcher(SETTINGS)
        self.store = self.folder / "store"

    def _put(self, name: str) -> None:
        """Put a program before Slurm's own that can be told to do something else."""
        script, real = self.programs / name, shutil.which(name)
        script.write_text(
            f"#!/bin/sh\nexport SLURM_CONF={self.sandbox.conf}\n"
            f"echo {name} >> {self.folder}/calls\n"
            f"if [ -e {self.folder}/{name}.fault ]; then . {self.folder}/{name}.fault; fi\n"
            f'exec {real} "$@"\n'
        )
        script.chmod(0o755)

    @property
    def accounting(self) -> bool:
        """Whether it keeps account of jobs."""
        return self.sandbox.config.accounting

    def break_(self, name: str, line: str) -> None:
        """Have a program run this line of shell first."""
        part = self.folder / f"{name}.part"
        part.write_text(line + "\n")
        part.rename(self.folder / f"{name}.fault")

    def mend(self) -> None:
        """Have all programs work again."""
        for name in PROGRAMS:
            (self.folder / f"{name}.fault").unlink(missing_ok=True)

    def calls(self, name: str) -> int:
        """How often a program was called."""
        return (self.folder / "calls").read_text().split().count(name)

    # Jobs

    def send(
        self,
        cell: str,
        names: dict[str, Any] | None = None,
        *,
        store: Path | None = None,
        memory: int | None = None,
        minutes: int | None = None,
        watcher: Watcher | None = None,
        options: CellOptions | None = None,
        **extra: str | None,
    ) -> Job:
        """Send a cell, to be ended with the module if it does not end before."""
        chosen = options or CellOptions()
        resources = Resources(memory_mib=memory, time_seconds=minutes and 60 * minutes)
        chosen = replace(chosen, resources=resources)
        way = Way(
            registry.get("slurm"),
            store or self.store,
            watcher or self.watcher,
            SETTINGS,
            self.jobs,
        )
        job = way.send(cell, {"gate": "/nonesuch", **(names or {})}, options=chosen, **extra)
        job.add_done_callback(self._note_end)
        return job

    def _note_end(self, job: Job) -> None:
        self.ended[job.id] = time.time()

    def running(self, cell: str = WAITS, names: dict[str, Any] | None = None, **more: Any) -> Job:
        """Send a cell and wait until it has said that it runs."""
        return self.begun(self.send(cell, names, **more))

    def begun(self, job: Job) -> Job:
        """Wait until a job has said that it runs."""
        until(lambda: "." in job.stdout(), "the cell has begun", PATIENCE)
        until(lambda: job.state is JobState.RUNNING, "that is seen", PATIENCE)
        return job

    def measure(self, fault: str, job: Job, since: float | None = None) -> Job:
        """Wait for a job's end and note how long it took from when it met the fault."""
        job.wait(PATIENCE)
        met = since if since is not None else told(job)
        self.note(fault, str(job.status), self.ended[job.id] - met)
        return job

    def note(self, fault: str, shown: str, seconds: float) -> None:
        """Note a time of a fault that the table has."""
        assert fault in TOLD, fault
        self.record.append(Measured(fault, self.accounting, shown, max(seconds, 0.0)))

    def call(self, *argv: str) -> str:
        """Run a program of Slurm's, whatever was done to it."""
        return self.sandbox.call(*argv)

    def close(self) -> None:
        """End what is left of the jobs."""
        self.mend()
        live = [job for job in self.jobs if not job.is_over]
        for job in live:
            job.cancel()
        for job in live:
            job.wait(PATIENCE)


def told(job: Job) -> float:
    """The time that the cell has printed before it met the fault."""
    return max(float(line) for line in job.stdout().splitlines() if line.startswith("1"))
