"""What can be stopped and go on later: it says with what it is to be called again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbsubmit.core.delayed import DelayedSubmission


class Checkpointable:
    """A base for what is called in a job and keeps what it has done in its attributes.

    When the job's time is over, or it has to make room, `checkpoint` is called with the arguments
    of the call, and what it returns is what the job does when it runs again.

    Raises
    ------
    TypeError
        When an object is made of a class that has no ``__call__``.

    Examples
    --------
    >>> class Sum(nbsubmit.helpers.Checkpointable):
    ...     total = 0
    ...     def __call__(self, numbers):
    ...         while numbers:
    ...             self.total += numbers.pop()
    ...         return self.total
    >>> numbers, halfway = [1, 2, 3], Sum()
    >>> halfway.total += numbers.pop()
    >>> halfway.checkpoint(numbers).result()
    6
    """

    if TYPE_CHECKING:
        __call__: Callable[..., Any]  # what its classes have to have

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        if not callable(made):
            raise TypeError(f"{cls.__name__} needs a __call__: it is what a job is to call")
        return made

    def checkpoint(self, *args: Any, **kwargs: Any) -> DelayedSubmission:
        """Return what is to be called next time: this object as it is then, with the same.

        Parameters
        ----------
        *args, **kwargs
            The arguments of the call.
        """
        return DelayedSubmission(self, *args, **kwargs)
