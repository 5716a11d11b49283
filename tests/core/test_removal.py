"""How much room jobs take, and how they go: no link is followed, and never half a job is seen."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from nbsubmit.core import blobs
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.removal import LEFT_SECONDS, delete, remove, sweep
from nbsubmit.core.sizes import freed, size_of, taken
from nbsubmit.core.store import JobStore
from tests.shelf import Shelf, writer_of

MEBIBYTE = 1 << 20

# Its size


def holding(store: JobStore, *contents: bytes) -> JobFolder:
    """A job that holds some buffers."""
    folder = store.new()
    folder.write_json(folder.spec_file, {})
    for content in contents:
        name = blobs.name_of([content])
        store.blobs.put(name, [content])
        store.blobs.hold(name, folder.blobs)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "store")


BIG, OTHER = bytes(MEBIBYTE), b"x" * MEBIBYTE


def test_a_buffer_that_jobs_share_counts_once_and_goes_with_the_last(store: JobStore) -> None:
    folders = [holding(store, BIG), holding(store, BIG), holding(store, OTHER)]
    first, second, third = (size_of(folder) for folder in folders)
    small = first.own
    assert 0 < small < 100
    assert first.total == MEBIBYTE + small
    assert taken([first, second, third]) == 2 * MEBIBYTE + 3 * small
    assert freed([first]) == freed([second]) == small
    assert freed([first, second]) == MEBIBYTE + 2 * small
    assert freed([third]) == MEBIBYTE + small


def test_a_link_is_not_followed_for_a_size(store: JobStore, tmp_path: Path) -> None:
    folder = holding(store)
    (tmp_path / "large").write_bytes(BIG)
    (folder.path / "file").symlink_to(tmp_path / "large")
    (folder.path / "folder").symlink_to(tmp_path)
    assert size_of(folder).total < 1000


# Its going


def never() -> bool:
    return False


def test_a_buffer_goes_with_the_last_job_that_holds_it(store: JobStore) -> None:
    first, second = holding(store, BIG), holding(store, BIG, OTHER)
    assert remove(store, second, never)
    assert not second.path.exists()
    assert [path.name for path in store.blobs.path.iterdir()] == [blobs.name_of([BIG])]
    assert remove(store, first, never)
    assert list(store.blobs.path.iterdir()) == []
    assert store.folders() == []


def test_where_there_are_no_links_a_buffer_goes_when_no_job_names_it(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store.new()
    first, second = Shelf(store.path), Shelf(store.path)
    same, other = np.zeros(MEBIBYTE // 8), np.ones(MEBIBYTE // 8)
    contents = first.put(writer_of({"a": same}))
    first.folder.write_json(first.folder.payload_file, {"contents": contents.to_json()})
    both = second.put(writer_of({"a": same, "b": other}))
    second.folder.write_json(second.folder.result_file, {"contents": both.to_json()})
    later = time.time() + LEFT_SECONDS + 60
    assert sweep(store, later) == 0
    remove(store, second.folder, never)
    assert sweep(store) == 0  # a job that is being sent may need it
    assert sweep(store, later) == MEBIBYTE
    assert first.get(contents)["a"].sum() == 0
    remove(store, first.folder, never)
    assert sweep(store, later) == MEBIBYTE


def test_a_job_that_somebody_has_opened_meanwhile_is_back_at_its_place(store: JobStore) -> None:
    folder = holding(store, BIG)
    seen: list[bool] = []

    def is_held() -> bool:
        seen.append(folder.path.exists())
        return True

    assert not remove(store, folder, is_held)
    assert seen == [False]
    folder.check()
    assert store.folders()[0].path == folder.path
    assert (folder.blobs / blobs.name_of([BIG])).exists()


def test_what_a_link_in_a_job_leads_to_stays(store: JobStore, tmp_path: Path) -> None:
    folder = holding(store)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis").write_text("years of work")
    (folder.path / "link").symlink_to(mine)
    remove(store, folder, never)
    assert (mine / "thesis").read_text() == "years of work"


def test_a_folder_that_is_a_link_or_open_to_others_is_not_touched(
    store: JobStore, tmp_path: Path
) -> None:
    folder = holding(store)
    elsewhere = tmp_path / "elsewhere"
    folder.path.rename(elsewhere)
    folder.path.symlink_to(elsewhere)
    with pytest.raises(FolderError, match="symbolic link"):
        remove(store, folder, never)
    folder.path.unlink()
    elsewhere.rename(folder.path)
    folder.path.chmod(0o777)
    with pytest.raises(FolderError, match="others may write"):
        remove(store, folder, never)
    assert folder.spec_file.exists()


def test_a_folder_that_nobody_may_write_to_is_deleted_all_the_same(tmp_path: Path) -> None:
    inner = tmp_path / "job" / "modules" / "package"
    inner.mkdir(parents=True)
    (inner / "a.py").touch()
    for path in (inner, inner.parent):
        path.chmod(0o500)
    delete(tmp_path / "job")
    assert not (tmp_path / "job").exists()


def test_what_killed_processes_have_left_goes_after_a_day(store: JobStore) -> None:
    whole = holding(store, BIG)
    half = store.new()
    (whole.path / ".result.json.0123").write_text("{")
    going = store.path / "jobs" / f".gone-{half.id}-0123"
    going.mkdir()
    (going / "log.out").touch()
    (store.blobs.path / ".half-0123").write_bytes(b"x")
    everything = set(store.path.rglob("*"))
    sweep(store)
    assert set(store.path.rglob("*")) == everything
    sweep(store, time.time() + LEFT_SECONDS + 60)
    assert [folder.id for folder in store.folders()] == [whole.id]
    assert not list(store.path.rglob(".result*"))
    assert not going.exists()
    assert [path.name for path in store.blobs.path.iterdir()] == [blobs.name_of([BIG])]


def test_a_buffer_that_is_held_again_meanwhile_stays(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    name = blobs.name_of([BIG])
    store.put(name, [BIG])
    os.link(store.path / name, tmp_path / "held")
    assert store.release([name]) == 0
    assert store.has(name)
    (tmp_path / "held").unlink()
    assert store.release([name, "../held", "no-blob"]) == MEBIBYTE
    assert not store.has(name)
