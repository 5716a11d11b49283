"""Which packages what travels needs, and whether those here will do."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import asdict

import pytest

from nbsubmit.core import packages
from nbsubmit.core.packages import Package
from nbsubmit.core.writer import BundleWriter
from tests.modules import OwnModules

CONFLICTS = {
    "the same": ("2.1.4", "2.1.4", False),
    "another minor": ("2.1.4", "2.9", False),
    "another major": ("2.1.4", "1.5.3", True),
    "before one, another patch": ("0.22.1", "0.22.9", False),
    "before one, another minor": ("0.22.1", "0.23.0", True),
    "a release to come": ("2.0.0rc1", "2.0.0", False),
    "a local version": ("2.4.0+cu121", "2.4.0+cpu", False),
    "another epoch's spelling": ("1!2.0", "2.5", False),
    "years": ("2023.3", "2025.1", False),
    "no version there": ("", "1.0", False),
    "no version here": ("1.0", "", False),
    "no number": ("unknown", "1.0", False),
}


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A package that is loaded."""
    module = types.ModuleType("gadget")
    monkeypatch.setitem(sys.modules, "gadget", module)
    return module


@pytest.mark.parametrize("case", CONFLICTS)
def test_another_major_version_may_not_read_what_was_written(
    package: types.ModuleType, case: str
) -> None:
    theirs, ours, conflicts = CONFLICTS[case]
    vars(package)["__version__"] = ours
    assert packages.conflict(Package("gadget", theirs, "x")) == (ours if conflicts else "")


def test_a_version_is_the_packages_own_word_or_else_its_installers(
    package: types.ModuleType,
) -> None:
    vars(package)["__version__"] = "1.2"
    assert packages.version("gadget") == "1.2"
    vars(package)["__version__"] = (1, 2)
    assert packages.version("gadget") == ""
    assert packages.version("pluggy") == sys.modules["pluggy"].__version__
    assert packages.version("click") != ""


def test_a_package_is_not_loaded_and_not_warned_about_to_get_its_version(
    package: types.ModuleType,
) -> None:
    def refuse(name: str) -> None:
        raise RuntimeError(f"{name} was asked for")

    vars(package)["__getattr__"] = refuse
    assert packages.version("gadget") == ""


def test_each_package_is_needed_once_by_the_first_name(package: types.ModuleType) -> None:
    vars(package)["__version__"] = "1.2"
    found = packages.needed({"gadget.a": "x", "gadget": "y", "pytest": "z"})
    assert found[0] == Package("gadget", "1.2", "x")
    assert [(p.name, p.needed_by) for p in found] == [("gadget", "x"), ("pytest", "z")]
    assert str(found[0]) == "gadget 1.2"


def test_what_every_job_has_is_not_listed() -> None:
    modules = dict.fromkeys(("json.decoder", "__main__", "builtins", "nbsubmit.core.cell"), "x")
    assert packages.needed({**modules, "never_loaded": "x"}) == ()


def test_a_module_of_the_users_own_has_a_place_and_no_version(own: OwnModules) -> None:
    file = own.put("mine.py", "__version__ = '1.0'")
    own.load("mine")
    assert packages.needed({"mine": "x"}) == (Package("mine", "", "x", str(file)),)


def test_modules_that_the_path_has_ceased_to_lead_to_say_where_they_are(
    own: OwnModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.put("mine.py", "")
    own.put("pack/__init__.py", "")
    needed = packages.needed({own.load(name).__name__: "x" for name in ("mine", "pack")})
    assert packages.folders(needed) == []
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(own.path)])
    assert packages.folders(needed) == [str(own.path)]


def test_what_stands_in_the_way_of_a_package_is_returned(own: OwnModules) -> None:
    own.put("broken.py", "1 / 0")
    assert isinstance(packages.load(Package("broken", "", "x")), ZeroDivisionError)
    assert isinstance(packages.load(Package("nothing_like_it", "", "x")), ModuleNotFoundError)
    assert packages.load(Package("json", "", "x")) is None


def test_packages_travel_as_plain_data() -> None:
    sent = (Package("gadget", "1.2", "x"), Package("mine", "", "y", "/home/mine.py"))
    assert packages.from_json(json.loads(json.dumps([asdict(p) for p in sent]))) == sent


def test_functions_of_compiled_packages_need_their_package() -> None:
    import numpy as np
    from scipy.special import gamma

    found = {}
    for value in (np.add, gamma, np.random.default_rng):
        writer = BundleWriter({})
        writer.add("f", [value])
        found[value.__name__] = [package.name for package in packages.needed(writer.modules)]
    assert found == {"add": ["numpy"], "gamma": ["scipy"], "default_rng": ["numpy"]}
