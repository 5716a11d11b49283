"""Start, poll and stop in terms of Slurm's commands."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from nbsubmit.backends.slurm import commands, status
from nbsubmit.backends.slurm.commands import CommandFailed, NotInTime
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.backends.slurm.places import Places
from nbsubmit.backends.slurm.script import batch_script, comment
from nbsubmit.core.backend import Report
from nbsubmit.core.errors import BackendMissing, Refused, SubmitError
from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState

# What sbatch says when it could not reach the controller; the job may have got there all the same.
_UNREACHED = ("Unable to contact slurm controller", "Socket timed out", "Connection refused",
              "Zero Bytes were transmitted", "Transport endpoint")  # fmt: skip
_UNKNOWN = "Invalid job id"
_OVER = (_UNKNOWN, "already completing or completed")


# One for all: each of a notebook's jobs may have a backend of its own.
_PLACES = Places()


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

    def __init__(self, places: Places = _PLACES) -> None:
        self._places = places

    def check(self) -> None:
        """Look for the commands, and for a controller that answers."""
        for program in ("sbatch", "squeue", "scancel"):
            commands.find(program)
        try:
            answer, _ = commands.run("scontrol", "ping")
        except CommandFailed as error:
            answer = str(error)
        if " is UP" not in answer:
            raise BackendMissing(
                f"Slurm's commands are here and its controller does not answer "
                f"({commands.plain(answer)}). %%local runs the cell on this machine"
            )

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
        """Submit the script in the job's folder."""
        path = str(launch.script or launch.folder / "script.sh")
        try:
            answer, _ = commands.run("sbatch", "--parsable", path, env=launch.env)
        except CommandFailed as error:
            if isinstance(error, NotInTime) or any(words in error.words for words in _UNREACHED):
                return self._find_or_raise(launch, error)
            raise Refused(f"sbatch refused the job: {error.words}") from error
        return answer.strip().partition(";")[0]

    def _find_or_raise(self, launch: Launch, error: CommandFailed) -> str:
        """Return the id of a job that was taken although sbatch could not say so."""
        try:
            found = self.find(launch.id)
        except CommandFailed:
            found = {}
        if launch.first in found:
            return found[launch.first]
        raise SubmitError(f"the job could not be submitted: {error}") from error

    def find(self, job_id: str) -> Mapping[int, str]:
        """Look for the job's comment in the queue, where it stays for a while after its end."""
        text, _ = commands.run("squeue", "--me", "--noheader", "--states=all", "--format=%i|%k")
        found: dict[int, str] = {}
        for line in text.splitlines():
            handle, _, words = line.partition("|")
            name, _, first = words.partition(" ")[0].strip().partition("+")
            if name == comment(job_id):
                found[int(first or 0)] = handle.strip().partition("_")[0]
        return found

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Ask squeue for all jobs at once, and accounting for those that squeue has forgotten.

        Of an array all tasks are asked for with its id alone.
        """
        reports = self._ask_squeue(status.arrays(handles))
        unsure = [h for h in handles if h not in reports or _has_more_to_tell(reports[h])]
        if unsure and self._has_accounting:
            reports |= self._ask_accounting(status.arrays(unsure), reports)
        return {handle: reports.get(handle, Report(None)) for handle in handles}

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
            if _UNKNOWN in error.words:  # said only when it was asked for a single job
                return {}
            raise
        reports = status.from_squeue(text)
        for job_id, ahead in self._places.ahead_of(status.in_line(text)).items():
            reports |= {one: replace(reports[one], ahead=ahead) for one in status.tasks(job_id)}
        return reports

    @functools.cached_property
    def _config(self) -> dict[str, str]:
        """What the controller says of its configuration; empty if it does not answer."""
        try:
            text, _ = commands.run("scontrol", "show", "config")
        except (CommandFailed, BackendMissing):
            return {}
        pairs = (line.partition("=") for line in text.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

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
        return {h: r for h, r in found.items() if h not in known or (r.state and r.state.ended)}

    def warn(self, handle: str) -> None:
        """Have the script sent the signal, which passes it on."""
        self._scancel("--batch", "--signal=USR2", handle)

    def stop(self, handle: str) -> None:
        """Cancel the job."""
        self._scancel(handle)

    def _scancel(self, *arguments: str) -> None:
        try:
            commands.run("scancel", *arguments)
        except CommandFailed as error:
            if not any(words in error.words for words in _OVER):
                raise


def _has_more_to_tell(report: Report) -> bool:
    """Only accounting knows who cancelled a job."""
    return report.state is JobState.CANCELLED
