"""Executors for the backends that other packages install."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbsubmit.backends import registry
from nbsubmit.client import parameters
from nbsubmit.client.executor import Executor
from nbsubmit.client.parameters import LOCAL, Asked
from nbsubmit.core.errors import BackendMissing

_OURS = ("slurm", "local", "debug")


def plugged() -> dict[str, type[Executor]]:
    """Return an executor for each backend that is none of ours, by the backend's name."""
    return {name: _executor(name) for name in registry.names() if name not in _OURS}


class BackendExecutor(Executor):
    """Sends jobs to a backend of another package; its options are parameters, too."""

    def _asked(self, given: Mapping[str, Any]) -> Asked:
        own = {name: value for name, value in given.items() if name not in LOCAL}
        shared = {name: value for name, value in given.items() if name in LOCAL}
        asked = parameters.of_local(shared, self.python)
        extra = {
            name.replace("_", "-"): None if value is True else str(value)
            for name, value in own.items()
            if value is not None
        }
        resources = replace(asked.options.resources, extra=extra)
        return replace(asked, options=replace(asked.options, resources=resources))

    @classmethod
    def affinity(cls) -> int:
        """Return 1 if it can run jobs here, else -1."""
        try:
            registry.get(cls.backend_name).check()
        except Exception:  # somebody else's code
            return -1
        return 1


def _executor(backend: str) -> type[Executor]:
    try:
        options = [option.long.replace("-", "_") for option in registry.get(backend).options]
    except BackendMissing:  # it cannot be loaded, and says so when it is used
        options = []
    known = {**LOCAL, **dict.fromkeys(options)}
    members = {"backend_name": backend, "known": known}
    return type(f"{backend.capitalize()}Executor", (BackendExecutor,), members)
