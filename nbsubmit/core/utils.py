"""The place where scripts for submitit look for errors and for a call that is still to come."""

from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.errors import FailedJobError, FailedSubmissionError, UncompletedJobError

__all__ = ["DelayedSubmission", "FailedJobError", "FailedSubmissionError", "UncompletedJobError"]
