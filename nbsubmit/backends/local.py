"""Processes on this machine, which outlive the notebook: as many at once as it has processors.

What is sent while it is busy waits its turn; see `nbsubmit.backends.queue`.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from nbsubmit.backends import script
from nbsubmit.backends.queue import machine, processes
from nbsubmit.backends.queue.ending import end
from nbsubmit.backends.queue.entries import Entry, Run
from nbsubmit.backends.queue.handles import Handle, here, key_of
from nbsubmit.backends.queue.order import next_turn, waits
from nbsubmit.backends.queue.place import VARIABLE, QueueFolder
from nbsubmit.backends.queue.reports import GONE, report_of, reports
from nbsubmit.backends.queue.ticket import Ticket
from nbsubmit.backends.queue.turn import SERVER, is_needed, turn
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.backend import Owner, Report
from nbsubmit.core.errors import FolderError, Refused, SubmitError
from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import OF_A_JOB

# What this backend sees to; of the options for GPUs, those that name a number.
_HEEDED = {"--cpus-per-task", "--time"}
_HEEDED_WITH_GPUS = {"--gpus", "--gpus-per-node"}
# The handle of a release that had no queue: the process and when it was created.
_PROCESS = re.compile(r"(\d+):([\d.]+)")


class LocalBackend:
    """Runs jobs as processes of the user's on this machine, first come, first served.

    A job takes as many of the machine's processors as it asks for, or one, for each of its
    processes. One that asks for GPUs is given some by number and sees no others. One that asks to
    be run again when it ends, by a file ``requeue.json`` in its folder (of a task, in
    ``tasks/KEY``), goes to the end of the queue.
    """

    name: ClassVar[str] = "local"
    # A cell must run under %%slurm and %%local alike, so the scheduler's options are accepted.
    options: ClassVar[Sequence[Option]] = OPTIONS
    owned: ClassVar[Mapping[str, str]] = OWNED
    polite_seconds: ClassVar[float] = 0.0

    def check(self) -> None:
        """A process can be started everywhere."""

    def script(self, launch: Launch) -> str:
        """Return the shell script around the worker."""
        queue = QueueFolder()
        log = shlex.quote(str(queue.daemon_log))
        wake = shlex.join(["env", f"{VARIABLE}={queue.path}", *SERVER])
        wake += f" < /dev/null >> {log} 2>&1 &"
        return f"#!{script.shell()}\n{script.body(launch, again=wake)}"

    def ignored(self, launch: Launch) -> Sequence[str]:
        """All that only a scheduler can see to."""
        heeded = _HEEDED if machine.devices() is None else _HEEDED | _HEEDED_WITH_GPUS
        return [option for option in launch.resources.demands if option not in heeded]

    def expected_start(self, launch: Launch) -> str:
        """At once, if there is room for it now; otherwise what it would wait for."""
        key = key_of(launch)
        try:
            state = QueueFolder().read()
            state.entries[key] = replace(_entry(launch), order=state.new_place())
        except (SubmitError, FolderError) as error:
            return f"never: {error}"
        turn = next_turn(state.entries)
        if turn is not None and turn.key == key:
            return "at once"
        wait = waits(state.entries)[key]
        return f"later: it {wait.lack.value}" + (f", {wait.ahead} ahead" if wait.ahead else "")

    def largest_array(self) -> int | None:
        """Any number."""
        return None

    def start(self, launch: Launch) -> str:
        """Put the job into the queue, and start it if it is its turn."""
        key = key_of(launch)
        entry, ticket = _entry(launch), _ticket(launch, self.script(launch))
        queue = QueueFolder()
        try:
            with turn(queue) as state:
                queue.add_ticket(key, ticket)
                entry.order = state.new_place()
                state.entries[key] = entry
        except (OSError, FolderError) as error:
            raise SubmitError(f"the queue of this machine cannot be used: {error}") from error
        failed = entry.ends.get(0)
        if failed is not None and entry.is_over:
            raise SubmitError(failed.reason)
        return str(Handle(key, here()))

    def find(self, job_id: str) -> Mapping[int, str]:
        """Look into the queue."""
        try:
            known = job_id in QueueFolder().read().entries
        except FolderError as error:
            raise OSError(str(error)) from error
        return {0: str(Handle(job_id, here()))} if known else {}

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Tell what waits, runs or has ended."""
        queue = QueueFolder()
        parsed = {text: Handle.parse(text) for text in handles}
        mine = [handle for handle in parsed.values() if handle is not None and handle.is_here]
        try:
            state = queue.read()
            if is_needed(state):
                with turn(queue) as state:
                    pass
            found = reports(queue, state, mine)
        except FolderError as error:
            raise OSError(str(error)) from error
        answers = {}
        for text, handle in parsed.items():
            if handle is None:
                answers[text] = _of_process(text)
            else:
                answers[text] = found[handle] if handle.is_here else _elsewhere(handle)
        return answers

    def warn(self, handle: str, owner: Owner | None = None) -> None:
        """Send the signal to the scripts, which pass it on to their workers."""
        known = Handle.parse(handle)
        if known is None or not known.is_here:
            raise OSError(f"it is in the queue of {known.host if known else 'an earlier release'}")
        try:
            entry = QueueFolder().read().entries.get(known.key)
        except FolderError as error:
            raise OSError(str(error)) from error
        for task, run in (entry.runs if entry else {}).items():
            if known.task in (None, task):
                processes.tell(run.processes, signal.SIGUSR2)

    def stop(self, handle: str, owner: Owner | None = None) -> None:
        """Take the job out of the queue, or end it and all that it started, by force if need be."""
        known = Handle.parse(handle)
        if known is None:
            end(_run_of(handle).processes)
            return
        if not known.is_here:
            raise OSError(f"it is in the queue of {known.host}: cancel it there")
        try:
            self._stop(known)
        except FolderError as error:
            raise OSError(str(error)) from error

    def _stop(self, known: Handle) -> None:
        queue = QueueFolder()
        with turn(queue) as state:
            entry = state.entries.get(known.key)
            if entry is None:
                return
            runs = entry.stop() if known.task is None else entry.stop_task(known.task)
        if runs:
            end([process for run in runs for process in run.processes])
            with turn(queue):
                pass


