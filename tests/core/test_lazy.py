"""A module that a job imported loads here when it is first used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.core.lazy import lazy_module


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules that tell when they load."""
    (tmp_path / "lazy_one.py").write_text("import sys\nsys.lazy_loaded = True\nanswer = 42\n")
    (tmp_path / "lazy_bad.py").write_text("import no_such_module_at_all\n")
    (tmp_path / "lazy_pkg").mkdir()
    (tmp_path / "lazy_pkg" / "__init__.py").write_text("")
    (tmp_path / "lazy_pkg" / "part.py").write_text("name = __name__\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("lazy_")]:
        del sys.modules[name]
    if hasattr(sys, "lazy_loaded"):
        del sys.lazy_loaded


@pytest.mark.usefixtures("modules")
def test_a_module_loads_when_something_is_asked_of_it() -> None:
    module = lazy_module("lazy_one")
    assert not hasattr(sys, "lazy_loaded")
    assert module.answer == 42
    assert hasattr(sys, "lazy_loaded")


@pytest.mark.usefixtures("modules")
def test_an_import_finds_the_same_module() -> None:
    module = lazy_module("lazy_one")
    import lazy_one  # type: ignore[import-not-found]

    assert lazy_one is module
    assert lazy_module("lazy_one") is module


@pytest.mark.usefixtures("modules")
def test_a_part_of_a_package_is_found_through_the_package() -> None:
    lazy_module("lazy_pkg.part")
    assert sys.modules["lazy_pkg"].part.name == "lazy_pkg.part"


def test_a_module_that_is_loaded_is_itself() -> None:
    assert lazy_module("sys") is sys


def test_a_module_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        lazy_module("no_such_module_at_all")


@pytest.mark.usefixtures("modules")
def test_a_module_that_fails_to_load_says_so_when_it_is_used() -> None:
    module = lazy_module("lazy_bad")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        _ = module.anything
