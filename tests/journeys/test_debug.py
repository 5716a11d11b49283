"""``%jobs debug``: IPython's debugger on the frames that a failed job has left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from nbsubmit.core.folder import FORMAT
from tests.journeys.kernel import Kernel
from tests.journeys.test_cell_to_result import plain
from tests.journeys.test_terminal import PROMPT, run, terminal
from tests.way import until

__all__ = ["terminal"]

pytestmark = pytest.mark.kernel

HOME = """
%colors nocolor
factor = 3
class Net:
    def __init__(self, w): self.w = w
    def __repr__(self): return f"Net({self.w})"
net = Net(4)
def invert(x, *rest, of=1, **kw):
    low = x - rest[0]
    return factor * of / low
def use(model):
    table = {"losses": list(range(30)), "model": model}
    return invert(1, 1, of=model.w, note="n")
"""
CELL = "_private = 'kept there'\nbest = net\nuse(net)"


def failed(kernel: Kernel, magic: str, cell: str = CELL) -> None:
    """Have a cell fail in a job."""
    ran = kernel.try_(f"{magic} --wait --quiet --as job\n{cell}")
    assert ran.status == "error", ran


def job_of(kernel: Kernel) -> str:
    return kernel.run("print(job.id)").stdout.strip()


def test_one_walks_through_the_frames_and_their_values(kernel: Kernel, magic: str) -> None:
    kernel.run(HOME)
    failed(kernel, magic)
    told = kernel.answering(
        "%jobs debug",
        *("a", "p low", "factor * 2", "up", "pp table", "up", "p best is net, _private"),
        *("down", "p model", "where", "q"),
    ).stdout
    head, a, low, up, pp, top, names, down, where = (
        "FAILED",
        "x = 1\nof = 4\nrest = (1,)\nkw = {'note': 'n'}\n",
        "0\n6\n",
        '---> 12     return invert(1, 1, of=model.w, note="n")',
        " 29],\n 'model': Net(4)}",
        "----> 4 use(net)",
        "(True, 'kept there')\n",
        "use()\n",
        "----> 9     return factor * of / low",
    )
    place = 0
    for part in (head, where, a, low, up, pp, top, names, down, "Net(4)\n", top, up, where):
        place = told.find(part, place)
        assert place >= 0, f"{part!r} is not in its place in\n{told}"
        place += len(part)


def test_what_is_changed_in_the_debugger_is_not_changed_in_the_notebook(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(HOME)
    failed(kernel, magic)
    told = kernel.answering(
        "%jobs debug", "!factor = 5", "p factor", "up", "!model.w = 7", "p model", "q"
    ).stdout
    assert "5\n" in told
    assert "Net(7)\n" in told
    assert kernel.run("print(factor, net.w, best is net)").stdout == "3 4 True\n"


def test_a_value_that_could_not_be_kept_says_why_and_what_it_looks_like(
    kernel: Kernel, magic: str
) -> None:
    failed(
        kernel,
        magic,
        "import os\nimport numpy as np\n"
        "def f():\n    log = open(os.devnull)\n    big = np.zeros(10**6)\n    1 / 0\nf()",
    )
    told = kernel.answering("%jobs debug", "p log", "log.read()", "p big", "q").stdout
    assert "that is not here (PicklingError: cannot pickle an open file" in told
    assert "<_io.TextIOWrapper name='/dev/null'" in told
    assert "*** AttributeError: this _io.TextIOWrapper is not here" in told
    assert "<numpy.ndarray that is not here (it holds 8 MB): array([0., 0., 0., ...," in told


def test_what_led_to_the_error_can_be_debugged_too(kernel: Kernel, magic: str) -> None:
    kernel.run(HOME)
    failed(
        kernel, magic, "try:\n    use(net)\nexcept ZeroDivisionError:\n    raise KeyError('lost')"
    )
    told = kernel.answering("%jobs debug", "exceptions", "exceptions 0", "p low", "q").stdout
    assert "    0 ZeroDivisionError('division by zero')\n>   1 KeyError('lost')\n" in told
    assert told.index("invert()") > told.index(">   1")
    assert "\n0\n" in told


def test_the_lines_of_a_module_are_shown_as_they_were(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "from pathlib import Path\nimport sys\nsys.path.insert(0, str(Path.cwd()))\n"
        "text = 'def broken(x):\\n    factor = 2\\n    return x[factor]\\n'\n"
        "_ = Path('of_mine.py').write_text(text)\nimport of_mine"
    )
    failed(kernel, magic, "of_mine.broken([1])")
    kernel.run("_ = Path('of_mine.py').write_text('# another head\\n' + text)")
    told = kernel.answering("%jobs debug", "p factor, x", "q").stdout
    assert "----> 3     return x[factor]" in plain(told)
    assert "(2, [1])\n" in told
    assert kernel.run("import linecache; print(linecache.getline('of_mine.py', 1))").stdout == (
        "# another head\n\n"
    )


def test_it_works_in_another_kernel(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(HOME)
    failed(kernel, f"%%{started_backend}")
    job = job_of(kernel)
    kernel.kill()
    other = start_kernel()
    told = other.answering(f"%jobs debug {job}", "p low", "up", "p model", "q").stdout
    assert "----> 9     return factor * of / low" in plain(told)
    assert "0\n" in told
    assert "Net(4)\n" in told
    assert other.run("print('net' in globals())").stdout == "False\n"


def test_without_an_id_it_is_the_job_that_failed_last(kernel: Kernel, magic: str) -> None:
    failed(kernel, magic, "which = 'first'\n1 / 0")
    failed(kernel, magic, "which = 'second'\n1 / 0")
    kernel.run(f"{magic} --wait --quiet\nwhich = 'third'")
    assert "'second'\n" in kernel.answering("%jobs debug", "p which", "q").stdout


def test_the_shells_own_debugger_opens_on_the_cell_that_was_waited_for(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(HOME)
    failed(kernel, magic)
    told = kernel.answering(
        *("%debug", "p low, x", "up", "p model is net", "up", "p _private + '!'"),
        *("!net = 5", "up", "q"),
    ).stdout
    parts = ("----> 9     return factor", "(0, 1)\n", "---> 12 ", "True\n", "----> 4 use(net)")
    places = [told.find(part) for part in (*parts, "'kept there!'\n", "run_cell_magic")]
    assert places == sorted(places)
    assert places[0] >= 0
    assert "nbsubmit" not in told
    # As after a cell that has run here.
    assert kernel.run("print(net)").stdout == "5\n"


def test_the_shells_own_debugger_shows_what_led_to_the_error(kernel: Kernel, magic: str) -> None:
    failed(kernel, magic, "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('lost')")
    told = kernel.answering("%debug", "exceptions", "q").stdout
    assert "    0 ZeroDivisionError('division by zero')\n>   1 KeyError('lost')\n" in plain(told)


def test_where_nobody_can_be_asked_all_frames_are_shown_with_their_values(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(HOME)
    failed(kernel, magic)
    ran = kernel.finish(kernel.client.execute("%jobs debug", allow_stdin=False))
    assert ran.status == "ok", ran.traceback
    told = plain(ran.stdout)
    place = 0
    for part in (
        "----> 9     return factor * of / low",
        "\n\nx = 1\nof = 4\nrest = (1,)\nkw = {'note': 'n'}\nlow = 0\n\n",
        "---> 12     return invert(1, 1, of=model.w",
        "\nmodel = Net(4)\ntable = {'losses': [0, 1, 2",
        "----> 4 use(net)",
        "\n\n_private = 'kept there'\nbest = Net(4)\nnet = Net(4)\n",  # and no definitions
    ):
        place = told.find(part, place)
        assert place >= 0, f"{part!r} is not in its place in\n{told}"


# Where there is nothing to debug


def complaint(kernel: Kernel, line: str) -> str:
    ran = kernel.try_(line)
    assert ran.status == "error"
    return ran.traceback


def test_it_is_said_why_a_job_cannot_be_debugged(kernel: Kernel, magic: str) -> None:
    assert "NothingKept" not in complaint(kernel, "%jobs debug nosuch")
    assert "no job of this notebook has failed" in complaint(kernel, "%jobs debug")
    kernel.run(f"{magic} --wait --quiet --as job\nx = 1")
    assert "has not failed: there is nothing to debug" in complaint(
        kernel, f"%jobs debug {job_of(kernel)}"
    )


def test_a_job_that_runs_cannot_be_debugged_yet(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("%%local --no-panel --as job\nimport time\ntime.sleep(600)")
    assert "there is something to debug once it has failed" in complaint(
        kernel, f"%jobs debug {job_of(kernel)}"
    )
    kernel.run("job.cancel(); _ = job.wait(60)")


def test_a_job_that_was_told_to_end_shows_where_it_was(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel()
    kernel.run(
        "%%local --no-panel --as job\nimport time\nfrom pathlib import Path\n"
        "def rest(turns):\n    Path('begun').touch()\n    time.sleep(600)\nrest(3)"
    )
    until((tmp_path / "begun").exists, "the cell has begun")
    kernel.run("job.cancel(); _ = job.wait(60)")
    assert "3\n" in kernel.answering("%jobs debug", "p turns", "q").stdout


def test_a_job_that_failed_before_its_cell_ran_has_no_frames(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel()
    (tmp_path / "of_mine.py").write_text("x = 1\n")
    kernel.run("import sys\nsys.path.insert(0, '')\nimport of_mine")
    (tmp_path / "of_mine.py").unlink()
    failed(kernel, "%%local", "of_mine.x")
    assert "it failed before its cell ran" in complaint(kernel, f"%jobs debug {job_of(kernel)}")


def test_what_another_nbsubmit_has_kept_is_told(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel()
    failed(kernel, "%%local", "1 / 0")
    file = tmp_path / kernel.run("print(job.folder.kept_file)").stdout.strip()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": FORMAT - 1}))
    assert f"was written by another nbsubmit, in format {FORMAT - 1}" in complaint(
        kernel, "%jobs debug"
    )


def test_in_a_terminal(terminal: pexpect.spawn[str]) -> None:
    run(terminal, "def invert(x):", "    return 1 / x", "")
    run(terminal, "%%local --wait", "invert(0)")
    terminal.sendline("%jobs debug")
    for asked, shown in (("p x", r"0\r\n"), ("up", "invert\\(0\\)"), ("q", "")):
        terminal.expect("ipdb> ")
        terminal.sendline(asked)
        terminal.expect(shown)
    terminal.expect(PROMPT)
