"""The worker's own IPython shell. The one module of the worker that imports IPython.

It runs no cells itself; it answers ``get_ipython()``, formats what is shown and what failed, and
takes what is displayed.
"""

from __future__ import annotations

import base64
import io
import sys
import traceback
import types
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from types import MappingProxyType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.display_trap import DisplayTrap
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics
from traitlets.config import Config

from nbsubmit.core.cell import Cell
from nbsubmit.core.groups import has_group
from nbsubmit.core.magics import LOADED, SIGNS, Extension, of_shell
from nbsubmit.worker import not_here
from nbsubmit.worker.streams import Recorder


class WorkerShell(InteractiveShell):  # type: ignore[misc]
    """A shell without a person: no history, no input, displays recorded."""

    recorder: Recorder
    cell: Cell
    _sent_magics: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def start(cls, cell: Cell, module: types.ModuleType, recorder: Recorder) -> WorkerShell:
        """Make a shell and have everybody find it."""
        config = Config()
        config.HistoryManager.enabled = False
        if cell.figure_formats:
            config.InlineBackend.figure_formats = set(cell.figure_formats)
        # The notebook's own filters have come with the cell; the shell's would stand before them.
        with warnings.catch_warnings():
            shell = cls(
                config=config,
                user_module=module,
                user_ns=module.__dict__,
                display_pub_class=_Publisher,
            )
        shell.cell, shell.recorder = cell, recorder
        shell.execution_count = cell.execution_count
        shell.display_pub.recorder = recorder
        shell._look_like(cell)
        shell._step_up()
        not_here.replace(shell)
        shell._note_magics()
        if "matplotlib.figure" in sys.modules:
            shell._show_figures()
        return shell

    def _look_like(self, cell: Cell) -> None:
        """Show errors as the notebook does, under the notebook's name for the cell."""
        self.compile = _Compiler()
        self.compile.file_name = cell.file_name
        self.compile.numbers = cell.numbers
        self.compile.cache(cell.text, cell.execution_count, raw_code=cell.text)
        self.colors = cell.colors
        self.InteractiveTB.set_mode(mode=cell.traceback_mode)

    def init_displayhook(self) -> None:
        """Leave what shows results in its place, as in a cell: ``%%capture`` puts its own there."""
        super().init_displayhook()
        self.display_trap = _NoTrap(hook=self.displayhook)

    # Magics

    def take_magics(self, magics: Mapping[str, Any]) -> None:
        """Have magics of the notebook's; what brings an extension's is loaded here."""
        for name, value in magics.items():
            kind = "cell" if name.startswith("%%") else "line"
            if isinstance(value, Extension):
                self._take_from(value, kind, name)
            else:
                self._take_magic(kind, name, value)
        self._note_magics()
        self._sent_magics = dict(magics)

    def _take_magic(self, kind: str, name: str, value: Any) -> None:
        plain = name.lstrip("%")
        if isinstance(value, Magics):
            self.configurables.append(value)
            value = value.magics[kind][plain]
        self.magics_manager.register_function(value, magic_kind=kind, magic_name=plain)

    def _take_from(self, extension: Extension, kind: str, name: str) -> None:
        problem = self._load_quietly(extension.name)
        found = None if problem else self.find_magic(name.lstrip("%"), kind)
        if found is not None:
            for trait, value in extension.settings.items():
                setattr(getattr(found, "__self__", found), trait, value)
            return
        problem = problem or "it brings no such magic here"

        def refuse(*_: str) -> None:
            raise UsageError(
                f"{kind} magic {name} comes from the extension {extension.name}, which cannot be "
                f"loaded in the job: {problem}"
            )

        self._take_magic(kind, name, refuse)

    def _load_quietly(self, extension: str) -> str:
        """Load an extension and return what stands in the way: what it says was said at home."""
        with redirect_stdout(io.StringIO()):
            try:
                said = self.extension_manager.load_extension(extension)
            except Exception as error:
                return f"{type(error).__name__}: {error}"
        return said if said == "no load function" else ""

    def _note_magics(self) -> None:
        tables = self.magics_manager.magics
        self._noted_magics = {kind: dict(tables[kind]) for kind in SIGNS}
        self._noted_extensions = set(self.extension_manager.loaded)

    def own_magics(self) -> dict[str, Any]:
        """Return the magics that came along, those that are new, and extensions that are."""
        new = self.extension_manager.loaded - self._noted_extensions
        found: dict[str, Any] = {f"{LOADED}{name}": Extension(name) for name in sorted(new)}
        for name, value in of_shell(self).items():
            kind = "cell" if name.startswith("%%") else "line"
            plain = name.lstrip("%")
            function = self.magics_manager.magics[kind].get(plain)
            is_new = function is not self._noted_magics[kind].get(plain)
            if is_new and not isinstance(value, Extension):
                found[name] = value
        return {**self._sent_magics, **found}

    def _show_figures(self) -> None:
        """Show a figure that has come with the cell: nobody need import pyplot for it."""
        # These import matplotlib, which has been loaded when there is a figure.
        from IPython.core.pylabtools import select_figure_formats
        from matplotlib_inline.config import InlineBackend

        inline = InlineBackend.instance(parent=self)
        select_figure_formats(self, inline.figure_formats, **inline.print_figure_kwargs)

    def _step_up(self) -> None:
        # Each class holds its one instance; inside a notebook's process another shell is there.
        self._before = {kind: kind._instance for kind in type(self)._walk_mro()}
        for kind in self._before:
            kind._instance = self

    def step_down(self) -> None:
        """Let everybody find the shell that was there before."""
        for kind, instance in self._before.items():
            kind._instance = instance

    def format_value(self, value: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a value's MIME bundle and its metadata."""
        data, metadata = self.display_formatter.format(value)
        return encoded(data), metadata

    def format_error(self, error: BaseException) -> list[str]:
        """Return the traceback as the notebook would print it."""
        kind, trace = type(error), error.__traceback__
        render = getattr(error, "_render_traceback_", None)
        if isinstance(error, SyntaxError):
            lines = self.SyntaxTB.structured_traceback(kind, error, traceback.extract_tb(trace))
        elif has_group(error):  # which IPython leaves to Python, too
            lines = ["".join(traceback.format_exception(error))]
        elif render is not None:
            lines = render()
        elif isinstance(error, (SystemExit, KeyboardInterrupt)) and trace is None:
            lines = self.InteractiveTB.get_exception_only(kind, error)
        else:
            lines = self.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=0)
        return [str(line) for line in lines]

    def finish(self) -> None:
        """Tell those who wait for the end of a cell, inline figures among them."""
        self.events.trigger("post_execute")

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: there is no window on a node."""
        if gui:
            not_here.pass_over(f"%gui {gui}", "there is no window")

    def enable_matplotlib(self, gui: str | None = None) -> Any:
        """Have figures drawn as pictures, whatever window is asked for."""
        return super().enable_matplotlib(not_here.drawing(gui))


class _NoTrap(DisplayTrap):  # type: ignore[misc]
    def set(self) -> None:
        """Put nothing in the place of what shows results."""

    def unset(self) -> None:
        """Nothing is to be put back."""


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    recorder: Recorder

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *args: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        """Record a display or an update of one."""
        content = {
            "data": encoded(data),
            "metadata": metadata or {},
            "transient": transient or {},
        }
        self.recorder.event("update_display_data" if update else "display_data", content)

    def clear_output(self, wait: bool = False) -> None:
        """Record that what was shown so far is to go."""
        self.recorder.event("clear_output", {"wait": wait})


class _Compiler(CachingCompiler):  # type: ignore[misc]
    file_name = ""
    numbers: Mapping[str, int]

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return self.file_name

    def format_code_name(self, name: str) -> tuple[str, str] | None:
        """Call a cell by its number, also an earlier one."""
        if name in self.numbers:
            return "Cell", f"In[{self.numbers[name]}]"
        known: tuple[str, str] | None = super().format_code_name(name)
        return known


def encoded(data: dict[str, Any]) -> dict[str, Any]:
    """Return a MIME bundle with its images as base64 text, as nbformat keeps them."""
    return {
        kind: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for kind, value in data.items()
    }
