"""Whether a cell waits for its job: its line says so, or the settings do."""

from __future__ import annotations

from dataclasses import replace

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions
from nbsubmit.notebook.place import is_headless


def with_wait(options: CellOptions, settings: Settings, shell: InteractiveShell) -> CellOptions:
    """Return the options of a cell, which wait if the settings want that and its line does not."""
    if options.no_wait or settings.wait == "never":
        return options
    wants = settings.wait == "always" or is_headless(shell)
    return replace(options, wait=options.wait or wants)


def hint(options: CellOptions, shell: InteractiveShell) -> str:
    """Return what to know of a job that a saved notebook will be without; empty if there is none.

    A program that runs a notebook ends the kernel after the last cell, whatever is still to come.
    """
    if options.wait or options.no_wait or not is_headless(shell):
        return ""
    return (
        "a program runs this notebook, and what has not come back when it ends is not in it; "
        "NBSUBMIT_WAIT=1 has cells wait for their jobs, --no-wait says that one need not"
    )
