"""Start, poll and stop in terms of Slurm's commands."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from nbsubmit.backends.queue.place import QueueFolder
from nbsubmit.backends.slurm import answers, commands, status
from nbsubmit.backends.slurm.commands import CommandFailed, NotInTime
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.backends.slurm.places import Places
from nbsubmit.backends.slurm.script import batch_script
from nbsubmit.core.answers import NEVER
from nbsubmit.core.backend import Owner, Report
from nbsubmit.core.errors import BackendMissing, Refused, SubmitError, TooMany
from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState

_log = logging.getLogger("nbsubmit")

# What sbatch says when it could not reach the controller; the job may have got there all the same.
_UNREACHED = ("Unable to contact slurm controller", "Socket timed out", "Connection refused",
              "Zero Bytes were transmitted", "Transport endpoint")  # fmt: skip
# The name of each limit on how many jobs may have been submitted: of a user, an account, a QOS.
_TOO_MANY = re.compile(r"\b(Assoc|QOS)\w*Submit\w*Limit\b")
_UNKNOWN = "Invalid job id"
# What sbatch says of a job that it has taken, with the cluster's name where there are several.
_PARSABLE = re.compile(r"(\d+)(?:;\S+)?$")
_HANDLE = re.compile(r"\d+(_\d+)?$")
_OVER = (_UNKNOWN, "already completing or completed")


# One for all: each of a notebook's jobs may have a backend of its own.
_PLACES = Places()
_CONFIGS: dict[tuple[str, str], Mapping[str, str]] = {}
# So long a controller that has answered is taken to be there. One that has gone meanwhile costs
# whoever sends a job the 20 seconds that sbatch tries for.
_STILL_THERE_SECONDS = 0.5


class SlurmBackend:
    """Runs jobs on the cluster that Slurm's commands here belong to. A handle is Slurm's job id.

    Parameters
    ----------
    places : Places
        Asks for places in the queue.
    """

    name: ClassVar[str] = "slurm"
    options: ClassVar[Sequence[Option]] = OPTIONS
    owned: ClassVar[Mapping[str, str]] = OWNED
    polite_seconds: ClassVar[float] = 2.0
    packs: ClassVar[bool] = True

    def __init__(self, places: Places = _PLACES) -> None:
        self._places = places
        # When the controller answered last.
        self._heard = NEVER

    @functools.cached_property
    def shared_file(self) -> Path:
        """By which the user's processes on this machine share what this cluster has answered."""
        # Kept, for whoever looks at jobs asks for it each time, and to search the PATH takes 80 µs.
        cluster = hashlib.blake2b(os.fsencode("\0".join(_cluster())), digest_size=8).hexdigest()
        return QueueFolder().path / f"slurm-{cluster}.json"

    def check(self) -> None:
        """Look for the commands, and for a controller that answers.

        One that has just answered is not asked again: a cell is checked for before it is prepared
        and before it is sent, which would be three calls of Slurm's programs instead of two.
        """
        for program in ("sbatch", "squeue", "scancel"):
            commands.find(program)
        if time.monotonic() - self._heard >= _STILL_THERE_SECONDS:
            self._ping()

    def _ping(self) -> None:
        self._heard = NEVER
        try:
            answer, _ = commands.run("scontrol", "ping")
        except CommandFailed as error:
            answer = str(error)
        if " is UP" not in answer:
            said = commands.plain(answer).partition(";")[0]
            raise BackendMissing(
                f"Slurm's commands are here and its controller does not answer ({said}). "
                f"%%local runs the cell on this machine; nbsubmit doctor  tells what is wrong"
            )
        self._heard = time.monotonic()

    def script(self, launch: Launch) -> str:
        """Return the script that sbatch reads."""
        return batch_script(launch)

    def ignored(self, launch: Launch) -> Sequence[str]:
        """Nothing: sbatch sees every option."""
        return ()

    def expected_start(self, launch: Launch) -> str:
        """Ask sbatch when the job would start.

        Returns
        -------
        str
            Its answer, or its reason to refuse the job.
        """
        try:
            _, answer = commands.run("sbatch", "--test-only", text=batch_script(launch))
        except CommandFailed as error:
            return f"sbatch would refuse it: {error.words}"
        return commands.plain(answer).partition("sbatch: ")[2]

    def largest_array(self) -> int | None:
        """Return what the site allows."""
        number = self._config.get("MaxArraySize", "")
        # The largest index is one less, and we count from 0.
        return max(int(number) - 1, 1) if number.isdecimal() else None

    def start(self, launch: Launch) -> str:
        """Submit the script: sbatch would not ask whose the file is that it finds by a name."""
        try:
            # Some of an array may be sent long after the rest, by another process.
            answer, _ = commands.run(
                "sbatch",
                "--parsable",
                text=batch_script(launch),
                env=launch.env,
                cwd=launch.working_directory,
            )
        except CommandFailed as error:
            if isinstance(error, NotInTime) or any(words in error.words for words in _UNREACHED):
                return self._find_or_raise(launch, error)
            if _TOO_MANY.search(error.words):
                raise self._too_many(launch, error) from error
            raise Refused(f"sbatch refused the job: {error.words}") from error
        # A site's own sbatch may say more, before it or behind.
        ids = [found[1] for line in answer.splitlines() if (found := _PARSABLE.match(line.strip()))]
        if ids:
            return ids[-1]
        said = commands.plain(answer) or "nothing"
        return self._find_or_raise(launch, SubmitError(f"sbatch gave no job id, but said {said}"))

    def _too_many(self, launch: Launch, error: CommandFailed) -> TooMany:
        """Say how many jobs there are, if it was about one more."""
        if launch.count is not None and launch.count > 1:
            return TooMany(f"sbatch refused {launch.count} tasks: {error.words}")
        there = self._count()
        return TooMany(
            f"sbatch refused the job, because the cluster takes no more of your jobs now"
            f"{'' if there is None else f': {there} of them run or wait'}. Send it again when one "
            f"of them has ended, or cancel one. In sbatch's words: {error.words}",
            there,
        )

    def _count(self) -> int | None:
        """Return how many jobs of the user's there are; None if that is not known."""
        try:
            text, _ = commands.run("squeue", "--me", "--noheader", "--array", "--format=%i")
        except CommandFailed:
            return None
        return len(text.split())

    def _find_or_raise(self, launch: Launch, error: Exception) -> str:
        """Return the id of a job that was taken although sbatch could not say so."""
        try:
            found = self.find(launch.id)
        except CommandFailed:
            found = {}
        if launch.first in found:
            return found[launch.first]
        self._ping()  # what is wrong may be that it answers nobody any more
        raise SubmitError(f"the job could not be submitted: {error}") from error

    def find(self, job_id: str) -> Mapping[int, str]:
        """Look for the job's comment in the queue, where it stays for a while after its end."""
        text, _ = commands.run("squeue", "--me", "--noheader", "--states=all", "--format=%i|%k")
        found: dict[int, str] = {}
        for line in text.splitlines():
            handle, _, words = line.partition("|")
            named, first = status.id_in(words)
            if named == job_id:
                found[first] = handle.strip().partition("_")[0]
        return found

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Ask squeue for all jobs at once, and accounting for those that squeue has forgotten.

        Of an array all tasks are asked for with its id alone.
        """
        # A single one that is no id would have Slurm refuse the question for all of them.
        handles, given = [h for h in handles if _HANDLE.match(h)], handles
        reports = self._ask_squeue(status.arrays(handles)) if handles else {}
        unsure = [h for h in handles if h not in reports or _has_more_to_tell(reports[h])]
        if unsure and self._has_accounting:
            reports |= self._ask_accounting(status.arrays(unsure), reports)
        return {handle: reports.get(handle, Report(None)) for handle in given}

    def _ask_squeue(self, handles: Sequence[str]) -> dict[str, Report]:
        try:
            text, _ = commands.run(
                "squeue",
                "--noheader",
                "--states=all",
                f"--jobs={','.join(handles)}",
                f"--format={status.SQUEUE_FORMAT}",
            )
        except CommandFailed as error:
            if _UNKNOWN in error.words and len(handles) == 1:
                return {}
            raise
        reports = status.from_squeue(text)
        for job_id, ahead in self._places.ahead_of(status.in_line(text)).items():
            reports |= {one: replace(reports[one], ahead=ahead) for one in status.tasks(job_id)}
        return reports

    @property
    def _config(self) -> Mapping[str, str]:
        """What the controller says of its configuration; empty if it does not answer.

        It is asked once for all jobs, of which each may have a backend of its own.
        """
        cluster = _cluster()
        if cluster not in _CONFIGS and (found := self._ask_config()):
            _CONFIGS[cluster] = found
        return _CONFIGS.get(cluster, {})

    def _ask_config(self) -> dict[str, str]:
        try:
            text, _ = commands.run("scontrol", "show", "config")
        except (CommandFailed, BackendMissing):
            return {}
        return answers.config(text)

    @property
    def _has_accounting(self) -> bool:
        return "slurmdbd" in self._config.get("AccountingStorageType", "")

    def _ask_accounting(
        self, handles: Sequence[str], known: Mapping[str, Report]
    ) -> dict[str, Report]:
        try:
            text, _ = commands.run(
                "sacct",
                "--noheader",
                "--parsable2",
                "--allocations",
                f"--jobs={','.join(handles)}",
                f"--format={status.SACCT_FORMAT}",
            )
        except (CommandFailed, BackendMissing):
            return {}  # squeue's word has to do
        found = status.from_sacct(text)
        # Accounting lags behind: what it still calls alive, squeue knows better.
        ended = {h: r for h, r in found.items() if h not in known or (r.state and r.state.ended)}
        return {h: _with_reason(r, known.get(h)) for h, r in ended.items()}

    def warn(self, handle: str, owner: Owner | None = None) -> None:
        """Have the script sent the signal, which passes it on."""
        if owner is None or self._is_of(owner, handle):
            self._scancel("--batch", "--signal=USR2", handle)

    def stop(self, handle: str, owner: Owner | None = None) -> None:
        """Cancel the job."""
        if owner is None or self._is_of(owner, handle):
            self._scancel(handle)

    def _is_of(self, owner: Owner, handle: str) -> bool:
        """Tell whether a job is the owner still: Slurm begins its ids anew now and then.

        scancel cannot be told which comment to look for, and all jobs may go by one name. So squeue
        is asked first; where it does not answer, nothing is ended for now. Of what it does not
        list, scancel itself knows best.
        """
        try:
            text, _ = commands.run(
                "squeue",
                "--noheader",
                "--states=all",
                f"--jobs={handle}",
                f"--format={status.WHOSE_FORMAT}",
            )
        except CommandFailed as error:
            if _UNKNOWN in error.words:
                return True
            raise
        found = (status.owned(Report(None), line) for line in text.splitlines())
        others = [report for report in found if not report.is_about(owner)]
        if others:
            _log.warning(
                "Slurm's job %s is not job %s any more, but another one, which is left alone",
                handle,
                owner.id,
            )
        return not others

    def _scancel(self, *arguments: str) -> None:
        try:
            commands.run("scancel", *arguments)
        except CommandFailed as error:
            if not any(words in error.words for words in _OVER):
                raise


def _with_reason(report: Report, known: Report | None) -> Report:
    """Return what accounting says, with squeue's reason where it has none."""
    if report.reason or known is None or known.state is not report.state:
        return report
    return replace(report, reason=known.reason, advice=known.advice)


def _cluster() -> tuple[str, str]:
    """Return what tells apart clusters, whose jobs have the same ids.

    Programs may belong to one, or be told by a variable.
    """
    return os.environ.get("SLURM_CONF", ""), shutil.which("squeue") or ""


def _has_more_to_tell(report: Report) -> bool:
    """Only accounting knows who cancelled a job."""
    return report.state is JobState.CANCELLED
