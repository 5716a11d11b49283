"""One per shell: sends cells, keeps their jobs, and brings results home between cells."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client import checkpoint
from nbsubmit.client import jobs as client
from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow, row_of
from nbsubmit.core import ambient, by_value, credentials, lines
from nbsubmit.core.ambient import chance
from nbsubmit.core.ambient.logs import staying
from nbsubmit.core.backend import Backend
from nbsubmit.core.capture import capture
from nbsubmit.core.cell import Cell
from nbsubmit.core.errors import NbsubmitError, UnknownJob
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.handed import Handed
from nbsubmit.core.home import Namespace
from nbsubmit.core.inject import Arrival, Injector, Sending, Snapshot
from nbsubmit.core.job import Job
from nbsubmit.core.names import NameUse, analyse
from nbsubmit.core.payload import PART, Payload
from nbsubmit.core.resubmit import resubmit
from nbsubmit.core.settings import Settings
from nbsubmit.core.slices import Slices
from nbsubmit.core.slicing import slice_names
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import Request, first_part, launch_of, shape_for, submit
from nbsubmit.core.tasked import TaskedJob, part_of
from nbsubmit.core.watch import Watcher
from nbsubmit.notebook import mapping
from nbsubmit.notebook.arrays import Arrays
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.own_magics import OwnMagics, known_to_analysis, parted
from nbsubmit.notebook.place import has_front_end
from nbsubmit.notebook.source import numbers, origin, read_cell
from nbsubmit.notebook.status_line import StatusLine


@dataclass
class _Sent:
    """A job of this session and what is needed to bring its result home."""

    job: Job
    sending: Sending
    handed: Handed | None
    around: dict[str, dict[str, Any]]
    magics: dict[str, Any]
    waits: bool
    tell: bool
    arrival: Arrival | None = None


@dataclass(frozen=True)
class Prepared:
    """A cell that could be submitted now.

    Attributes
    ----------
    request : Request
        All that is to be sent.
    cell : Cell
        The cell in it.
    use : NameUse
        What the cell does with names.
    """

    request: Request
    cell: Cell
    use: NameUse


class Session:
    """What nbsubmit keeps for one shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    settings : Settings
        What holds for all its jobs.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self.shell = shell
        self.settings = settings
        # Where the notebook is now; a later os.chdir must not part it from its jobs.
        self.store = JobStore(Path(settings.folder))
        self.watcher = Watcher(settings)
        self._injector = Injector(shell.user_ns)
        self._arrays = Arrays(self._injector, self.find)
        self._sent: dict[str, _Sent] = {}
        self._number = 0
        self._listening = False
        self.local_modules = LocalModules()
        self._magics = OwnMagics(shell)
        self._pending = ambient.pending()
        # Sends a job again, with more options than it had; whoever can read options sets it.
        self.again: Callable[[Job, str], Job] | None = None
        # Jobs that were sent with --no-panel or --quiet.
        self.without_panel: set[str] = set()

    @property
    def has_widgets(self) -> bool:
        """Tell whether a front end may show widgets now: somebody looks."""
        return has_front_end(self.shell)

    # Sending

    def prepare(self, magic: str, line: str, body: str, options: CellOptions) -> Prepared:
        """Read the cell and collect what it needs; nothing is written.

        Raises
        ------
        CaptureError
            If the cell cannot be sent.
        OptionError
            If there is no source of a module that is to go by value.
        """
        cell = read_cell(self.shell, magic, line, body)
        own = mapping.tasks(options, self.shell.user_ns)
        sliced = (
            slice_names(own, self.shell.user_ns, self.store.blobs) if own and options.maps else None
        )
        magics = self._magics.found()
        use = analyse(
            cell.source,
            transform=self.shell.transform_cell,
            star_names=_public_names,
            magics=known_to_analysis(magics),
        )
        payload = capture(
            use,
            self.shell.user_ns,
            self.store.blobs,
            include=options.include,
            exclude=options.exclude,
            first_line=cell.first_line,
            source=cell.source,
            magics=magics,
            bound=own[0] if own else (),
            sliced=sliced,
        )
        payload.missing += self._magics.unknown(use, cell.source)
        payload.warnings += staying(payload.names.items())
        payload.warnings += [_credential(path) for path in credentials.find(payload.names)]
        if own:
            payload.warnings += [_same_numbers(name) for name in chance.generators(payload.names)]
        if not self._runs_here(magic, options):
            modules = (*payload.looked_up, *payload.submodules)
            payload.warnings += self.local_modules.warnings(modules, cell.source)
        earlier = numbers(self.shell, payload.sources)
        watched = _watched(use, payload)
        cell = replace(
            cell,
            numbers=earlier,
            bring=options.bring,
            watched=watched,
            binds=tuple(sorted(use.writes)) if own else (),
            deletes=tuple(sorted(use.sure_deletes)),
            handled=tuple(sorted((use.handled & self.shell.user_ns.keys()) - use.reads)),
        )
        if checkpoint.is_used(cell.source, payload.names):
            options = checkpoint.warned(options)
        names = (*by_value.split(self.settings.by_value), *options.by_value)
        request = Request(
            cell,
            payload,
            options,
            f"%%{magic} {line}".strip(),
            origin(self.shell),
            by_value=by_value.find(names, self.store.path),
            count=len(own) if own else None,
            slices=sliced.slices if sliced else None,
            more=_of_array(options, len(own), sliced.slices if sliced else None) if own else {},
        )
        return Prepared(request, cell, use)

    def _runs_here(self, magic: str, options: CellOptions) -> bool:
        """Tell whether the job will run in this process, with the modules as they are here."""
        return options.debug or (magic == "submit" and self.settings.backend == "debug")

    def send(self, prepared: Prepared, backend: Backend, *, tell: bool = True) -> Job:
        """Submit a prepared cell and have its result brought home.

        Parameters
        ----------
        prepared : Prepared
            The cell.
        backend : Backend
            Where to.
        tell : bool
            Say when its result is brought home: nothing else does.

        Raises
        ------
        SubmitError
            If the backend does not take it.
        """
        request, cell = prepared.request, prepared.cell
        snapshot = Snapshot.take(self.shell.user_ns, _expected(prepared))
        # The notebook stands still while it waits, and while a job runs in its own process; but
        # what is around it cannot go on in several tasks at once.
        waits = (request.options.wait or backend.name == "debug") and request.count is None
        around = ambient.snapshot()
        self._pending.watch()
        packed = ambient.pack(around, waits=waits, kept=self._pending)
        request = replace(request, ambient=packed)
        # The lines of a function that it makes are shown here later.
        lines.remember({cell.file_name: cell.text})
        job = submit(request, backend, self.store, self.watcher, self.settings, self.shell.user_ns)
        handed = Handed(request.payload, self.shell.user_ns, cell.watched)
        self._expect(job, snapshot, handed, around, waits=waits, tell=tell)
        return job

    def send_again(
        self,
        job: Job,
        options: CellOptions,
        line: str,
        backend: Backend,
        *,
        tell: bool,
        only: Sequence[int] | None = None,
    ) -> Job:
        """Submit what a job was sent with once more, and have its result brought home.

        Parameters
        ----------
        job : Job
            The job.
        options : CellOptions
            How to run it now.
        line : str
            The magic's line with these options, for people.
        backend : Backend
            Where to.
        tell : bool
            Say when its result is brought home: nothing else does.
        only : sequence of int, optional
            Of an array, run these tasks alone, by their places in it; what they bring fills the
            places of those that failed.

        Raises
        ------
        SubmitError
            If that is no longer there, or the backend does not take it.
        """
        if checkpoint.is_used(str(job.spec.get("source", "")), {}):
            options = checkpoint.warned(options)
        new = resubmit(
            job,
            options,
            line,
            backend,
            self.store,
            self.watcher,
            self.settings,
            self.shell.user_ns,
            only=only,
        )
        earlier = self._sent.get(job.id)
        handed = earlier.handed if earlier else None
        names = earlier.sending.snapshot.held if earlier else ()
        snapshot = Snapshot.take(self.shell.user_ns, names)
        self._expect(new, snapshot, handed, ambient.snapshot(), waits=False, tell=tell)
        return new

    def bring_in(self, job: Job, *, tell: bool = False) -> None:
        """Have what a job brings bound when it has ended, over what is there now.

        A job of this session that is still to come is waited for already, and never over what was
        bound since it was sent.
        """
        known = self._sent.get(job.id)
        if known is None or known.arrival is not None:
            job.forget_values()
            snapshot = Snapshot.take(self.shell.user_ns, _may_bring(job))
            self._expect(job, snapshot, None, ambient.snapshot(), waits=False, tell=tell)
        if not job.done():
            self.watcher.add(job)

    def _expect(
        self,
        job: Job,
        snapshot: Snapshot,
        handed: Handed | None,
        around: dict[str, dict[str, Any]],
        *,
        waits: bool,
        tell: bool,
    ) -> None:
        """Remember what is needed to bring a job's result home."""
        self._number += 1
        sending = Sending(self._number, snapshot, handed)
        magics = self._magics.functions()
        self._sent[job.id] = _Sent(job, sending, handed, around, magics, waits, tell)
        line = StatusLine()
        job.on_wait(self._bring_home_if_main, lambda: self._while_waiting(job, line), line.clear)
        job.sent_from(self._injector.home_of(sending))
        if isinstance(job, TaskedJob) and self.again is not None:
            again = self.again
            job.on_resubmit_failed(lambda more: again(job, f"{more} --failed".strip()))
        self._start_listening()

    def script(self, prepared: Prepared, backend: Backend) -> tuple[str, str]:
        """Return the script that would be run, and when it would start, in words."""
        folder = JobFolder(self.store.path / "jobs" / "ID")
        shape = shape_for(backend, prepared.request.count)
        launch = first_part(launch_of(folder, prepared.request.options, shape=shape))
        return backend.script(launch), backend.expected_start(launch)

    # Bringing home

    def bring_home(self) -> None:
        """Bind the results of all jobs that have ended since the last time."""
        for sent in list(self._sent.values()):
            if sent.arrival is None and sent.job.done():
                sent.arrival = self._inject(sent)
                sent.job.notify()
                if sent.tell:
                    self.tell(sent.job)
        if all(sent.arrival is not None for sent in self._sent.values()):
            self._stop_listening()

    def _inject(self, sent: _Sent) -> Arrival:
        if sent.handed is not None:
            sent.handed.look_again()
        if isinstance(sent.job, TaskedJob):
            return self._arrays.bring(sent.job, sent.sending)
        result = sent.job.found.result
        if result is None:
            return Arrival()
        try:
            values, magics = parted(sent.job.names)
        except NbsubmitError as error:
            return Arrival(failed=dict.fromkeys(result.names, str(error)))
        arrival = self._injector.inject(
            sent.sending,
            values,
            result.deleted,
            result.modules,
            result.submodules,
            result.changed,
        )
        arrival.brought += self._magics.bring(magics, sent.magics)
        arrival.failed |= ambient.bring(
            result.ambient, sent.around, waits=sent.waits, kept=self._pending
        )
        for name, why in sent.job.load_errors.items():
            arrival.failed[name] = f"it could not be rebuilt here ({why})"
        return arrival

    def _bring_home_if_main(self) -> None:
        """A wait in the main thread is between two statements of the user's: names may change."""
        if threading.current_thread() is threading.main_thread():
            self.bring_home()

    def _while_waiting(self, job: Job, line: StatusLine) -> None:
        """Tell how a job goes that is waited for, where no panel does."""
        if line.is_possible and threading.current_thread() is threading.main_thread():
            line.show(self.row(job))

    def _start_listening(self) -> None:
        if not self._listening:
            self.shell.events.register("pre_run_cell", self._before_cell)
            self._listening = True

    def _stop_listening(self) -> None:
        if self._listening:
            self.shell.events.unregister("pre_run_cell", self._before_cell)
            self._listening = False

    def _before_cell(self, _info: Any) -> None:
        self.bring_home()

    def tell(self, job: Job) -> None:
        """Say that a job has ended, where no panel does; replaced by whoever can say it."""

    # Looking

    def row(self, job: Job, meters: Meters | None = None) -> JobRow:
        """Return what is shown of a job; with its samples if there is something to read them."""
        sent = self._sent.get(job.id)
        return row_of(job, sent.arrival if sent else None, meters)

    def jobs(self, *, everyone: bool = False) -> list[Job]:
        """Return this notebook's jobs, oldest first; or every job in the store."""
        here = origin(self.shell).get("notebook")
        stored = client.jobs(self.store.path, watcher=self.watcher, home=self.shell.user_ns)
        known = [self._sent[job.id].job if job.id in self._sent else job for job in stored]
        return [job for job in known if everyone or self._is_ours(job, here)]

    def _is_ours(self, job: Job, notebook: str | None) -> bool:
        if job.id in self._sent:
            return True
        return notebook is not None and job.spec.get("origin", {}).get("notebook") == notebook

    def find(self, text: str) -> Job:
        """Return one job by its id or enough of it; the latest of this session for no text.

        Raises
        ------
        UnknownJob
            If there is none, or more than one.
        """
        if not text:
            if not self._sent:
                raise UnknownJob("no job was sent from this notebook yet; %jobs list --all")
            return next(reversed(self._sent.values())).job
        folder = self.store.find(text)
        known = self._sent.get(folder.whole.name)
        if known is not None:
            return part_of(known.job, folder)
        return client.attach(
            folder.id, self.store.path, watcher=self.watcher, home=self.shell.user_ns
        )

    def latest_failed(self) -> Job:
        """Return the job of this notebook that was sent last of those that failed.

        Raises
        ------
        UnknownJob
            If none has.
        """
        for job in reversed(self.jobs()):
            if job.done() and job.state is not JobState.COMPLETED:
                return job
        raise UnknownJob("no job of this notebook has failed; %jobs list --all shows the store's")

    def apart(self, job: Job, namespace: Namespace) -> Job:
        """Return another handle of a job, whose values know nothing of the notebook's."""
        return client.attach(job.id, self.store.path, watcher=self.watcher, home=namespace)


