"""Large buffers are kept once each, by content, and collected when nobody holds them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from nbsubmit.core import blobs
from nbsubmit.core.blobs import KEEP_SECONDS, BlobStore
from nbsubmit.core.errors import FolderError
from tests.shelf import Shelf, writer_of

MEBIBYTE = 1 << 20


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def put(store: BlobStore, data: bytes) -> str:
    name = blobs.name_of([data])
    store.put(name, [data])
    return name


def test_the_same_content_has_one_name_however_it_is_cut() -> None:
    assert blobs.name_of([b"abc", b"def"]) == blobs.name_of([memoryview(b"abcdef")])
    assert blobs.name_of([b"abc"]) != blobs.name_of([b"abd"])


def test_a_pack_is_named_by_what_is_in_it_and_where() -> None:
    one, other = blobs.name_of([b"abc"]), blobs.name_of([b"abd"])
    assert blobs.name_of_pack([one, other], 128) == blobs.name_of_pack([one, other], 128)
    assert blobs.name_of_pack([one, other], 128) != blobs.name_of_pack([other, one], 128)


def test_more_pieces_than_are_written_at_once_are_all_there(store: BlobStore) -> None:
    pieces = [bytes([number % 256]) * (number % 7) for number in range(2500)]
    whole = b"".join(pieces)
    name = blobs.name_of([whole])
    store.put(name, pieces)
    assert (store.path / name).read_bytes() == whole


def test_a_blob_is_there_once_private_and_read_only(store: BlobStore) -> None:
    name = put(store, b"x" * 100)
    assert put(store, b"x" * 100) == name
    (path,) = store.path.iterdir()
    assert path.read_bytes() == b"x" * 100
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o700


def test_a_blob_that_was_cut_short_is_written_again(store: BlobStore) -> None:
    name = put(store, b"x" * 100)
    path = store.path / name
    path.chmod(0o600)
    path.write_bytes(b"x" * 40)
    assert not store.has(name)
    put(store, b"x" * 100)
    assert path.read_bytes() == b"x" * 100


def test_a_store_that_others_may_write_to_is_refused(store: BlobStore) -> None:
    put(store, b"x")
    store.path.chmod(0o777)
    with pytest.raises(FolderError, match="others may write"):
        put(store, b"y")


def test_what_a_jobs_folder_holds_is_not_collected(store: BlobStore, tmp_path: Path) -> None:
    held, free = put(store, b"held"), put(store, b"free")
    store.hold(held, tmp_path / "job")
    assert store.collect(now=(store.path / free).stat().st_mtime + KEEP_SECONDS + 1) == 4
    assert (store.has(held), store.has(free)) == (True, False)
    (tmp_path / "job" / held).unlink()
    assert store.collect(now=(store.path / held).stat().st_mtime + KEEP_SECONDS + 1) == 4


def test_what_was_needed_just_now_is_not_collected(store: BlobStore) -> None:
    name = put(store, b"free")
    written = (store.path / name).stat().st_mtime
    later = written + KEEP_SECONDS + 1
    os.utime(store.path / name, (0, 0))
    put(store, b"free")
    assert store.collect(now=written + 1) == 0
    assert store.collect(now=later + 10) == 4


def test_what_a_killed_writer_left_is_collected(store: BlobStore) -> None:
    put(store, b"x")
    left = store.path / ".half-abc"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert store.collect() == 4


def test_where_there_are_no_hard_links_nothing_is_collected(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(store, b"x")

    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store.hold(name, tmp_path / "job")
    assert store.collect(now=1e12) == 0


def test_a_large_buffer_that_was_sent_before_is_not_written_again(tmp_path: Path) -> None:
    array = np.arange(MEBIBYTE / 8)
    first, second = Shelf(tmp_path), Shelf(tmp_path)
    assert first.put(writer_of({"a": array})).entries[0].new_bytes > MEBIBYTE
    entry = second.put(writer_of({"b": array.copy()})).entries[0]
    assert entry.new_bytes < 300 < MEBIBYTE < entry.size_bytes
    assert first.written == MEBIBYTE


def test_an_array_that_was_changed_is_another(tmp_path: Path) -> None:
    array = np.zeros(MEBIBYTE // 8)
    first, second = Shelf(tmp_path), Shelf(tmp_path)
    contents = first.put(writer_of({"a": array}))
    array[0] = 7
    assert second.get(second.put(writer_of({"a": array})))["a"][0] == 7
    assert first.get(contents)["a"][0] == 0


def test_many_small_arrays_sent_again_are_there_already(tmp_path: Path) -> None:
    arrays = [np.full(5_000, float(number)) for number in range(50)]
    first, second = Shelf(tmp_path), Shelf(tmp_path)
    first.put(writer_of({"arrays": arrays}))
    contents = second.put(writer_of({"arrays": arrays}))
    assert contents.entries[0].new_bytes < 10_000
    assert [a[0] for a in second.get(contents)["arrays"]] == list(range(50))


def test_a_jobs_folder_can_be_read_when_the_store_has_gone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    contents = shelf.put(writer_of({"a": np.ones(MEBIBYTE // 8)}))
    for blob in shelf.store.path.iterdir():
        blob.unlink()
    assert shelf.get(contents)["a"].sum() == MEBIBYTE / 8


@pytest.mark.parametrize(
    "file", ["../x", "blobs/../../x", "/etc/passwd", "payload.pkl", "blobs/.x"]
)
def test_a_list_of_contents_leads_to_no_other_file(tmp_path: Path, file: str) -> None:
    with pytest.raises(FolderError, match="no file of buffers"):
        Shelf(tmp_path).folder.locate(file)
