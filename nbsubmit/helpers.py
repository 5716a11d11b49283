"""What makes work with jobs shorter, by submitit's names.

Examples
--------
>>> jobs = nbsubmit.DebugExecutor("logs").map_array(abs, [-1, 2])
>>> [job.result() for job in nbsubmit.helpers.as_completed(jobs)]
[1, 2]
"""

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
