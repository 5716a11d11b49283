"""Chance of modules that only jobs have loaded so far: kept until the notebook loads them.

A job that draws from numpy leaves numpy's state to whoever draws next: the next job, or the
notebook. But for that alone the notebook need not load numpy.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable

from nbsubmit.core.ambient.kind import Values
from nbsubmit.core.imports import AfterImport


class Pending:
    """What is to be set in modules that are not loaded yet.

    Parameters
    ----------
    modules : iterable of str
        Those that are waited for; what is there already is not.
    put : callable
        Sets the values of a module.
    """

    def __init__(self, modules: list[str], put: Callable[[str, Values], None]) -> None:
        self._put = put
        self._texts: dict[str, str] = {}
        self._drawn = 0
        self._hook = AfterImport(modules, self._arrived)

    def watch(self) -> None:
        """Wait for the modules from now on."""
        self._hook.__enter__()

    def hold(self, module: str, text: str) -> None:
        """Keep what a job has left in a module."""
        self._texts[module] = text

    def texts(self) -> dict[str, str]:
        """Return what is kept, by module."""
        return dict(self._texts)

    def draw(self, module: str) -> int:
        """Draw a seed from what is kept: another one each time, the same in each run."""
        import random  # which a job loads when its cell does

        self._drawn += 1
        return random.Random(f"{self._texts[module]} {self._drawn}").getrandbits(32)  # noqa: S311

    def _arrived(self, module: str) -> None:
        text = self._texts.pop(module, None)
        if text is not None:
            self._put(module, from_text(text))


def from_text(text: str) -> Values:
    """Return values that were made text of."""
    values: Values = pickle.loads(base64.b64decode(text))
    return values