def _entry(launch: Launch) -> Entry:
    """Return what a launch takes of this machine.

    Raises
    ------
    Refused
        If it asks for more GPUs than there are, for then its turn would never come.
    """
    resources, slots = launch.resources, machine.slots()
    after = (*launch.after, *launch.after_any)
    devices = machine.devices()
    gpus = 0 if devices is None else machine.wanted_gpus(resources)
    if gpus > len(devices or ()):
        raise Refused(
            f"it asks for {gpus} GPUs and there are {len(devices or ())} here"
            + (f": {', '.join(devices)}" if devices else "")
            + f". Ask for fewer; {machine.VISIBLE} or {machine.GPUS_VARIABLE} may hide some"
        )
    return Entry(
        order=0,
        count=1 if launch.count is None else launch.count,
        # All there are at most, so that it can ever start.
        slots=min((resources.cpus or 1) * launch.ranks, slots),
        of_slots=slots,
        gpus=gpus,
        devices=(devices or []) if gpus else [],
        level=machine.level(),
        parallel=launch.parallel,
        seconds=resources.time_seconds or None,
        warning=launch.signal_seconds,
        after=[handle.key for text in after if (handle := Handle.parse(text)) and handle.is_here],
    )


def _ticket(launch: Launch, text: str) -> Ticket:
    inherited = {k: v for k, v in os.environ.items() if k not in OF_A_JOB}
    return Ticket(
        folder=launch.folder,
        command=(script.shell(), str(launch.script or launch.folder / "script.sh")),
        script=text,
        working_directory=str(launch.working_directory),
        env={**inherited, **launch.env},
        log_out=launch.log_out,
        log_err=launch.log_err,
        is_array=launch.count is not None,
        first=launch.first,
        ranks=launch.ranks,
        exit_file=launch.exit_file,
        worker=() if launch.setup or launch.teardown else tuple(launch.command),
    )


def _run_of(handle: str) -> Run:
    """Return the process that an earlier release started, if it is there."""
    parts = _PROCESS.fullmatch(handle)
    found = processes.created_at(int(parts[1]), float(parts[2])) if parts else None
    return Run("", 0.0, [found] if found else [])


def _of_process(handle: str) -> Report:
    run = _run_of(handle)
    return report_of(run) if any(map(processes.is_alive, run.processes)) else GONE


def _elsewhere(handle: Handle) -> Report:
    """Only its folder tells how it is."""
    reason = f"it is in the queue of {handle.host}, and this is {here()}"
    return Report(JobState.RUNNING, reason, handle.host, stale=True)
