"""What a job brings, lent to the notebook while it is loaded: code that runs then may look it up.

A class that the job has made and whose ``__setstate__`` calls a function of the job finds that
function only in the namespace, where it is not bound before all is loaded. Only names that the
notebook does not have are lent, and none is there any more when loading ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from nbsubmit.core.home import Namespace
from nbsubmit.core.lazy import lazy_module

_ABSENT = object()


class Lender:
    """Lends values by name.

    Parameters
    ----------
    namespace : dict
        The notebook's.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._lent: dict[str, Any] = {}

    def lend(self, name: str, value: Any) -> None:
        """Bind a name if it is free."""
        if name.isidentifier() and name not in self._namespace:
            self._namespace[name] = self._lent[name] = value

    def take_back(self) -> None:
        """Free the names again, unless somebody has bound them meanwhile."""
        for name, value in self._lent.items():
            if self._namespace.get(name, _ABSENT) is value:
                del self._namespace[name]


@contextmanager
def lending(namespace: Namespace, modules: Mapping[str, str]) -> Iterator[Lender]:
    """Lend a job's modules, and whatever else is lent meanwhile."""
    lender = Lender(namespace)
    try:
        for name, module in modules.items():
            with suppress(Exception):  # it is said when the module is brought
                lender.lend(name, lazy_module(module))
        yield lender
    finally:
        lender.take_back()
