"""One job's folder: the only place where the names of a job's files are written down.

In: a path. Out: typed reads and writes of what was sent, the handle, the result and the logs.
A file lands whole or not at all, for the other side may be reading it over a slow network disk.
Which folders there are is the business of `store`.

Before anything in a folder is read, it is checked that nobody else could have written it (see
`trust`): what is read there is unpickled.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from nbsubmit.core.errors import FolderError, OtherFormat
from nbsubmit.core.trust import check_if_there, check_private, read_own

# Changes when another release could not read what this one writes.
FORMAT = 6
# The folder of blobs, in the store and in each job's folder.
BLOBS = "blobs"
PAYLOAD_PACK, RESULT_PACK = "payload.bin", "result.bin"
SLICES_PACK = "slices.bin"
CHECKPOINT, STATE = "checkpoint.pkl", "state.pkl"
_SHARED_PACKS = (PAYLOAD_PACK, SLICES_PACK)
_PACKS = (*_SHARED_PACKS, RESULT_PACK, CHECKPOINT, STATE)
# The event that only says to which stream the text that follows belongs.
MARK = "mark"
# Tells the worker by what name its backend knows the node; unset, it is the host's name.
NODE_VARIABLE = "NBSUBMIT_NODE"
# Tells it what the job was given, as `usage.Limits.from_words` reads it.
LIMITS_VARIABLE = "NBSUBMIT_LIMITS"
# Tells all that runs in a job where its folder is.
JOB_VARIABLE = "NBSUBMIT_JOB"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
# So many beats may be missed before that tells anything.
_MISSED_BEATS = 3


def check_format(data: Mapping[str, Any], what: str) -> None:
    """Make sure that a file is written as this nbsubmit reads it.

    Raises
    ------
    OtherFormat
        Saying what it is and which formats there are.
    """
    if data["format"] != FORMAT:
        raise OtherFormat(
            f"{what} was written by another nbsubmit, in format {data['format']}, and this one "
            f"reads {FORMAT}. Install the same in both, or use one Python for both:  "
            f"--python COMMAND"
        )


class _File:
    """A file of a job's; a shared one is the same for all tasks of the job."""

    def __init__(self, name: str, *, shared: bool = False) -> None:
        self.name = name
        self._shared = shared

    def __get__(self, folder: JobFolder, _kind: type[JobFolder]) -> Path:
        return (folder.whole if self._shared else folder.path) / self.name


