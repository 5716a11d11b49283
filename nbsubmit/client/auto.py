"""The executor that chooses: the best that there is here, and parameters for any of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbsubmit.client import parameters
from nbsubmit.client.executor import DebugExecutor, Executor, LocalExecutor, SlurmExecutor
from nbsubmit.client.parameters import SHARED, UnknownParameter
from nbsubmit.client.plugins import plugged
from nbsubmit.core.errors import OptionError

# Of the constructor's.
_ARGUMENTS = ("max_num_timeout", "max_pickle_size_gb", "python")
# Older names → what they are now.
_OLDER = {"max_num_timeout": "slurm_max_num_timeout", "conda_file": "chronos_conda_file"}


class AutoExecutor(Executor):
    """Sends jobs to Slurm if there is one here, and else runs them on this machine.

    Parameters
    ----------
    folder : path
        As for every `Executor`.
    cluster : str, optional
        ``slurm``, ``local``, ``debug`` or an installed one's name; by default the best there is.
    profile : str, optional
        Options that configuration files have under this name; several are separated by commas.
    **kwargs
        Arguments for one executor: ``slurm_max_num_timeout``, ``local_max_pickle_size_gb``,
        ``slurm_python``. Those of other executors are ignored.

    Attributes
    ----------
    cluster : str
        The name of the executor that was chosen.

    Raises
    ------
    ValueError
        If there is no executor of this name.
    BackendMissing
        If Slurm is named, and there is none here.
    AssertionError, TypeError
        If an argument begins with no executor's name, or no executor takes it.

    Examples
    --------
    >>> executor = nbsubmit.AutoExecutor("logs", cluster="local")
    >>> executor.update_parameters(timeout_min=10, mem_gb=0.5, slurm_partition="gpu")
    >>> executor.submit(divmod, 17, 5).result()
    (3, 2)
    >>> [job.result() for job in executor.map_array(pow, [1, 2, 3], [2, 2, 2])]
    [1, 4, 9]
    """

    def __init__(
        self,
        folder: Path | str,
        cluster: str | None = None,
        *,
        profile: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.cluster = cluster or self.which()
        executors = available()
        if self.cluster not in executors:
            raise ValueError(
                f"AutoExecutor doesn't know any executor named {self.cluster!r}; "
                f"there are {', '.join(sorted(executors))}"
            )
        given = _arguments(self.cluster, kwargs, executors)
        self._inner = executors[self.cluster](folder, **given)
        super().__init__(
            self._inner.folder,
            self._inner.max_num_timeout,
            self._inner.max_pickle_size_gb,
            self._inner.python,
            profile,
        )

    @staticmethod
    def which() -> str:
        """Return the name of the executor that suits this machine best, as ``slurm``.

        Raises
        ------
        RuntimeError
            If none does.
        """
        executors = available()
        best = max(executors, key=lambda name: executors[name].affinity())
        if executors[best].affinity() <= 0:
            raise RuntimeError("no executor can run jobs here")
        return best

    @classmethod
    def affinity(cls) -> int:
        """Return -1: it only chooses."""
        return -1

    def update_parameters(self, **kwargs: Any) -> None:
        """Set parameters for all jobs that are sent from now on.

        Parameters
        ----------
        **kwargs
            Shared by all executors: ``name``, ``timeout_min`` (minutes), ``mem_gb`` (on each node,
            GB of 1,073,741,824 bytes as sbatch's), ``nodes``, ``cpus_per_task``, ``gpus_per_node``,
            ``tasks_per_node``, ``stderr_to_stdout``, and ``pack``: so many calls of an array run
            one after another in one allocation of Slurm's, each in a process of its own; elsewhere
            it has no effect. With an executor's name before it a parameter is for that one alone,
            and stands at its class: ``slurm_partition``, ``local_setup``.
            None takes a parameter back.

        Raises
        ------
        OptionError
            If there is no such parameter, listing all, or a value is not of its kind. The first is
            a `NameError` too, the second an `AssertionError` and a `ValueError`, as submitit's.
        RuntimeError
            Inside of `batch`.

        Examples
        --------
        >>> executor = nbsubmit.AutoExecutor("logs", cluster="local")
        >>> executor.update_parameters(timeout_min=60, slurm_partition="gpu")
        >>> executor.parameters
        {'timeout_min': 60}
        """
        given = {name: value for name, value in kwargs.items() if value is not None}
        unset = [name for name, value in kwargs.items() if value is None]
        found = self._sorted(given)
        self._inner._batches = self._batches
        self._inner.update_parameters(**found)
        for name in unset:
            for key in self._sorted({name: None}):
                self._inner.parameters.pop(key, None)
        self.parameters = self._inner.parameters

    def _sorted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that are for the chosen executor, by its own names."""
        executors = available()
        shared: dict[str, Any] = {}
        prefixed_shared: dict[str, Any] = {}
        own: dict[str, Any] = {}
        unknown: list[str] = []
        for name, value in given.items():
            prefix, _, rest = name.partition("_")
            if name in SHARED:
                shared[name] = value
            elif prefix in executors and rest in SHARED:
                if prefix == self.cluster:
                    prefixed_shared[rest] = value
            elif prefix in executors and rest in executors[prefix].known:
                if prefix == self.cluster:
                    own[rest] = value
            elif name in self._inner.known:
                warnings.warn(
                    f"Setting '{name}' is deprecated. Use '{self.cluster}_{name}' instead.",
                    stacklevel=4,
                )
                own[name] = value
            else:
                unknown.append(name)
        if unknown:
            raise UnknownParameter(_told(unknown, executors))
        parameters.check_shared({n: v for n, v in shared.items() if v is not None})
        parameters.check_shared({n: v for n, v in prefixed_shared.items() if v is not None})
        return {
            **self._inner.from_shared(shared),
            **self._inner.from_shared(prefixed_shared),
            **own,
        }

    def _asked(self, given: Mapping[str, Any]) -> parameters.Asked:
        return self._inner._asked(given)

    @property
    def backend_name(self) -> str:  # type: ignore[override]
        """The backend of the chosen executor."""
        return self._inner.backend_name

    def register_dev_folders(self, folders: list[Path | str]) -> None:
        """Do nothing but warn: `sys.path` goes with a job, and a setting sends modules' source.

        Parameters
        ----------
        folders : list of path
            Of no meaning here; ``NBSUBMIT_BY_VALUE`` names modules that a node cannot import.
        """
        warnings.warn(
            "register_dev_folders() does nothing here: sys.path travels, and --by-value or "
            "NBSUBMIT_BY_VALUE sends the source of modules",
            stacklevel=2,
        )


def available() -> dict[str, type[Executor]]:
    """Return all executors by name: ours, and those that are installed as plugins."""
    ours = {kind.name(): kind for kind in (SlurmExecutor, LocalExecutor, DebugExecutor)}
    return {**plugged(), **ours}


def _arguments(
    cluster: str, given: Mapping[str, Any], executors: Mapping[str, type[Executor]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        key = name
        if name in _OLDER:
            key = _OLDER[name]
            warnings.warn(f"Argument {name!r} is deprecated. Use {key!r} instead.", stacklevel=4)
        prefix, _, argument = key.partition("_")
        if prefix == "chronos":
            continue
        if prefix not in executors:
            raise WrongArgument(
                f"{name}: an argument begins with an executor's name, as in slurm_{name}; "
                f"there are {', '.join(sorted(executors))}"
            )
        if prefix == cluster:
            if argument not in _ARGUMENTS:
                raise TypeError(f"{name}: an executor takes {', '.join(_ARGUMENTS)}")
            found[argument] = value
    return found


class WrongArgument(OptionError, AssertionError):
    """An argument of a constructor is for no executor that there is."""


def _told(unknown: list[str], executors: Mapping[str, type[Executor]]) -> str:
    lines = [f"unknown parameter {', '.join(map(repr, unknown))}"]
    lines.append(f"shared by all executors: {', '.join(SHARED)}")
    for name, kind in sorted(executors.items()):
        lines.append(f"of {name}: {', '.join(f'{name}_{key}' for key in sorted(kind.known))}")
    return "\n".join(lines)
