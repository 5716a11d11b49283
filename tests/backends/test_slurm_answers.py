"""What Slurm's programs answer is judged: what is well, what is doubtful, what is wrong."""

from __future__ import annotations

import pytest

from nbsubmit.backends.slurm import answers
from nbsubmit.core.finding import Finding, Grade

# As release 22.05 answers.
PARTITIONS = "\n".join(
    f"PartitionName={name} AllowAccounts=ALL RootOnly=NO {rest}"
    for name, rest in {
        "main": "AllowGroups=ALL Default=YES DefaultTime=NONE MaxTime=UNLIMITED State=UP",
        "short": "AllowGroups=ALL Default=NO DefaultTime=00:01:00 MaxTime=00:10:00 State=UP",
        "theirs": "AllowGroups=chem,bio Default=NO DefaultTime=NONE MaxTime=1-00:00:00 State=UP",
        "old": "AllowGroups=ALL Default=NO DefaultTime=NONE MaxTime=1-00:00:00 State=DRAIN",
    }.items()
)
FOUND = answers.partitions(PARTITIONS)
FREE = {"main": True, "short": True, "theirs": True, "old": True}


def judged(named: str = "", groups: str = "users", free: dict[str, bool] = FREE) -> list[Finding]:
    return [*answers.judge_partitions(FOUND, {groups}, free, named)]


def test_partitions_are_those_that_are_up_and_for_the_users_groups() -> None:
    assert judged()[0].told == "you may use main, short (10 min)"
    assert judged(groups="bio")[0].told == "you may use main, short (10 min), theirs (1 d)"


ONE: dict[str, tuple[Grade, str]] = {
    "": (Grade.OK, "the default, main, sets no time limit"),
    "main": (Grade.OK, "main, which jobs ask for, sets no time limit"),
    "short": (Grade.WARNING, "short, which jobs ask for, ends a job without --time after 1 min"),
    "theirs": (Grade.PROBLEM, "theirs, which jobs ask for, is not for you"),
    "old": (Grade.PROBLEM, "old, which jobs ask for, is drain: jobs wait there"),
    "none": (Grade.PROBLEM, "jobs ask for none, and there is none by that name"),
}


@pytest.mark.parametrize("named", ONE)
def test_the_partition_that_jobs_ask_for_is_judged(named: str) -> None:
    found = judged(named)[1]
    assert (found.grade, found.told) == ONE[named]


def test_jobs_that_ask_for_more_time_than_there_is_are_a_problem() -> None:
    (_, found) = answers.judge_partitions(FOUND, {"users"}, FREE, "short", 3600)
    assert found.grade is Grade.PROBLEM
    assert found.told == "short, which jobs ask for, lets a job run 10 min, and jobs ask for 1 h"
    (_, found) = answers.judge_partitions(FOUND, {"users"}, FREE, "short", 300)
    assert found.grade is Grade.OK
    (_, found) = answers.judge_partitions(FOUND, {"users"}, FREE, "main", 90 * 86400)
    assert found.grade is Grade.OK


def test_a_partition_without_a_node_that_is_up_is_a_problem() -> None:
    assert judged(free={"main": False})[1].told == "the default, main, has no node that is up"


def test_a_cluster_without_a_default_wants_one_to_be_named() -> None:
    without = [one for one in FOUND if not one.is_default]
    found = [*answers.judge_partitions(without, {"users"}, FREE)][1]
    assert found.grade is Grade.PROBLEM
    assert 'partition = "short"' in found.fix


def test_nobody_for_whom_there_is_none_gets_jobs() -> None:
    (found,) = answers.judge_partitions([one for one in FOUND if one.name == "theirs"], set(), {})
    assert (found.grade, found.told) == (
        Grade.PROBLEM,
        "there is none that is up and that you may use",
    )


def test_a_partition_has_a_node_if_one_of_its_nodes_is_up() -> None:
    text = "a|down*\na|idle\nb|drained\nb|down\nc|idle*\nd|mixed\n"
    assert answers.with_nodes(text) == {"a": True, "b": False, "c": False, "d": True}


UP, DOWN = "Slurmctld(primary) at a is UP", "Slurmctld(backup) at b is DOWN"
CONTROLLERS: dict[str, tuple[str, float, Grade, str]] = {
    "up": (UP, 0.01, Grade.OK, "Slurm 24.05: Slurmctld(primary) at a answers in 10 ms"),
    "slow": (UP, 4.0, Grade.WARNING, "answers in 4.0 s, which is slow"),
    "half": (f"{UP}\n{DOWN}", 0.01, Grade.WARNING, "Slurmctld(backup) at b is DOWN"),
    "down": (DOWN, 0.01, Grade.PROBLEM, "it does not answer (Slurmctld(backup) at b is DOWN)"),
    "silent": ("", 0.01, Grade.PROBLEM, "it does not answer (it says nothing)"),
}


