"""What a living process has open is known; what a killed one had is free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.core import held as module
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.held import Holder, held, hold
from nbsubmit.core.store import JobStore
from tests.way import until

HOLDS = """\
import sys, time
from pathlib import Path
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.held import hold
for path in sys.argv[1:]:
    hold(JobFolder(Path(path)))
print("holds", flush=True)
input()
"""
FORKS = """\
import os, sys
from pathlib import Path
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.held import hold
hold(JobFolder(Path(sys.argv[1])))
child = os.fork()
if child:
    print(child, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    yield JobStore(tmp_path / "store")
    mine = module._holders.pop(tmp_path / "store", None)
    if mine is not None:
        mine.close()


def other(*folders: JobFolder) -> subprocess.Popen[str]:
    """Another process that has these jobs open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, *(str(folder.path) for folder in folders)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def test_a_job_is_held_for_as_long_as_a_process_lives_however_it_ends(store: JobStore) -> None:
    first, second, third = store.new(), store.new(), store.new()
    tidy, killed = other(first, second), other(second, third)
    assert held(store.path) == {first.id, second.id, third.id}
    tidy.communicate("\n")
    assert held(store.path) == {second.id, third.id}
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert held(store.path) == set()
    assert list((store.path / "held").iterdir()) == []


def test_what_this_process_holds_can_be_left_out(store: JobStore) -> None:
    mine, both = store.new(), store.new()
    hold(mine)
    hold(both)
    hold(both)
    process = other(both)
    assert held(store.path) == {mine.id, both.id}
    assert held(store.path, by_others=True) == {both.id}
    process.communicate("\n")
    assert held(store.path, by_others=True) == set()
    assert held(store.path) == {mine.id, both.id}


def test_a_thousand_jobs_take_one_file(store: JobStore) -> None:
    store.new()
    for number in range(1000):
        hold(JobFolder(store.path / "jobs" / f"job{number}"))
    assert len(held(store.path)) == 1000
    assert len(list((store.path / "held").iterdir())) == 1


def test_a_file_of_another_machine_counts_for_a_day(store: JobStore) -> None:
    folder = store.new()
    hold(store.new())
    file = store.path / "held" / "elsewhere+17+0123"
    file.write_text(f"{folder.id}\n")
    assert folder.id in held(store.path)
    old = time.time() - 2 * 86400
    os.utime(file, (old, old))
    assert folder.id not in held(store.path)
    assert not file.exists()


def test_a_store_that_cannot_be_written_to_does_not_keep_from_looking(store: JobStore) -> None:
    folder = store.new()
    (store.path / "held").write_text("in the way")
    hold(folder)
    with pytest.raises(FileExistsError):
        Holder(store.path)


def test_a_forked_child_does_not_hold_what_its_killed_parent_had(store: JobStore) -> None:
    folder = store.new()
    # Both end with what they read from here, if not before.
    with subprocess.Popen(
        [sys.executable, "-c", FORKS, str(folder.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert held(store.path) == {folder.id}
        parent.kill()
        parent.wait()
        until(lambda: held(store.path) == set(), "nobody holds it")
        os.kill(child, 0)
