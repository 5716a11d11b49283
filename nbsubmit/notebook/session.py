"""One per shell: sends cells, keeps their jobs, and brings results home between cells."""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client import checkpoint, words
from nbsubmit.client import jobs as client
from nbsubmit.client.failures import Failure, not_sent_again
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
from nbsubmit.core.held import hold
from nbsubmit.core.home import Namespace
from nbsubmit.core.inject import Arrival, Injector, Sending, Snapshot
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Key, Keys
from nbsubmit.core.names import NameUse, analyse
from nbsubmit.core.payload import PART, Payload
from nbsubmit.core.pending import brings
from nbsubmit.core.resubmit import resubmit
from nbsubmit.core.settings import Settings
from nbsubmit.core.slices import Slices
from nbsubmit.core.slicing import slice_names
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import Request, first_part, launch_of, shape_for, started_after, submit
from nbsubmit.core.tasked import TaskedJob, part_of
from nbsubmit.core.watch import Watcher
from nbsubmit.notebook import following, mapping, sameness
from nbsubmit.notebook.along import along
from nbsubmit.notebook.arrays import Arrays
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.notebook import Notebook
from nbsubmit.notebook.own_magics import OwnMagics, known_to_analysis, parted
from nbsubmit.notebook.pending import Expected, Pending, Reads
from nbsubmit.notebook.place import has_front_end
from nbsubmit.notebook.source import numbers, read_cell
from nbsubmit.notebook.status_line import StatusLine

if TYPE_CHECKING:
    from nbsubmit.client.cleaning import Cleaner

