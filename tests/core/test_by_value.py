"""The source of modules: which files it is, and how they lie in the job's folder."""

from __future__ import annotations

import os
import stat
import sys
import types
from pathlib import Path

import pytest

from nbsubmit.core import by_value
from nbsubmit.core.errors import CaptureError, OptionError, TooLarge
from tests.modules import OwnModules


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def places(names: str, store: Path) -> list[str]:
    return [place for source in by_value.find([names], store) for _, place in source.files]


def test_a_module_is_one_file(own: OwnModules, store: Path) -> None:
    own.put("mine.py", "x = 1")
    (source,) = by_value.find(["mine"], store)
    assert source.files == ((own.path / "mine.py", "mine.py"),)
    assert source.to_json() == {"name": "mine", "files": 1, "size_bytes": 5}


def test_a_package_goes_whole_without_what_is_hidden_or_made_by_python(
    own: OwnModules, store: Path
) -> None:
    for name in (
        "pack/__init__.py", "pack/part.py", "pack/deep/er.py", "pack/data/table.csv",
        "pack/fast.cpython-311-x86_64-linux-gnu.so", "pack/old.pyc",
        "pack/.hidden", "pack/.git/config", "pack/__pycache__/part.pyc", "pack/deep/.x/y.py",
    ):  # fmt: skip
        own.put(name, "")
    assert sorted(places("pack", store)) == [
        "pack/__init__.py",
        "pack/data/table.csv",
        "pack/deep/er.py",
        "pack/fast.cpython-311-x86_64-linux-gnu.so",
        "pack/old.pyc",
        "pack/part.py",
    ]


def test_it_is_the_same_whether_it_was_imported_or_not_and_for_a_part_of_it(
    own: OwnModules, store: Path
) -> None:
    own.put("pack/__init__.py", "")
    own.put("pack/part.py", "")
    before = places("pack.part", store)
    assert "pack" not in sys.modules
    own.load("pack.part")
    assert places("pack.part", store) == places("pack", store) == before
    assert len(by_value.find(["pack", "pack.part", "pack"], store)) == 1


def test_a_package_without_init_goes_with_all_its_folders_the_first_winning(
    own: OwnModules, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.put("spread/a.py", "first = 1")
    second = OwnModules(tmp_path / "second")
    second.put("spread/a.py", "second")
    second.put("spread/b.py", "")
    monkeypatch.syspath_prepend(str(second.path))
    sys.path.remove(str(second.path))
    sys.path.append(str(second.path))
    (source,) = by_value.find(["spread"], store)
    found = {place: file for file, place in source.files}
    assert set(found) == {"spread/a.py", "spread/b.py"}
    assert found["spread/a.py"].read_text() == "first = 1"
    own.load("spread.a")
    assert places("spread", store) == list(found)


def test_a_module_that_was_loaded_by_its_path_gets_the_name_that_it_goes_by(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("called")
    file = tmp_path / "otherwise.py"
    file.write_text("")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "called", module)
    assert places("called", store) == ["called.py"]


def test_links_are_followed_and_never_in_a_circle(
    own: OwnModules, store: Path, tmp_path: Path
) -> None:
    own.put("pack/__init__.py", "")
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / "table.csv").write_text("")
    (own.path / "pack" / "data").symlink_to(aside)
    (own.path / "pack" / "again").symlink_to(own.path / "pack")
    (own.path / "pack" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(own.path / "pack" / "pipe")
    assert sorted(places("pack", store)) == ["pack/__init__.py", "pack/data/table.csv"]


def test_the_store_of_jobs_does_not_go_into_itself(own: OwnModules) -> None:
    own.put("pack/__init__.py", "")
    own.put("pack/jobs/old/log", "")
    assert places("pack", own.path / "pack" / "jobs") == ["pack/__init__.py"]


REFUSED = {
    "nothing_like_it": "no such module here. Name it as it is imported",
    "pluggi": "no such module here; did you mean pluggy?",
    "sys": "part of Python",
    "json.decoder": "part of Python",
    "made": "goes by itself",
    "__main__": "goes by itself",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_source_to_send_is_refused_in_words(
    name: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "made", types.ModuleType("made"))
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    with pytest.raises(OptionError, match=REFUSED[name]) as raised:
        by_value.find([name], store)
    assert f"--by-value {name.partition('.')[0]}: " in str(raised.value)


def test_a_namesake_of_pythons_own_module_can_go(own: OwnModules, store: Path) -> None:
    own.put("turtledemo/__init__.py", "")
    assert places("turtledemo", store) == ["turtledemo/__init__.py"]


def test_a_package_whose_files_are_gone_is_refused(own: OwnModules, store: Path) -> None:
    file = own.put("mine.py", "")
    own.load("mine")
    file.unlink()
    with pytest.raises(OptionError, match=r"mine: it does not lie in files of its own .*mine\.py"):
        by_value.find(["mine"], store)


def test_an_empty_folder_is_no_package_to_send(own: OwnModules, store: Path) -> None:
    (own.path / "empty").mkdir()
    with pytest.raises(OptionError, match="no files to send"):
        by_value.find(["empty"], store)


def test_data_in_a_package_are_not_copied_for_every_job(
    own: OwnModules, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.put("pack/__init__.py", "")
    own.put("pack/data.bin", "x" * 5000)
    monkeypatch.setattr(by_value, "LARGEST_BYTES", 4000)
    with pytest.raises(TooLarge, match=r"largest so far is .*data\.bin") as raised:
        by_value.find(["pack"], store)
    assert raised.value.names == ("pack",)


def test_a_package_of_very_many_files_is_refused(
    own: OwnModules, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        own.put(f"pack/m{number}.py", "")
    monkeypatch.setattr(by_value, "MOST_FILES", 5)
    with pytest.raises(TooLarge, match="more than 5"):
        by_value.find(["pack"], store)


@pytest.mark.usefixtures("loose_umask")
def test_the_copy_can_be_read_by_its_owner_alone(
    own: OwnModules, store: Path, tmp_path: Path
) -> None:
    own.put("pack/__init__.py", "text")
    own.put("pack/tool.sh", "").chmod(0o755)
    own.put("pack/deep/er.py", "").chmod(0o444)
    by_value.write(by_value.find(["pack"], store), tmp_path / "copy")
    modes = {
        str(path.relative_to(tmp_path / "copy")): stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    }
    assert modes == {
        ".": 0o700,
        "pack": 0o700,
        "pack/__init__.py": 0o600,
        "pack/tool.sh": 0o700,
        "pack/deep": 0o700,
        "pack/deep/er.py": 0o600,
        **{f"{place}__pycache__": 0o700 for place in ("", "pack/", "pack/deep/")},
    }
    assert (tmp_path / "copy" / "pack" / "__init__.py").read_text() == "text"


def test_nothing_to_send_makes_no_folder(tmp_path: Path) -> None:
    by_value.write((), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_file_that_cannot_be_copied_is_named(
    own: OwnModules, store: Path, tmp_path: Path
) -> None:
    file = own.put("mine.py", "")
    sources = by_value.find(["mine"], store)
    file.unlink()
    with pytest.raises(CaptureError, match=r"--by-value mine: .*mine\.py cannot be copied"):
        by_value.write(sources, tmp_path / "copy")
