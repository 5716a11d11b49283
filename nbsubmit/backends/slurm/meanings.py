"""What Slurm's words mean: the one table of its states, and of the reasons beside them.

Source: JOB STATE CODES and JOB REASON CODES in the manuals of squeue and sacct, and the list of
reasons that releases 22.05 to 25.05 print. What holds of an end whoever tells it, such as a time
limit, is said by `nbsubmit.core.settle`; here is said what only Slurm knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbsubmit.core.ends import AFTER_OTHERS, NOT_STARTED
from nbsubmit.core.state import JobState


@dataclass(frozen=True)
class Meaning:
    """What is said of a job.

    Attributes
    ----------
    sentence : str
        Why it is so, or empty where the state says it all.
    advice : str
        What to do next, or empty; ``{job}`` stands for Slurm's id of the job.
    end : str
        What the reason says of a job that has ended; empty if it only says what it waited for.
    """

    sentence: str = ""
    advice: str = ""
    end: str = ""

    def about(self, job_id: str) -> Meaning:
        """Return the meaning for one job."""
        advice = self.advice.replace("{job}", job_id.partition("_[")[0])
        return Meaning(self.sentence, advice, self.end)


NOTHING = Meaning()
_RELEASE = "scontrol release {job} lets it go on"
_ASK = "ask the cluster's admins"
_AGAIN = "send it again"
_LESS = "it cannot start like this: cancel it, and send it again with less"
_OTHER = "cancel it, and send it again with other options"

STATES: dict[str, tuple[JobState, Meaning]] = {
    "BOOT_FAIL": (JobState.NODE_FAIL, Meaning("its node could not be started", _AGAIN)),
    "CANCELLED": (JobState.CANCELLED, NOTHING),
    "COMPLETED": (JobState.COMPLETED, NOTHING),
    "COMPLETING": (JobState.RUNNING, Meaning("it is ending")),
    "CONFIGURING": (JobState.PENDING, Meaning("its nodes are being started")),
    "DEADLINE": (
        JobState.TIMEOUT,
        Meaning("its deadline came before its end", "send it again with a later --deadline"),
    ),
    "EXPEDITING": (JobState.PENDING, Meaning("it was queued again, before all others")),
    "FAILED": (JobState.FAILED, NOTHING),
    "LAUNCH_FAILED": (JobState.NODE_FAIL, Meaning("it could not be started on its node", _AGAIN)),
    "NODE_FAIL": (JobState.NODE_FAIL, NOTHING),
    "OUT_OF_MEMORY": (JobState.OUT_OF_MEMORY, NOTHING),
    "PENDING": (JobState.PENDING, NOTHING),
    "POWER_UP_NODE": (JobState.PENDING, Meaning("its nodes are being switched on")),
    "PREEMPTED": (JobState.PREEMPTED, NOTHING),
    "RECONFIG_FAIL": (
        JobState.NODE_FAIL,
        Meaning("its node could not be made ready for it", _AGAIN),
    ),
    "REQUEUED": (JobState.PENDING, Meaning("it was queued again")),
    "REQUEUE_FED": (JobState.PENDING, Meaning("another cluster queues it again")),
    "REQUEUE_HOLD": (JobState.PENDING, Meaning("it was queued again, and is held", _RELEASE)),
    "RESIZING": (JobState.RUNNING, Meaning("its size is being changed")),
    "RESV_DEL_HOLD": (
        JobState.PENDING,
        Meaning("its reservation was removed, and it is held", _OTHER),
    ),
    "REVOKED": (JobState.CANCELLED, Meaning("another cluster runs it")),
    "RUNNING": (JobState.RUNNING, NOTHING),
    "SIGNALING": (JobState.RUNNING, Meaning("it is being sent a signal")),
    "SPECIAL_EXIT": (
        JobState.PENDING,
        Meaning("it was queued again for its exit code, and is held", _RELEASE),
    ),
    "STAGE_OUT": (JobState.RUNNING, Meaning("its files are being brought from the burst buffer")),
    "STOPPED": (
        JobState.SUSPENDED,
        Meaning("it was told to stand still (SIGSTOP)", "scancel --signal=CONT {job} resumes it"),
    ),
    "SUSPENDED": (
        JobState.SUSPENDED,
        Meaning("it stands still for an admin or for another job", "it goes on by itself"),
    ),
    "TIMEOUT": (JobState.TIMEOUT, NOTHING),
    "UPDATE_DB": (JobState.RUNNING, Meaning("accounting is being told of it")),
}

# Reasons of a job that waits for nothing but its turn.
IN_LINE = {"Priority", "Resources"}

_REASONS: dict[str, Meaning] = {
    "": NOTHING,
    "None": NOTHING,
    "null": NOTHING,
    "NonZeroExitCode": NOTHING,
    "RaisedSignal": NOTHING,
    # Its turn, and what it waits for by itself
    "Priority": Meaning("jobs before it have a higher priority"),
    "Resources": Meaning("it waits for free resources"),
    "WaitingForScheduling": Meaning("the scheduler has not looked at it yet"),
    "SchedDefer": Meaning("the scheduler looks at it a little later"),
    "BeginTime": Meaning("its time to begin has not come"),
    "Cleaning": Meaning("what its last run has left is being cleaned up"),
    "Prolog": Meaning("what the site runs before each job is running"),
    "Dependency": Meaning(AFTER_OTHERS),
    "Licenses": Meaning("it waits for a licence"),
    "JobArrayTaskLimit": Meaning("as many tasks of its array run as may at once"),
    "BurstBufferResources": Meaning("it waits for room in the burst buffer"),
    "BurstBufferStageIn": Meaning("its files are being brought to the burst buffer"),
    "PowerNotAvail": Meaning("there is not enough electrical power for it now"),
    "PowerReserved": Meaning("the electrical power that it needs is reserved"),
    "FedJobLock": Meaning("it waits until the clusters agree which of them runs it"),
    "Reservation": Meaning("it waits for its reservation"),
    # Somebody has to do something
    "JobHeldUser": Meaning("it is held", _RELEASE),
    "JobHeldAdmin": Meaning("an admin holds it", _ASK),
    "JobHoldMaxRequeue": Meaning("it was queued again too often, and is held", _ASK),
    "DependencyNeverSatisfied": Meaning(
        "a job that it waits for did not succeed",
        "it will not start: scancel {job} takes it from the queue",
        "a job that it waits for did not succeed, so it cannot run",
    ),
    "ReservationDeleted": Meaning(
        "its reservation was removed", _OTHER, "its reservation was removed"
    ),
    "ReservationInvalid": Meaning("its reservation is not valid", _OTHER),
    "BurstBufferOperation": Meaning("the burst buffer failed", _ASK, "the burst buffer failed"),
    # Nodes and partitions
    "NodeDown": Meaning("a node that it needs is down", _ASK),
    "FrontEndDown": Meaning("the node that would start it is down", _ASK),
    "ReqNodeNotAvail": Meaning("a node that it needs is not available"),
    "PartitionDown": Meaning("its partition is down"),
    "PartitionInactive": Meaning("its partition starts no jobs now"),
    "PartitionConfig": Meaning("its partition does not take such jobs", _OTHER),
    "PartitionNodeLimit": Meaning(
        "it asks for more nodes than its partition allows or has running", _LESS
    ),
    "PartitionTimeLimit": Meaning(
        "it asks for more time than its partition allows",
        "it cannot start like this: cancel it, and send it again with a shorter --time",
    ),
    "BadConstraints": Meaning(
        "no node has what it asks for", _OTHER, "no node has what it asked for"
    ),
    "Constraints": Meaning("no node has what it asks for now", _OTHER),
    "MaxMemPerLimit": Meaning("it asks for more memory for each processor than allowed", _LESS),
    "SystemFailure": Meaning(
        "something of Slurm's failed", _ASK, "something of Slurm's, a disk or the network failed"
    ),
    "JobLaunchFailure": Meaning(
        NOT_STARTED,
        "see whether the node can see the job's folder, and send it again",
        NOT_STARTED,
    ),
    # Accounts
    "InvalidAccount": Meaning("its account is not valid", _OTHER),
    "InvalidQOS": Meaning("its QOS is not valid", _OTHER),
    "AccountNotAllowed": Meaning("its account may not use its partition", _OTHER),
    "QOSNotAllowed": Meaning("its QOS may not be used there", _OTHER),
    "AccountingPolicy": Meaning("a limit of your account or its QOS holds it up"),
    "AssociationJobLimit": Meaning("your account has reached its limit of jobs"),
    "AssociationResourceLimit": Meaning("your account has reached a limit"),
    "AssociationTimeLimit": Meaning("your account has reached its time limit"),
    "QOSJobLimit": Meaning("its QOS has reached its limit of jobs"),
    "QOSResourceLimit": Meaning("its QOS has reached a limit"),
    "QOSTimeLimit": Meaning("its QOS has reached its time limit"),
    "QOSUsageThreshold": Meaning("your account has used too much for its QOS", _OTHER),
    # Ends, which the state tells
    "TimeLimit": Meaning("it reached its time limit"),
    "OutOfMemory": Meaning("it ran out of memory"),
    "DeadLine": Meaning("its deadline has come"),
    "InactiveLimit": Meaning(
        "it was idle for too long", "", "it was ended for having been idle for too long"
    ),
    # Of machines that are no more
    "BlockMaxError": Meaning("its part of the machine has failed", _ASK),
    "BlockFreeAction": Meaning("its part of the machine is being made free"),
}

# Those of limits are made of parts.
_LIMIT = re.compile(
    r"(?P<whose>QOS|Assoc)?(?P<kind>Grp|Max|Min)(?P<what>Submit[A-Z][a-z]+|[A-Z]+|[A-Z][a-z]+?)"
    r"(?P<time>RunMinutes|Minutes|Duration|NotSatisfied)?(?P<per>Per[A-Z][a-z]+)?(?:Limit)?"
)
_WHAT = {
    "BB": "burst buffer", "Billing": "billing", "CPU": "processors", "Cpu": "processors",
    "Energy": "energy", "GRES": "GPUs or other resources", "Jobs": "running jobs",
    "License": "licences", "Mem": "memory", "Memory": "memory", "Node": "nodes",
    "SubmitJob": "jobs in the queue", "SubmitJobs": "jobs in the queue",
    "Unknown": "a resource", "Wall": "time",
}  # fmt: skip
_WHOSE = {"QOS": "its QOS", "Assoc": "your account", None: "your account"}


def state_of(word: str) -> JobState | None:
    """Return the state that a word of Slurm's means; ``CANCELLED by 1000`` is one of them."""
    found = STATES.get(_first(word))
    return None if found is None else found[0]


