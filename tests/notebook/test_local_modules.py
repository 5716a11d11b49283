"""The user's own modules: which ones a job runs, and what has become of them since the import."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.lazy import lazy_module
from nbsubmit.core.own_modules import used
from nbsubmit.notebook import own_imports
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.own_imports import OwnImports
from tests.modules import OwnModules

EDITED = (
    "was edited after this kernel imported it: the job runs the new text, the kernel the old one; "
    "reload it to have both the same"
)


@pytest.fixture
def local(own: OwnModules, monkeypatch: pytest.MonkeyPatch) -> LocalModules:
    """What has looked once, as when the extension was loaded."""
    monkeypatch.chdir(own.path)
    modules = LocalModules(OwnImports())
    modules.look()
    return modules


def edit(file: Path, text: str) -> None:
    """Write another text at another time, however coarse the disk's clock is."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


def test_an_edited_module_is_told_in_one_line(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    assert local.warnings(["mine"], "") == []
    edit(file, "x = 2")
    assert local.warnings(["mine"], "") == [
        "mine.py was edited after this kernel imported it: the job runs the new text, the kernel "
        "the old one; reload it to have both the same"
    ]


def test_what_the_job_does_not_use_is_not_told(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 2")
    assert local.warnings(["pathlib", "pytest"], "import json") == []


def test_a_touch_is_no_edit(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 1")
    assert local.warnings(["mine"], "") == []


def test_an_edit_that_was_taken_back_is_none(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 2")
    edit(file, "x = 1")
    assert local.warnings(["mine"], "") == []


def test_an_edit_of_the_same_length_in_the_same_moment_escapes_only_by_its_stamp(
    own: OwnModules, local: LocalModules
) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 9")
    assert len(local.warnings(["mine"], "")) == 1


def test_a_reload_makes_both_the_same(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    mine: Any = own.load("mine")
    local.look()
    edit(file, "x = 2")
    importlib.reload(mine)
    assert local.warnings(["mine"], "") == []
    edit(file, "x = 3")
    assert len(local.warnings(["mine"], "")) == 1


def test_an_edit_after_a_reload_in_an_earlier_cell_is_told(
    own: OwnModules, local: LocalModules
) -> None:
    file = own.put("mine.py", "x = 1")
    mine: Any = own.load("mine")
    local.look()
    edit(file, "x = 2")
    importlib.reload(mine)
    local.look()  # at the end of the cell that reloads
    edit(file, "x = 3")
    assert len(local.warnings(["mine"], "")) == 1


def test_a_new_import_after_it_was_forgotten_counts(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 2")
    del sys.modules["mine"]
    own.load("mine")
    assert local.warnings(["mine"], "") == []


def test_a_module_that_is_gone_is_told(own: OwnModules, local: LocalModules) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    file.unlink()
    assert local.warnings(["mine"], "") == [
        "mine.py is gone since this kernel imported it: the job cannot import it"
    ]


def test_a_module_elsewhere_is_shown_with_its_path(
    own: OwnModules, local: LocalModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own.put("mine.py", "x = 1")
    own.load("mine")
    local.look()
    edit(file, "x = 2")
    monkeypatch.chdir("/")
    monkeypatch.chdir(own.path.parent.parent)
    own.put("other/x", "")
    monkeypatch.chdir(own.path / "other")
    assert local.warnings(["mine"], "")[0].startswith(f"{file} was edited")


def test_a_module_that_waits_to_be_used_is_read_when_it_is(
    own: OwnModules, local: LocalModules
) -> None:
    file = own.put("waits.py", "x = 1")
    waits = lazy_module("waits")
    local.look()
    edit(file, "x = 2")
    assert vars(waits) is not None
    assert waits.x == 2
    assert local.warnings(["waits"], "") == []


def test_a_lazy_module_is_remembered_from_its_first_use_on_though_no_other_came(
    own: OwnModules, local: LocalModules
) -> None:
    file = own.put("waits.py", "x = 1")
    waits = lazy_module("waits")
    local.look()
    assert waits.x == 1
    local.look()
    edit(file, "x = 2")
    assert local.warnings(["waits"], "") == [f"waits.py {EDITED}"]


def test_a_module_is_not_lazy_for_the_name_of_its_class(
    own: OwnModules, local: LocalModules
) -> None:
    text = (
        "import sys, types\nclass _LazyModule(types.ModuleType): ...\n"
        "sys.modules[__name__].__class__ = _LazyModule\n"
    )
    file = own.put("mine.py", text)
    own.load("mine")
    local.look()
    edit(file, text + "x = 2")
    assert local.warnings(["mine"], "") == [f"mine.py {EDITED}"]


GRAPH = {
    "top.py": "import middle\nfrom pathlib import Path",
    "middle.py": "from deep import RATE",
    "deep.py": "RATE = 3",
    "inside.py": "def f():\n    import late\n    return late.x",
    "late.py": "x = 1",
    "dynamic.py": "import importlib\nfound = importlib.import_module('hidden')",
    "hidden.py": "",
    "holds.py": "import sys\nKind = sys.modules['deep2'].Kind",
    "deep2.py": "class Kind: ...",
    "pack/__init__.py": "",
    "pack/a.py": "from . import b\nfrom .sub.c import value",
    "pack/b.py": "",
    "pack/sub/__init__.py": "",
    "pack/sub/c.py": "value = 1",
    "pack/unused.py": "",
    "circle1.py": "import circle2",
    "circle2.py": "import circle1",
    "broken.py": "x = 1",
}
REACHED = {
    "through imports of values": ("top", "", "deep middle top"),
    "in a function": ("inside", "", "inside late"),
    "by its name as text": ("dynamic", "", "dynamic hidden"),
    "by a class that it holds": ("holds", "", "deep2 holds"),
    "through a package": ("pack.a", "", "pack pack.a pack.b pack.sub pack.sub.c"),
    "in a circle": ("circle1", "", "circle1 circle2"),
    "by the cell": ("json", "def f():\n    from middle import RATE", "deep middle"),
    "by a part": ("pack.b", "", "pack pack.b"),
    "of what Python has": ("json", "import os, pytest", ""),
    "of what is not there": ("nothing_like_it", "import nor_this", ""),
    "by a cell that is not Python": ("deep", "%magic", "deep"),
}


@pytest.fixture
def graph(own: OwnModules) -> None:
    for name, text in GRAPH.items():
        own.put(name, text)
    own.load("deep2")
    for name in GRAPH:
        module = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        own.load(module)


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize("how", REACHED)
def test_modules_are_reached(how: str) -> None:
    start, source, expected = REACHED[how]
    assert used([start], source) == expected.split()


@pytest.mark.usefixtures("graph")
def test_half_of_an_edit_is_no_python_and_no_error(own: OwnModules, local: LocalModules) -> None:
    local.look()
    edit(own.path / "broken.py", "x = (")
    assert len(local.warnings(["broken"], "")) == 1


def test_what_is_no_module_is_passed_over(
    own: OwnModules, local: LocalModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stand_in", object())
    monkeypatch.setitem(sys.modules, "nothing", None)
    monkeypatch.setitem(sys.modules, "made", types.ModuleType("made"))
    assert local.warnings(["stand_in", "nothing", "made"], "") == []


def test_after_a_cell_that_imports_nothing_no_module_is_looked_into(
    own: OwnModules, local: LocalModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.put("mine.py", "")
    own.load("mine")
    looked_into: list[object] = []

    def is_loaded(module: object) -> bool:
        looked_into.append(module)
        return True

    monkeypatch.setattr(own_imports, "is_loaded", is_loaded)
    local.look()
    assert looked_into
    looked_into.clear()
    local.look()
    assert looked_into == []


SET = (
    "mine.rate was set after this kernel imported its module: the job imports it anew, with the "
    "value from its text; set it in the cell"
)


def test_a_global_that_was_set_after_the_import_is_told(
    own: OwnModules, local: LocalModules
) -> None:
    own.put("mine.py", "rate, size, kept, many = 1, (1, 'a'), None, []")
    mine: Any = own.load("mine")
    local.look()
    assert local.warnings(["mine"], "") == []
    mine.rate = 1
    mine.many.append(1)
    mine.added = 1
    assert local.warnings(["mine"], "") == []
    mine.rate = 2
    assert local.warnings(["mine"], "") == [SET]
    assert local.warnings([], "import json") == []
    mine.size, mine.kept = (2, "a"), "secret"
    assert local.warnings(["mine"], "")[0].startswith("mine.rate, mine.size, mine.kept were set")
    mine.rate, mine.size, mine.kept = 1, (1, "a"), None
    assert local.warnings(["mine"], "") == []


def test_what_an_import_sets_in_another_module_is_not_told(
    own: OwnModules, local: LocalModules
) -> None:
    own.put("mine.py", "rate = size = 1")
    own.put("plugin.py", "import mine\nmine.rate = 2")
    own.put("other.py", "x = 1")
    mine: Any = own.load("mine")
    local.look()
    own.load("plugin")
    local.look()
    assert local.warnings(["mine", "plugin"], "") == []
    mine.rate = 3
    own.load("other")
    local.look()
    assert local.warnings(["mine"], "") == [SET]
