"""Do something as soon as a module has been imported, by whomever, and not before."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class AfterImport:
    """Waits for modules to be imported; a context.

    Parameters
    ----------
    modules : iterable of str
        Their names; those that are there already are not waited for.
    then : callable
        Takes the name of each when it has been loaded.
    """

    def __init__(self, modules: Iterable[str], then: Callable[[str], object]) -> None:
        self._awaited = {name for name in modules if name not in sys.modules}
        self._asking: set[str] = set()
        self._then = then

    def __enter__(self) -> AfterImport:
        if self._awaited and self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        # Asked again below, for the spec that the others give, it has to pass.
        if name not in self._awaited or name in self._asking:
            return None
        import importlib.util  # which a job need not load that loads none of them

        self._asking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking.remove(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_tell(module: types.ModuleType) -> None:
            execute(module)
            if name in self._awaited:  # it was only looked for before
                self._awaited.remove(name)
                self._then(name)

        spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]
        return spec
