"""The folder of folders: new, list, find; private, and refused where it is not."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from nbsubmit.core.errors import FolderError, UnknownJob
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import tasks_of

NOON = 1_700_000_000.0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def add(store: JobStore, *ids: str) -> None:
    store.new()
    shutil.rmtree(store.path / "jobs")
    for job_id in ids:
        (store.path / "jobs" / job_id).mkdir(parents=True, mode=0o700)
    (store.path / "jobs").chmod(0o700)


# New


def test_a_new_job_has_a_folder_of_its_own_with_the_time_in_its_name(store: JobStore) -> None:
    folder = store.new(NOON)
    assert folder.path.parent == store.path / "jobs"
    assert re.fullmatch(r"\d{6}-\d{6}-[a-z2-9]{4}", folder.id)
    assert folder.id.startswith("23111")
    assert folder.log_out.read_text() == ""


def test_jobs_of_the_same_second_have_different_ids(store: JobStore) -> None:
    ids = {store.new(NOON).id for _ in range(200)}
    assert len(ids) == 200


def test_ids_are_in_the_order_of_sending(store: JobStore) -> None:
    sent = [store.new(NOON + seconds).id for seconds in (0, 1, 60, 86_400)]
    assert [folder.id for folder in store.folders()] == sent


def test_an_id_spells_no_word_and_is_not_misread(store: JobStore) -> None:
    letters = "".join(store.new(NOON).id[-4:] for _ in range(200))
    assert not set(letters) & set("aeiouyl01")


def test_everything_in_a_new_store_is_the_users_alone(store: JobStore, loose_umask: None) -> None:
    folder = store.new()
    assert [mode(p) for p in (store.path, folder.path.parent, folder.path)] == [0o700] * 3
    files = {path.name: mode(path) for path in store.path.rglob("*") if path.is_file()}
    assert files == dict.fromkeys(files, 0o600)


def test_a_store_keeps_itself_out_of_git(tmp_path: Path, store: JobStore) -> None:
    store.new()
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    seen = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
    assert seen.stdout == b""


def test_a_gitignore_that_the_user_wrote_stays(store: JobStore) -> None:
    store.new()
    (store.path / ".gitignore").write_text("jobs/\n")
    store.new()
    assert (store.path / ".gitignore").read_text() == "jobs/\n"


def test_folders_above_the_store_are_made_and_need_not_be_private(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    project.chmod(0o777)
    assert JobStore(project / "deep" / "store").new().path.is_dir()


def test_a_relative_store_is_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = JobStore(Path(".nbsubmit"))
    monkeypatch.chdir("/")
    assert store.path == tmp_path / ".nbsubmit"


def test_a_store_may_be_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert JobStore(Path("~/store")).path == tmp_path / "store"


@pytest.mark.parametrize(
    "name", ["with space", "quote'\"s", "percent%j", "newline\nin it", "ünï", "-dash;#", "*?[a]"]
)
def test_a_store_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = JobStore(tmp_path / name)
    folder = store.new()
    assert [found.path for found in store.folders()] == [folder.path]
    assert store.find(folder.id[-4:]).path == folder.path


# What is refused


@pytest.mark.parametrize("part", [".", "jobs"])
@pytest.mark.parametrize("bits", [0o770, 0o702])
def test_a_store_that_others_may_write_to_is_neither_read_nor_written(
    store: JobStore, part: str, bits: int
) -> None:
    job = store.new()
    (store.path / part).chmod(bits)
    with pytest.raises(FolderError, match="others may write to"):
        store.new()
    with pytest.raises(FolderError, match="others may write to"):
        store.folders()
    with pytest.raises(FolderError, match="others may write to"):
        store.find(job.id)


def test_a_job_that_others_may_write_to_is_not_handed_out(store: JobStore) -> None:
    job = store.new()
    job.path.chmod(0o777)
    with pytest.raises(FolderError, match="others may write to"):
        store.find(job.id)


@pytest.mark.parametrize("part", [".", "jobs"])
def test_a_store_that_is_a_link_is_refused(tmp_path: Path, store: JobStore, part: str) -> None:
    store.new()
    place = store.path / part if part != "." else store.path
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="symbolic link"):
        store.new()
    with pytest.raises(FolderError, match="symbolic link"):
        store.folders()


def test_a_store_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=r"cannot be made or written to.*NBSUBMIT_FOLDER"):
        JobStore(tmp_path / "file").new()
    with pytest.raises(FolderError, match=r"cannot be made or written to.*NBSUBMIT_FOLDER"):
        JobStore(tmp_path / "file" / "below").new()


# List and find


def test_a_store_that_no_script_can_name_says_what_to_set(tmp_path: Path) -> None:
    parent = tmp_path / os.fsdecode(b"caf\xe9")
    parent.mkdir()
    with pytest.raises(FolderError, match=r"no script can name it. Set NBSUBMIT_FOLDER"):
        JobStore(parent / ".nbsubmit").new()
    assert not list(parent.iterdir())


def test_a_store_that_is_not_there_yet_holds_nothing(store: JobStore) -> None:
    assert store.folders() == []
    assert not store.path.exists()
    with pytest.raises(UnknownJob, match="the latest are: none yet"):
        store.find("bcdf")


def test_what_is_not_a_job_is_not_listed(store: JobStore) -> None:
    job = store.new()
    (store.path / "jobs" / "notes").mkdir()
    (store.path / "jobs" / f".{job.id}").mkdir()
    (store.path / "jobs" / "240102-030405-BAD!").mkdir()
    assert [folder.id for folder in store.folders()] == [job.id]


IDS = ("240101-120000-bcdf", "240101-120000-ghjk", "240102-090000-mnpq")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("240101-120000-bcdf", IDS[0]),
        ("bcdf", IDS[0]),
        ("f", IDS[0]),
        ("120000-ghjk", IDS[1]),
        ("240102", IDS[2]),
        ("240101-120000-g", IDS[1]),
    ],
)
def test_a_job_is_found_by_the_beginning_or_the_end_of_its_id(
    store: JobStore, text: str, found: str
) -> None:
    add(store, *IDS)
    assert store.find(text).id == found


def test_an_id_that_is_not_known_is_told_as_it_was_written(store: JobStore) -> None:
    add(store, *IDS)
    with pytest.raises(UnknownJob, match="no job by the id 'nothing_there'"):
        store.find("nothing_there")


@pytest.mark.parametrize("text", ["240101", "24", "240101-120000-"])
def test_too_little_of_an_id_is_answered_with_the_jobs_it_could_be(
    store: JobStore, text: str
) -> None:
    add(store, *IDS)
    with pytest.raises(UnknownJob) as caught:
        store.find(text)
    said = str(caught.value)
    assert re.match(rf"[23] jobs by the id '{text}'", said)
    assert IDS[0] in said
    assert IDS[1] in said


@pytest.mark.parametrize("text", ["", "zzzz", "120000", "*", "../..", "240101-120000-bcdf\n", "/"])
def test_what_is_no_id_is_answered_with_the_latest_jobs(store: JobStore, text: str) -> None:
    add(store, *IDS)
    with pytest.raises(UnknownJob, match=r"^no job by the id") as caught:
        store.find(text)
    assert IDS[2] in str(caught.value)
    assert str(store.path) in str(caught.value)


def test_of_very_many_jobs_the_latest_few_are_told(store: JobStore) -> None:
    ids = [f"2401{day:02}-120000-bcdf" for day in range(1, 29)]
    add(store, *ids)
    with pytest.raises(UnknownJob) as caught:
        store.find("zzzz")
    assert [job_id for job_id in ids if job_id in str(caught.value)] == ids[-5:]


def test_a_job_that_is_gone_from_the_disk_is_gone_from_the_list(store: JobStore) -> None:
    job = store.new()
    shutil.rmtree(job.path)
    assert store.folders() == []
    assert list((store.path / "jobs").iterdir()) == []


def test_a_task_goes_by_the_id_of_its_job_and_its_number(store: JobStore) -> None:
    array, single = store.new(), store.new()
    array.write_json(array.spec_file, {"array": {"count": 12}})
    single.write_json(single.spec_file, {})
    assert store.find(f"{array.id}_7").id == f"{array.id}_7"
    assert store.find(f"{array.id[-4:]}_11").path == array.path / "tasks" / "11"
    with pytest.raises(
        UnknownJob, match=f"no task 12: its tasks are {array.id}_0 to {array.id}_11"
    ):
        store.find(f"{array.id}_12")
    with pytest.raises(UnknownJob, match="it has no tasks"):
        store.find(f"{single.id}_0")


def test_a_task_that_is_run_again_keeps_the_number_by_which_it_is_found(store: JobStore) -> None:
    again = store.new()
    again.write_json(again.spec_file, {"array": {"count": 2}, "picked": [2, 5]})
    first, last = tasks_of(again)
    assert (first.id, last.id) == (f"{again.id}_2", f"{again.id}_5")
    assert store.find(last.id).path == last.path == again.path / "tasks" / "1"
    with pytest.raises(UnknownJob, match=f"no task 1: its tasks are {first.id} to {last.id}"):
        store.find(f"{again.id}_1")
