"""When a backend is asked about live jobs, and what its answers change: seldom, all at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace

from nbsubmit.core.asking import Asked, Run
from nbsubmit.core.backend import Backend, Owner, Report
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.recover import recover_all
from nbsubmit.core.settings import Settings
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import TaskFolder
from nbsubmit.core.watched import Watched

_LONGEST_ASK = 60.0
_MISSED_BEATS = 3
_NOBODY_ASKED = Asked()
# So long a job may take to end after it was told to, before it is told again.
_STOP_AGAIN = 30.0
# So long after a search for a job another one is made.
_SEARCH_AGAIN = 30.0
_STOPPABLE = (JobState.PENDING, JobState.RUNNING, JobState.SUSPENDED)


def _wants_answer(
    one: Watched, backend: Backend, asked: Asked, settings: Settings, now: float
) -> bool:
    """Tell whether only the backend knows, and it may be asked again."""
    least = _least(backend, settings)
    wait: float = least * 2 ** min(asked.failures, 10)
    regular = settings.poll_seconds if backend.polite_seconds else 1.0
    if one.found.suspicious and not _is_queued_again(one):
        return now - asked.at >= min(wait, max(least, _LONGEST_ASK))
    if (one.found.node or one.found.in_turn) and not _lapsed(one, settings, now):
        # The beat of a running job is its sign of life; a free backend is asked all the same.
        return backend.polite_seconds == 0 and now - asked.at >= regular
    age = now - one.since
    spacing = max(regular, min(age / 4, _LONGEST_ASK), min(wait, _LONGEST_ASK))
    return age >= regular and now - asked.at >= spacing


def _least(backend: Backend, settings: Settings) -> float:
    """Return the least time between two questions, in seconds; a free backend has none."""
    floor = settings.floors.min_poll_seconds
    return max(backend.polite_seconds, floor) if backend.polite_seconds else 0.0


def _is_queued_again(one: Watched) -> bool:
    """What an earlier run has left is no news."""
    return one.report is not None and one.report.state is JobState.PENDING


def _lapsed(one: Watched, settings: Settings, now: float) -> bool:
    return now - one.beat_seen > _MISSED_BEATS * settings.beat_seconds


def asks(
    watched: Sequence[Watched],
    backend: Backend,
    asked: Asked,
    settings: Settings,
    now: float,
    *,
    at_once: bool,
) -> bool:
    """Tell whether to ask; what any process of the user's has been told lately is not asked."""
    is_wanted = any(_wants_answer(w, backend, _NOBODY_ASKED, settings, now) for w in watched)
    if not is_wanted and not at_once:
        return False
    asked.look(now)
    asked.want((w.found.handle for w in watched), now)
    if asked.question is not None:
        return False
    if at_once and is_wanted and now - asked.at >= _least(backend, settings):
        return True
    return any(_wants_answer(w, backend, asked, settings, now) for w in watched)


def takes_answer(one: Watched, asked: Asked) -> bool:
    """Take the last answer, if it is news of this job."""
    if asked.put <= one.answered:
        return False
    if asked.trouble:
        hear_nothing([one], asked.trouble)
    elif one.found.handle not in asked.reports:
        return False
    # Of a job that has shown since then that it lives the answer is out of date.
    elif one.beat_seen <= asked.put or one.found.suspicious:
        report = asked.reports[one.found.handle]
        one.report = report if report.is_about(one.job.owner) else Report(None, foreign=True)
    one.answered = asked.put
    return True


def hear_nothing(watched: Iterable[Watched], reason: str) -> None:
    """Keep what the backend said before of jobs that it cannot be asked about now."""
    for one in watched:
        last = one.report or Report(_seen(one))
        one.report = replace(last, reason=reason, advice="", stale=True)


def search(backend: Backend, watched: Iterable[Watched], now: float, run: Run) -> list[Watched]:
    """Have the backend asked whether jobs were started of which nobody could note the handle.

    Returns
    -------
    list of Watched
        These jobs.
    """
    missed = [one for one in watched if _may_have_been_started(one)]
    due = [one for one in missed if one.search is None and now - one.searched >= _SEARCH_AGAIN]
    if due:
        folders = [JobFolder(path) for path in dict.fromkeys(one.job.folder.whole for one in due)]
        answer = run(functools.partial(recover_all, folders, backend))
        for one in due:
            one.search, one.searched = answer, now
    for one in missed:
        if one.search is not None:
            _hear_of_search(one, one.search, backend)
    return missed


def _may_have_been_started(one: Watched) -> bool:
    found = one.found
    return not (found.handle or found.conclusive or found.unsent or found.never)


def _hear_of_search(one: Watched, answer: Future[None], backend: Backend) -> None:
    """Take what has come of a search; that nothing has is said of a job that may not be there."""
    if not answer.done():
        if not one.found.node:
            hear_nothing([one], f"{backend.name} has not answered yet")
        return
    one.search, error = None, answer.exception()
    if error is None:
        one.report = None
    else:
        hear_nothing([one], f"{backend.name} cannot be asked: {error}")


def stop_again(
    backend: Backend, watched: Iterable[Watched], told: Iterable[Watched], now: float, run: Run
) -> None:
    """Have jobs told once more to end that were cancelled here and run on: it was not heard.

    That they run on is known of those alone of which the backend has told anew. The time that they
    have had for their end counts from the cancelling, though nobody could be asked meanwhile. One
    of several tasks of a pack is not for the backend to end.
    """
    for one in watched:
        if not one.found.cancelled or _is_for_its_pack(one.job.folder):
            one.stopped = None
        elif one.stopped is None:
            one.stopped = now
    late: dict[Owner, list[Watched]] = {}
    for one in told:
        if one.stopped is not None and now - one.stopped >= _STOP_AGAIN and _runs_on(one.report):
            one.stopped = now
            late.setdefault(one.job.owner, []).append(one)
    for owner, mine in late.items():
        run(functools.partial(_stop_all, backend, _to_stop(mine), owner))


def _is_for_its_pack(folder: JobFolder) -> bool:
    return folder.is_packed and not JobFolder(folder.whole).is_cancelled()


def _runs_on(report: Report | None) -> bool:
    return report is not None and not report.stale and report.state in _STOPPABLE


def _to_stop(mine: Sequence[Watched]) -> list[str]:
    """Return the handles of one job, or of tasks of one; an array's if it was cancelled whole."""
    handles = [one.found.handle for one in mine]
    folder = mine[0].job.folder
    is_task = isinstance(folder, TaskFolder) and folder.key.index is not None
    if is_task and JobFolder(folder.whole).is_cancelled():
        handles = [handle.rpartition("_")[0] for handle in handles]
    return list(dict.fromkeys(handles))


def _stop_all(backend: Backend, handles: Sequence[str], owner: Owner) -> None:
    for handle in handles:
        backend.stop(handle, owner)


def _seen(one: Watched) -> JobState:
    return JobState.RUNNING if one.found.node else JobState.PENDING
