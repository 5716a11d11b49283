"""What jobs left in modules that only they have loaded so far: kept until the notebook does so.

A job that draws from numpy leaves numpy's state to whoever draws next: the next job, or the
notebook. But for that alone the notebook need not load numpy.
"""

from __future__ import annotations

import binascii
import pickle
from collections.abc import Callable, Mapping

import cloudpickle

from nbsubmit.core.ambient.kind import Values
from nbsubmit.core.imports import AfterImport


class Pending:
    """What is to be set in modules that are not loaded yet.

    Parameters
    ----------
    modules : mapping
        Kind → the module that is waited for; what is there already is not.
    put : callable
        Sets the values of a kind.
    """

    def __init__(self, modules: Mapping[str, str], put: Callable[[str, Values], None]) -> None:
        self._modules = modules
        self._put = put
        self._texts: dict[str, str] = {}
        self._drawn = 0
        self._hook = AfterImport(modules.values(), self._arrived)

    def watch(self) -> None:
        """Wait for the modules from now on."""
        self._hook.__enter__()

    def hold(self, kind: str, values: Values) -> None:
        """Keep what a job has left, besides what others have left that is not the same."""
        before = from_text(self._texts[kind]) if kind in self._texts else {}
        self._texts[kind] = as_text(before | values)

    def texts(self) -> dict[str, str]:
        """Return what is kept, by kind."""
        return dict(self._texts)

    def draw(self, kind: str) -> int:
        """Draw a seed from what is kept: another one each time, the same in each run."""
        import random  # 2 ms; a job loads it when its cell does

        self._drawn += 1
        return random.Random(f"{self._texts[kind]} {self._drawn}").getrandbits(32)  # noqa: S311

    def _arrived(self, module: str) -> None:
        for kind, home in self._modules.items():
            text = self._texts.pop(kind, None) if home == module else None
            if text is not None:
                self._put(kind, from_text(text))


def as_text(values: Values) -> str:
    """Return values as text."""
    return binascii.b2a_base64(cloudpickle.dumps(values), newline=False).decode("ascii")


def from_text(text: str) -> Values:
    """Return values that were made text of."""
    values: Values = pickle.loads(binascii.a2b_base64(text))
    return values
