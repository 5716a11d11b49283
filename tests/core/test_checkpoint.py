"""What a job goes on from is written whole or not at all, and read as it was."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nbsubmit.core import checkpoint
from nbsubmit.core.checkpoint import Keeper
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.layout import Placed
from nbsubmit.core.store import JobStore


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """A job's folder in a store."""
    return JobStore(tmp_path / "store").new()


def keeper(folder: JobFolder, home: dict[str, Any] | None = None) -> Keeper:
    return Keeper.of(folder, {} if home is None else home)


def kept(folder: JobFolder, value: Any) -> Any:
    """The value as another process would load it."""
    keeper(folder).save(folder.checkpoint_file, value, "it")
    return keeper(folder).load(folder.checkpoint_file)


@pytest.mark.parametrize(
    "value",
    [
        0,
        {"epoch": 3, "names": ["a", "b"]},
        np.arange(10),
        np.arange(5_000.0),
        np.arange(1_000_000.0),
        [np.full(3_000, n) for n in range(3)],
        [np.full(3_000, n) for n in range(400)],
        [np.arange(1_000_000), np.arange(5_000)],
    ],
    ids=["number", "dict", "tiny", "small", "large", "several", "pack as a blob", "both"],
)
def test_a_value_is_read_as_it_was_written(folder: JobFolder, value: Any) -> None:
    found = kept(folder, value)
    np.testing.assert_equal(found, value)


def test_what_two_parts_share_stays_shared(folder: JobFolder) -> None:
    whole = np.zeros(100_000)
    found, part = kept(folder, (whole, whole[:10]))
    found[0] = 5
    assert part[0] == 5


def test_the_last_one_counts_and_an_array_of_the_one_before_stays_as_it_is(
    folder: JobFolder,
) -> None:
    values = kept(folder, np.zeros(5_000))
    values += 1
    assert kept(folder, values)[0] == 1
    values += 1
    assert kept(folder, values)[0] == 2
    assert values[0] == 2


def test_there_is_none_at_first(folder: JobFolder) -> None:
    assert keeper(folder).load(folder.checkpoint_file) is None


def test_what_cannot_be_pickled_is_named_and_leaves_the_one_before(folder: JobFolder) -> None:
    kept(folder, 1)
    with pytest.raises(NotPicklable, match=r"what it holds.*lock"):
        keeper(folder).save(folder.checkpoint_file, {"a": threading.Lock()}, "what it holds")
    assert keeper(folder).load(folder.checkpoint_file) == 1


def test_a_writer_that_breaks_off_leaves_the_one_before(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(folder, 1)

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Placed, "write_stream", break_off)
    with pytest.raises(KeyboardInterrupt):
        keeper(folder).save(folder.checkpoint_file, 2, "it")
    assert keeper(folder).load(folder.checkpoint_file) == 1
    assert [path.name for path in folder.path.glob(".checkpoint*")] == []


def test_functions_are_bound_to_the_namespace_of_the_next_run(folder: JobFolder) -> None:
    home: dict[str, Any] = {"__name__": "__main__", "scale": 2}
    exec("def scaled(x):\n    return scale * x", home)
    keeper(folder, home).save(folder.checkpoint_file, home["scaled"], "it")
    later: dict[str, Any] = {"__name__": "__main__", "scale": 3}
    assert keeper(folder, later).load(folder.checkpoint_file)(5) == 15


def test_only_the_first_of_several_processes_writes(folder: JobFolder) -> None:
    other = Keeper(folder, {}, {}, writes=False, state=SimpleNamespace(epoch=1))
    other.save_state()
    assert not folder.state_file.exists()


def test_the_job_that_runs_now_is_known_while_it_does(folder: JobFolder) -> None:
    mine = keeper(folder)
    with checkpoint.keeping(mine):
        assert checkpoint.here() is mine
    assert checkpoint.here() is None
