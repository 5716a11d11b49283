"""Send a notebook cell to a Slurm cluster and get its values, figures and errors back.

In a notebook::

    %load_ext nbsubmit

then ``%%slurm --gpus 1`` (or ``%%local``) as the first line of a cell. In a script,
`nbsubmit.jobs` and `nbsubmit.attach` find the jobs that were sent; `nbsubmit.progress` shows
where a loop is.
"""

# No newer syntax here: any Python that a job is given gets through, to be told by the worker.
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsubmit.client.auto import AutoExecutor as AutoExecutor
    from nbsubmit.client.executor import DebugExecutor as DebugExecutor
    from nbsubmit.client.executor import Executor as Executor
    from nbsubmit.client.executor import LocalExecutor as LocalExecutor
    from nbsubmit.client.executor import SlurmExecutor as SlurmExecutor
    from nbsubmit.client.job import Job as Job
    from nbsubmit.client.jobs import attach as attach
    from nbsubmit.client.jobs import jobs as jobs
    from nbsubmit.client.progress import progress as progress
    from nbsubmit.core.errors import NbsubmitError as NbsubmitError
    from nbsubmit.core.missing import Missing as Missing
    from nbsubmit.core.state import JobState as JobState

# Loaded on first use: every job pays for what this module imports.
_PUBLIC = {
    "AutoExecutor": "nbsubmit.client.auto",
    "DebugExecutor": "nbsubmit.client.executor",
    "Executor": "nbsubmit.client.executor",
    "Job": "nbsubmit.client.job",
    "JobState": "nbsubmit.core.state",
    "Missing": "nbsubmit.core.missing",
    "LocalExecutor": "nbsubmit.client.executor",
    "NbsubmitError": "nbsubmit.core.errors",
    "SlurmExecutor": "nbsubmit.client.executor",
    "attach": "nbsubmit.client.jobs",
    "jobs": "nbsubmit.client.jobs",
    "progress": "nbsubmit.client.progress",
}
__all__ = sorted([*_PUBLIC, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("nbsubmit")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
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
