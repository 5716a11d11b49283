"""A job finds the modules, the path, the folder and the environment that the notebook has."""

from __future__ import annotations

import os
import shlex
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.errors import ResultUnreadable
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from tests.modules import OwnModules, bare_environment, packages_of
from tests.way import Way

PARTS = {
    "pack/__init__.py": "from .state import count\nfrom .thing import Thing",
    "pack/state.py": "count = [0]",
    "pack/thing.py": (
        "from pathlib import Path\n"
        "from . import state\n"
        "class Thing:\n"
        "    def __init__(self, n): self.n = n\n"
        "    def twice(self):\n"
        "        state.count[0] += 1\n"
        "        return Thing(self.n * 2)\n"
        "def table(): return (Path(__file__).parent / 'table.csv').read_text()\n"
    ),
    "pack/table.csv": "a,b",
}


@pytest.fixture
def pack(own: OwnModules) -> types.ModuleType:
    """A package with relative imports, state and data."""
    for name, text in PARTS.items():
        own.put(name, text)
    return own.load("pack.thing")


def hidden(own: OwnModules) -> CellOptions:
    """Options under which the job cannot see the folder of the user's own modules."""
    path = shlex.quote(str(own.path))
    return CellOptions(setup=(f"mv {path} {path}.away",))


def failed(job: Any) -> str:
    assert job.state is JobState.FAILED, job.names
    return str(job.status.reason)


# The path, the folder, the environment


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test changes around it is put back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("around")
def test_folders_put_on_the_path_are_looked_through_in_their_order(
    way: Way, tmp_path: Path
) -> None:
    for folder in ("lib", "other", "."):
        (tmp_path / folder).mkdir(exist_ok=True)
        for module in ("which", f"only_in_{Path(folder).name or 'here'}"):
            (tmp_path / folder / f"{module}.py").write_text(f"place = {folder!r}")
    sys.path[:] = [entry for entry in sys.path if entry]
    sys.path.insert(0, "")
    sys.path.insert(0, "other")
    sys.path.insert(0, str(tmp_path / "lib"))
    names = way.run(
        "import sys\n"
        "import which, only_in_lib, only_in_other, only_in_here\n"
        "found = [which.place, only_in_lib.place, only_in_other.place, only_in_here.place]\n"
        "path = list(sys.path)\n"
        "for name in ('which', 'only_in_lib', 'only_in_other', 'only_in_here'):\n"
        "    del sys.modules[name], globals()[name]"
    ).names
    assert names["found"] == ["lib", "lib", "other", "."]
    assert names["path"] == sys.path


@pytest.mark.usefixtures("around")
def test_the_working_directory_is_the_notebooks_now(way: Way, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    os.chdir(tmp_path / "there")
    assert way.run("import os\nhere = os.getcwd()").names["here"] == str(tmp_path / "there")


@pytest.mark.usefixtures("around")
def test_variables_set_changed_and_deleted_here_are_so_in_the_job(way: Way) -> None:
    os.environ |= {"NB_TEST_KEPT": "1", "NB_TEST_GONE": "1", "NB_TEST_CHANGED": "before"}
    way.run("1")
    os.environ["NB_TEST_CHANGED"] = 'after, with = and "quotes" and\na line'
    os.environ["NB_TEST_NEW"] = "ünï"
    os.environ["PYTHONPATH"] = os.pathsep.join(["/somewhere", *filter(None, sys.path)])
    del os.environ["NB_TEST_GONE"]
    names = way.run(
        "import os\n"
        "found = {n: v for n, v in os.environ.items() if n.startswith('NB_TEST')}\n"
        "path = os.environ['PYTHONPATH']"
    ).names
    assert names["found"] == {
        "NB_TEST_KEPT": "1",
        "NB_TEST_CHANGED": 'after, with = and "quotes" and\na line',
        "NB_TEST_NEW": "ünï",
    }
    assert names["path"] == os.environ["PYTHONPATH"]


@pytest.mark.usefixtures("around")
def test_an_option_wins_over_the_environment(way: Way) -> None:
    os.environ["NB_TEST"] = "the notebook's"
    options = CellOptions(env={"NB_TEST": "the option's"})
    job = way.run("import os\nfound = os.environ['NB_TEST']", options=options)
    assert job.names["found"] == "the option's"
    assert os.environ["NB_TEST"] == "the notebook's"


@pytest.mark.usefixtures("around")
def test_what_a_cell_does_around_itself_does_not_leak_into_the_notebook(
    way: Way, tmp_path: Path
) -> None:
    os.environ["NB_TEST"] = "1"
    before = dict(os.environ), list(sys.path), Path.cwd(), sys.path
    job = way.run(
        "import os, sys\n"
        "os.environ['NB_TEST'] = '2'\n"
        "os.environ['NB_TEST_NEW'] = '1'\n"
        "del os.environ['PATH']\n"
        "sys.path.insert(0, '/nowhere')\n"
        "os.chdir('/')\n"
        "x = 1"
    )
    assert job.names["x"] == 1
    assert (dict(os.environ), list(sys.path), Path.cwd(), sys.path) == before
    assert sys.path is before[3]


def test_a_module_that_the_path_has_ceased_to_lead_to_is_found_all_the_same(
    way: Way, pack: types.ModuleType, own: OwnModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(own.path)])
    home = {"thing": pack.Thing(4)}
    job = way.run("more = thing.twice()", home)
    assert type(job.names["more"]) is pack.Thing
    assert job.names["more"].n == 8


