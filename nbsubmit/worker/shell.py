"""IPython in the worker, started when the cell first needs it and not before: it takes 160 ms.

It is needed by a magic or ``!`` line, by ``display``, to show anything but a plain value, to
format an error, and by any library that imports it (matplotlib's inline figures do). A node
without IPython gets plain text for all of these.
"""

from __future__ import annotations

import builtins
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbsubmit.core.cell import Cell
from nbsubmit.core.imports import AfterImport
from nbsubmit.worker.streams import Recorder

if TYPE_CHECKING:
    from nbsubmit.worker.ishell import WorkerShell

_PLAIN = (int, float, complex, str, bytes, bool)
_ABSENT = object()


class Shell:
    """What stands in for IPython until it is needed; a context while the cell runs.

    Parameters
    ----------
    cell : Cell
        The cell, for its number and file name.
    module : module
        The cell's ``__main__``.
    recorder : Recorder
        Takes the displays.
    """

    def __init__(self, cell: Cell, module: types.ModuleType, recorder: Recorder) -> None:
        self._cell = cell
        self._module = module
        self._recorder = recorder
        self._ishell: WorkerShell | None = None
        self._kept: dict[str, Any] = {}
        # Any library that imports it is to find it running.
        self._hook = AfterImport(["IPython"], lambda _: self.start())
        self.names: set[str] = set()
        # How the notebook writes numbers, if it does not write them as Python does.
        self.precision = ""
        self._then: Callable[[], object] = lambda: None

    @property
    def namespace(self) -> dict[str, Any]:
        """The cell's namespace."""
        return self._module.__dict__

    def __enter__(self) -> Shell:
        stand_ins = {"get_ipython": self._get_ipython, "display": self._display}
        for name, stand_in in stand_ins.items():
            self._kept[name] = getattr(builtins, name, _ABSENT)
            setattr(builtins, name, stand_in)
        if "IPython" in sys.modules:
            # Inside a notebook's own process libraries would find the notebook's shell.
            self.start()
        else:
            self._hook.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._hook.__exit__()
        if self._ishell is not None:
            self._ishell.step_down()
        for name, value in self._kept.items():
            if value is _ABSENT:
                delattr(builtins, name)
            else:
                setattr(builtins, name, value)

    def start(self) -> WorkerShell | None:
        """Start IPython if it is not running; None where it is not installed."""
        import importlib.util  # which few jobs need

        if self._ishell is None and importlib.util.find_spec("IPython") is not None:
            self._hook.__exit__()
            from nbsubmit.worker.ishell import WorkerShell

            names = self._module.__dict__
            before = dict(names)
            self._ishell = WorkerShell.start(self._cell, self._module, self._recorder)
            self.names |= set(names) - set(before)
            # It begins with an empty history, and `_` may be the cell's own by now. What was there
            # when it began it takes for its own, and %who would not list it.
            names.update(before)
            for name in before:
                if not name.startswith("_"):
                    self._ishell.user_ns_hidden.pop(name, None)
            self._then()
        return self._ishell

    def when_started(self, then: Callable[[], object]) -> None:
        """Have this called as soon as IPython is running."""
        self._then = then

    def take_magics(self, magics: Mapping[str, Any]) -> None:
        """Have magics that the cell calls and that do not come with IPython."""
        shell = self.start() if magics else None
        if shell is not None:
            before = set(self.namespace)
            shell.take_magics(magics)
            self.names |= self.namespace.keys() - before

    def magics(self) -> dict[str, Any]:
        """Return the magics that came along or are new, by sign and name."""
        return {} if self._ishell is None else self._ishell.own_magics()

    def show_result(self, value: object) -> None:
        """Show the cell's result."""
        data, metadata = self._format(value)
        if data:
            content = {
                "data": data,
                "metadata": metadata,
                "execution_count": self._cell.execution_count,
            }
            self._recorder.event("execute_result", content)

    def _format(self, value: object) -> tuple[dict[str, Any], dict[str, Any]]:
        if type(value) not in _PLAIN or self.precision or self._ishell is not None:
            shell = self.start()
            if shell is not None:
                return shell.format_value(value)
        return {"text/plain": repr(value)}, {}

    def format_error(self, error: BaseException) -> list[str]:
        """The traceback as the notebook would show it, one string per part."""
        try:
            shell = self.start()
            if shell is not None:
                return shell.format_error(error)
        except Exception as failure:
            # A traceback in plain words is better than none.
            note = f"(IPython could not format this: {type(failure).__name__}: {failure})"
            return ["".join(traceback.format_exception(error)), note]
        return ["".join(traceback.format_exception(error))]

    def finish(self) -> None:
        """Do what a notebook does when a cell has ended: show the open figures."""
        if self._ishell is not None:
            self._recorder.late = True
            self._ishell.finish()
            self._recorder.late = False

    def _get_ipython(self) -> WorkerShell | None:
        return self.start()

    def _display(self, *objects: object, **options: Any) -> Any:
        if self.start() is None:
            for value in objects:
                print(repr(value))
            return None
        from IPython.display import display

        return display(*objects, **options)
