"""What is the process's own: its environment and its folder, and how the shell writes numbers.

A job has them from the start. What a cell changes of them comes back to a notebook that has waited
for it; any other job's would change under the feet of the cells that have run meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbsubmit.core.ambient.kind import Kind, Values
from nbsubmit.core.shell import running_shell

SHELL = "IPython"
_FOLDER = "folder"
_VARIABLE = "variable "


class Process(Kind):
    """The variables of the environment, and the folder in which the process is."""

    module = "os"
    is_kernels = True
    travels = False

    def get(self) -> Values:
        found: Values = {_VARIABLE + name: value for name, value in os.environ.items()}
        with suppress(OSError):  # somebody has removed it
            found[_FOLDER] = str(Path.cwd())
        return found

    def put(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name == _FOLDER:
                with suppress(OSError):
                    os.chdir(value)
            elif value is None:
                os.environ.pop(name.removeprefix(_VARIABLE), None)
            else:
                os.environ[name.removeprefix(_VARIABLE)] = value

    def changes(self, before: Values, after: Values) -> Values:
        """Return the old and the new value of each.

        Where the old one is not the notebook's the node has one of its own, and what the cell has
        made of that is no business of the notebook's.
        """
        names = dict.fromkeys([*before, *after])
        if _FOLDER not in after:  # removed, so there is nowhere to go
            names.pop(_FOLDER, None)
        pairs = {name: (before.get(name), after.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def at_home(self, changes: Values, then: Values) -> Values:
        return {n: new for n, (old, new) in changes.items() if old == then.get(n)}

    def refused(self, values: Values) -> dict[str, str]:
        folder = values.get(_FOLDER)
        if folder is None or Path(folder).is_dir():
            return {}
        return {"the working directory": f"{folder} is not here"}


class Shell(Kind):
    """How the shell writes numbers: ``%precision``. Nothing where no shell is running."""

    module = SHELL
    is_kernels = True

    def get(self) -> Values:
        formatter = _plain_formatter()
        return {} if formatter is None else {"float_precision": formatter.float_precision}

    def put(self, values: Mapping[str, Any]) -> None:
        formatter = _plain_formatter()
        if formatter is not None:
            formatter.float_precision = values["float_precision"]


def _plain_formatter() -> Any:
    shell = running_shell()
    return None if shell is None else shell.display_formatter.formatters["text/plain"]
