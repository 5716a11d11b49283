"""Where a module comes from, and whether another process could import it."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest

from nbsubmit.core import origin
from nbsubmit.core.lazy import lazy_module
from tests.modules import OwnModules


def loaded_by_path(file: Path, name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_module_of_the_users_own_is_told_from_pythons_and_from_installed_ones(
    own: OwnModules,
) -> None:
    own.put("mine.py", "")
    assert origin.is_own(origin.place_of(own.load("mine")))
    for module in (json, importlib, sys, pytest, types.ModuleType("made")):
        assert not origin.is_own(origin.place_of(module)), module


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_packages_of_any_python_are_installed_ones(folder: str) -> None:
    assert not origin.is_own(f"/shared/python/lib/{folder}/numpy/__init__.py")
    assert origin.is_own(f"/shared/{folder}-of-mine/a.py")


def test_a_module_is_found_by_the_folder_that_an_import_has_to_be_led_to(own: OwnModules) -> None:
    own.put("mine.py", "")
    own.put("pack/__init__.py", "")
    own.put("spread/part.py", "")
    for name in ("mine", "pack", "spread"):
        assert origin.folder_of(own.load(name)) == str(own.path)
    assert origin.folder_of(sys) == ""


def test_what_an_import_finds_is_not_made_by_hand(own: OwnModules) -> None:
    own.put("mine.py", "")
    own.put("pack/inner.py", "")
    own.put("pack/__init__.py", "")
    for module in (own.load("mine"), own.load("pack.inner"), json, sys, pytest):
        assert not origin.is_made_by_hand(module)


def test_what_was_put_together_is_made_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made")
    assert origin.is_made_by_hand(module)
    monkeypatch.setitem(sys.modules, "made", module)
    assert origin.is_made_by_hand(module)


def test_a_namesake_of_an_importable_module_is_made_by_hand(own: OwnModules) -> None:
    own.put("mine.py", "")
    own.load("mine")
    assert origin.is_made_by_hand(types.ModuleType("mine"))
    assert origin.is_made_by_hand(types.ModuleType("json"))


def test_a_file_that_no_import_leads_to_is_made_by_hand(tmp_path: Path, own: OwnModules) -> None:
    aside = tmp_path / "aside.py"
    aside.write_text("")
    assert origin.is_made_by_hand(loaded_by_path(aside, "aside"))
    assert origin.is_made_by_hand(loaded_by_path(own.put("mine.py", ""), "called_otherwise"))


def test_a_module_stays_importable_when_its_folder_leaves_the_path(
    own: OwnModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.put("mine.py", "")
    mine = own.load("mine")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(own.path)])
    assert not origin.is_made_by_hand(mine)
    assert not origin.reachable(str(own.path))


def test_the_path_is_looked_through_as_an_import_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "lib"])
    assert origin.reachable(str(tmp_path))
    assert origin.reachable(str(tmp_path / "lib"))
    assert not origin.reachable("/")


def test_a_module_that_waits_to_be_used_goes_on_waiting(own: OwnModules) -> None:
    own.put("waits.py", "raise RuntimeError('it was loaded')")
    module = lazy_module("waits")
    assert origin.file_of(module) == str(own.path / "waits.py")
    assert not origin.is_made_by_hand(module)


def test_what_stands_in_a_modules_place_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert origin.file_of(None) == ""
    assert origin.place_of(object()) == ""


def test_somebody_elses_broken_finder_hides_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, *_: object) -> None:
            raise RuntimeError

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert origin.find("json") is not None
    assert origin.find("nothing_like_it") is None
