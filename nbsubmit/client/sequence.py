"""Several calls, one after another, in one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbsubmit.client.checkpointable import Checkpointable
from nbsubmit.core.delayed import DelayedSubmission


class FunctionSequence(Checkpointable):
    """Calls functions in turn; a job that is run again goes on with the first that is not done.

    Parameters
    ----------
    verbose : bool
        Print where it is; by default it does not.

    Attributes
    ----------
    delayed_functions : list of DelayedSubmission
        The calls.

    Examples
    --------
    >>> calls = nbsubmit.helpers.FunctionSequence()
    >>> calls.add(divmod, 17, 5)
    >>> calls.add(abs, -1)
    >>> nbsubmit.DebugExecutor("logs").submit(calls).result()
    [(3, 2), 1]
    """

    def __init__(self, verbose: bool = False) -> None:
        self.verbose = verbose
        self.delayed_functions: list[DelayedSubmission] = []

    def __repr__(self) -> str:
        done = sum(call.done() for call in self)
        return f"<FunctionSequence, {done} of {len(self)} done>"

    def add(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Add a call.

        Parameters
        ----------
        func : callable
            What is called.
        *args, **kwargs
            With what.
        """
        self.delayed_functions.append(DelayedSubmission(func, *args, **kwargs))

    def __len__(self) -> int:
        return len(self.delayed_functions)

    def __iter__(self) -> Iterator[DelayedSubmission]:
        return iter(self.delayed_functions)

    def __call__(self) -> list[Any]:
        """Call what has not been called yet, and return what each call has returned, in order.

        Raises
        ------
        Exception
            What a call raises; those behind it are not called.
        """
        for number, call in enumerate(self, 1):
            if self.verbose and not call.done():
                print(f"call {number} of {len(self)}", flush=True)
            call.result()
        return [call.result() for call in self]
