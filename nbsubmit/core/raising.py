"""How a job ended → the exception that whoever asks for its result gets."""

from __future__ import annotations

from contextlib import suppress

from nbsubmit.core.definitions.exceptions import copy_of_exception
from nbsubmit.core.errors import FailedJobError, JobCancelled, JobError, JobLost, JobTimedOut
from nbsubmit.core.failed import failed_as
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.harmless import printed
from nbsubmit.core.output import text_of
from nbsubmit.core.state import JobState, Status

TAIL_BYTES = 2000
_ERRORS: dict[JobState, type[JobError]] = {
    JobState.CANCELLED: JobCancelled,
    JobState.TIMEOUT: JobTimedOut,
}


class RemoteTraceback(Exception):
    """The traceback on the node, as the cause of the exception that is raised here."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


class _AsShown:
    """The lines that IPython prints in place of a traceback of ours; it pickles."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __call__(self) -> list[str]:
        return self._lines


def say_below(error: BaseException, line: str) -> None:
    """Have a line shown below the traceback of an error of a job."""
    shown = getattr(error, "_render_traceback_", None)
    if shown is not None:
        error._render_traceback_ = _AsShown([*shown(), line])  # type: ignore[attr-defined]
    if hasattr(error, "add_note"):
        error.add_note(line)


def with_traceback(
    error: BaseException, traceback: tuple[str, ...], cause: object
) -> BaseException:
    """Have an error show the node's traceback, and what it was raised from there."""
    shown = list(traceback)
    if not isinstance(error, SyntaxError):
        error._render_traceback_ = _AsShown(shown)  # type: ignore[attr-defined]
    error.__cause__ = RemoteTraceback("\n".join(shown))
    error.__cause__.__cause__ = cause if isinstance(cause, BaseException) else None
    error.__traceback__ = None
    return error


def twin(error: BaseException) -> BaseException:
    """Return an exception like one that the notebook holds: that one stays as the cell left it."""
    with suppress(Exception):  # then this one has to be shown
        return copy_of_exception(error)
    return error


def of_function(error: BaseException, folder: JobFolder) -> BaseException:
    """Return what a function has raised as a failed job's exception, too."""
    if isinstance(error, Exception):
        return failed_as(error, folder.id, folder.path)
    # `sys.exit()` in a job must not end the script that asks for its result.
    told = f"{type(error).__name__}: {error}".rstrip(": ")
    failed = FailedJobError(f"job {folder.id} ended with {told}", folder.id, folder.path)
    failed.__cause__ = error
    return failed


def of_end(status: Status, folder: JobFolder) -> JobError:
    """Return the error of a job that has ended in another way than by itself."""
    parts = [f"job {folder.id} is {status.state.value}"]
    if status.reason:
        parts.append(f": {status.reason}")
    if status.advice:
        parts.append(f"; {status.advice}")
    tail = printed(text_of(folder.log_err, TAIL_BYTES).strip())
    if tail:
        parts.append(f"\nThe end of {folder.log_err}:\n{tail}")
    kind = _ERRORS.get(status.state, JobLost)
    return kind("".join(parts), folder.id, folder.path)
