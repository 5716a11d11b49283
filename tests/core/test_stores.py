"""Which stores the user has sent jobs to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nbsubmit.core import stores
from nbsubmit.core.store import JobStore


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of whom nobody knows anything."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return stores.place()


def store_of(path: Path) -> JobStore:
    path.parent.mkdir(exist_ok=True)
    store = JobStore(path)
    store.new()
    return store


def test_a_store_is_known_from_its_first_job_on(tmp_path: Path, place: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "a name\n of two lines"
    JobStore(one).prepare()
    assert stores.known() == []
    for path in (one, one, other):
        store_of(path)
    assert set(stores.known()) == {one, other}
    assert place.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in place.iterdir()} == {0o600}
    assert len([*place.iterdir()]) == 2


def test_a_store_that_was_deleted_is_forgotten(tmp_path: Path, place: Path) -> None:
    store_of(tmp_path / "gone")
    (tmp_path / "gone").rename(tmp_path / "moved")
    assert stores.known() == []
    assert [*place.iterdir()] == []


def test_a_store_whose_disk_is_not_here_is_remembered_for_a_while(
    tmp_path: Path, place: Path
) -> None:
    store_of(tmp_path / "disk" / "store")
    (tmp_path / "disk").rename(tmp_path / "aside")
    assert stores.known() == []
    (tmp_path / "aside").rename(tmp_path / "disk")
    assert stores.known() == [tmp_path / "disk" / "store"]
    (tmp_path / "disk").rename(tmp_path / "aside")
    (file,) = place.iterdir()
    long_ago = time.time() - 31 * 86400
    os.utime(file, (long_ago, long_ago))
    assert stores.known() == []
    assert not file.exists()


TEXTS = ["", "[]", "{}", "{", '{"path": 7}', '{"path": "relative"}', "\x00"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_note_hides_no_other(tmp_path: Path, place: Path, text: str) -> None:
    store_of(tmp_path / "mine")
    broken = place / "0.json"
    broken.write_text(text)
    broken.chmod(0o600)
    assert stores.known() == [tmp_path / "mine"]


def test_what_others_have_written_is_not_read(tmp_path: Path, place: Path) -> None:
    store_of(tmp_path / "mine")
    store_of(tmp_path / "theirs")
    theirs = next(f for f in place.iterdir() if "theirs" in f.read_text())
    os.chown(theirs, 12345, 12345)
    assert stores.known() == [tmp_path / "mine"]
    place.chmod(0o770)
    assert stores.known() == []


def test_where_nothing_can_be_noted_jobs_are_sent_all_the_same(tmp_path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("a file")
    store = store_of(tmp_path / "store")
    assert len(store.folders()) == 1
    assert stores.known() == []
