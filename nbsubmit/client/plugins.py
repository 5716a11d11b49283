"""Executors for the backends that other packages install."""

from __future__ import annotations

import logging

from nbsubmit.backends import registry
from nbsubmit.client.executor import Executor

_log = logging.getLogger("nbsubmit")
_OURS = ("slurm", "local", "debug")


def plugged() -> dict[str, type[Executor]]:
    """Return an executor for each backend that is none of ours, by the backend's name."""
    found: dict[str, type[Executor]] = {}
    for name in registry.names():
        if name not in _OURS:
            found[name] = _executor(name)
    return found


def _executor(backend: str) -> type[Executor]:
    return type(f"{backend.capitalize()}Executor", (Executor,), {"backend_name": backend})