# By value


def test_source_that_the_node_cannot_see_goes_along(
    make_way: Callable[..., Way], started_backend: str, own: OwnModules, pack: types.ModuleType
) -> None:
    way = make_way(started_backend)
    options = hidden(own)
    options = CellOptions(setup=options.setup, by_value=("pack.thing",))
    job = way.run(
        "import pack.state\n"
        "from pack.thing import table\n"
        "more = thing.twice()\n"
        "same = type(more) is type(thing)\n"
        "seen = pack.count, pack.state.count\n"
        "text = table()\n"
        "place = pack.__file__",
        {"thing": pack.Thing(4)},
        options=options,
    )
    assert job.exception() is None
    names = job.names
    assert (names["more"].n, names["same"], names["text"]) == (8, True, "a,b")
    assert type(names["more"]) is pack.Thing
    assert names["seen"] == ([1], [1])
    assert names["place"] == str(job.folder.modules / "pack" / "__init__.py")
    assert job.sent.by_value == ({"name": "pack", "files": 4, "size_bytes": size_of(PARTS)},)


def size_of(parts: dict[str, str]) -> int:
    return sum(len(text) for text in parts.values())


def test_source_goes_along_for_what_only_the_cell_imports(
    make_way: Callable[..., Way], started_backend: str, own: OwnModules
) -> None:
    own.put("single.py", "def f(): return 7")
    own.put("spread/part.py", "x = 8")
    options = CellOptions(setup=hidden(own).setup, by_value=("single", "spread"))
    job = make_way(started_backend).run(
        "import single\nfrom spread.part import x\ny = single.f() + x\ndel single",
        options=options,
    )
    assert job.names == {"y": 15, "x": 8}
    assert "single" not in sys.modules


def test_the_copy_wins_over_what_the_node_has(way: Way, own: OwnModules) -> None:
    own.put("single.py", "x = 1")
    options = CellOptions(by_value=("single",))
    job = way.run("import single\nplace = single.__file__\ndel single", options=options)
    assert job.names["place"] == str(job.folder.modules / "single.py")
    # In the notebook's own process, too, nothing of the job's folder stays behind.
    assert "single" not in sys.modules
    assert str(job.folder.modules) not in sys.path


def test_a_module_that_the_node_cannot_see_is_named_with_the_cure(
    make_way: Callable[..., Way], started_backend: str, own: OwnModules, pack: types.ModuleType
) -> None:
    way = make_way(started_backend)
    reason = failed(way.run("thing.n", {"thing": pack.Thing(1)}, options=hidden(own)))
    assert "thing needs pack, which cannot be imported on" in reason
    assert "--by-value pack" in reason


def test_nothing_is_written_for_source_that_is_not_there(way: Way) -> None:
    from nbsubmit.core.errors import OptionError

    with pytest.raises(OptionError, match="no such module here"):
        way.send("1", options=CellOptions(by_value=("nothing_like_it",)))
    assert not way.store.exists()


def test_a_module_made_by_hand_goes_and_comes_with_its_state(way: Way) -> None:
    made = types.ModuleType("made")
    exec(
        "count = 0\ndef bump():\n    global count\n    count += 1\n    return count", made.__dict__
    )
    job = way.run("first = m.bump()\nfree = m.count\nother = m.bump", {"m": made})
    assert job.exception() is None
    assert (job.names["first"], job.names["free"]) == (1, 1)
    assert job.names["m"].count == 1
    assert job.names["other"].__globals__ is vars(job.names["m"])
    assert vars(made)["count"] == 0