def _credential(path: str) -> str:
    name = re.split(r"\W", path, maxsplit=1)[0]
    return (
        f"{path} looks like a credential and is written to the job's folder, which you alone can "
        f"read; leave it out (--without {name}) and have the job read it from where it is kept"
    )


def _same_numbers(name: str) -> str:
    return (
        f"each task has a copy of {name} as it is now and draws the same numbers from it; "
        f"to have others in each, map it:  --map {name}={name}.spawn(N)"
    )


def _public_names(module: str) -> Iterable[str] | None:
    """What ``from module import *`` binds, if the module is known here."""
    found = sys.modules.get(module)
    if found is None:
        return None
    public = getattr(found, "__all__", None)
    return public or [name for name in vars(found) if not name.startswith("_")]


def _of_array(options: CellOptions, count: int, slices: Slices | None) -> dict[str, Any]:
    """Return what is to be known of an array from the start."""
    return {
        "tasks": count,
        "indices": options.indices,
        "maps": [{"names": one.names, "source": one.source} for one in options.maps],
        "own_bytes": slices.size_bytes if slices else 0,
    }


def _watched(use: NameUse, payload: Payload) -> tuple[str, ...] | None:
    """Return the names whose values the cell may change in place; None for all."""
    if use.dynamic:
        return None
    by_functions = {e.name for e in payload.entries if e.why.startswith("used by")}
    by_functions |= {e.name for e in payload.entries if e.why == PART}
    # `x += y` reads x, binds x, and may leave the very same object, changed.
    in_place = use.reads & use.writes
    return tuple(sorted(use.mutates | use.escapes | use.calls | in_place | by_functions))


def _may_bring(job: Job) -> set[str]:
    """Return the names that a job of which only the folder is known may bring."""
    use = analyse(str(job.spec.get("source", "")))
    found = use.writes | use.deletes | use.sure_deletes | use.mutates
    return {*found, *(entry.name for entry in job.sent.entries), *job.sent.modules}


def _expected(prepared: Prepared) -> Iterator[str]:
    use, payload = prepared.use, prepared.request.payload
    yield from use.writes | use.deletes | use.sure_deletes | use.handled | use.mutates
    yield from (entry.name for entry in payload.entries)
    yield from payload.modules
    yield from prepared.request.options.bring or ()
