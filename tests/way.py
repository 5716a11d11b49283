"""The way of a cell without a shell: text and names in, a job out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbsubmit.core import by_value
from nbsubmit.core.backend import Backend
from nbsubmit.core.capture import capture
from nbsubmit.core.cell import Cell
from nbsubmit.core.job import Job
from nbsubmit.core.names import analyse
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import Request, submit
from nbsubmit.core.watch import Watcher

# Long enough for a loaded machine; only a hang takes so long.
PATIENCE = 60.0


@dataclass
class Way:
    """Sends cells over one backend."""

    backend: Backend
    store: Path
    watcher: Watcher
    settings: Settings
    jobs: list[Job] = field(default_factory=list)

    def send(
        self,
        source: str,
        names: dict[str, Any] | None = None,
        *,
        options: CellOptions | None = None,
        **extra: str | None,
    ) -> Job:
        """Send a cell that may use these names; ``extra`` are options of the backend's own."""
        home = names if names is not None else {}
        options = options or CellOptions()
        given = {key.replace("_", "-"): value for key, value in extra.items()}
        options = replace(options, resources=replace(options.resources, extra=given))
        use = analyse(source)
        store = JobStore(self.store)
        cell = Cell(source, f"# %%cell\n{source}", "<cell>", first_line=2, bring=options.bring)
        payload = capture(
            use, home, store.blobs, include=options.include, exclude=options.exclude, source=source
        )
        sources = by_value.find(options.by_value, store.path)
        request = Request(cell, payload, options, by_value=sources)
        job = submit(request, self.backend, store, self.watcher, self.settings, home)
        self.jobs.append(job)
        return job

    def run(
        self,
        source: str,
        names: dict[str, Any] | None = None,
        *,
        options: CellOptions | None = None,
        **extra: str | None,
    ) -> Job:
        """Send a cell and wait for its end."""
        return self.send(source, names, options=options, **extra).wait(PATIENCE)


def named(name: str) -> CellOptions:
    """Options that give the job a name."""
    return CellOptions(resources=Resources(name=name))


def until(condition: Any, what: str, seconds: float = PATIENCE) -> Any:
    """Wait for a condition and return what it gave; say what it was if it does not come."""
    import time

    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what}")
        time.sleep(0.05)
