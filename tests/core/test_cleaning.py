"""Which jobs go, and how: nothing that is needed, no link, and never half a job."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from nbsubmit.core import blobs
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.cleaning import (
    LEFT_SECONDS,
    Item,
    Wish,
    choose,
    delete,
    parse_age,
    parse_count,
    parse_states,
    remove,
    sweep,
)
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.sizes import freed, size_of, taken
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from tests.shelf import Shelf, writer_of

DAY = 86400.0
NOW = 1_700_000_000.0
MEBIBYTE = 1 << 20


def item(
    id_: str,
    days: float = 0,
    state: JobState = JobState.COMPLETED,
    stays: str = "",
    needs: str = "",
) -> Item:
    return Item(id_, state, NOW - days * DAY, "", stays, frozenset(needs.split()))


def going(items: list[Item], **wish: object) -> str:
    return " ".join(one.id for one in choose(items, Wish(**wish), NOW)[0])  # type: ignore[arg-type]


JOBS = [
    item("a", 90),
    item("b", 40, JobState.FAILED),
    item("c", 20, JobState.TIMEOUT),
    item("d", 5, JobState.FAILED),
    item("e", 0, JobState.RUNNING, "it is RUNNING"),
]


# The choice


def test_a_job_goes_that_all_is_true_of_that_was_asked_for() -> None:
    assert going(JOBS, older=30 * DAY) == "a b"
    assert going(JOBS, states=frozenset({JobState.FAILED})) == "b d"
    assert going(JOBS, older=30 * DAY, states=frozenset({JobState.FAILED})) == "b"
    assert going(JOBS, ids=frozenset("c")) == "c"


def test_the_last_ones_stay_however_old_they_are() -> None:
    assert going(JOBS, keep=3) == "a"
    assert going(JOBS, keep=0) == "a b c d"
    assert going(JOBS, keep=9) == ""
    assert going(JOBS, keep=1, older=3 * DAY) == "a b c"
    assert going(JOBS, keep=1, states=frozenset({JobState.FAILED})) == "b"


def test_a_live_job_stays_and_only_who_names_it_is_told() -> None:
    gone, stays = choose(JOBS, Wish(ids=frozenset({"d", "e"})), NOW)
    assert [one.id for one in gone] == ["d"]
    assert stays == {"e": "it is RUNNING"}
    assert choose(JOBS, Wish(keep=0), NOW)[1] == {}


def test_what_a_job_needs_that_stays_has_to_stay_and_so_on() -> None:
    jobs = [item("a"), item("b", needs="a"), item("c", stays="it is held", needs="b"), item("d")]
    gone, stays = choose(jobs, Wish(keep=0), NOW)
    assert [one.id for one in gone] == ["d"]
    assert stays == {"a": "job b needs it", "b": "job c needs it", "c": "it is held"}


def test_what_a_job_needs_may_go_with_it() -> None:
    assert going([item("a"), item("b", needs="a")], keep=0) == "a b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 30 * DAY), ("2w", 14 * DAY), ("1d12h", 1.5 * DAY), ("90m", 5400), ("0d", 0)],
)
def test_an_age_has_a_unit(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["abc", "30", "", "-3d", "3d-"])
def test_what_is_no_age_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(OptionError, match="write 30d, 2w"):
        parse_age(text)


def test_states_are_those_in_which_a_job_ends() -> None:
    assert parse_states("failed, TIMEOUT") == {JobState.FAILED, JobState.TIMEOUT}
    for word in ("NONSENSE", "RUNNING", ""):
        with pytest.raises(OptionError, match="COMPLETED, FAILED, CANCELLED"):
            parse_states(word)


def test_a_number_to_keep_is_a_number() -> None:
    assert parse_count("0") == 0
    for word in ("-1", "few", "2.5"):
        with pytest.raises(OptionError, match="not a number of jobs"):
            parse_count(word)


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
