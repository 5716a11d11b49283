"""Everything nbsubmit raises on purpose.

NbsubmitError
├── OptionError            an option of the magic's line is wrong
│   └── ConfigError          a configuration file is, or what it says
├── CaptureError           the cell cannot be sent as it is
│   ├── CellSyntaxError      it is not Python
│   ├── NotPicklable         a value that the cell reads cannot travel
│   └── TooLarge             more would be sent than the settings allow
├── FolderError            the store or a job's folder is unsafe or unusable
│   └── OtherFormat          another nbsubmit has written it
├── SubmitError            the job could not be handed to the backend; also FailedSubmissionError
│   ├── BackendMissing       this backend cannot run here
│   └── Refused              the backend looked at the job and said no
│       └── TooMany            it takes no more of the user's jobs now
├── UnknownJob             no job, or several, by that id
└── JobError               a job ended without what was asked of it
    └── UncompletedJobError  it ended without a result
        ├── FailedJobError     the function or the cell raised
        │   └── CellFailed       and its exception cannot be rebuilt here
        ├── JobCancelled       somebody cancelled it
        ├── JobTimedOut        it reached its time limit
        ├── JobLost            it ended without a word: killed, out of memory, node lost
        ├── InputFailed        it was not run, for a job that it needs did not succeed
        └── ResultUnreadable   its result is there and cannot be loaded here

A message says what happened, to which, and what to do next. The facts are attributes too.
Each of them pickles.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from pathlib import Path

from nbsubmit.core.harmless import plain


class NbsubmitError(Exception):
    """The root: ``except NbsubmitError`` catches all that nbsubmit raises on purpose.

    Examples
    --------
    >>> try:
    ...     nbsubmit.attach("none", "logs")
    ... except nbsubmit.NbsubmitError as error:
    ...     print(type(error).__name__)
    UnknownJob
    """

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: the shell looks for this method on what is raised."""
        return [plain(f"{type(self).__name__}: {self}")]


class OptionError(NbsubmitError):
    """An option is unknown, malformed, or one that nbsubmit sets by itself."""


class ConfigError(OptionError):
    """A configuration file cannot be read, or says what cannot be."""


class CaptureError(NbsubmitError):
    """The cell cannot be sent as it is; nothing was submitted."""


class CellSyntaxError(CaptureError):
    """The cell is not Python; nothing was submitted.

    Parameters
    ----------
    message : str
        The error's own message.
    shown : str
        The whole text, as the shell shows it.
    """

    def __init__(self, message: str, shown: str = "") -> None:
        super().__init__(message, shown)
        self.shown = shown

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[CellSyntaxError], tuple[str, ...]]:
        return CellSyntaxError, self.args

    def _render_traceback_(self) -> list[str]:
        return [self.shown or str(self)]

    @classmethod
    def named(cls, kind: str, message: str, shown: str) -> CellSyntaxError:
        """Return one that goes by the name of what it is, as notebooks tell errors by name."""
        made: CellSyntaxError = type(kind, (cls,), {"__module__": "builtins"})(message, shown)
        return made


class NotPicklable(CaptureError):
    """A value that the cell reads cannot be sent; nothing was submitted.

    Parameters
    ----------
    message : str
        The whole text for the user, one line per culprit.
    names : tuple of str
        The notebook's names concerned.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message, names)
        self.names = names

    def __str__(self) -> str:
        return str(self.args[0])


class TooLarge(CaptureError):
    """More would be sent than the limit allows; nothing was submitted.

    Parameters
    ----------
    message : str
        The whole text for the user, one line per large value.
    names : tuple of str
        The names of the large values, the largest first.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message, names)
        self.names = names

    def __str__(self) -> str:
        return str(self.args[0])


class FolderError(NbsubmitError):
    """The store or a job's folder is not safe to use, not writable, or not what it should be."""


class OtherFormat(FolderError):
    """A job's file was written by an nbsubmit that writes it in another way."""


class SubmitError(NbsubmitError, RuntimeError):
    """The job could not be handed to the backend; nothing runs.

    Examples
    --------
    >>> issubclass(nbsubmit.FailedSubmissionError, RuntimeError)
    True
    """


# Its name for who comes from submitit.
FailedSubmissionError = SubmitError


class BackendMissing(SubmitError):
    """A backend cannot run here; the message says what was looked for."""


class Refused(SubmitError):
    """The backend looked at the job and said no; the message carries its own words.

    Parameters
    ----------
    message : str
        The backend's own words, as they came.
    """


class TooMany(Refused):
    """The backend takes no more jobs of the user's now, or not so many at once.

    Parameters
    ----------
    message : str
        What it said, and what to do next.
    most : int or None
        So many of the user's jobs it has now, and takes no other one; None if that is not known.
    """

    def __init__(self, message: str, most: int | None = None) -> None:
        super().__init__(message, most)
        self.most = most

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownJob(NbsubmitError):
    """No job, or more than one, goes by the id that was given."""


class JobError(NbsubmitError):
    """A job ended without what was asked of it.

    Parameters
    ----------
    message : str
        What happened and what to do next.
    job_id : str
        Our own id of the job.
    folder : Path or None
        Where its files are.
    """

    def __init__(self, message: str, job_id: str = "", folder: Path | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.folder = folder


class UncompletedJobError(JobError, RuntimeError):
    """A job ended without a result.

    Examples
    --------
    >>> try:
    ...     nbsubmit.LocalExecutor("logs").submit(os._exit, 3).result()
    ... except nbsubmit.UncompletedJobError as error:
    ...     print("it has left no result")
    it has left no result
    """


class FailedJobError(UncompletedJobError):
    """The function or the cell that was sent raised an exception.

    What a call of a function raises is an instance of this and of the exception's own class. A cell
    raises the exception alone, or `CellFailed` if that cannot be rebuilt here.

    Examples
    --------
    >>> try:
    ...     nbsubmit.DebugExecutor("logs").submit(int, "many").result()
    ... except ValueError as error:
    ...     print(error, isinstance(error, nbsubmit.FailedJobError))
    invalid literal for int() with base 10: 'many' True
    """


class CellFailed(FailedJobError):
    """The cell raised an exception that cannot be rebuilt here; its text is the message."""


class JobCancelled(UncompletedJobError, CancelledError):
    """The job was cancelled before it could end by itself.

    It is a `concurrent.futures.CancelledError` too, as of any future.
    """


class JobTimedOut(UncompletedJobError):
    """The job reached its time limit."""


class JobLost(UncompletedJobError):
    """The job ended without a result: it was killed, ran out of memory, or its node was lost."""


class InputFailed(UncompletedJobError):
    """A job was not run, because one that it was to start after did not succeed."""


class ResultUnreadable(UncompletedJobError):
    """The result is there but cannot be loaded in this process."""