def test_a_module_that_a_cell_makes_comes_back(way: Way) -> None:
    job = way.run("import types\nm = types.ModuleType('m')\nm.x = 5\ndel types")
    assert job.names["m"].x == 5


# Another environment


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has only what a job needs."""
    return bare_environment(tmp_path_factory.mktemp("bare") / "env")


def test_an_environment_without_a_package_is_told_what_is_missing_for_whom(
    make_way: Callable[..., Way], started_backend: str, bare: Path
) -> None:
    import numpy

    options = CellOptions(python=str(bare))
    job = make_way(started_backend).run("a.sum()", {"a": numpy.arange(3)}, options=options)
    reason = failed(job)
    assert f"a needs numpy {numpy.__version__}, which cannot be imported on" in reason
    assert str(bare) in reason
    assert "--python COMMAND, or --setup LINE" in reason


def test_a_bound_package_is_needed_too(
    make_way: Callable[..., Way], started_backend: str, bare: Path
) -> None:
    import numpy

    options = CellOptions(python=str(bare))
    reason = failed(make_way(started_backend).run("np.pi", {"np": numpy}, options=options))
    assert f"np needs numpy {numpy.__version__}" in reason


def test_an_environment_that_has_what_is_needed_serves(
    make_way: Callable[..., Way], started_backend: str, bare: Path, own: OwnModules
) -> None:
    own.put("single.py", "class Kind: ...")
    kind = own.load("single").Kind
    options = CellOptions(python=str(bare))
    job = make_way(started_backend).run(
        "import sys\nprefix = sys.prefix\nmore = type(x)()", {"x": kind()}, options=options
    )
    assert job.exception() is None
    assert job.names["prefix"] == str(bare.parents[1])
    assert type(job.names["more"]) is kind


GADGET = "__version__ = {version!r}\nclass Gadget:\n    made_by = {version!r}\n"


@pytest.fixture
def gadget(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnModules]:
    """An installed package of version 1.2 here, and 2.0 in the bare environment."""
    here = OwnModules(tmp_path / "site-packages")
    here.put("gadget.py", GADGET.format(version="1.2"))
    there = packages_of(bare.parents[1]) / "gadget.py"
    there.write_text(GADGET.format(version="2.0"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(here.path)])
    yield here
    here.forget()
    there.unlink()


def test_another_major_version_of_what_goes_is_refused_with_both(
    make_way: Callable[..., Way], started_backend: str, bare: Path, gadget: OwnModules
) -> None:
    thing = gadget.load("gadget").Gadget()
    job = make_way(started_backend).run(
        "thing.made_by", {"thing": thing}, options=CellOptions(python=str(bare))
    )
    reason = failed(job)
    assert "thing needs gadget 1.2, which the notebook has" in reason
    assert "there is gadget 2.0" in reason


def test_another_major_version_of_what_comes_back_is_not_read_and_not_lost(
    make_way: Callable[..., Way], started_backend: str, bare: Path, gadget: OwnModules
) -> None:
    job = make_way(started_backend).run(
        "import gadget\nn = 1\nthing = gadget.Gadget()", options=CellOptions(python=str(bare))
    )
    assert job.state is JobState.COMPLETED
    with pytest.raises(
        ResultUnreadable, match=r"wrote thing with gadget 2\.0.*here is gadget 1\.2"
    ):
        job.names  # noqa: B018
    (gadget.path / "gadget.py").write_text(GADGET.format(version="2.3"))
    gadget.forget()
    assert job.names["thing"].made_by == "2.3"
    assert job.names["n"] == 1


def test_a_package_that_only_the_job_has_keeps_just_its_own_values_away(
    make_way: Callable[..., Way], started_backend: str, bare: Path, gadget: OwnModules
) -> None:
    (gadget.path / "gadget.py").unlink()
    job = make_way(started_backend).run(
        "from gadget import Gadget\nn = 1\nthing = Gadget()\ndel Gadget",
        options=CellOptions(python=str(bare)),
    )
    assert job.names == {"n": 1}
    assert "No module named 'gadget'" in job.load_errors["thing"]
    assert f"nbsubmit.attach({job.id!r})" in job.load_errors["thing"]


def test_the_error_of_a_cell_is_told_even_if_its_values_cannot_be_read(
    make_way: Callable[..., Way], started_backend: str, bare: Path, gadget: OwnModules
) -> None:
    job = make_way(started_backend).run(
        "import gadget\nthing = gadget.Gadget()\n1 / 0", options=CellOptions(python=str(bare))
    )
    assert "ZeroDivisionError: division by zero" in str(job.exception())
