"""What it costs to have the extension loaded where no job is, counted and not timed.

Promise 8 of README.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import QUICK
from tests.kernels.front import Front

# The modules that each cell loads in a shell of a notebook.
MEASURE = """
import json, sys
import IPython, ipywidgets
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.run_cell("pass")
for cell in json.loads(sys.argv[1]):
    before = {*sys.modules}
    assert shell.run_cell(cell).success, cell
    print("loaded", json.dumps([*({*sys.modules} - before)]))
"""
LOAD = "%load_ext nbsubmit"
# Loaded by what works with jobs, each large or many.
HEAVY = ("cloudpickle", "wcwidth", "asyncio", "psutil", "email", "argparse", "difflib", "xxhash")


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., list[set[str]]]:
    """Run cells in a shell of a process of its own, and return what each has loaded."""

    def run(*cells: str) -> list[set[str]]:
        env = {**os.environ, **QUICK, "JPY_SESSION_NAME": str(tmp_path / "work.ipynb")}
        command = [sys.executable, "-c", MEASURE, json.dumps(cells)]
        done = subprocess.run(
            command, cwd=tmp_path, env=env, check=True, capture_output=True, text=True
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("loaded [")]
        return [set(json.loads(line.removeprefix("loaded "))) for line in lines]

    return run


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "nbsubmit"}


def heavy(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & {*HEAVY}


def test_to_load_the_extension_loads_little_of_ours_and_nothing_heavy(
    loaded: Callable[..., list[set[str]]], tmp_path: Path
) -> None:
    setting = f"%config NbSubmit.folder = {str(tmp_path / 'elsewhere')!r}"
    ordinary = ("x = 1", "x", "import json", "%lsmagic", "%config NbSubmit", setting, "!true")
    cells = ("import nbsubmit", LOAD, *ordinary, "%%slurm?", "%%local --wait --quiet\ny = 1")
    package, extension, *then, manual, job = loaded(*cells)
    assert package == {"nbsubmit"}
    assert "nbsubmit.notebook.doorway" in extension
    assert len(ours(extension)) <= 25
    assert len(extension) <= 30
    assert heavy(extension) == set()
    assert set().union(*map(ours, then)) == set()
    assert "nbsubmit.core.options" in manual
    assert "nbsubmit.notebook.workings" not in manual
    assert "nbsubmit.notebook.workings" in job
    assert "wcwidth" not in job
    assert len([*(tmp_path / "elsewhere" / "jobs").iterdir()]) == 1
    assert not (tmp_path / ".nbsubmit").exists()


def test_where_the_last_kernel_had_all_only_what_counts_its_jobs_is_loaded(
    loaded: Callable[..., list[set[str]]],
) -> None:
    loaded(LOAD, "%%local --wait --quiet\nx = 1", "assert x == 1")
    (extension,) = loaded(LOAD)
    assert "nbsubmit.notebook.news" in extension
    assert len(ours(extension)) <= 38
    assert heavy(extension) <= {"xxhash"}


def test_an_import_of_the_users_own_loads_what_remembers_its_text_and_no_more(
    loaded: Callable[..., list[set[str]]], tmp_path: Path
) -> None:
    (tmp_path / "helpers.py").write_text("x = 1\n")
    *_, found = loaded(LOAD, "import sys; sys.path.insert(0, '')", "import helpers")
    assert "nbsubmit.notebook.local_modules" in found
    assert "nbsubmit.notebook.workings" not in found


@pytest.mark.kernel
def test_what_asks_before_any_magic_is_answered(tmp_path: Path) -> None:
    front = Front(tmp_path, QUICK)
    count = "import sys; print(sum('nbsubmit.' in name for name in sys.modules))"
    try:
        front.run(LOAD)
        few = int(front.run(count).stdout)
        comm = next(m["content"]["comm_id"] for m in front.told if m["msg_type"] == "comm_open")

        def asks(message: dict[str, str], kind: str) -> dict[str, object]:
            """Send as JupyterLab does when it sees the line, and return what is told then."""
            data = {"comm_id": comm, "data": message}
            sent = front.client.session.msg("comm_msg", data)
            if front.subshell:
                sent["header"]["subshell_id"] = front.subshell
            before = len(front.told)
            front.client.shell_channel.send(sent)

            def told() -> dict[str, object] | None:
                found = (m["content"] for m in front.told[before:] if m["msg_type"] == "comm_msg")
                return next((c["data"] for c in found if c["data"]["kind"] == kind), None)

            answer: dict[str, object] = front.wait_for(told, f"a {kind}")
            return answer

        assert asks({"kind": "snapshot"}, "snapshot")["rows"] == []
        assert int(front.run(count).stdout) == few
        reply = asks({"kind": "cancel", "id": "240102-030405-bcdf", "number": "1"}, "reply")
        assert (reply["ok"], reply["to"]) == (False, "1")
        # A job that is sent now is told of by itself.
        before = len(front.told)
        front.run("%%local --wait --quiet\nx = 1")

        def event() -> bool:
            found = (m["content"] for m in front.told[before:] if m["msg_type"] == "comm_msg")
            return any(c["data"]["kind"] == "event" and c["data"]["rows"] for c in found)

        front.wait_for(event, "an event")
        assert asks({"kind": "snapshot"}, "snapshot")["rows"] != []
    finally:
        front.close()


OTHER = """
from IPython.core.magic import register_cell_magic

@register_cell_magic
def {name}(line, cell):
    print("the other one", line)
"""


@pytest.mark.kernel
def test_a_magic_of_another_extension_stays_its_own(tmp_path: Path) -> None:
    front = Front(tmp_path, QUICK)
    try:
        front.run(OTHER.format(name="slurm"))
        said = "nbsubmit: %%slurm belongs to __main__ and is left as it is\n"
        assert front.run(LOAD).stdout == said
        assert front.run("%%slurm -n 1\nx").stdout == "the other one -n 1\n"
        assert front.run("%reload_ext nbsubmit").stdout == said
        front.run("%%local --wait --quiet\nx = 1")
        assert front.run("%unload_ext nbsubmit\nprint(x)").stdout == "1\n"
        assert front.run("%%slurm\nx").stdout == "the other one \n"
        assert "not found" in front.try_("%%local\nx").stderr
        # What came after us is another's, too.
        front.run(LOAD)
        front.run(OTHER.format(name="local"))
        front.run("%unload_ext nbsubmit")
        assert front.run("%%local\nx").stdout == "the other one \n"
    finally:
        front.close()
