"""A copy of a repository as it is now."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nbsubmit import AutoExecutor
from nbsubmit.helpers import RsyncSnapshot
from tests.way import PATIENCE

ODD = "a b'c $(d) ü.txt"


def git(folder: Path, *arguments: str) -> str:
    who = [
        "-c",
        "user.name=N",
        "-c",
        "user.email=n@example.org",
        "-c",
        "protocol.file.allow=always",
    ]
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository in which a file was changed, one was deleted and two are not git's yet."""
    files = {"a.txt": "old", "in/b.txt": "b", ODD: "odd", "gone.txt": "x", "data.bin": "d"}
    root = repository(tmp_path / "the root ü", files)
    (root / "a.txt").write_text("new")
    (root / "gone.txt").unlink()
    (root / "staged.txt").write_text("s")
    git(root, "add", "staged.txt")
    (root / "untracked.txt").write_text("u")
    (root / "secret.txt").write_text("s")
    return root


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] != ".git"}


def test_what_git_knows_is_copied_as_it_is_now(root: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snap" / ODD
    with RsyncSnapshot(snapshot, root):
        assert files(snapshot) == {"a.txt", "in/b.txt", ODD, "data.bin", "staged.txt"}
    assert (snapshot / "a.txt").read_text() == "new"
    assert (snapshot / ODD).read_text() == "odd"


def test_inside_one_is_in_the_copy_and_afterwards_where_one_was(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "in")
    with RsyncSnapshot(tmp_path / "snap") as snapshot:
        assert snapshot.root_dir == root
        assert Path.cwd() == tmp_path / "snap"
    assert Path.cwd() == root / "in"
    with pytest.raises(ZeroDivisionError), snapshot:
        1 / 0  # noqa: B018
    assert Path.cwd() == root / "in"


def test_the_copy_is_a_repository_that_knows_what_was_changed(root: Path, tmp_path: Path) -> None:
    with RsyncSnapshot(tmp_path / "snap", root):
        assert git(tmp_path / "snap", "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
        status = git(tmp_path / "snap", "status", "--porcelain").splitlines()
    assert {line.split()[-1] for line in status} == {"a.txt", "gone.txt", "staged.txt"}


def test_files_are_left_out_and_taken_in(root: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snap"
    with RsyncSnapshot(snapshot, root, exclude=["*.bin", "in/**"], include=["untracked.txt"]):
        assert files(snapshot) == {"a.txt", ODD, "staged.txt", "untracked.txt"}


def test_a_copy_that_is_there_is_brought_up_to_date(root: Path, tmp_path: Path) -> None:
    for text in ("one", "another"):
        (root / "a.txt").write_text(text)
        with RsyncSnapshot(tmp_path / "snap", root):
            assert Path("a.txt").read_text() == text


def test_submodules_are_copied_if_that_is_asked_for(root: Path, tmp_path: Path) -> None:
    module = repository(tmp_path / "module", {"m.txt": "m"})
    git(root, "submodule", "--quiet", "add", str(module), "mod")
    with RsyncSnapshot(tmp_path / "without", root):
        assert "mod/m.txt" not in files(Path.cwd())
    with RsyncSnapshot(tmp_path / "with", root, with_submodules=True):
        assert "mod/m.txt" in files(Path.cwd())


def test_a_job_runs_in_the_copy_whatever_becomes_of_the_files(root: Path, tmp_path: Path) -> None:
    executor = AutoExecutor(tmp_path / "jobs", cluster="local")
    with RsyncSnapshot(tmp_path / "snap", root):
        job = executor.submit(Path.read_text, Path("a.txt"))
    (root / "a.txt").write_text("newer")
    assert job.result(PATIENCE) == "new"


def test_without_rsync_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert RsyncSnapshot.available()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not RsyncSnapshot.available()
    with pytest.raises(RuntimeError, match="needs rsync"):
        RsyncSnapshot(tmp_path / "snap", tmp_path)