def _first(word: str) -> str:
    return word.split()[0].rstrip("+") if word.strip() else ""


def meaning(word: str, reason: str) -> Meaning:
    """Return what Slurm's words for a job's state and for its reason mean together.

    Parameters
    ----------
    word : str
        The state.
    reason : str
        The reason, as squeue prints it; accounting has none.
    """
    state, told = STATES.get(_first(word), (None, NOTHING))
    why = of_reason(reason)
    if state is not None and state.ended:
        return Meaning(why.end, told.advice) if why.end else told
    # What a live state says beyond being one, as that it is held, counts for more.
    if told.sentence and (told.advice or not why.sentence):
        return told
    return why


def of_reason(reason: str) -> Meaning:
    """Return what a reason of squeue's means; one that nobody knows as it is."""
    reason = reason.strip()
    first = reason.partition(",")[0].strip("()")
    if first in _REASONS:
        found = _REASONS[first]
        nodes = reason.partition("UnavailableNodes:")[2].strip(" )")
        return Meaning(f"{found.sentence} ({nodes})", found.advice) if nodes else found
    return _of_limit(first) or Meaning(reason)


def _of_limit(reason: str) -> Meaning | None:
    found = _LIMIT.fullmatch(reason)
    if found is None or found["what"] not in _WHAT:
        return None
    whose, kind, what = _WHOSE[found["whose"]], found["kind"], _WHAT[found["what"]]
    minutes = "" if found["time"] not in ("Minutes", "RunMinutes") else " for so long"
    per = (found["per"] or "").removeprefix("Per").lower()
    if kind == "Min":
        return Meaning(
            f"it asks for less ({what}) than {whose} demands",
            "it cannot start like this: cancel it, and send it again with more",
        )
    if kind == "Max" and (per in ("job", "node") or (what == "time" and not per)):
        return Meaning(f"it asks for more ({what}{minutes}) than {whose} allows for one job", _LESS)
    if found["time"] == "Minutes":
        return Meaning(f"{whose} has used up what it may use ({what} times time)", _ASK)
    if kind == "Max" and per == "user":
        return Meaning(f"your jobs have as much as {whose} allows at once ({what}{minutes})")
    return Meaning(f"all jobs of {whose} have as much as it allows at once ({what}{minutes})")
