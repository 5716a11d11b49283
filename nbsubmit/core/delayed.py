"""A function and what it is to be called with, later and perhaps elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NOT_CALLED = object()


class DelayedSubmission:
    """A call that is still to come.

    Parameters
    ----------
    function : callable
        What is called.
    *args, **kwargs
        With what.
    """

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self._result: Any = _NOT_CALLED

    def __repr__(self) -> str:
        return f"DelayedSubmission({self.function!r}, ...)"

    def result(self) -> Any:
        """Call it, the first time, and return what it has returned."""
        if self._result is _NOT_CALLED:
            self._result = self.function(*self.args, **self.kwargs)
        return self._result

    def done(self) -> bool:
        """Tell whether it was called here."""
        return self._result is not _NOT_CALLED
