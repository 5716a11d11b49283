"""The rooms of the house, and which doors there are between them.

A module may use its own room, the rooms that stand beside its own in ROOMS, and the packages from
outside that are named there. Imports inside functions and under TYPE_CHECKING count: a door that
is seldom used is a door. Backends are found by name, so nobody needs one to them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "nbsubmit"


@dataclass(frozen=True)
class Room:
    """What a room may use besides itself and the standard library."""

    rooms: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    only_in: dict[str, frozenset[str]] = field(default_factory=dict)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROOMS = {
    "core": Room(
        outside=words("cloudpickle xxhash"),
        # Loaded when a value of the package is met, never before.
        only_in={
            "arrays": words("numpy"),
            # Python has it since 3.11.
            "config_files": words("tomli"),
            "arrow": words("numpy pyarrow"),
            "figures": words("matplotlib"),
            "frames": words("pandas"),
            "in_files": words("numpy"),
            "polars": words("polars"),
            "subclasses": words("numpy"),
            "tensors": words("torch"),
            "views": words("numpy"),
        },
    ),
    "worker": Room(
        words("core"),
        # Started when a cell first needs it; the light worker does without.
        only_in={
            "family": words("psutil"),
            "gpus": words("pynvml"),
            "ishell": words("IPython matplotlib_inline traitlets"),
            "shell": words("IPython"),
        },
    ),
    "backends": Room(words("core worker"), words("psutil")),
    "client": Room(words("core backends"), words("wcwidth")),
    "sandbox": Room(words("core"), words("psutil")),
    "notebook": Room(
        words("core backends client"),
        words("IPython ipywidgets traitlets"),
        only_in={"comm": words("comm")},
    ),
    "server": Room(words("core backends client"), words("jupyter_server tornado")),
    "cli": Room(words("core backends client sandbox"), words("click nbformat nbclient")),
}

# Inside the core a module may use those that a job has passed before it. The docstring of
# nbsubmit.core is the map; this is the same order, for the modules that it names.
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)
IDS = [str(path.relative_to(ROOT)) for path in MODULES]
FRONT = sorted(path for path in ROOT.glob("*.py"))
# Loaded only when somebody names them.
BY_NAME = ("__main__.py", "helpers.py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write imports in full, from nbsubmit..."
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_module_uses_only_the_rooms_that_stand_before_its_own(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        top, *rest = name.split(".")
        if top == "nbsubmit" and rest:
            # What the front door itself holds is not a room.
            assert rest[0] in {here, *ROOMS[here].rooms} or rest[0] not in ROOMS, (
                f"{here} reaches into {name}"
            )


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_module_uses_only_the_packages_that_are_named_beside_its_room(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[here].outside | ROOMS[here].only_in.get(path.stem, frozenset())
    for name in imported(path):
        top = name.partition(".")[0]
        if top != "nbsubmit" and top not in sys.stdlib_module_names:
            assert top in allowed, f"{path.relative_to(ROOT)} may not use {top}"


def test_every_folder_is_a_room_and_every_room_a_folder() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in MODULES}
    assert folders == set(ROOMS)


def test_no_room_can_be_reached_from_itself() -> None:
    seen: set[str] = set()
    for name, room in ROOMS.items():
        assert room.rooms <= seen, f"{name} stands before a room that it uses"
        seen.add(name)


@pytest.mark.parametrize("name", ["IPython", "traitlets"])
def test_the_worker_opens_the_door_to_ipython_only_when_a_cell_asks(name: str) -> None:
    shell = ROOT / "worker" / "shell.py"
    for path in (ROOT / "worker").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = imported_by(node)
            assert path.stem == "ishell" or name not in names, path.name
    lazily = {name for name in imported(shell) if name.startswith("IPython")}
    assert lazily == {"IPython.display.display"}


def imported_by(statement: ast.stmt) -> set[str]:
    """The packages that a statement at the top of a module imports."""
    if isinstance(statement, ast.Import):
        return {alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.ImportFrom) and statement.module:
        return {statement.module.partition(".")[0]}
    return set()


CORE = sorted((ROOT / "core").rglob("*.py"))
SCHEDULERS_AND_WIDGETS = re.compile(r"sbatch|squeue|sacct|scancel|ipywidgets", re.IGNORECASE)


@pytest.mark.parametrize("path", CORE, ids=[str(path.relative_to(ROOT)) for path in CORE])
def test_the_core_cannot_even_name_a_scheduler_or_a_widget(path: Path) -> None:
    found = SCHEDULERS_AND_WIDGETS.findall(path.read_text())
    assert found == []


FOLDERS = {"ambient", "changes", "definitions", "names", "reducers"}


def the_way() -> list[str]:
    """The modules of the core in the order in which its docstring lists them."""
    text = ast.get_docstring(ast.parse((ROOT / "core" / "__init__.py").read_text())) or ""
    return re.findall(r"^(\w+)  +\S", text, re.MULTILINE)


def test_the_map_of_the_core_names_modules_that_are_there() -> None:
    there = {path.stem for path in (ROOT / "core").glob("*.py")} | FOLDERS
    assert len(the_way()) > 15
    assert set(the_way()) <= there


def test_every_module_of_the_core_stands_on_its_map() -> None:
    there = {path.stem for path in (ROOT / "core").glob("*.py")} - {"__init__"}
    assert there | FOLDERS == set(the_way())


@pytest.mark.parametrize("name", the_way())
def test_a_module_of_the_core_uses_only_those_that_a_job_passes_before_it(name: str) -> None:
    way = the_way()
    place = ROOT / "core" / name
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    for path in files:
        for used in imported(path):
            _, _, inside = used.partition("nbsubmit.core.")
            other = inside.partition(".")[0]
            if other in way and other != name:
                assert way.index(other) < way.index(name), f"{name} uses {other}"


@pytest.mark.parametrize("path", FRONT, ids=[path.name for path in FRONT])
def test_the_front_door_opens_only_when_somebody_comes(path: Path) -> None:
    """What stands at the top of these files is paid for by every job."""
    for statement in ast.parse(path.read_text()).body:
        for name in imported_by(statement):
            assert name in sys.stdlib_module_names or path.name in BY_NAME, name


def test_the_map_of_the_core_is_only_a_map() -> None:
    assert len(ast.parse((ROOT / "core" / "__init__.py").read_text()).body) == 1
