"""What front ends are told of a kernel's jobs, and what they ask of it.

From the first snapshot on changes are sent, gathered for a moment, by whoever sees them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbsubmit.client import jobs as client
from nbsubmit.client import wire
from nbsubmit.client.ending import cancel
from nbsubmit.client.messages import Row, lasting, rows_message
from nbsubmit.client.meters import Meters
from nbsubmit.core.errors import NbsubmitError, UnknownJob
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore, is_id
from nbsubmit.notebook.comm import SNAPSHOT, JobsComm
from nbsubmit.notebook.session import Session

_log = logging.getLogger("nbsubmit")

_EVENT, _REPLY = "event", "reply"
# Changes are gathered for so long. How far a job has come is looked at so often, and for no more
# than this part of the time.
_GATHER_SECONDS, _PROGRESS_SECONDS, _SHARE = 0.25, 1.0, 0.05
# So many jobs of the notebook are told of, the latest; and so many requests are known again.
_MOST_JOBS, _MOST_REPLIES = 200, 100


class Talk:
    """Tells front ends of a session's jobs, and does with these what is asked for.

    Parameters
    ----------
    session : Session
        The jobs.
    line : JobsComm
        Where it is said.
    """

    def __init__(self, session: Session, line: JobsComm) -> None:
        self._session = session
        self._line = line
        self._lock = threading.Lock()
        self._seen: dict[str, Any] = {}
        self._looked: dict[str, float] = {}
        self._progress_seconds = _PROGRESS_SECONDS
        self._pending: dict[str, Job] = {}
        self._meters: dict[str, Meters] = {}
        self._told: dict[str, Row] = {}
        self._replies: OrderedDict[str, dict[str, Any] | None] = OrderedDict()
        self._acts: dict[str, Callable[[Job], str]] = {
            "cancel": cancel,
            "resubmit": self._resubmit,
            "attach": self._attach,
            "clean": self._clean,
        }
        if getattr(session.shell, "kernel", None) is not None:
            session.arrivals.expects = self._expect

    # What is asked

    def answer(self, asked: dict[str, Any]) -> None:
        """Do something once, however often it is asked for by the same number."""
        if asked["kind"] not in self._acts:
            return
        request = repr([asked.get(name) for name in ("number", "kind", "id")])
        with self._lock:
            is_new = request not in self._replies
            reply = self._replies.setdefault(request, None)
            while len(self._replies) > _MOST_REPLIES:
                self._replies.popitem(last=False)
        if is_new:
            self._answer(asked, request)
        elif reply is not None:
            self._line.send(reply)

    def _answer(self, asked: dict[str, Any], request: str) -> None:
        try:
            job = self._find(asked.get("id"), asked.get("store"))
            is_done, told = True, self._acts[asked["kind"]](job)
        except Exception as error:  # whatever it is, who asked is told
            _log.debug("%s could not be done", asked, exc_info=True)
            is_done, told = False, str(error) or type(error).__name__
        reply = {"kind": _REPLY, "to": asked.get("number"), "ok": is_done, "message": plain(told)}
        with self._lock:
            self._replies[request] = reply
        self._line.send(reply)

    def _find(self, id_: Any, store: Any) -> Job:
        if not isinstance(id_, str) or not is_id(id_):
            raise UnknownJob(f"{id_!r} is not the id of a job: see  %jobs list")
        session = self._session
        known = session.arrivals.job(id_)
        if known is not None:
            return known
        path = Path(store) if isinstance(store, str) and store else session.store.path
        if not path.is_absolute():
            raise UnknownJob(f"{store!r} is no store of jobs: give its whole path")
        folder = JobStore(path).find(id_)
        found = client.opened([folder], watcher=session.watcher, home=session.shell.user_ns)
        if not found:
            raise UnknownJob(f"job {id_} cannot be read: look into {folder.path}")
        return found[0]

    def _attach(self, job: Job) -> str:
        self._session.bring_in(job)
        if job.done():
            return f"the names of job {job.id} are bound before the next cell runs"
        return f"the names of job {job.id} are bound when it has ended"

    def _resubmit(self, job: Job) -> str:
        again = self._session.arrivals.again
        if again is None:
            raise NbsubmitError("the extension is not loaded any more:  %load_ext nbsubmit")
        return f"sent again as job {again(job, '').id}"

    def _clean(self, job: Job) -> str:
        """Remove a job that this kernel has open itself, so that nobody else may."""
        from nbsubmit.client import removals  # 27 ms, and few do
        from nbsubmit.core.cleaning import Wish

        cleaner = self._session.cleaner(everyone=True)
        done = cleaner.remove(cleaner.plan(Wish(ids=frozenset([job.id]))))
        self._session.drop(item.id for item in done.going)
        if not done.going:
            why = done.stays.get(job.id, "it is not in this notebook's store")
            raise NbsubmitError(f"job {job.id} stays: {why}")
        self._line.send({"kind": _EVENT, **rows_message([], gone=[job.id])})
        return removals.told(done, done=True)

    # What is told

    def tell_all(self) -> None:
        """Tell of the jobs that there are now."""
        session = self._session
        try:
            ids = {*session.arrivals, *sorted(session.notebook.marks())[-_MOST_JOBS:]}
            jobs = session.open(ids)
            session.watcher.look_now(job for job in jobs if job.id in session.arrivals)
        except (NbsubmitError, OSError):
            _log.info("the jobs of this notebook could not be looked at", exc_info=True)
            jobs = [job for id_ in session.arrivals if (job := session.arrivals.job(id_))]
        rows = [self._row(job) for job in jobs]
        self._told |= {row["id"]: lasting(row) for row in rows if row["live"]}
        self._line.send({"kind": SNAPSHOT, **rows_message(rows)})

    def _row(self, job: Job) -> Row:
        if job.is_over:
            self._meters.pop(job.id, None)
            return wire.row(job)
        return wire.row(job, meters=self._meters.setdefault(job.id, Meters(job)))

    def _expect(self, job: Job) -> None:
        """Tell of a job from now on: it was sent, or attached to."""
        job.unlisten(self._look)
        job.listen(self._look)
        self._note(job)

    def _look(self, job: Job) -> None:
        """Note a job that has changed; called at each look at it, so nearly nothing is done."""
        if not self._line.is_heard:
            return
        seen = (job.status, job.found.handle, job.is_over)
        if self._seen.get(job.id) != seen:
            self._seen[job.id] = seen
            self._note(job)
        elif job.status.state is JobState.RUNNING:
            now = time.monotonic()
            if now - self._looked.get(job.id, now - self._progress_seconds) >= (
                self._progress_seconds
            ):
                self._looked[job.id] = now
                self._note(job)

    def _note(self, job: Job) -> None:
        if not self._line.is_heard:
            return
        with self._lock:
            is_first = not self._pending
            self._pending[job.id] = job
        if is_first:
            timer = threading.Timer(_GATHER_SECONDS, self._tell_changes)
            timer.daemon = True
            timer.start()

    def _tell_changes(self) -> None:
        with self._lock:
            jobs, self._pending = self._pending, {}
        begun = time.monotonic()
        try:
            rows = [self._row(job) for job in jobs.values()]
            rows = [row for row in rows if self._told.get(row["id"]) != lasting(row)]
            for row in rows:
                self._told[row["id"]] = lasting(row)
            if rows:
                self._line.send({"kind": _EVENT, **rows_message(rows, gone=[])})
        except Exception:
            _log.info("a front end could not be told what has changed", exc_info=True)
        took = time.monotonic() - begun
        self._progress_seconds = max(_PROGRESS_SECONDS, took / _SHARE)
