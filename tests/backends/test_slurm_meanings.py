"""Every state and every reason that Slurm prints has a meaning in plain words."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from nbsubmit.backends.slurm.meanings import STATES, Meaning, meaning, of_reason, state_of
from nbsubmit.core.state import JobState

S = JobState

# JOB STATE CODES in the manuals of squeue and sacct, 22.05 to 25.05: states and flags.
MANUAL = {
    "BOOT_FAIL": S.NODE_FAIL,
    "CANCELLED": S.CANCELLED,
    "COMPLETED": S.COMPLETED,
    "COMPLETING": S.RUNNING,
    "CONFIGURING": S.PENDING,
    "DEADLINE": S.TIMEOUT,
    "EXPEDITING": S.PENDING,
    "FAILED": S.FAILED,
    "LAUNCH_FAILED": S.NODE_FAIL,
    "NODE_FAIL": S.NODE_FAIL,
    "OUT_OF_MEMORY": S.OUT_OF_MEMORY,
    "PENDING": S.PENDING,
    "POWER_UP_NODE": S.PENDING,
    "PREEMPTED": S.PREEMPTED,
    "RECONFIG_FAIL": S.NODE_FAIL,
    "REQUEUED": S.PENDING,
    "REQUEUE_FED": S.PENDING,
    "REQUEUE_HOLD": S.PENDING,
    "RESIZING": S.RUNNING,
    "RESV_DEL_HOLD": S.PENDING,
    "REVOKED": S.CANCELLED,
    "RUNNING": S.RUNNING,
    "SIGNALING": S.RUNNING,
    "SPECIAL_EXIT": S.PENDING,
    "STAGE_OUT": S.RUNNING,
    "STOPPED": S.SUSPENDED,
    "SUSPENDED": S.SUSPENDED,
    "TIMEOUT": S.TIMEOUT,
    "UPDATE_DB": S.RUNNING,
}

# All that Slurm prints, from its source (job_state_reason.c, releases 22.05 to 25.05), and those
# that only older manuals name.
PRINTED = """
None Prolog Priority Dependency Resources PartitionNodeLimit PartitionTimeLimit PartitionDown
PartitionInactive JobHeldAdmin JobHeldUser BeginTime AssociationJobLimit
AssociationResourceLimit AssociationTimeLimit ReqNodeNotAvail FrontEndDown SchedDefer NodeDown
BadConstraints SystemFailure JobLaunchFailure NonZeroExitCode InvalidAccount InvalidQOS
QOSUsageThreshold QOSJobLimit QOSResourceLimit QOSTimeLimit BlockMaxError BlockFreeAction
Cleaning QOSNotAllowed AccountNotAllowed DependencyNeverSatisfied QOSGrpCpuLimit
QOSGrpCPUMinutesLimit QOSGrpCPURunMinutesLimit QOSGrpJobsLimit QOSGrpMemLimit QOSGrpNodeLimit
QOSGrpSubmitJobsLimit QOSGrpWallLimit QOSMaxCpuPerJobLimit QOSMaxCpuMinutesPerJobLimit
QOSMaxNodePerJobLimit QOSMaxWallDurationPerJobLimit QOSMaxCpuPerUserLimit QOSMaxJobsPerUserLimit
QOSMaxNodePerUserLimit QOSMaxSubmitJobPerUserLimit QOSMinCpuNotSatisfied AssocGrpCpuLimit
AssocGrpCPUMinutesLimit AssocGrpCPURunMinutesLimit AssocGrpJobsLimit AssocGrpMemLimit
AssocGrpNodeLimit AssocGrpSubmitJobsLimit AssocGrpWallLimit AssocMaxJobsLimit
AssocMaxCpuPerJobLimit AssocMaxCpuMinutesPerJobLimit AssocMaxNodePerJobLimit
AssocMaxSubmitJobLimit JobHoldMaxRequeue JobArrayTaskLimit BurstBufferResources
BurstBufferStageIn BurstBufferOperation PowerNotAvail PowerReserved AssocGrpUnknown
AssocGrpUnknownMinutes AssocGrpUnknownRunMinutes AssocMaxUnknownPerJob AssocMaxUnknownPerNode
AssocMaxUnknownMinutesPerJob AssocMaxCpuPerNode AssocGrpMemMinutes AssocGrpMemRunMinutes
AssocMaxMemPerJob AssocMaxMemPerNode AssocMaxMemMinutesPerJob AssocGrpNodeMinutes
AssocGrpNodeRunMinutes AssocMaxNodeMinutesPerJob AssocGrpEnergy AssocGrpEnergyMinutes
AssocGrpEnergyRunMinutes AssocMaxEnergyPerJob AssocMaxEnergyPerNode AssocMaxEnergyMinutesPerJob
AssocGrpGRES AssocGrpGRESMinutes AssocGrpGRESRunMinutes AssocMaxGRESPerJob AssocMaxGRESPerNode
AssocMaxGRESMinutesPerJob AssocGrpLicense AssocGrpLicenseMinutes AssocGrpLicenseRunMinutes
AssocMaxLicensePerJob AssocMaxLicenseMinutesPerJob AssocGrpBB AssocGrpBBMinutes
AssocGrpBBRunMinutes AssocMaxBBPerJob AssocMaxBBPerNode AssocMaxBBMinutesPerJob QOSGrpUnknown
QOSGrpUnknownMinutes QOSGrpUnknownRunMinutes QOSMaxUnknownPerJob QOSMaxUnknownPerNode
QOSMaxUnknownPerUser QOSMaxUnknownMinutesPerJob QOSMinUnknown QOSMaxCpuPerNode
QOSGrpMemoryMinutes QOSGrpMemoryRunMinutes QOSMaxMemoryPerJob QOSMaxMemoryPerNode
QOSMaxMemoryPerUser QOSMaxMemoryMinutesPerJob QOSMinMemory QOSGrpNodeMinutes
QOSGrpNodeRunMinutes QOSMaxNodeMinutesPerJob QOSMinNode QOSGrpEnergy QOSGrpEnergyMinutes
QOSGrpEnergyRunMinutes QOSMaxEnergyPerJob QOSMaxEnergyPerNode QOSMaxEnergyPerUser
QOSMaxEnergyMinutesPerJob QOSMinEnergy QOSGrpGRES QOSGrpGRESMinutes QOSGrpGRESRunMinutes
QOSMaxGRESPerJob QOSMaxGRESPerNode QOSMaxGRESPerUser QOSMaxGRESMinutesPerJob QOSMinGRES
QOSGrpLicense QOSGrpLicenseMinutes QOSGrpLicenseRunMinutes QOSMaxLicensePerJob
QOSMaxLicensePerUser QOSMaxLicenseMinutesPerJob QOSMinLicense QOSGrpBB QOSGrpBBMinutes
QOSGrpBBRunMinutes QOSMaxBBPerJob QOSMaxBBPerNode QOSMaxBBPerUser ReservationDeleted QOSMinBB
DeadLine MaxBBPerAccount MaxCpuPerAccount MaxEnergyPerAccount MaxGRESPerAccount
MaxNodePerAccount MaxLicensePerAccount MaxMemoryPerAccount MaxUnknownPerAccount
MaxJobsPerAccount MaxSubmitJobsPerAccount PartitionConfig AccountingPolicy FedJobLock
OutOfMemory MaxMemPerLimit AssocGrpBilling AssocGrpBillingMinutes AssocGrpBillingRunMinutes
AssocMaxBillingPerJob AssocMaxBillingPerNode AssocMaxBillingMinutesPerJob QOSGrpBilling
QOSGrpBillingMinutes QOSGrpBillingRunMinutes QOSMaxBillingPerJob QOSMaxBillingPerNode
QOSMaxBillingPerUser QOSMaxBillingMinutesPerJob MaxBillingPerAccount QOSMinBilling Licenses
Reservation RaisedSignal TimeLimit InactiveLimit ReservationInvalid Constraints
WaitingForScheduling AssocMaxWallDurationPerJobLimit
"""
REASONS = PRINTED.split()
SILENT = {"None", "NonZeroExitCode", "RaisedSignal"}


@pytest.mark.parametrize("word", MANUAL)
def test_every_state_of_slurms_manual_has_a_meaning(word: str) -> None:
    assert state_of(word) is MANUAL[word]


def test_the_table_knows_no_state_that_the_manual_does_not() -> None:
    assert {word: state for word, (state, _) in STATES.items()} == MANUAL


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CANCELLED by 1000", S.CANCELLED),
        ("CANCELLED+", S.CANCELLED),
        ("COMPLETED+", S.COMPLETED),
        (" RUNNING ", S.RUNNING),
        ("", None),
        (" ", None),
        ("A_NEW_ONE", None),
        ("running", None),
    ],
)
def test_a_word_may_have_more_beside_it_and_an_unknown_one_is_unknown(
    word: str, state: JobState | None
) -> None:
    assert state_of(word) is state


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_a_plain_sentence(reason: str) -> None:
    found = of_reason(reason)
    assert bool(found.sentence) == (reason not in SILENT)
    assert reason not in found.sentence
    assert not re.search(r"[a-z][A-Z]|QOS[A-Z]|_", found.sentence), "a word of Slurm's own"
    assert not re.search(r"[a-z][A-Z]|^it |\.$", found.advice.removeprefix("it "))
    assert of_reason(f" {reason} ") == found


@pytest.mark.parametrize("word", [word for word in MANUAL if MANUAL[word].ended])
def test_what_a_job_waited_for_is_not_said_of_its_end(word: str) -> None:
    alone = meaning(word, "None")
    for reason in REASONS:
        found = meaning(word, reason)
        assert found == alone or found.sentence == of_reason(reason).end


def manual() -> str:
    """The installed manual of squeue, as text."""
    for file in Path("/usr/share/man/man1").glob("squeue.1*"):
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode()
        return text.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-")
    pytest.skip("Slurm's manual is not installed")


def test_the_installed_manual_names_no_reason_that_has_no_meaning() -> None:
    section = manual().partition('.SH "JOB REASON CODES"')[2].partition(".SH")[0]
    named = re.findall(r"^\.TP.*\n([A-Za-z*]+)$", section, re.MULTILINE)
    assert len(named) > 30
    for reason in named:
        # A star stands for any resource.
        found = of_reason(reason.replace("*", "Cpu"))
        assert found.sentence != reason, reason


def test_the_installed_manual_names_no_state_that_has_no_meaning() -> None:
    section = manual().partition('.SH "JOB STATE CODES"')[2].partition(".SH")[0]
    named = re.findall(r"^[A-Z]{1,2} {1,3}([A-Z_]+)$", section, re.MULTILINE)
    assert len(named) > 20
    assert [word for word in named if state_of(word) is None] == []


MEANINGS = {
    ("PENDING", "Priority"): ("jobs before it have a higher priority", ""),
    ("PENDING", "JobHeldUser"): ("it is held", "scontrol release 7 lets it go on"),
    ("REQUEUE_HOLD", "BeginTime"): (
        "it was queued again, and is held", "scontrol release 7 lets it go on"),
    ("REQUEUED", "Resources"): ("it waits for free resources", ""),
    ("PENDING", "ReqNodeNotAvail, UnavailableNodes:n[1-2]"): (
        "a node that it needs is not available (n[1-2])", ""),
    ("PENDING", "QOSMaxCpuPerUserLimit"): (
        "your jobs have as much as its QOS allows at once (processors)", ""),
    ("PENDING", "AssocGrpGRES"): (
        "all jobs of your account have as much as it allows at once (GPUs or other resources)", ""),
    ("PENDING", "AssocGrpCPUMinutesLimit"): (
        "your account has used up what it may use (processors times time)",
        "ask the cluster's admins"),
    ("PENDING", "QOSMaxWallDurationPerJobLimit"): (
        "it asks for more (time) than its QOS allows for one job",
        "it cannot start like this: cancel it, and send it again with less"),
    ("PENDING", "QOSMinGRES"): (
        "it asks for less (GPUs or other resources) than its QOS demands",
        "it cannot start like this: cancel it, and send it again with more"),
    ("PENDING", "ANewOne"): ("ANewOne", ""),
    ("PENDING", "(Nodes required for job are DOWN, DRAINED or reserved)"): (
        "(Nodes required for job are DOWN, DRAINED or reserved)", ""),
    ("CANCELLED", "BeginTime"): ("", ""),
    ("CANCELLED", "DependencyNeverSatisfied"): (
        "a job that it waits for did not succeed, so it cannot run", ""),
    ("NODE_FAIL", "NodeDown"): ("", ""),
    ("BOOT_FAIL", "None"): ("its node could not be started", "send it again"),
    ("SUSPENDED", "None"): (
        "it stands still for an admin or for another job", "it goes on by itself"),
    ("A_NEW_STATE", "Priority"): ("jobs before it have a higher priority", ""),
}  # fmt: skip


@pytest.mark.parametrize("words", MEANINGS)
def test_state_and_reason_together_say_why_and_what_to_do(words: tuple[str, str]) -> None:
    found = meaning(*words).about("7_[0-2]")
    assert (found.sentence, found.advice) == MEANINGS[words]


def test_nothing_is_said_where_slurm_says_nothing() -> None:
    assert of_reason("") == of_reason("(null)") == of_reason("None") == Meaning()
