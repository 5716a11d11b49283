"""One per shell: sends cells, and finds their jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client import checkpoint
from nbsubmit.client import jobs as client
from nbsubmit.client.failures import Failure, not_sent_again
from nbsubmit.core import ambient, config_files, lines
from nbsubmit.core.backend import Backend
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.errors import UnknownJob
from nbsubmit.core.handed import Handed
from nbsubmit.core.home import Namespace
from nbsubmit.core.inject import Snapshot
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Keys
from nbsubmit.core.names import analyse
from nbsubmit.core.pending import Outlook, outlook
from nbsubmit.core.resubmit import resubmit
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import first_part, launch_of, shape_for, started_after, submit
from nbsubmit.core.tasked import part_of
from nbsubmit.core.watch import Watcher
from nbsubmit.notebook import sameness
from nbsubmit.notebook.arrivals import Arrivals
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.notebook import Notebook
from nbsubmit.notebook.own_magics import OwnMagics
from nbsubmit.notebook.place import has_front_end
from nbsubmit.notebook.preparing import Prepared, Preparer

if TYPE_CHECKING:
    from nbsubmit.client.cleaning import Cleaner

# So long a cell that asks for jobs waits for a scheduler; then it goes on with what is known.
_PATIENCE_SECONDS = 2.0
# More than any time in milliseconds.
_FIRST = 10**15


class Session:
    """What nbsubmit keeps for one shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    notebook : Notebook
        The notebook that it runs, and the settings that hold for all its jobs.
    local_modules : LocalModules
        The user's own modules, as they were imported.
    """

    def __init__(
        self, shell: InteractiveShell, notebook: Notebook, local_modules: LocalModules
    ) -> None:
        self.shell = shell
        self.notebook = notebook
        self.settings = settings = notebook.settings
        self.store: JobStore = notebook.store
        self.watcher = Watcher(settings, _PATIENCE_SECONDS)
        magics = OwnMagics(shell)
        self.arrivals = Arrivals(shell, notebook, magics, self.find)
        self.pending = self.arrivals.pending
        self.preparer = Preparer(shell, notebook, magics, self.pending, self.find, local_modules)
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

    def configuration(self) -> Configuration:
        """Return what the configuration files say now, and the settings that hold here.

        Raises
        ------
        OptionError
            If they say what cannot be.
        """
        return replace(config_files.load(self.notebook.folder), settings=self.settings)

    # Sending

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
        snapshot = Snapshot.take(self.shell.user_ns, prepared.touched)
        to_come = prepared.outlook(self.shell.user_ns)
        # The notebook stands still while it waits, and while a job runs in its own process; but
        # what is around it cannot go on in several tasks at once.
        waits = (request.options.wait or backend.name == "debug") and request.count is None
        around = ambient.snapshot()
        self.arrivals.kept.watch()
        packed = ambient.pack(around, waits=waits, kept=self.arrivals.kept)
        request = replace(request, ambient=packed)
        # The lines of a function that it makes are shown here later.
        lines.remember({cell.file_name: cell.text})
        job = submit(request, backend, self.store, self.watcher, self.settings, self.shell.user_ns)
        if key is not None:
            Keys(self.store.path).note(key, job.id)
        handed = Handed(request.payload, self.shell.user_ns, cell.watched)
        self.arrivals.expect(job, snapshot, handed, around, to_come, waits=waits, tell=tell)
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
        snapshot = Snapshot.take(namespace, prepared.touched)
        to_come = prepared.outlook(self.shell.user_ns)
        handed = Handed(prepared.request.payload, namespace, cell.watched)
        around = ambient.snapshot()
        self.arrivals.drop(job.id)
        self.arrivals.expect(job, snapshot, handed, around, to_come, waits=False, tell=tell)
        if job.done():
            self.arrivals.bring_home()
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
        words: Sequence[Sequence[str]] = (),
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
        words : sequence of sequence of str
            What the options were read from.

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
            words=words,
        )
        earlier = self.arrivals.sending(job)
        handed = earlier.handed if earlier else None
        names = earlier.snapshot.names if earlier else ()
        snapshot = Snapshot.take(self.shell.user_ns, names)
        self.arrivals.expect(
            new,
            snapshot,
            handed,
            ambient.snapshot(),
            self._by_its_text(job),
            waits=False,
            tell=tell,
        )
        return new

    def bring_in(self, job: Job, *, tell: bool = False, over_later: bool = True) -> None:
        """Have what a job brings bound when it has ended, over what is there now.

        A job of this session that is still to come is waited for already, and never over what was
        bound since it was sent.

        Parameters
        ----------
        job : Job
            The job.
        tell : bool
            Say when its result is brought home: nothing else does.
        over_later : bool
            Also over what a job has brought that was sent later.
        """
        known = self.arrivals.sending(job)
        if known is None or self.arrivals.of(job) is not None:
            job.forget_values()
            names = _may_bring(job)
            snapshot = Snapshot.take(self.shell.user_ns, names)
            # In the order of sending, before all that was sent here.
            number = known.number if known else int(1000 * job.created) - _FIRST
            if not job.spec.get("first"):  # what fills places of a list leaves the list its own
                self.arrivals.injector.give_up(names, None if over_later else number)
            self.arrivals.expect(
                job,
                snapshot,
                None,
                ambient.snapshot(),
                self._by_its_text(job),
                waits=False,
                tell=tell,
                number=number,
                is_own=job.id in self._ours(),
            )
        if not job.done():
            self.watcher.add(job)

    def script(self, prepared: Prepared, backend: Backend) -> tuple[str, str]:
        """Return the script that would be run, and when it would start, in words."""
        folder = self.store.folder("ID")
        options = prepared.request.options
        shape = shape_for(backend, prepared.request.count, options)
        launch = first_part(launch_of(folder, options, shape=shape))
        launch = started_after(launch, prepared.request.after, backend)
        return backend.script(launch), backend.expected_start(launch)

    def _by_its_text(self, job: Job) -> Outlook:
        """Return what a job is to bring of which only the folder is known."""
        source = str(job.spec.get("source", ""))
        home = self.shell.user_ns
        # What it had is not here yet, or never will be; of what kind it is nobody knows.
        had = {*(entry.name for entry in job.sent.entries), *job.spec.get("inputs", ())}
        unknown = dict.fromkeys(had - home.keys(), "")
        return outlook(analyse(source), source, home, awaited=unknown)

    def newer_than(self, job: Job) -> set[str]:
        """Return the names that were bound since a job was sent; all of one sent elsewhere."""
        known, names = self.arrivals.sending(job), self.shell.user_ns
        if known is None:
            return set(names)
        may, is_its_own = self.arrivals.may_bring, self.arrivals.injector.is_of
        return {n for n in names if not may(known, n) and not is_its_own(known, n)}

    # Looking

    def jobs(self, *, everyone: bool = False) -> list[Job]:
        """Return this notebook's jobs, oldest first; or every job in the store."""
        if not everyone:
            found = self.open(self._ours())
            self.watcher.look_now(job for job in found if job.id in self.arrivals)
            return found
        stored = client.jobs(self.store.path, watcher=self.watcher, home=self.shell.user_ns)
        known = [self.arrivals.job(job.id) or job for job in stored]
        # What another object of a job has seen just now is not to be news to this one later.
        pairs = zip(known, stored, strict=True)
        self.watcher.look_now(mine for mine, other in pairs if other.is_over and not mine.is_over)
        return known

    def _ours(self) -> set[str]:
        return {*self.arrivals, *self.notebook.marks()}

    def _own(self) -> set[str]:
        """Return the jobs of this notebook alone, without those of others that are shown here."""
        return {*self.arrivals.own, *self.notebook.marks()}

    def open(self, ids: Iterable[str]) -> list[Job]:
        """Return the jobs with these ids, oldest first, each looked at once."""
        ids = list(ids)
        known = [job for job in map(self.arrivals.job, ids) if job is not None]
        unknown = [id_ for id_ in ids if id_ not in self.arrivals]
        folders = [self.store.folder(id_) for id_ in unknown]
        opened = client.opened(folders, watcher=self.watcher, home=self.shell.user_ns)
        return sorted((*known, *opened), key=lambda job: job.created)

    def find(self, text: str) -> Job:
        """Return one job by its id or enough of it, Slurm's own, or a name that it is bound to.

        For no text it is the latest of this session.

        Raises
        ------
        UnknownJob
            If there is none, or more than one.
        """
        if not text:
            latest = self.arrivals.latest
            if latest is None:
                raise UnknownJob("no job was sent from this notebook yet; %jobs list --all")
            return latest
        named = self.shell.user_ns.get(text)
        if isinstance(named, Job):
            return self.arrivals.job(named.id) or named
        # To look for a handle is to look into each job's folder: only for what may be one.
        is_number = text.partition("_")[0].isdecimal()
        by_handle = client.by_handle(self.store, text) if is_number else None
        folder = by_handle or self.store.find(text)
        known = self.arrivals.job(folder.whole.name)
        if known is not None:
            return part_of(known, folder)
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
        jobs, ours = self.jobs(everyone=True), self._own()
        return not_sent_again((job for job in jobs if job.id in ours), jobs)

    def cleaner(self, *, everyone: bool = False) -> Cleaner:
        """Return what there is of this notebook's jobs, or of all in the store, and may go."""
        from nbsubmit.client.cleaning import Cleaner  # 25 ms, with this machine's queue

        jobs = self.jobs(everyone=True)
        ours = {job.id for job in jobs} if everyone else self._own()
        return Cleaner(self.store, jobs, lambda job: job.id in ours, self._why_needed)

    def _why_needed(self, job: Job) -> str:
        is_to_come = job.id in self.arrivals and self.arrivals.of(job) is None
        return "this notebook waits for it" if is_to_come else ""

    def drop(self, ids: Iterable[str]) -> None:
        """Know nothing more of jobs that were removed."""
        for job_id in ids:
            self.arrivals.drop(job_id)

    def apart(self, job: Job, namespace: Namespace) -> Job:
        """Return another object of a job, whose values know nothing of the notebook's."""
        return client.attach(job.id, self.store.path, watcher=self.watcher, home=namespace)


def _may_bring(job: Job) -> set[str]:
    """Return the names that a job of which only the folder is known may bring."""
    use = analyse(str(job.spec.get("source", "")))
    found = use.writes | use.deletes | use.sure_deletes | use.mutates
    return {*found, *(entry.name for entry in job.sent.entries), *job.sent.modules}
