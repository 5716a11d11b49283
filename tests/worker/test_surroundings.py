"""What the job's process takes over from the notebook's, and what it says if it cannot."""

from __future__ import annotations

import sys
import types
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import FORMAT, JobFolder
from nbsubmit.core.packages import Package
from nbsubmit.worker import surroundings
from nbsubmit.worker.surroundings import Incompatible
from tests.modules import OwnModules


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Path, folder and environment are put back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)


def payload(tmp_path: Path, *needed: Package, **other: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "python": sys.version_info[:2],
        "working_directory": str(tmp_path),
        "umask": 0o022,
        "path": list(sys.path),
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "by_value": [],
        "packages": [asdict(package) for package in needed],
        **other,
    }


def _enter(folder: JobFolder, sent: dict[str, Any]) -> None:
    surroundings.check_versions(sent)
    surroundings.enter(folder, sent)


def complaint(folder: JobFolder, sent: dict[str, Any]) -> str:
    with pytest.raises(Incompatible) as raised:
        _enter(folder, sent)
    return str(raised.value)


def test_the_path_is_the_notebooks_own_entry_by_entry(folder: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    sent = ["first", "", str(tmp_path), *sys.path, "last"]
    surroundings.enter(
        folder, payload(tmp_path, path=sent, working_directory=str(tmp_path / "there"))
    )
    assert sys.path == sent
    assert Path.cwd() == tmp_path / "there"


ENVIRONMENTS = {
    "its packages take the place of the other's": (
        ["lib", "", "/env/lib", "/env/lib/site-packages", "/extra"],
        ["/mine/lib", "/mine/site-packages"],
        ["lib", "", "/mine/lib", "/mine/site-packages", "/extra"],
    ),
    "both share a Python": (
        ["", "/base/lib", "/env/lib/site-packages"],
        ["/base/lib", "/mine/site-packages"],
        ["", "/base/lib", "/mine/site-packages"],
    ),
    "what both have stays in its place": (
        ["/shared", "/env/lib"],
        ["/mine/lib", "/shared"],
        ["/shared", "/mine/lib"],
    ),
    "a name that begins alike is another folder": (
        ["/env-of-mine", "/env/lib"],
        ["/mine/lib"],
        ["/env-of-mine", "/mine/lib"],
    ),
    "the other has none": (["/a"], ["/mine/lib"], ["/a", "/mine/lib"]),
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_in_another_environment(
    folder: JobFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    sent, own, expected = ENVIRONMENTS[case]
    monkeypatch.setattr(sys, "path", own)
    surroundings.enter(folder, payload(tmp_path, path=sent, prefix="/env", base_prefix="/base"))
    assert sys.path == expected


def test_the_source_that_was_sent_comes_first(folder: JobFolder, tmp_path: Path) -> None:
    sent = payload(tmp_path, by_value=[{"name": "mine", "files": 1, "size_bytes": 1}])
    surroundings.enter(folder, sent)
    assert sys.path == [str(folder.modules), *sent["path"]]


def test_what_was_loaded_from_the_jobs_folder_is_forgotten(
    folder: JobFolder, own: OwnModules
) -> None:
    folder.modules.mkdir()
    inside, outside = types.ModuleType("inside"), types.ModuleType("outside")
    inside.__file__ = str(folder.modules / "inside.py")
    outside.__file__ = f"{folder.modules}-not/outside.py"
    sys.modules |= {"inside": inside, "outside": outside}
    try:
        surroundings.leave(folder)
        assert "inside" not in sys.modules
        assert sys.modules["outside"] is outside
    finally:
        del sys.modules["outside"]


def test_a_module_that_is_not_there_is_named_with_who_needs_it_and_the_cure(
    folder: JobFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_NODE", "n17")
    need = Package("helpers_here", "", "model", "/home/me/helpers_here.py")
    text = complaint(folder, payload(tmp_path, need))
    assert "model needs helpers_here, which cannot be imported on n17" in text
    assert sys.executable in text
    assert "It is /home/me/helpers_here.py here" in text
    assert text.endswith("--by-value helpers_here")


def test_a_package_that_is_not_there_is_named_with_its_version(
    folder: JobFolder, tmp_path: Path
) -> None:
    text = complaint(folder, payload(tmp_path, Package("no_such_package", "2.1", "df")))
    assert "df needs no_such_package 2.1, which cannot be imported" in text
    assert "No module named 'no_such_package'" in text
    assert text.endswith("--python COMMAND, or --setup LINE")


@pytest.mark.parametrize("was_sent", [True, False])
def test_what_a_module_of_the_users_own_needs_can_go_along(
    folder: JobFolder, tmp_path: Path, own: OwnModules, was_sent: bool
) -> None:
    file = own.put("mine.py", "import another_of_mine.part")
    sources = [{"name": "mine", "files": 1, "size_bytes": 1}] if was_sent else []
    text = complaint(
        folder, payload(tmp_path, Package("mine", "", "x", str(file)), by_value=sources)
    )
    assert text.endswith(
        "Send another_of_mine along too, if it is yours:  --by-value another_of_mine"
    )


def test_a_module_that_fails_says_how(folder: JobFolder, tmp_path: Path, own: OwnModules) -> None:
    file = own.put("mine.py", "def broken(:")
    text = complaint(folder, payload(tmp_path, Package("mine", "", "x", str(file))))
    assert "SyntaxError: invalid syntax (mine.py, line 1)" in text
    assert text.endswith(f"It is {file} in the notebook")


def test_another_major_version_is_refused_with_both(
    folder: JobFolder, tmp_path: Path, own: OwnModules
) -> None:
    own.put("gadget.py", "__version__ = '1.5.3'")
    text = complaint(folder, payload(tmp_path, Package("gadget", "2.1.4", "df")))
    assert "df needs gadget 2.1.4, which the notebook has" in text
    assert "there is gadget 1.5.3" in text
    assert text.endswith("--python COMMAND, or --setup LINE")


def test_source_that_was_sent_has_no_other_version(
    folder: JobFolder, tmp_path: Path, own: OwnModules
) -> None:
    own.put("gadget.py", "__version__ = '1.5.3'")
    surroundings.enter(
        folder,
        payload(
            tmp_path,
            Package("gadget", "2.1.4", "df"),
            by_value=[{"name": "gadget", "files": 1, "size_bytes": 1}],
        ),
    )
    assert sys.modules["gadget"].__dict__["__version__"] == "1.5.3"


def test_another_python_is_refused_with_both(folder: JobFolder, tmp_path: Path) -> None:
    text = complaint(folder, payload(tmp_path, python=[3, 5]))
    major, minor = sys.version_info[:2]
    assert f"the notebook runs Python 3.5 and this job Python {major}.{minor}" in text


def test_another_nbsubmit_is_refused(folder: JobFolder, tmp_path: Path) -> None:
    text = complaint(folder, payload(tmp_path, format=FORMAT + 1))
    assert "another nbsubmit" in text


def test_a_folder_that_cannot_be_entered_is_named(folder: JobFolder, tmp_path: Path) -> None:
    text = complaint(folder, payload(tmp_path, working_directory="/no/such/folder"))
    assert "/no/such/folder cannot be entered" in text
