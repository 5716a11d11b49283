"""A cluster that keeps account of jobs and one that does not, and the times that were measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from nbsubmit.backends import registry
from nbsubmit.core.job import Job
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.watch import Watcher
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.cluster.faults import table
from tests.cluster.faults.site import SETTINGS, TELL, Site
from tests.cluster.faults.table import Measured
from tests.way import Way

CONF = {
    # Jobs of one partition make room for those of another.
    "PreemptType": "preempt/partition_prio",
    "PreemptMode": "REQUEUE",
}
# What has too much memory is killed by the system where each job can have a control group: that is
# root's to make, of version 1, for Slurm's plugin for version 2 wants a systemd to give it one.
MEMORY = Path("/sys/fs/cgroup/memory")
IN_GROUPS = {"TaskPlugin": "task/cgroup"}
GROUPS = {
    "CgroupMountpoint": str(MEMORY.parent),
    "CgroupPlugin": "cgroup/v1",
    "ConstrainRAMSpace": "yes",
    "ConstrainSwapSpace": "yes",
    "AllowedSwapSpace": "0",
}
# Elsewhere Slurm looks at memory now and then, and kills.
LOOKED_AT = {"JobAcctGatherParams": "OverMemoryKill", "JobAcctGatherFrequency": "task=1"}
URGENT = "PartitionName=urgent Nodes=n4 PriorityTier=10 PreemptMode=OFF"
_MEASURED = "measured"


@pytest.fixture(scope="session", params=["accounting", "no accounting"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A Slurm with slurmdbd, so that sacct answers, and one without."""
    grouped = os.geteuid() == 0 and os.access(MEMORY / "cgroup.procs", os.W_OK)
    # Groups go by names and ids of jobs, and other clusters may run beside this one.
    first = {"FirstJobId": str(10_000 * (1 + os.getpid() % 5_000))}
    config = SandboxConfig(
        tmp_path_factory.mktemp("faults"),
        nodes=4,
        cpus=32,
        accounting=request.param == "accounting",
        extra_conf={**CONF, **first, **(IN_GROUPS if grouped else LOOKED_AT)},
        cgroup_conf=GROUPS if grouped else {},
        partitions=(URGENT,),
    )
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session", autouse=True)
def overdue(cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that reaches its time limit of a minute while other tests run."""
    folder = tmp_path_factory.mktemp("overdue")
    jobs: list[Job] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environ.items():
            patch.setenv(name, value)
        way = Way(registry.get("slurm"), folder / "store", Watcher(SETTINGS), SETTINGS, jobs)
        options = CellOptions(resources=Resources(time_seconds=60))
        return way.send(f"{TELL}x = 1\ntime.sleep(600)", options=options)


@pytest.fixture(scope="session")
def record() -> list[Measured]:
    """What was measured in this process."""
    return []


@pytest.fixture(autouse=True)
def reported(record: list[Measured], request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test measures goes with its report to the process that prints the table."""
    known = len(record)
    yield
    for one in record[known:]:
        request.node.user_properties.append((_MEASURED, asdict(one)))


@pytest.fixture(scope="module")
def site(
    cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory, record: list[Measured]
) -> Iterator[Site]:
    """The cluster with programs that a test may break."""
    site = Site(cluster, tmp_path_factory.mktemp("site"), record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{site.programs}{os.pathsep}{os.environ['PATH']}")
        patch.chdir(site.folder)
        yield site
        site.close()


@pytest.fixture(autouse=True)
def mended(site: Site) -> Iterator[None]:
    """No test leaves a broken program to the next."""
    yield
    site.mend()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What does not touch accounts is provoked on one of the clusters alone."""
    spared = [i for i in items if i.get_closest_marker("once") and "[accounting" in i.name]
    if spared:
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in set(spared)]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> None:
    """Print the table of faults as the README has it, and each by itself."""
    measured = [
        Measured(**value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == _MEASURED
    ]
    if not measured:
        return
    terminalreporter.section("faults: README's table of this run")
    for line in table.lines(measured):
        terminalreporter.line(line)
    terminalreporter.section("faults: seconds to a truthful state")
    terminalreporter.line("| what happens | what is shown | with accounting | without |")
    terminalreporter.line("| --- | --- | --- | --- |")
    for fault in dict.fromkeys(one.fault for one in measured):
        ours = [one for one in measured if one.fault == fault]
        times = [
            next((f"{one.seconds:.1f} s" for one in ours if one.accounting is kept), "")
            for kept in (True, False)
        ]
        terminalreporter.line(f"| {fault} | {ours[-1].shown} | {times[0]} | {times[1]} |")