class JobFolder:
    """The files of one job.

    Parameters
    ----------
    path : Path
        The folder; its name is the job's id.

    Attributes
    ----------
    whole : Path
        The folder of the whole job; for a job that has no tasks it is the same.
    """

    # Written here before the job is started.
    spec_file = _File("job.json", shared=True)
    payload_file = _File("payload.json", shared=True)
    payload_stream = _File("payload.pkl", shared=True)
    payload_pack = _File(PAYLOAD_PACK, shared=True)
    slices_file = _File("slices.pkl", shared=True)
    slices_pack = _File(SLICES_PACK, shared=True)
    blobs = _File(BLOBS, shared=True)
    modules = _File("modules", shared=True)
    script_file = _File("script.sh", shared=True)
    # Written here once it has been started, refused, or asked to stop.
    handle_file = _File("handle.json", shared=True)
    refusal_file = _File("refusal.json", shared=True)
    # How to start the tasks that the backend does not take yet, and who does it.
    launch_file = _File("launch.json", shared=True)
    sending_file = _File("sending.json", shared=True)
    cancel_file = _File("cancel.json")
    end_file = _File("end.json")
    interrupt_file = _File("interrupt.json")
    # Written by the job.
    started_file = _File("started.json")
    beat_file = _File("beat")
    usage_file = _File("usage.jsonl")
    signal_file = _File("signal.json")
    exit_file = _File("exit")
    # It is to be run again; the scheduler has taken it back; or why it is not run again; how often
    # that was; and what it goes on from.
    requeue_file = _File("requeue.json")
    requeued_file = _File("requeued")
    not_requeued_file = _File("not_requeued.json")
    # What the scheduler said when it did not take it back, in plain text.
    requeue_failed_file = _File("requeue_failed")
    runs_file = _File("runs.json")
    # Room for the report of a job that has filled the disk.
    reserve_file = _File("reserve")
    checkpoint_file = _File(CHECKPOINT)
    state_file = _File(STATE)
    result_stream = _File("result.pkl")
    result_pack = _File(RESULT_PACK)
    # What a debugger needs of a cell that failed, and the values in it.
    kept_file = _File("kept.json")
    kept_values = _File("kept.pkl")
    events_file = _File("events.jsonl")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole = path
        self.id = path.name
        # When it was looked at last, by a monotonic clock, for its tasks.
        self.checked = float("-inf")

    @property
    def job_id(self) -> str:
        """Our own id of the job, by which it goes where there is no scheduler with another."""
        return self.id

    @property
    def together(self) -> JobFolder:
        """The folder of the processes that run together with this one; its own if it is alone."""
        return self

    @property
    def around(self) -> JobFolder:
        """The folder of what the backend has started, where the script leaves its exit code.

        That of the processes that run together, or of the pack in which a task has its turn.
        """
        return self.together

    @property
    def is_packed(self) -> bool:
        """Tell whether it is a task that has its turn in a pack, which is all the backend knows."""
        return False

    @property
    def is_first(self) -> bool:
        """Tell whether it is the first of the processes that run together: it speaks for all."""
        return True

    @property
    def result_file(self) -> Path:
        """The outcome; whoever sees it sees all that it names."""
        return self.path / "result.json"

    @property
    def log_out(self) -> Path:
        """What the job prints."""
        return self.path / "log.out"

    @property
    def log_err(self) -> Path:
        """What it prints to standard error."""
        return self.path / "log.err"

    def handle(self) -> str:
        """Return the backend's own id of the job; empty if it has none yet."""
        data = self.read_json(self.handle_file)
        return "" if data is None else self.field(self.handle_file, data, "handle")

    def refusal(self) -> str:
        """Return why the backend did not take the job; empty if it did."""
        data = self.read_json(self.refusal_file)
        return "" if data is None else self.field(self.refusal_file, data, "reason")

    def unsent(self) -> tuple[str, bool]:
        """Return why it has not been sent yet, empty if it was; and whether nobody does that."""
        return "", False

    def is_cancelled(self) -> bool:
        """Tell whether somebody asked here for the job to be ended."""
        return self.cancel_file.exists()

    def seconds_of_signs(self) -> float:
        """Return the time from a job's start to its end, or to its last beat, by the disk's clock.

        It may be looked at long after its end, by a host with another clock than its node's.
        """
        last = (self.exit_file, self.around.exit_file, self.beat_file)
        end = next((at for file in last if (at := _changed_at(file))), 0.0)
        return max(end - _changed_at(self.started_file), 0.0)

    def silence(self) -> float:
        """Return for how long it has shown no sign of life, in seconds; 0 while none is overdue.

        Raises
        ------
        OSError
            If it never has.
        """
        seconds = time.time() - self.beat_file.stat().st_mtime
        return seconds if seconds > _MISSED_BEATS * self.spec.get("beat_seconds", 0.0) else 0.0

    def field(self, file: Path, data: Mapping[str, Any], name: str) -> str:
        """Return a text in a file.

        Raises
        ------
        FolderError
            If there is none.
        """
        if name not in data:
            raise FolderError(f"{file} is not what nbsubmit wrote there: it has no {name!r}")
        return str(data[name])

    @functools.cached_property
    def spec(self) -> dict[str, Any]:
        """What is known of the job from the start, as plain data; empty while it is not written."""
        return self.read_json(self.spec_file) or {}

    def __repr__(self) -> str:
        return f"JobFolder({str(self.path)!r})"

    def create(self) -> None:
        """Make the folder, with empty logs that only the user can read.

        Raises
        ------
        FileExistsError
            If there is one already.
        """
        self.path.mkdir(mode=PRIVATE_FOLDER)
        for log in (self.log_out, self.log_err, self.events_file):
            os.close(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_EXCL, PRIVATE_FILE))

    @property
    def store(self) -> Path:
        """The store in which it is."""
        return self.whole.parents[1]

    def check(self) -> None:
        """Make sure that the folder, and those above it in its store, are the user's own.

        Raises
        ------
        FolderError
            If one is not, is missing, or others may write to it.
        """
        for folder in (self.store, self.whole.parent, self.whole):
            check_private(folder)

    def check_parts(self) -> None:
        """Make sure of the same for the folders of all that is unpickled with it.

        Raises
        ------
        FolderError
            If one is not the user's own, or others may write to it.
        """
        self.check()
        for folder in self._parts:
            check_if_there(folder)

    @property
    def _parts(self) -> tuple[Path, ...]:
        return self.blobs, self.store_blobs

    @property
    def store_blobs(self) -> Path:
        """Where the store keeps the blobs of all jobs."""
        return self.store / BLOBS

    def locate(self, file: str) -> Path:
        """Return where a file of buffers lies: a pack of this job, or a blob.

        Raises
        ------
        FolderError
            If it is no such name.
        """
        if file in _PACKS:
            return (self.whole if file in _SHARED_PACKS else self.path) / file
        folder, _, name = file.partition("/")
        if folder != BLOBS or "/" in name or name.startswith("."):
            raise FolderError(f"{self.path}: {file!r} is no file of buffers. Send the job again")
        held = self.blobs / name
        return held if held.exists() else self.store_blobs / name

    def read_json(self, file: Path) -> dict[str, Any] | None:
        """Return a file's content, or None while there is no such file."""
        try:
            data = json.loads(read_own(file))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise FolderError(f"{file} is not what nbsubmit wrote there: {error}") from None
        if not isinstance(data, dict):
            raise FolderError(f"{file} is not what nbsubmit wrote there: {type(data).__name__}")
        return data

    def write_json(self, file: Path, data: dict[str, Any]) -> None:
        """Write plain data whole."""
        text = json.dumps(data, ensure_ascii=False)
        # Text from a job may hold halves of surrogate pairs.
        write_whole(file, lambda out: _write_all(out, text.encode(errors="backslashreplace")))


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def remove_unfinished(folder: JobFolder) -> None:
    """Remove what a worker that was killed had begun to write of its result; it is gone for sure.

    Of all else in the folder it is not known that nobody writes it now.
    """
    written = (folder.result_file, folder.result_stream, folder.result_pack,
               folder.kept_file, folder.kept_values)  # fmt: skip
    beginnings = {f".{file.name}" for file in written}
    with suppress(OSError):
        for file in folder.path.iterdir():
            beginning, _, ending = file.name.rpartition(".")
            if beginning in beginnings and _ENDING.issuperset(ending) and len(ending) == _LENGTH:
                file.unlink(missing_ok=True)


def write_whole(file: Path, write: Callable[[BinaryIO], object], *, durable: bool = False) -> None:
    """Write a file so that a reader sees it whole or not at all, 0600.

    The bytes go to a name of their own first, so that what a killed writer left behind is in
    nobody's way. A durable file is on the disk, power cut or not, before its name appears.
    """
    descriptor, name = new_file(file.parent, f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            write(out)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        name.replace(file)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


# What a name of a file's own ends in.
_ENDING, _LENGTH = frozenset("0123456789abcdef"), 16


def new_file(folder: Path, prefix: str) -> tuple[int, Path]:
    """Make a file with a name of its own, 0600, and return its descriptor and path.

    As `tempfile` does, whose import takes every job 6 ms.
    """
    path = folder / f"{prefix}{os.urandom(_LENGTH // 2).hex()}"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), path


def _write_all(out: BinaryIO, data: bytes) -> None:
    out.write(data)
