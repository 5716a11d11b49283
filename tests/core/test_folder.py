"""One job's folder: private, whole or not at all, and read only if nobody else could write it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.trust import check_private

HOSTILE = (
    "with space",
    "quote'\"s",
    "percent%j%%",
    "dollar$HOME`x`",
    "newline\nin it",
    "ünï…",
    "-dash;#&|",
    "back\\slash",
    "*?[a]",
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# Making it


def test_a_new_folder_and_its_logs_are_the_users_alone(tmp_path: Path, loose_umask: None) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    assert mode(folder.path) == 0o700
    made = {path.name: mode(path) for path in folder.path.iterdir()}
    assert made == {"log.out": 0o600, "log.err": 0o600, "events.jsonl": 0o600}


def test_a_folder_is_never_made_twice(folder: JobFolder) -> None:
    folder.log_out.write_text("kept")
    with pytest.raises(FileExistsError):
        JobFolder(folder.path).create()
    assert folder.log_out.read_text() == "kept"


def test_a_folders_name_is_the_jobs_id(tmp_path: Path) -> None:
    assert JobFolder(tmp_path / "240102-030405-bcdf").id == "240102-030405-bcdf"


def test_every_file_of_a_job_has_a_name_of_its_own(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    found = (getattr(folder, name) for name in dir(folder) if not name.startswith("_"))
    others = (tmp_path, folder.store, folder.store_blobs)
    files = [value for value in found if isinstance(value, Path) and value not in others]
    assert len(files) > 15
    assert len({file.name for file in files}) == len(files)
    assert all(file.parent == tmp_path for file in files)


# Writing


def test_what_is_written_is_read_back_and_is_the_users_alone(
    folder: JobFolder, loose_umask: None
) -> None:
    data: dict[str, Any] = {"a": [1, None, "ü\n\0"], "b": {"c": 1.5}}
    folder.write_json(folder.handle_file, data)
    assert folder.read_json(folder.handle_file) == data
    assert mode(folder.handle_file) == 0o600


def test_half_a_surrogate_pair_in_a_jobs_text_is_no_hindrance(folder: JobFolder) -> None:
    folder.write_json(folder.result_file, {"text": "x\ud800y"})
    assert folder.read_json(folder.result_file) == {"text": "x\ud800y"}


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "file"
    write_whole(file, lambda out: out.write(b"a long first text"), durable=durable)
    write_whole(file, lambda out: out.write(b"short"), durable=durable)
    assert file.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_who_has_the_old_file_open_reads_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, lambda out: out.write(b"old"))
    with file.open("rb") as reader:
        write_whole(file, lambda out: out.write(b"new"))
        assert reader.read() == b"old"


def half(out: BinaryIO) -> None:
    out.write(b"half of")
    out.flush()
    raise KeyboardInterrupt


@pytest.mark.parametrize("before", [None, b"the old text"])
def test_a_writer_that_fails_midway_leaves_what_was_there(
    tmp_path: Path, before: bytes | None
) -> None:
    file = tmp_path / "file"
    if before is not None:
        file.write_bytes(before)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, half)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([before] if before else [])


KILLED = """
import os, signal, sys
from pathlib import Path
from nbsubmit.core.folder import write_whole

def die(out):
    out.write(b"half of")
    out.flush()
    os.kill(os.getpid(), signal.SIGKILL)

write_whole(Path(sys.argv[1]), die)
"""


def test_a_writer_that_is_killed_midway_leaves_the_old_file_and_nothing_in_the_way(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"the old text")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
        assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"the old text"
    visible = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert visible == ["file"]
    write_whole(file, lambda out: out.write(b"the new text"))
    assert file.read_bytes() == b"the new text"


def test_a_folder_that_is_full_or_gone_is_said_by_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "file", lambda out: out.write(b""))


# Reading


def test_a_file_that_is_not_there_yet_is_none(folder: JobFolder) -> None:
    assert folder.read_json(folder.result_file) is None


CORRUPT = {
    "empty": b"",
    "half": b'{"handle": "12',
    "no text": b"\xff\xfe\x00",
    "zeros": bytes(100),
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "two": b"{}{}",
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_file_that_nbsubmit_cannot_have_written_is_named(folder: JobFolder, kind: str) -> None:
    folder.result_file.write_bytes(CORRUPT[kind])
    with pytest.raises(FolderError, match="is not what nbsubmit wrote there") as caught:
        folder.read_json(folder.result_file)
    assert str(folder.result_file) in str(caught.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = JobFolder(tmp_path / name)
    folder.create()
    folder.check()
    folder.write_json(folder.spec_file, {"name": name})
    assert folder.read_json(folder.spec_file) == {"name": name}
    assert json.loads(folder.spec_file.read_text())["name"] == name


# Trusting it


def test_a_folder_of_the_users_own_is_trusted(folder: JobFolder) -> None:
    folder.check()
    folder.path.chmod(0o755)
    folder.check()  # others may look: what counts is who can write


def make_loose(bits: int) -> Callable[[Path], None]:
    return lambda path: path.chmod(bits)


def make_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def make_file(path: Path) -> None:
    path.rmdir()
    path.write_text("")


UNSAFE: dict[str, tuple[Callable[[Path], None], str]] = {
    "the group may write": (make_loose(0o770), r"others may write to .* \(mode 770\)"),
    "all may write": (make_loose(0o707), r"others may write to .* \(mode 707\)"),
    "sticky": (make_loose(0o1777), r"others may write to .* \(mode 1777\)"),
    "a link": (make_link, "is a symbolic link"),
    "a file": (make_file, "is not a folder"),
    "missing": (Path.rmdir, "there is no folder"),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_a_folder_that_others_could_have_written_to_is_refused(tmp_path: Path, kind: str) -> None:
    spoil, words = UNSAFE[kind]
    path = tmp_path / "job"
    path.mkdir(mode=0o700)
    spoil(path)
    with pytest.raises(FolderError, match=words) as caught:
        check_private(path)
    assert str(path) in str(caught.value)


def test_the_cure_for_a_loose_folder_cures(tmp_path: Path) -> None:
    path = tmp_path / "a job's folder"
    path.mkdir()
    path.chmod(0o777)
    with pytest.raises(FolderError) as caught:
        check_private(path)
    cure = str(caught.value).partition("Make it yours alone:  ")[2]
    subprocess.run(cure, shell=True, check=True)
    check_private(path)


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(FolderError, match=rf"belongs to another user \(uid {owner}\)"):
        check_private(tmp_path)


def test_a_folder_below_a_file_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot be looked at: Not a directory"):
        check_private(tmp_path / "file" / "job")
