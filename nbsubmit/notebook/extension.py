"""Loading and unloading the extension."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.notebook.doorway import Doorway
from nbsubmit.notebook.magics import MAGICS, NbSubmitMagics
from nbsubmit.notebook.matcher import install_matcher, remove_matcher
from nbsubmit.notebook.unread import leave_none_unread

_AFTER_CELL = "post_run_cell"
_doorways: dict[int, Doorway] = {}


def load(shell: InteractiveShell) -> None:
    """Give the shell its magics; until one is used only the user's own modules are remembered."""
    known = _doorways.get(id(shell))
    doorway = Doorway(shell) if known is None else known
    magics = NbSubmitMagics(shell, doorway)
    _respect_others(shell, magics)
    shell.register_magics(magics)
    leave_none_unread(shell)
    install_matcher(shell, doorway.offered)
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("nbsubmit.core.job", "Job", doorway.display)
    _doorways[id(shell)] = doorway
    doorway.look()
    if doorway.look not in shell.events.callbacks[_AFTER_CELL]:
        shell.events.register(_AFTER_CELL, doorway.look)
    doorway.comm.open()
    if known is None:
        doorway.tell_news()


def unload(shell: InteractiveShell) -> None:
    """Take the magics away; jobs run on, and what they bring still arrives.

    The doorway stays, so that loading again finds its jobs.
    """
    doorway = _doorways.get(id(shell))
    if doorway is None:
        return
    for kind, name in MAGICS:
        found = shell.magics_manager.magics[kind]
        if isinstance(getattr(found.get(name), "__self__", None), NbSubmitMagics):
            del found[name]
    doorway.comm.close()
    remove_matcher(shell)
    if doorway.look in shell.events.callbacks[_AFTER_CELL]:
        shell.events.unregister(_AFTER_CELL, doorway.look)


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
