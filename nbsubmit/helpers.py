"""What makes work with jobs shorter, by submitit's names."""

from nbsubmit.client.checkpointable import Checkpointable
from nbsubmit.client.commands import CommandFunction, run_cmd
from nbsubmit.client.distributed import TorchDistributedEnvironment
from nbsubmit.client.environ import clean_env, environment_variables
from nbsubmit.client.sequence import FunctionSequence
from nbsubmit.client.snapshot import RsyncSnapshot
from nbsubmit.client.waiting import as_completed, monitor_jobs
from nbsubmit.core.delayed import DelayedSubmission

__all__ = [
    "Checkpointable",
    "CommandFunction",
    "DelayedSubmission",
    "FunctionSequence",
    "RsyncSnapshot",
    "TorchDistributedEnvironment",
    "as_completed",
    "clean_env",
    "environment_variables",
    "monitor_jobs",
    "run_cmd",
]