@pytest.mark.parametrize("case", CONTROLLERS)
def test_a_controller_is_judged(case: str) -> None:
    answer, seconds, grade, told = CONTROLLERS[case]
    found = answers.controller(answer, seconds, "24.05")
    assert found.grade is grade
    assert told in found.told
    assert bool(found.fix) is (grade is not Grade.OK)


CURES = {
    'Munge encode failed: Failed to access "/run/munge/munge.socket.2"': "Munge does not vouch",
    "Protocol authentication error": "Munge does not vouch",
    "Could not establish a configuration source": "set SLURM_CONF",
    "Unable to contact slurm controller (connect failure)": "cannot be reached from here",
    "no answer within 15 s": "cannot be reached from here",
    "Invalid account or account/partition combination specified": "Name an account",
    "Invalid qos specification": "Name a QOS",
    "invalid partition specified: x": "Name a partition",
    "No partition specified or system default partition": "Name a partition",
    "Requested time limit is invalid (missing or exceeds some limit)": "Ask for less time",
    "Memory specification can not be satisfied": "Ask for the memory",
    "Requested node configuration is not available": "No node has what was asked for",
    "Invalid generic resource (gres) specification": "No node has what was asked for",
    "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)": "",
    "some words that nobody knows": "Ask the site's admins what it means",
}


@pytest.mark.parametrize("words", CURES)
def test_there_is_something_to_do_about_what_slurm_says(words: str) -> None:
    assert CURES[words] in answers.cure(words)


def test_accounting_is_there_slow_silent_or_not_needed() -> None:
    with_it = {"AccountingStorageType": "accounting_storage/slurmdbd"}
    assert answers.accounting(with_it, 0.1).told == "sacct answers in 100 ms"
    assert answers.accounting(with_it, 9.0).grade is Grade.WARNING
    silent = answers.accounting(with_it, None, "sacct: no answer within 15 s")
    assert (silent.grade, "no answer within 15 s" in silent.told) == (Grade.WARNING, True)
    without = {"AccountingStorageType": "accounting_storage/none", "MinJobAge": "300 sec"}
    assert answers.accounting(without, None).grade is Grade.OK
    forgetful = answers.accounting({**without, "MinJobAge": "10 sec"}, None)
    assert forgetful.grade is Grade.WARNING
    assert "poll_seconds = 5" in forgetful.fix


ASSOCIATIONS = "Account|MaxSubmitJobs|GrpSubmitJobs\nphysics|100|\nphysics||\nmaths|20|"


def test_accounts_are_told_and_missed_only_where_they_are_needed() -> None:
    found = answers.associations(ASSOCIATIONS, {})
    assert found is not None
    assert found.told == "you have physics, maths"
    enforcing = {"AccountingStorageEnforce": "associations,limits"}
    missing = answers.associations("Account|MaxSubmitJobs", enforcing)
    assert missing is not None
    assert missing.grade is Grade.PROBLEM
    assert (
        answers.associations("Account|MaxSubmitJobs", {"AccountingStorageEnforce": "none"}) is None
    )


def test_limits_are_told_and_that_they_are_nearly_reached() -> None:
    config = {"MaxArraySize": "1001"}
    qos = "Name|MaxSubmitJobsPerUser\nnormal|50"
    found = answers.limits(config, [ASSOCIATIONS, qos], 3)
    assert found.told == (
        "arrays of up to 1,000 tasks at once; larger ones are sent in parts; 20 jobs at a time"
    )
    assert answers.limits(config, [ASSOCIATIONS], 19).told == "19 of 20 jobs are there already"
    assert answers.limits({}, [], None).told == "none that is told"


def test_variables_of_sbatch_are_told_as_lines_of_a_file() -> None:
    environ = {"SBATCH_ACCOUNT": "a", "SBATCH_MEM_PER_CPU": "1G", "SLURM_CONF": "/x", "HOME": "/"}
    (found,) = answers.environment(environ)
    assert found.grade is Grade.WARNING
    assert found.fix.endswith('account = "a"  mem-per-cpu = "1G"')
    (found,) = answers.environment({"SBATCH_TIMELIMIT": "10", "SBATCH_DEBUG": "1"})
    assert found.fix.endswith('configuration file:  time = "10"')
    assert "SBATCH_DEBUG=1" in found.told
    assert answers.environment({"SLURM_CONF": "/x"}) == []
    assert answers.environment({"SLURM_JOB_ID": "7"})[0].grade is Grade.OK
