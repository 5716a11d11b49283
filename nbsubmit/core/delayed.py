"""A function and what it is to be called with, later and perhaps elsewhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from nbsubmit.core.folder import write_whole


class DelayedSubmission:
    """A call that is still to come.

    Parameters
    ----------
    function : callable
        What is called.
    *args, **kwargs
        With what.

    Attributes
    ----------
    timeout_min : float or None
        How many minutes the job that calls it may take; None if that was not said.
    max_num_timeout : int or None
        So many times it is run again after its time was over; None if that was not said.

    Examples
    --------
    >>> call = nbsubmit.helpers.DelayedSubmission(divmod, 17, 5)
    >>> call.done(), call.result(), call.done()
    (False, (3, 2), True)
    """

    timeout_min: float | None = None
    max_num_timeout: int | None = None

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self._done = False
        self._result: Any = None

    def __repr__(self) -> str:
        return f"DelayedSubmission({self.function!r}, ...)"

    def result(self) -> Any:
        """Call it, the first time, and return what it has returned.

        Raises
        ------
        Exception
            What it raises; then it is called again the next time.
        """
        if not self._done:
            self._result = self.function(*self.args, **self.kwargs)
            self._done = True
        return self._result

    def done(self) -> bool:
        """Tell whether it was called, here or before it came here."""
        return self._done

    def set_timeout(self, timeout_min: float, max_num_timeout: int) -> None:
        """Say how long the job may take, and how often it is run again after that.

        Parameters
        ----------
        timeout_min : float
            Minutes.
        max_num_timeout : int
            How often.
        """
        self.timeout_min = timeout_min
        self.max_num_timeout = max_num_timeout

    def dump(self, path: Path | str) -> None:
        """Write it, and what it has returned, to a file that only the user can read.

        Parameters
        ----------
        path : path
            The file.

        Raises
        ------
        OSError
            If it cannot be written; whatever cannot be pickled raises an error of its own.
        """
        write_whole(Path(path), lambda file: cloudpickle.dump(self, file))

    @classmethod
    def load(cls, path: Path | str) -> DelayedSubmission:
        """Return what `dump` wrote; nothing else should be loaded, for it may run any code.

        Parameters
        ----------
        path : path
            The file.

        Raises
        ------
        TypeError
            If the file holds something else.
        OSError
            If it cannot be read.
        """
        with Path(path).open("rb") as file:
            found = pickle.load(file)
        if not isinstance(found, cls):
            raise TypeError(f"{path} holds no {cls.__name__} but a {type(found).__name__}")
        return found