# More than any time in milliseconds.
_FIRST = 10**15


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
    expected: Expected
    arrival: Arrival | None = None
    # What it did not bring is not asked for any more.
    forgotten: bool = False


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
    key : Key or None
        By what it is known to be the same as another, wherever it runs; None if by nothing.
    """

    request: Request
    cell: Cell
    use: NameUse
    key: Key | None


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
        self.notebook = Notebook(shell, settings)
        self.store: JobStore = self.notebook.store
        self.watcher = Watcher(settings)
        self._injector = Injector(shell.user_ns)
        self._arrays = Arrays(self._injector, self.find)
        self._sent: dict[str, _Sent] = {}
        self._number = 0
        self._listening = False
        self.local_modules = LocalModules()
        self._magics = OwnMagics(shell)
        self.pending = Pending(self)
        self._pending = ambient.pending()
        # Sends a job again, with more options than it had; whoever can read options sets it.
        self.again: Callable[[Job, str], Job] | None = None
        # Jobs that were sent with --no-panel or --quiet.
        self.without_panel: set[str] = set()

    @property
    def has_widgets(self) -> bool:
        """Tell whether a front end may show widgets now: somebody looks."""
        return has_front_end(self.shell)

    def use(self, settings: Settings) -> None:
        """Have other settings hold from now on; jobs that were sent stay where they are."""
        self.notebook.use(settings)
        self.store = self.notebook.store
        self.settings = settings
        self.watcher.use(settings)

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
        self.pending.wait_for(self.pending.read_by(mapping.names(options)).due)
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
        reads = self._reads(use, here=self._runs_here(magic, options))
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
            later=dict.fromkeys(reads.due, "brought by another job") | reads.besides,
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
            self.notebook.origin(cell.execution_count),
            by_value=by_value.find(names, self.store.path),
            count=len(own) if own else None,
            slices=sliced.slices if sliced else None,
            more=_of_array(options, len(own), sliced.slices if sliced else None) if own else {},
            after=following.together(
                following.of_names(reads.due),
                following.asked(options.after, self.shell.user_ns, self.find),
            ),
        )
        key = sameness.key_of(request, cell, own, self.shell.user_ns)
        return Prepared(request, cell, use, key)

    def _reads(self, use: NameUse, *, here: bool) -> Reads:
        """Return what a cell needs of what other jobs bring; what runs here waits for that."""
        reads = self.pending.read_by(use.reads)
        if here:
            self.pending.wait_for(reads.due)
            return Reads()
        failed = {n: [one for one in due if one.has_failed] for n, due in reads.due.items()}
        self.pending.wait_for(failed)
        return reads

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
        key = sameness.on(prepared.key, backend) if prepared.key else None
        if key is not None:
            request = replace(request, more={**request.more, "key": key.to_json()})
        snapshot = Snapshot.take(self.shell.user_ns, _expected(prepared))
        names = brings(
            prepared.use, ast.parse(cell.source), self.shell.user_ns, request.options.bring
        )
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
        if key is not None:
            Keys(self.store.path).note(key, job.id)
        handed = Handed(request.payload, self.shell.user_ns, cell.watched)
        later = prepared.use.later
        self._expect(job, snapshot, handed, around, names, later, waits=waits, tell=tell)
        return job

    def same(self, prepared: Prepared, backend: Backend) -> Job | None:
        """Return a job of the same cell with the same inputs that will do in its place."""
        options, key = prepared.request.options, prepared.key
        if key is None or options.fresh or backend.name == "debug":
            return None
        reuse = self.settings.reuse if options.reuse is None else options.reuse
        key = sameness.on(key, backend)
        store = self.store.path
        return sameness.find(key, prepared.request, store, self.find, reuse=reuse)

    def join(self, job: Job, prepared: Prepared, *, tell: bool = True) -> None:
        """Have a job stand for a cell as if it had been sent for it now."""
        job.forget_values()
        namespace, cell = self.shell.user_ns, prepared.cell
        bring = prepared.request.options.bring
        snapshot = Snapshot.take(namespace, _expected(prepared))
        names = brings(prepared.use, ast.parse(cell.source), namespace, bring)
        handed = Handed(prepared.request.payload, namespace, cell.watched)
        around, later = ambient.snapshot(), prepared.use.later
        self._sent.pop(job.id, None)
        self._expect(job, snapshot, handed, around, names, later, waits=False, tell=tell)
        if job.done():
            self.bring_home()
        else:
            self.watcher.add(job)

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
        self._expect(
            new,
            snapshot,
            handed,
            ambient.snapshot(),
            *self._by_its_text(job),
            waits=False,
            tell=tell,
        )
        return new

    def bring_in(self, job: Job, *, tell: bool = False) -> None:
        """Have what a job brings bound when it has ended, over what is there now.

        A job of this session that is still to come is waited for already, and never over what was
        bound since it was sent.
        """
        known = self._sent.get(job.id)
        if known is None or known.arrival is not None:
            job.forget_values()
            names = _may_bring(job)
            snapshot = Snapshot.take(self.shell.user_ns, names)
            if not job.spec.get("first"):  # what fills places of a list leaves the list its own
                self._injector.give_up(names)
            # In the order of sending, before all that was sent here.
            number = known.sending.number if known else int(1000 * job.created) - _FIRST
            self._expect(
                job,
                snapshot,
                None,
                ambient.snapshot(),
                *self._by_its_text(job),
                waits=False,
                tell=tell,
                number=number,
            )
        if not job.done():
            self.watcher.add(job)

    def _expect(
        self,
        job: Job,
        snapshot: Snapshot,
        handed: Handed | None,
        around: dict[str, dict[str, Any]],
        names: frozenset[str],
        later: Mapping[str, frozenset[str]],
        *,
        waits: bool,
        tell: bool,
        number: int | None = None,
    ) -> None:
        """Remember what is needed to bring a job's result home."""
        self._number += 1
        sending = Sending(self._number if number is None else number, snapshot, handed)
        magics = self._magics.functions()
        for other in self._sent.values():
            if other.sending.number < sending.number and _takes_place(job, other.job):
                other.forgotten = True
        if job.spec.get("first"):  # it fills places of lists, and leaves alone what is none
            own = self.shell.user_ns.keys()
            names = frozenset(n for n in names if n not in own or self._injector.has_brought(n))
        expected = Expected(job, sending, names, later)
        self._sent[job.id] = _Sent(job, sending, handed, around, magics, waits, tell, expected)
        hold(job.folder)
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
        launch = started_after(launch, prepared.request.after, backend)
        return backend.script(launch), backend.expected_start(launch)

    # Bringing home

    def bring_home(self) -> None:
        """Bind the results of all jobs that have ended since the last time."""
        arriving = [s for s in self._sent.values() if s.arrival is None and s.job.done()]
        for sent in arriving:
            sent.arrival = self._inject(sent)
        for sent in arriving:
            if sent.arrival is not None:
                self._bring_along(sent, sent.arrival)
                self.notebook.has_brought(sent.job.id)
                sent.job.notify()
                if sent.tell:
                    self.tell(sent.job)
        if not self.expected() and not self.not_brought():
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

    def _bring_along(self, sent: _Sent, arrival: Arrival) -> None:
        """Bind what the functions read that a job has brought to a kernel that did not send it."""
        if sent.handed is None:
            found = along(sent.job, arrival.brought, arrival.deleted, self.shell.user_ns)
            more = self._injector.inject(sent.sending, found.values, modules=found.modules)
            arrival.along += more.brought

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
            self.shell.ast_transformers.append(self.pending)
            self._listening = True

    def _stop_listening(self) -> None:
        if self._listening:
            self.shell.events.unregister("pre_run_cell", self._before_cell)
            self.shell.ast_transformers.remove(self.pending)
            self._listening = False

    def _before_cell(self, info: Any) -> None:
        self.bring_home()
        self.pending.before_cell(info.raw_cell)

    # What is still to come

    def expected(self) -> list[Expected]:
        """Return what is still to come, in the order in which it was sent."""
        return [sent.expected for sent in self._sent.values() if sent.arrival is None]

    def not_brought(self) -> list[Expected]:
        """Return what will not come any more, of jobs that have failed."""
        return [
            sent.expected
            for sent in self._sent.values()
            if sent.arrival is not None and not sent.forgotten and sent.expected.has_failed
        ]

    def forget(self, job: Job) -> None:
        """Let cells read what is here by the names that a job was to bring."""
        if job.id in self._sent:
            self._sent[job.id].forgotten = True

    def may_bring(self, sending: Sending, name: str) -> bool:
        """Tell whether a job may still bind a name: the user has not bound it since."""
        return self._injector.may_bring(sending, name)

    def use_of(self, text: str) -> NameUse | None:
        """Return what a cell does with names; None of one that is sent, or is no Python."""
        if text.lstrip().startswith(_SENT):
            return None
        try:
            return analyse(
                text,
                transform=self.shell.transform_cell,
                star_names=_public_names,
                magics=known_to_analysis(self._magics.found()),
            )
        except SyntaxError:
            return None

    def policy(self) -> str:
        """Return what is done about a cell that reads a pending name."""
        return self.settings.pending

    def describe(self, job: Job) -> str:
        """Return a job's name and state in words."""
        return words.title(self.row(job))

    def _by_its_text(self, job: Job) -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
        """Return what a job is to bring of which only the folder is known."""
        source = str(job.spec.get("source", ""))
        use = analyse(source)
        return brings(use, ast.parse(source), self.shell.user_ns), use.later

    def tell(self, job: Job) -> None:
        """Say that a job has ended, where no panel does; replaced by whoever can say it."""

    # Looking

    def row(self, job: Job, meters: Meters | None = None) -> JobRow:
        """Return what is shown of a job; with its samples if there is something to read them."""
        sent = self._sent.get(job.id)
        return row_of(job, sent.arrival if sent else None, meters)

    def jobs(self, *, everyone: bool = False) -> list[Job]:
        """Return this notebook's jobs, oldest first; or every job in the store."""
        stored = client.jobs(self.store.path, watcher=self.watcher, home=self.shell.user_ns)
        known = [self._sent[job.id].job if job.id in self._sent else job for job in stored]
        # What another handle of a job has seen just now is not to be news to this one later.
        pairs = zip(known, stored, strict=True)
        self.watcher.look_now(mine for mine, other in pairs if other.is_over and not mine.is_over)
        ours = self._ours()
        return [job for job in known if everyone or job.id in ours]

    def _ours(self) -> set[str]:
        return {*self._sent, *self.notebook.marks()}

    def open(self, ids: Iterable[str]) -> list[Job]:
        """Return the jobs with these ids, oldest first, each looked at once."""
        ids = list(ids)
        known = [self._sent[id_].job for id_ in ids if id_ in self._sent]
        folders = [JobFolder(self.store.path / "jobs" / i) for i in ids if i not in self._sent]
        opened = client.opened(folders, watcher=self.watcher, home=self.shell.user_ns)
        return sorted((*known, *opened), key=lambda job: job.created)

    @property
    def sent(self) -> list[str]:
        """The ids of the jobs whose results are brought home here, or were."""
        return list(self._sent)

    def arrival(self, job: Job) -> Arrival | None:
        """Return what bringing a job's result home did; None if that is still to come."""
        known = self._sent.get(job.id)
        return known.arrival if known else None

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

    def failures(self) -> list[Failure]:
        """Return what has failed of this notebook and was not sent again since, oldest first."""
        jobs, ours = self.jobs(everyone=True), self._ours()
        return not_sent_again((job for job in jobs if job.id in ours), jobs)

    def cleaner(self, *, everyone: bool = False) -> Cleaner:
        """Return what there is of this notebook's jobs, or of all in the store, and may go."""
        from nbsubmit.client.cleaning import Cleaner  # it looks after this machine's queue, too

        jobs = self.jobs(everyone=True)
        ours = {job.id for job in jobs} if everyone else self._ours()
        return Cleaner(self.store, jobs, lambda job: job.id in ours, self._why_needed)

    def _why_needed(self, job: Job) -> str:
        sent = self._sent.get(job.id)
        return "" if sent is None or sent.arrival is not None else "this notebook waits for it"

    def drop(self, ids: Iterable[str]) -> None:
        """Know nothing more of jobs that were removed."""
        for job_id in ids:
            self._sent.pop(job_id, None)

    def apart(self, job: Job, namespace: Namespace) -> Job:
        """Return another handle of a job, whose values know nothing of the notebook's."""
        return client.attach(job.id, self.store.path, watcher=self.watcher, home=namespace)


_SENT = ("%%slurm", "%%local", "%%submit")


def _takes_place(job: Job, earlier: Job) -> bool:
    """Tell whether a job is an earlier one once more: of the same cell, or sent again."""
    if job.spec.get("again") == earlier.id:
        return True
    cell = job.spec.get("origin", {}).get("cell")
    if cell and cell == earlier.spec.get("origin", {}).get("cell"):
        return True
    return bool(job.spec.get("source")) and job.spec["source"] == earlier.spec.get("source")


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
