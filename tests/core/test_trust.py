"""What somebody else may have written is neither unpickled nor run, here or on a node.

Promise 6 of README.
"""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbsubmit
from nbsubmit.core import blobs
from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.errors import FolderError, NbsubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.store import JobStore
from nbsubmit.core.trust import check_all_below, open_own, read_own
from nbsubmit.core.watch import Watcher
from tests.modules import OwnModules
from tests.way import PATIENCE, Way

SOMEBODY = 54_321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


# Ways in which a file or a folder is not the user's alone


def let_group_write(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def let_all_write(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def give_away(path: Path) -> None:
    os.chown(path, SOMEBODY, SOMEBODY)


def lead_elsewhere(path: Path) -> None:
    """A link of the user's own, to what was moved out of the store."""
    moved = Path(os.environ["ELSEWHERE"]) / path.name
    path.rename(moved)
    path.symlink_to(moved)


SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "the group may write": (let_group_write, "others may write to"),
    "all may write": (let_all_write, "others may write to"),
    "a link that leads outside": (lead_elsewhere, "is a symbolic link"),
    "somebody else's": (give_away, f"belongs to another user (uid {SOMEBODY})"),
}
KINDS = [pytest.param(kind, marks=as_root if kind == "somebody else's" else ()) for kind in SPOILED]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setenv("ELSEWHERE", str(place))
    return place


# A file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"mine")
    made.chmod(0o600)
    return made


def test_a_file_of_the_users_own_is_read(file: Path) -> None:
    assert read_own(file) == b"mine"
    file.chmod(0o644)  # others may read it: it is still what the user wrote
    assert read_own(file) == b"mine"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_others_could_have_written_is_not_read(file: Path, kind: str) -> None:
    spoil, words = SPOILED[kind]
    spoil(file)
    with pytest.raises(FolderError) as caught:
        open_own(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_link_to_a_file_beside_it_is_not_read_either(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    with pytest.raises(FolderError, match="is a symbolic link"):
        open_own(link)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(FolderError, match="not an ordinary file"):
        open_own(tmp_path / "pipe")


def test_what_was_opened_is_looked_at_and_not_what_has_its_name_by_then(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever exchanges the file between a look and the opening has nothing of it."""
    theirs = file.with_name("theirs")
    theirs.write_bytes(b"theirs")
    theirs.chmod(0o666)
    true_open = os.open
    monkeypatch.setattr(os, "open", lambda _path, flags: true_open(theirs, flags))
    assert stat.S_IMODE(file.lstat().st_mode) == 0o600
    with pytest.raises(FolderError, match="others may write to"):
        read_own(file)


@pytest.mark.skipif(shutil.which("setfacl") is None, reason="there is no setfacl")
def test_an_access_control_list_that_lets_somebody_write_shows_in_the_mode(file: Path) -> None:
    done = subprocess.run(
        ["setfacl", "-m", f"u:{SOMEBODY}:rw", str(file)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this file system has no access control lists")
    with pytest.raises(FolderError, match="others may write to"):
        read_own(file)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inside", ["pack", "pack/deep", "pack/deep/er.py"])
def test_one_bad_file_spoils_a_whole_folder(tmp_path: Path, kind: str, inside: str) -> None:
    top = tmp_path / "modules"
    (top / "pack" / "deep").mkdir(parents=True)
    (top / "pack" / "deep" / "er.py").write_text("")
    check_all_below(top)
    spoil, words = SPOILED[kind]
    spoil(top / inside)
    with pytest.raises(FolderError) as caught:
        check_all_below(top)
    assert words in str(caught.value)
    assert inside in str(caught.value)


# A job: whichever of its files it is, nothing runs


class Evil:
    """Leaves a mark as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["MARK"],)


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    return tmp_path / "mark"


SOURCE = "y = x + 1\nbig_y = big + 1\nz = word"


@pytest.fixture
def way(make_way: Callable[..., Way]) -> Way:
    return make_way("debug")


@pytest.fixture
def job(way: Way) -> Iterator[Job]:
    """A job that has run, with small and large data each way."""
    big = np.arange(1 << 18)
    ran = way.run(SOURCE, {"x": np.arange(10_000), "big": big, "word": "hello"})
    assert ran.exception() is None
    yield ran
    for path in (way.store, *way.store.rglob("*")):  # so that what made it can remove it
        if os.geteuid() == 0 and not path.is_symlink():
            os.chown(path, 0, 0)


def place_in(store: Path, job: JobFolder, name: str) -> Path:
    if name in (".", "jobs", "blobs"):
        return store / name if name != "." else store
    if name == "a held blob":
        (sent,) = blobs.named_in(job.payload_file.read_bytes())
        return job.blobs / sent
    return job.path if name == "the job" else job.path / name.removeprefix("its ")


PLACES = (".", "jobs", "blobs", "the job", "its blobs", "a held blob", "its job.json",
          "its payload.json", "its payload.pkl", "its payload.bin")  # fmt: skip
RESULTS = ("its result.json", "its result.pkl", "its result.bin")


def put_evil(path: Path) -> None:
    """What somebody writes who can."""
    if path.is_file() and path.suffix == ".pkl":
        path.chmod(0o600)
        path.write_bytes(pickle.dumps(Evil()))


def as_client(folder: JobFolder, watcher: Watcher) -> str:
    """Do all that a notebook does with a job, and return what it says instead."""
    try:
        again = Job(JobFolder(folder.path), None, watcher, {})
        watcher.look_now([again])
        if not again.is_over or again.status.state.value == "LOST":
            return str(again.status)
        values = {**again.sent_copies[0], **again.names}
        assert len(values) + len(again.load_errors) >= 6
        return " ".join(again.load_errors.values())
    except NbsubmitError as error:
        return str(error)


def as_worker(folder: JobFolder) -> str:
    """Run the job once more, as a node would, and return what it says instead."""
    command = [sys.executable, "-m", "nbsubmit.worker", str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if not done.returncode:
        return ""
    result = folder.path / "result.json"
    return done.stderr + (result.read_text() if result.exists() else "")


def test_what_nobody_has_touched_is_read_by_both(way: Way, job: Job) -> None:
    assert as_client(job.folder, way.watcher) == ""
    job.folder.result_file.unlink()
    assert as_worker(job.folder) == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*PLACES, *RESULTS])
def test_a_notebook_reads_no_job_of_which_something_is_not_the_users_alone(
    way: Way, job: Job, mark: Path, name: str, kind: str
) -> None:
    spoil, words = SPOILED[kind]
    place = place_in(way.store, job.folder, name)
    put_evil(place)
    spoil(place)
    said = as_client(job.folder, way.watcher)
    assert words in said
    assert str(place) in said
    assert not mark.exists()


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("name", PLACES)
def test_a_node_runs_no_job_of_which_something_is_not_the_users_alone(
    way: Way, job: Job, mark: Path, name: str, kind: str
) -> None:
    job.folder.result_file.unlink()
    spoil, words = SPOILED[kind]
    place = place_in(way.store, job.folder, name)
    put_evil(place)
    spoil(place)
    said = as_worker(job.folder)
    assert words in said
    assert str(place) in said
    assert "Traceback" not in said.partition("{")[0]
    assert not mark.exists()


def test_an_evil_file_would_run_if_it_were_the_users_own(way: Way, job: Job, mark: Path) -> None:
    """Else the tests above could not fail. It is why results are read from one's own jobs only."""
    put_evil(job.folder.result_stream)
    as_client(job.folder, way.watcher)
    assert mark.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_imports_no_source_that_others_could_have_written(
    way: Way, own: OwnModules, kind: str
) -> None:
    own.put("mine.py", "text = 'mine'\n")
    sent = way.run("import mine\nt = mine.text", options=CellOptions(by_value=("mine",)))
    assert sent.names["t"] == "mine"
    sent.folder.result_file.unlink()
    spoil, words = SPOILED[kind]
    spoil(sent.folder.modules / "mine.py")
    assert words in as_worker(sent.folder)


@pytest.mark.parametrize("kind", [KINDS[2], KINDS[3]])
def test_data_of_which_somebody_else_has_put_a_copy_there_are_sent_anew(
    way: Way, kind: str
) -> None:
    big = np.arange(1 << 18)
    first = way.run("total = big.sum()", {"big": big})
    (blob,) = first.folder.blobs.iterdir()
    first.folder.blobs.joinpath(blob.name).unlink()
    SPOILED[kind][0](way.store / "blobs" / blob.name)
    again = way.run("total = big.sum()", {"big": big})
    assert again.exception() is None
    assert again.names["total"] == first.names["total"]
    assert os.lstat(way.store / "blobs" / blob.name).st_uid == os.geteuid()


OF_TASKS = ("tasks", "results", "tasks/1", "results/1.json", "tasks/1/result.pkl")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_TASKS)
def test_of_an_array_nothing_is_read_either_that_is_not_the_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: Path, name: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    sent = nbsubmit.DebugExecutor(folder="logs").map_array(np.arange, [3, 4])
    whole = sent[0].folder.whole
    put_evil(whole / name)
    spoil, words = SPOILED[kind]
    spoil(whole / name)
    with pytest.raises(NbsubmitError) as caught:
        nbsubmit.attach(f"{whole.name}_1", "logs").result()
    assert words in str(caught.value)
    assert str(whole / name) in str(caught.value)
    assert not mark.exists()


# The folders above it


def test_what_stands_above_the_store_may_be_the_groups(make_way: Callable[..., Way]) -> None:
    project = Path.cwd() / "project"
    project.mkdir()
    project.chmod(0o2775)
    assert make_way("local", project / ".nbsubmit").run("y = 1").names == {"y": 1}


def test_nothing_that_a_job_leaves_can_be_read_by_others_whatever_the_umask(
    make_way: Callable[..., Way],
    own: OwnModules,
    started_backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    own.put("pack/__init__.py", "from pack import part\n")
    own.put("pack/part.py", "size = 3\n")
    before = os.umask(0)
    try:
        way = make_way(started_backend)
        source = "import pack.part\ny = big + pack.part.size\nraise ValueError(y[:3])"
        big = np.arange(1 << 18)
        way.run(source, {"big": big}, options=CellOptions(by_value=("pack",)))
    finally:
        os.umask(before)
    modes = {str(path): path.lstat().st_mode for path in (way.store, *way.store.rglob("*"))}
    assert any("__pycache__/part" in path for path in modes)
    assert any(path.endswith("kept.json") for path in modes)
    assert [path for path, mode in modes.items() if stat.S_IMODE(mode) & 0o077] == []


class Counts:
    """Keeps a state, which it saves when it is told to go."""

    def __call__(self, number: int) -> Any:
        if number == 3:
            raise ValueError(np.arange(1 << 18))
        return np.arange(1 << 18) + number

    def checkpoint(self, number: int) -> DelayedSubmission:
        return DelayedSubmission(self, number)


def test_nothing_of_an_array_and_of_its_queue_can_be_read_by_others_either(
    tmp_path: Path, started_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    before = os.umask(0)
    try:
        executor = nbsubmit.AutoExecutor(folder="logs", cluster=started_backend)
        jobs = executor.map_array(Counts(), [1, 2, 3])
        failed = [job.exception(PATIENCE) is not None for job in jobs]
        assert failed == [False, False, True]
    finally:
        os.umask(before)
    folders = (tmp_path / "logs" / ".nbsubmit", tmp_path / "queue")
    found = [path for folder in folders if folder.exists() for path in folder.rglob("*")]
    assert any(path.parent.name == "results" for path in found)
    assert [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


# Two people


VICTIM, STRANGER = 51_001, 51_002


SEND = """
import nbsubmit
job = nbsubmit.DebugExecutor(folder=".").submit(sum, [1, 2])
print(job.result(), job.folder.path)
"""
# The Python that runs the tests may be root's alone: all is imported before it becomes another's.
AS_ANOTHER = """
import os, sys
_, person, place, warm, send, code = sys.argv
os.chdir(warm)
exec(send, {})
print("become", flush=True)
os.setgroups([])
os.setgid(int(person))
os.setuid(int(person))
os.chdir(place)
exec(code, {})
"""


def run_as(person: int, code: str, place: Path) -> tuple[str, str]:
    """Run code as another user, and return what it has written to both streams."""
    words = [str(person), str(place), str(place / "warm"), SEND, code]
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, *words], capture_output=True, text=True, check=False
    )
    return done.stdout.partition("become\n")[2], done.stderr


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder where everybody may write, as one of a project."""
    place = Path(tempfile.mkdtemp(prefix="nbsubmit-shared-"))
    place.chmod(0o777)
    (place / "warm").mkdir()
    yield place
    shutil.rmtree(place)


@as_root
def test_a_stranger_sees_nothing_of_a_job_in_a_folder_of_both(shared: Path) -> None:
    sent, error = run_as(VICTIM, SEND, shared)
    assert sent.startswith("3 "), error
    look = f"import os; os.listdir({sent.split()[1]!r})"
    assert "PermissionError" in run_as(STRANGER, look, shared)[1]
    assert f"belongs to another user (uid {VICTIM})" in run_as(STRANGER, SEND, shared)[1]


@as_root
def test_what_a_stranger_puts_in_the_place_of_a_store_is_not_used(shared: Path) -> None:
    sent, error = run_as(VICTIM, SEND, shared)
    assert sent.startswith("3 "), error
    name = Path(sent.split()[1]).name
    attach = f"import nbsubmit; print(nbsubmit.attach({name!r}, '.').result())"
    assert run_as(VICTIM, attach, shared)[0] == "3\n"
    # Who may write to a folder may rename what is in it, whoever's it is.
    swap = f"import os; os.rename('.nbsubmit', 'away'); os.makedirs('.nbsubmit/jobs/{name}')"
    run_as(STRANGER, swap, shared)
    assert (shared / "away" / "jobs" / name).is_dir()
    for code in (attach, SEND):
        shown, error = run_as(VICTIM, code, shared)
        assert f"belongs to another user (uid {STRANGER})" in error
        assert shown == ""


def test_a_store_lists_nothing_of_which_others_could_have_written(store: JobStore) -> None:
    job = store.new()
    for loose in (store.path, store.path / "jobs"):
        loose.chmod(0o770)
        with pytest.raises(FolderError, match="others may write to"):
            store.find(job.id)
        loose.chmod(0o700)
    assert store.find(job.id).path == job.path
