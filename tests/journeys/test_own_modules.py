"""Modules of the user's own beside the notebook, in real kernels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

EDITED = (
    "helpers.py was edited after this kernel imported it: the job runs the new text, the kernel "
    "the old one; reload it to have both the same"
)


@pytest.fixture
def helpers(tmp_path: Path) -> Path:
    """A module beside the notebook, and another that imports it."""
    (tmp_path / "other.py").write_text("def nothing(): ...\n")
    (tmp_path / "over.py").write_text("from helpers import number\n")
    file = tmp_path / "helpers.py"
    write(file, 1)
    return file


def write(file: Path, number: int) -> None:
    """Write a text that tells itself from earlier ones, at a time of its own."""
    file.write_text(f"def number(): return {number}\nclass Kind: n = {number}\n")
    os.utime(file, (1_000_000_000 + number, 1_000_000_000 + number))


def test_a_module_beside_the_notebook_is_the_same_in_the_job(
    kernel: Kernel, magic: str, helpers: Path
) -> None:
    kernel.run("import helpers\nkind = helpers.Kind()")
    kernel.run(f"{magic} --wait --quiet\nx = helpers.number()\nmore = type(kind)()")
    assert kernel.run("print(x, type(more) is helpers.Kind)").stdout == "1 True\n"


def test_a_module_that_was_edited_is_told_wherever_it_is_said_what_is_sent(
    start_kernel: Callable[..., Kernel], helpers: Path
) -> None:
    kernel = start_kernel()
    kernel.run("import helpers")
    assert EDITED not in kernel.run("%%local --dry-run\nhelpers.number()").stdout
    write(helpers, 2)
    assert EDITED in kernel.run("%%local --dry-run\nhelpers.number()").stdout
    assert EDITED in kernel.run("%%local --no-panel\nx = helpers.number()").stdout
    assert EDITED in kernel.run("%jobs show").stdout
    kernel.run("%%local --as job --fresh\nx = helpers.number()")
    kernel.run("job")
    until(lambda: EDITED in kernel.widgets_after(0.2), "the panel says it")
    # And it is so: the job runs the new text, the kernel the old one.
    assert kernel.run("job.wait()\nprint(x, helpers.number())").stdout.endswith("2 1\n")


REACHED = {
    "an instance": ("from helpers import Kind\nkind = Kind()", "kind.n"),
    "a function": ("from helpers import number", "number()"),
    "a module that imports it": ("import over", "over.number()"),
    "a function of the notebook": ("import helpers\ndef f(): return helpers.number()", "f()"),
    "an import in the cell": ("import helpers", "from helpers import number"),
}


@pytest.mark.parametrize("how", REACHED)
def test_an_edit_is_told_to_a_cell_that_reaches_the_module_by(
    start_kernel: Callable[..., Kernel], helpers: Path, how: str
) -> None:
    before, cell = REACHED[how]
    kernel = start_kernel()
    kernel.run(before)
    write(helpers, 2)
    assert EDITED in kernel.run(f"%%local --dry-run\n{cell}").stdout


RELOADED = {
    "by hand": "import importlib\nimportlib.reload(helpers)",
    "by autoreload": "pass",
}


@pytest.mark.parametrize("how", RELOADED)
def test_a_reloaded_module_is_the_same_again(
    start_kernel: Callable[..., Kernel], helpers: Path, how: str
) -> None:
    kernel = start_kernel()
    kernel.run("%load_ext autoreload\nimport helpers")
    kernel.run("%autoreload 2" if "auto" in how else "pass")
    write(helpers, 2)
    kernel.run(RELOADED[how])
    assert kernel.run("print(helpers.number())").stdout == "2\n"
    assert EDITED not in kernel.run("%%local --dry-run\nhelpers.number()").stdout
    kernel.run("%autoreload 0")
    write(helpers, 3)
    assert EDITED in kernel.run("%%local --dry-run\nhelpers.number()").stdout


def test_an_edit_is_not_told_where_it_says_nothing(
    start_kernel: Callable[..., Kernel], helpers: Path
) -> None:
    kernel = start_kernel()
    kernel.run("import helpers, other")
    os.utime(helpers)
    assert EDITED not in kernel.run("%%local --dry-run\nhelpers.number()").stdout
    write(helpers, 2)
    assert EDITED not in kernel.run("%%local --dry-run\nother.nothing()").stdout
    # It runs in the kernel's own process, with what the kernel has.
    ran = kernel.run("%%local --debug --no-panel --wait\nx = helpers.number()")
    assert EDITED not in ran.stdout
    assert kernel.run("print(x)").stdout == "1\n"


def test_a_module_that_was_imported_before_the_extension_was_loaded_is_known(
    start_kernel: Callable[..., Kernel], helpers: Path
) -> None:
    kernel = start_kernel()
    kernel.run("%unload_ext nbsubmit\nimport helpers\n%load_ext nbsubmit")
    write(helpers, 2)
    assert EDITED in kernel.run("%%local --dry-run\nhelpers.number()").stdout


def test_what_looks_at_modules_goes_with_the_extension(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    count = "len(get_ipython().events.callbacks['post_run_cell'])"
    assert kernel.run(f"%reload_ext nbsubmit\nn = {count}").status == "ok"
    assert kernel.run(f"%unload_ext nbsubmit\nprint(n - {count})").stdout == "1\n"


@pytest.mark.parametrize("how", ["the option", "the setting"])
def test_source_goes_along_by(
    start_kernel: Callable[..., Kernel], tmp_path: Path, how: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "apart.py").write_text("class Kind: n = 7\n")
    by_setting = {"NBSUBMIT_BY_VALUE": "apart"} if how == "the setting" else {}
    kernel = start_kernel(**by_setting)
    kernel.run("import sys\nsys.path.insert(0, 'lib')\nfrom apart import Kind\nkind = Kind()")
    option = "--by-value apart" if how == "the option" else ""
    line = f"%%local {option} --setup 'mv lib away'"
    plan = kernel.run(f"{line} --dry-run\nkind").stdout
    assert "its source" in plan
    ran = kernel.run(f"{line} --no-panel --as job\nmore = type(kind)()\nn = more.n")
    assert "apart 18 B (its source)" in ran.stdout
    assert kernel.run("print(n, type(more) is Kind)").stdout == "7 True\n"


def test_a_module_that_is_not_there_is_refused_before_anything_is_sent(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    ran = start_kernel().try_("%%local --by-value helprs\n1")
    assert "--by-value helprs: there is no such module here" in ran.traceback
    assert "Traceback" not in ran.traceback
    assert not (tmp_path / ".nbsubmit").exists()


def test_a_module_that_a_job_brought_home_is_not_loaded_by_sending_it_again(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text("print('loaded here')\nx = 5\n")
    kernel = start_kernel()
    kernel.run("%%local --wait --quiet\nimport slow")
    ran = kernel.run("%%local --dry-run\nslow.x")
    assert "loaded here" not in ran.stdout
    kernel.run("%%local --wait --quiet\ny = slow.x")
    assert kernel.run("print(y)").stdout == "5\n"
    assert "loaded here" in kernel.run("slow.x").stdout


def test_an_edit_while_the_importing_cell_still_ran_is_told(
    start_kernel: Callable[..., Kernel], helpers: Path
) -> None:
    kernel = start_kernel(PYTHONDONTWRITEBYTECODE="")
    kernel.run(
        "import helpers, pathlib\n"
        f"pathlib.Path({str(helpers)!r}).write_text('def number(): return 2 + 0')"
    )
    assert EDITED in kernel.run("%%local --dry-run\nhelpers.number()").stdout


def test_a_global_that_was_set_here_is_told_when_a_cell_that_needs_it_is_sent(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    (tmp_path / "counts.py").write_text("counter = 0\n")
    kernel = start_kernel()
    kernel.run("import counts")
    told = "counts.counter was set after this kernel imported its module"
    assert told not in kernel.run("%%local --dry-run\ncounts.counter").stdout
    kernel.run("counts.counter = 3")
    assert told in kernel.run("%%local --dry-run\ncounts.counter").stdout
    assert kernel.run("%%local --wait --quiet\ncounts.counter").result == "0"
