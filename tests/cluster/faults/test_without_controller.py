"""Slurm's controller is away for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import PATIENCE, TELL, WAITS, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState


@contextmanager
def away(site: Site) -> Iterator[None]:
    """The controller is stopped, and comes back."""
    site.sandbox.stop_controller()
    try:
        yield
    finally:
        site.sandbox.start_controller()
        until(lambda: "idle" in " ".join(site.sandbox.node_states().values()), "it is back")


def test_the_controller_is_away(site: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ends = site.running(names={"gate": str(gate)})
    dies = site.running(
        f"{TELL}while not os.path.exists(gate): time.sleep(0.05)\n"
        "print(time.time(), flush=True); os.kill(os.getpid(), 9)",
        {"gate": str(gate)},
    )
    runs = site.running(
        f"{WAITS}\nwhile os.path.exists(gate): time.sleep(0.05)", {"gate": str(gate)}
    )
    held = site.send("y = 1", hold=None)
    down = time.time()
    with away(site):
        # At submission
        since = time.time()
        with pytest.raises(BackendMissing, match="controller does not answer") as caught:
            site.send("z = 1")
        site.note("slurmctld is down when a cell is sent", str(caught.value), time.time() - since)
        # While a job waits, runs, ends well, and dies
        since = time.time()
        until(lambda: "cannot be asked" in held.status.reason, "it is said", PATIENCE)
        site.note("slurmctld is down while a job waits", str(held.status), time.time() - since)
        since = time.time()
        gate.touch()
        site.measure("slurmctld is down when a job succeeds", ends, since)
        assert ends.names == {"x": 1, "y": 2}
        site.measure("slurmctld is down when a job is killed", dies, since)
        assert dies.state is S.FAILED
        assert dies.status.reason.startswith("the worker was killed by SIGKILL")
        # A minute, in which all of these are on their way; accounts have no part in how long it is.
        if not site.accounting:
            until(lambda: time.time() - down > 60, "a minute is over", PATIENCE)
        assert runs.state is S.RUNNING
        assert held.state is S.PENDING
    # It comes back, and knows what there was.
    site.call("scontrol", "release", held.handle)
    gate.unlink()
    assert runs.wait(PATIENCE).names == {"x": 1, "y": 2}
    assert held.wait(PATIENCE).names == {"y": 1}
