"""An error of a job is shown as that of the same cell in a plain kernel, to the letter.

But for one frame: of a syntax error and of a group IPython shows its own call of the cell first.

Promise 1 of README.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from tests.cells.allowed import without_colours
from tests.journeys.conftest import QUICK
from tests.journeys.kernel import Kernel, Ran
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

HOME = """import sys
from pathlib import Path
sys.path.insert(0, str(Path.cwd()))
_ = Path("of_mine.py").write_text('''
def broken(x):
    factor = 2
    return x[factor]


def chained(x):
    try:
        broken(x)
    except IndexError as error:
        raise RuntimeError("no") from error
''')
_ = Path("no_python.py").write_text("x = 1\\ny = = 2\\n")
import of_mine
def inner(v):
    low = v - 1
    return 10 // low
def outer(values):
    return [inner(v) for v in values]
class Mine(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")
class Rendered(Exception):
    def _render_traceback_(self): return ["in words", "of its own"]
"""

CELLS = {
    "a division": "a = 1\nb = 0\na / b",
    "in functions": "outer([5, 1])",
    "an unknown name": "x = undefined + 1",
    "no message": "raise ValueError",
    "two lines of message": "raise ValueError('one\\ntwo')",
    "an assertion": "assert 1 == 2, 'they differ'",
    "over several lines": "x = dict(\n    a=1,\n)\n(x['a']\n + x['b'])",
    "in a long cell": "v = 0\n" + "v += 1\n" * 30 + "v / 0\n" + "v += 1\n" * 30,
    "in a class": "class A:\n    x = 1 / 0",
    "in a generator": "def numbers():\n    yield 1\n    raise ValueError('two')\nlist(numbers())",
    "in a module": "of_mine.broken([1])",
    "in a library": "import json\njson.loads('{')",
    "in a thread": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(1) as pool:\n    pool.submit(outer, [1]).result()",
    "awaited": "async def invert(x):\n    return 1 / x\nawait invert(0)",
    "no such module": "import no_such_module",
    "of a class of the notebook": "raise Mine(1, 2)",
    "that shows itself": "raise Rendered()",
    "with nothing behind it": "try:\n    outer([1])\n"
    "except Exception:\n    raise KeyError() from None",
    "interrupted": "def f():\n    raise KeyboardInterrupt\nf()",
    "an exit": "import sys\nsys.exit('enough')",
    "a magic that is not there": "%nosuch 3",
    "syntax in eval": "x = 1\neval('1 +')",
    "syntax in a module": "import no_python",
    "indentation": "def f():\n    exec('if 1:\\nx=1')\nf()",
}
# IPython's own mode Docs fails at these and says so.
CHAINED = {
    "raised from another": "try:\n    outer([1])\n"
    "except Exception as e:\n    raise KeyError(1) from e",
    "raised while another was handled": "try:\n    outer([1])\nexcept Exception:\n    {}['k']",
    "chained in a module": "of_mine.chained([1])",
}
if sys.version_info >= (3, 11):
    CELLS |= {
        "with a note": "e = ValueError('x')\ne.add_note('a note')\nraise e",
        "a group": "try:\n    1 / 0\nexcept Exception as e:\n    raise ExceptionGroup('all', [e])",
        "after a group": "try:\n    raise ExceptionGroup('g', [ValueError('a')])\n"
        "except* ValueError:\n    raise RuntimeError('after')",
    }
ALL = CELLS | CHAINED


@pytest.fixture(scope="module")
def plain_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel without nbsubmit."""
    kernel = Kernel(tmp_path_factory.mktemp("plain"), QUICK)
    kernel.run(HOME)
    yield kernel
    kernel.close()


def shown(ran: Ran) -> str:
    """What a cell showed of its error, without what is another kernel's."""
    assert ran.status == "error", ran
    lines = (ran.traceback or ran.stderr).splitlines()
    words = [without_colours(line) for line in lines]
    for at in reversed(range(len(lines))):
        if re.search(r"interactiveshell\.py.* in run_code$", words[at]):
            is_spaced = at + 2 < len(words) and not words[at + 2]
            del lines[at : at + 2 + is_spaced]
    text = "\n".join(lines).strip("\n")
    text = re.sub(r"(In\[|In \[)\d+", r"\1N", text)
    text = re.sub(r"0x[0-9a-f]+", "0xN", text)
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel/N", text)
    return re.sub(r"[^ '\"]*/([a-z_]+\.py)", r"\1", text)


def compare(here: Kernel, there: Kernel, magic: str, cell: str) -> None:
    line = f"{magic} --wait --quiet"
    assert shown(there.try_(f"{line}\n{cell}")) == shown(here.try_(f"# {line}\n{cell}"))


@pytest.mark.parametrize("which", ALL)
def test_an_error_looks_like_the_cells_own(
    plain_kernel: Kernel, swept: Kernel, magic: str, which: str
) -> None:
    swept.run(HOME)
    compare(plain_kernel, swept, magic, ALL[which])


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal", "Docs"])
def test_it_does_in_each_mode(plain_kernel: Kernel, swept_kernel: Kernel, mode: str) -> None:
    swept_kernel.run(HOME)
    for kernel in (plain_kernel, swept_kernel):
        kernel.run(f"%xmode {mode}")
    for cell in (CELLS if mode == "Docs" else ALL).values():
        compare(plain_kernel, swept_kernel, "%%local --debug", cell)
    for kernel in (plain_kernel, swept_kernel):
        kernel.run("%xmode Context")


@pytest.mark.parametrize("colours", ["nocolor", "linux", "lightbg", "neutral"])
def test_it_does_in_all_colours(plain_kernel: Kernel, swept_kernel: Kernel, colours: str) -> None:
    swept_kernel.run(HOME)
    for kernel in (plain_kernel, swept_kernel):
        kernel.run(f"%colors {colours}")
    for cell in ALL.values():
        compare(plain_kernel, swept_kernel, "%%local --debug", cell)


def test_the_lines_are_the_cells_own_also_where_they_are_magics(swept: Kernel, magic: str) -> None:
    swept.run(HOME)
    told = plain(swept.try_(f"{magic} --wait --quiet\n%time outer([1])").traceback)
    assert "----> 2 %time outer([1])" in told
    told = plain(swept.try_(f"{magic} --wait --quiet\n!exit 3\n_exit_code / 0").traceback)
    assert "      2 !exit 3\n----> 3 _exit_code / 0" in told


def test_a_cell_that_asks_is_told_at_its_own_line(swept: Kernel, magic: str) -> None:
    told = plain(swept.try_(f"{magic} --wait --quiet\nx = 1\ninput('name? ')").traceback)
    assert "----> 3 input('name? ')" in told
    assert "NoInput: input() has nobody to ask" in told
    assert "execute.py" not in told


def test_a_syntax_error_of_a_job_can_be_caught_by_its_kind(swept: Kernel, magic: str) -> None:
    swept.run(f"{magic} --no-panel --as job\neval('1 +')")
    told = swept.run(
        "try:\n    job.result()\nexcept SyntaxError as error:\n    print('caught', error.msg)"
    )
    assert told.stdout.startswith("caught ") or "\ncaught " in told.stdout
