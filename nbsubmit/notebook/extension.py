"""Loading and unloading the extension."""

from __future__ import annotations

import os
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client import configured
from nbsubmit.core import config_files
from nbsubmit.core.settings import variable_of
from nbsubmit.notebook.comm import JobsComm
from nbsubmit.notebook.completion import Completion, install_completion, remove_completion
from nbsubmit.notebook.config import configure
from nbsubmit.notebook.magics import MAGICS, NbSubmitMagics
from nbsubmit.notebook.news import tell_news
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.unread import leave_none_unread
from nbsubmit.notebook.whereabouts import notebook_of

_AFTER_CELL = "post_run_cell"
_sessions: dict[int, Session] = {}
_comms: dict[int, JobsComm] = {}


def load(shell: InteractiveShell) -> None:
    """Give the shell its magics; until one is used only the user's own modules are remembered."""
    is_new = id(shell) not in _sessions
    session = _session(shell)
    magics = NbSubmitMagics(shell, session)
    _respect_others(shell, magics)
    shell.register_magics(magics)
    leave_none_unread(shell)
    completion = Completion(shell, magics.grammars, session.configuration, lambda: session.store)
    install_completion(shell, completion)
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("nbsubmit.core.job", "Job", magics.panels.display)
    _sessions[id(shell)] = session
    look = session.preparer.local_modules.look
    look()
    if look not in shell.events.callbacks[_AFTER_CELL]:
        shell.events.register(_AFTER_CELL, look)
    _comms.setdefault(id(shell), JobsComm(session)).open()
    if is_new:
        tell_news(shell, session.notebook)


def _session(shell: InteractiveShell) -> Session:
    """Return the shell's session, the same when the extension is loaded again."""
    known = _sessions.get(id(shell))
    if known is not None:
        return known
    configuration = config_files.load(_folder(shell))
    configured.check(configuration)
    for remark in configuration.remarks:
        print(f"nbsubmit: {remark}")
    session = Session(shell, configuration.settings)
    session.use(configure(shell, session.settings, session.use))
    return session


def _folder(shell: InteractiveShell) -> Path:
    """Return where the notebook is; the folder of now if that is not known."""
    named = os.environ.get(variable_of("notebook"), "")
    path = notebook_of(shell, named, Path.cwd())
    return Path.cwd() if path is None else path.parent


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
    _comms[id(shell)].close()
    remove_completion(shell)
    look = _sessions[id(shell)].preparer.local_modules.look
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
