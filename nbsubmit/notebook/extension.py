"""Loading and unloading the extension."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core import settings
from nbsubmit.notebook.completion import install_completion
from nbsubmit.notebook.magics import MAGICS, NbSubmitMagics
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.unread import leave_none_unread

_AFTER_CELL = "post_run_cell"
_sessions: dict[int, Session] = {}


def load(shell: InteractiveShell) -> None:
    """Give the shell its magics; until one is used only the user's own modules are remembered."""
    session = _sessions.get(id(shell)) or Session(shell, settings.load())
    magics = NbSubmitMagics(shell, session)
    _respect_others(shell, magics)
    shell.register_magics(magics)
    leave_none_unread(shell)
    install_completion(shell, magics.grammars)
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("nbsubmit.core.job", "Job", magics.panels.display)
    _sessions[id(shell)] = session
    look = session.local_modules.look
    look()
    if look not in shell.events.callbacks[_AFTER_CELL]:
        shell.events.register(_AFTER_CELL, look)


def unload(shell: InteractiveShell) -> None:
    """Take the magics away; jobs run on, and what they bring still arrives.

    The session stays, so that loading again finds its jobs.
    """
    if id(shell) not in _sessions:
        return
    for kind, name in MAGICS:
        found = shell.magics_manager.magics[kind]
        if isinstance(getattr(found.get(name), "__self__", None), NbSubmitMagics):
            del found[name]
    look = _sessions[id(shell)].local_modules.look
    if look in shell.events.callbacks[_AFTER_CELL]:
        shell.events.unregister(_AFTER_CELL, look)


def _respect_others(shell: InteractiveShell, magics: NbSubmitMagics) -> None:
    """Leave a magic alone that another extension has brought, and say so."""
    for kind, name in MAGICS:
        other = shell.magics_manager.magics[kind].get(name)
        owner = getattr(other, "__self__", None)
        if other is not None and not isinstance(owner, NbSubmitMagics):
            sign = "%%" if kind == "cell" else "%"
            where = getattr(other, "__module__", "another extension")
            print(f"nbsubmit: {sign}{name} belongs to {where} and is left as it is")
            del magics.magics[kind][name]
