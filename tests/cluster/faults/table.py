"""README's table of faults: which of those that are provoked here make up each of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HEAD = ("| what happens | what is shown | with accounting, s | without, s |",
        "| --- | --- | --- | --- |")  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """How long it took until the state of a job was the true one.

    Attributes
    ----------
    fault : str
        What happened.
    accounting : bool
        Whether the cluster keeps account of jobs.
    shown : str
        What is shown: state and reason.
    seconds : float
        The time.
    """

    fault: str
    accounting: bool
    shown: str
    seconds: float


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    what, shown : str
        What happens and what is shown, as README says it.
    faults : tuple of str
        What tests call it.
    """

    what: str
    shown: str
    faults: tuple[str, ...]

    @property
    def words(self) -> str:
        """The line without its times."""
        return f"| {self.what} | {self.shown} |"

    def line(self, measured: Sequence[Measured]) -> str:
        """Return the line with the longest times."""
        mine = [one for one in measured if one.fault in self.faults]
        times = (
            max((one.seconds for one in mine if one.accounting is kept), default=None)
            for kept in (True, False)
        )
        return f"{self.words} {' | '.join(map(_told, times))} |"


def _told(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return "under 1" if seconds < 1 else f"{seconds:.0f}"


ROWS = (
    Row("`kill -9`, `os.abort`, a segmentation fault *",
        "`FAILED`: the worker was killed by SIGKILL; see its log",
        ("the worker is killed with kill -9", "the cell calls os.abort", "a segmentation fault")),
    Row("killed while it writes its result *", "the same, and no half of a result",
        ("killed while it writes its result",)),
    Row("`sys.exit`, `KeyboardInterrupt`, any exception", "`FAILED`, with that exception",
        ("the cell calls sys.exit", "KeyboardInterrupt in the cell", "the cell raises")),
    Row("`os._exit(0)` *", "`FAILED`: its process ended by itself, as with `os._exit`",
        ("the cell calls os._exit", "the cell calls os._exit(0)")),
    Row("a value that cannot be pickled", "`COMPLETED`; that one is named, and all else comes back",
        ("a result that cannot be pickled",)),
    Row("more memory than it has *",
        "`OUT_OF_MEMORY`: it had 183 MB of 200 MB; send it again with more `--mem`",
        ("it needs more memory than it has",)),
    Row("its time limit", "`TIMEOUT`; send it again with a longer `--time`",
        ("its time limit of a minute",)),
    Row("a full disk, or home over quota",
        "`FAILED`: the result could not be written to …: No space left on device; what is small "
        "comes back",
        ("the result is larger than the disk", "the home is over quota",
         "the disk is full to the last byte; what is small comes back")),
    Row("its node is lost *", "`NODE_FAIL`: its node was lost; send it again",
        ("its node is lost",)),
    Row("preempted",
        "`PENDING`: waits to be run again (run 2), or `PREEMPTED` with `--no-requeue`",
        ("preempted, and queued again", "preempted, with --no-requeue")),
    Row("cancelled here, with `scancel`, or while it waits",
        "`CANCELLED`: cancelled from this notebook; cancelled by ada (without accounting: "
        "somebody)",
        ("cancelled from the notebook", "cancelled by an admin, or with scancel",
         "cancelled while it waits")),
    Row("held; suspended",
        "`PENDING`: it is held; scontrol release 17 lets it go on. `SUSPENDED`",
        ("it is held", "it is suspended", "it is resumed")),
    Row("a dependency that can never be satisfied",
        "`CANCELLED`: a job that it waits for did not succeed, so it cannot run",
        ("a dependency that can never be satisfied",)),
    Row("`slurmctld` is down when a cell is sent",
        "nothing is sent: Slurm's commands are here and its controller does not answer",
        ("slurmctld is down when a cell is sent",)),
    Row("`slurmctld` is down, `squeue` or `sacct` hang or fail, when a job succeeds",
        "`COMPLETED`, with its values",
        ("slurmctld is down when a job succeeds", "squeue and sacct hang; the job succeeds",
         "squeue and sacct fail; the job succeeds")),
    Row("the same when one is killed *", "`FAILED`: the worker was killed by SIGKILL",
        ("slurmctld is down when a job is killed", "squeue and sacct hang; the job is killed",
         "squeue and sacct fail; the job is killed")),
    Row("`squeue` takes 10 seconds, and a job is killed *",
        "the same; no job that is queued again is taken for ended",
        ("killed while squeue takes 10 s",)),
    Row("`slurmctld` is down while a job waits", "`PENDING`: slurm cannot be asked: …",
        ("slurmctld is down while a job waits", "squeue fails; the job waits")),
    Row("its folder is deleted",
        "`LOST`: its folder … was deleted; it may run on as slurm job 17",
        ("its folder is deleted while it runs",)),
    Row("its node does not see its folder",
        "`FAILED`: it left nothing in its folder …; have jobs in a folder that the nodes can see",
        ("its node does not see its folder",)),
    Row("files of it are cut short", "`FAILED`: … is not what nbsubmit wrote there",
        ("payload.json is cut short before it starts", "payload.pkl is cut short before it starts",
         "job.json is cut short before it starts")),
    Row("its id is another job's now, as Slurm has begun anew",
        "`LOST`: its id 17 is another job's now; that one is left alone, by `cancel` too",
        ("its id is another job's now",)),
    Row("another Python or cloudpickle on the node, or no nbsubmit",
        "`FAILED`, with both versions; use one Python for both: `--python`",
        ("another Python on the node", "another cloudpickle on the node",
         "another cloudpickle on the node, and a stream that cannot be read",
         "the Python of the job has no nbsubmit")),
    Row("another nbsubmit on the node",
        "`LOST`: the job's result was written by another nbsubmit; install the same in both",
        ("another nbsubmit on the node",)),
    Row("killed on a node whose clock is an hour off *",
        "`FAILED`: the worker was killed by SIGKILL",
        ("killed on a node whose clock is 1 h behind",
         "killed on a node whose clock is 1 h ahead")),
)  # fmt: skip
TOLD = frozenset(fault for row in ROWS for fault in row.faults)


def lines(measured: Iterable[Measured]) -> Iterator[str]:
    """Yield the table as README has it."""
    known = list(measured)
    yield from HEAD
    yield from (row.line(known) for row in ROWS)
