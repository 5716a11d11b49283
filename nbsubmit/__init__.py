"""Send a notebook cell to a Slurm cluster and get its values, figures and errors back.

In a notebook::

    %load_ext nbsubmit

then ``%%slurm --gpus 1`` (or ``%%local``) as the first line of a cell. In a script,
`nbsubmit.jobs` and `nbsubmit.attach` find the jobs that were sent; `nbsubmit.progress` shows
where a loop is, and `nbsubmit.checkpoint` keeps what a job goes on from when it is run again.
"""

# No newer syntax here: any Python that a job is given gets through, to be told by the worker.
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsubmit import helpers as helpers
    from nbsubmit.client.auto import AutoExecutor as AutoExecutor
    from nbsubmit.client.checkpoint import checkpoint as checkpoint
    from nbsubmit.client.environment import JobEnvironment as JobEnvironment
    from nbsubmit.client.executor import DebugExecutor as DebugExecutor
    from nbsubmit.client.executor import Executor as Executor
    from nbsubmit.client.executor import LocalExecutor as LocalExecutor
    from nbsubmit.client.executor import SlurmExecutor as SlurmExecutor
    from nbsubmit.client.job import Job as Job
    from nbsubmit.client.jobs import attach as attach
    from nbsubmit.client.jobs import jobs as jobs
    from nbsubmit.client.kinds import DebugJob as DebugJob
    from nbsubmit.client.kinds import LocalJob as LocalJob
    from nbsubmit.client.kinds import SlurmJob as SlurmJob
    from nbsubmit.client.progress import progress as progress
    from nbsubmit.core.errors import FailedJobError as FailedJobError
    from nbsubmit.core.errors import FailedSubmissionError as FailedSubmissionError
    from nbsubmit.core.errors import NbsubmitError as NbsubmitError
    from nbsubmit.core.errors import UncompletedJobError as UncompletedJobError
    from nbsubmit.core.missing import Missing as Missing
    from nbsubmit.core.state import JobState as JobState

    __version__: str

# Loaded on first use: every job pays for what this module imports, and to load all of this takes
# 310 modules and 240 ms of a processor.
_PUBLIC = {
    "AutoExecutor": "nbsubmit.client.auto",
    "DebugExecutor": "nbsubmit.client.executor",
    "DebugJob": "nbsubmit.client.kinds",
    "Executor": "nbsubmit.client.executor",
    "FailedJobError": "nbsubmit.core.errors",
    "FailedSubmissionError": "nbsubmit.core.errors",
    "Job": "nbsubmit.client.job",
    "JobEnvironment": "nbsubmit.client.environment",
    "JobState": "nbsubmit.core.state",
    "Missing": "nbsubmit.core.missing",
    "LocalExecutor": "nbsubmit.client.executor",
    "LocalJob": "nbsubmit.client.kinds",
    "NbsubmitError": "nbsubmit.core.errors",
    "SlurmExecutor": "nbsubmit.client.executor",
    "SlurmJob": "nbsubmit.client.kinds",
    "UncompletedJobError": "nbsubmit.core.errors",
    "attach": "nbsubmit.client.jobs",
    "checkpoint": "nbsubmit.client.checkpoint",
    "jobs": "nbsubmit.client.jobs",
    "progress": "nbsubmit.client.progress",
}
_MODULES = ("helpers",)
__all__ = sorted([*_PUBLIC, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("nbsubmit")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"nbsubmit.{name}")
    raise AttributeError(f"module 'nbsubmit' has no attribute {name!r}")


def __dir__() -> "list[str]":
    return [*__all__, "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Give an IPython shell the magics; called by ``%load_ext nbsubmit``."""
    from nbsubmit.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again; jobs run on. Called by ``%unload_ext nbsubmit``."""
    from nbsubmit.notebook.extension import unload

    unload(shell)


def _jupyter_server_extension_points() -> "list[dict[str, Any]]":
    """Tell a Jupyter server what to load."""
    from nbsubmit.server.extension import JobsExtension

    return [{"module": "nbsubmit.server", "app": JobsExtension}]
