"""What a job changes in place is waited for by whatever name, container or view it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.test_dependent_cells import gate, open_gate, text_so_far
from tests.way import until

pytestmark = pytest.mark.kernel

CASES = {
    "by another name": ("a = [1]; b = a", "a.append(2)", "print(b)", "[1, 2]"),
    "in a container": ("a = [1]; d = {'k': (0, [a])}", "a.append(2)", "print(d)", "[1, 2]"),
    "late in a long list": (
        "a = [1]; rows = [*([n] for n in range(2000)), a]",
        "a.append(2)", "print(rows[-1])", "[1, 2]",
    ),
    "in an object": (
        "class Box:\n    __slots__ = ('v',)\nbox = Box(); box.v = a = [1]",
        "a.append(2)", "print(box.v)", "[1, 2]",
    ),
    "of what it is an item": (
        "d = {'k': [1]}; a = d['k']",
        "d['k'].append(2)", "print(a)", "[1, 2]",
    ),
    "by its method": ("a = [1]; add = a.append", "a.append(2)", "add(3); print(a)", "[1, 2, 3]"),
    "in an object whose own method changes it": (
        "class C:\n    n = 0\n    def up(self):\n        self.n += 1\n"
        "c = C(); h = {'c': c}; up = c.up",
        "h['c'].up()", "up(); print([c.n])", "[2]",
    ),
    "in a variable of a function": (
        "def make():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return inc\ninc = make()",
        "for _ in range(10): inc()", "print([inc()])", "[11]",
    ),
    "in a partial": (
        "import functools\na = [1]; shown = functools.partial(repr, a)",
        "a.append(2)", "print(shown())", "[1, 2]",
    ),
    "in a closure": (
        "a = [1]\ndef make(v):\n    return lambda: print(v)\nshow = make(a)",
        "a.append(2)", "show()", "[1, 2]",
    ),
    "as a view": (
        "import numpy as np\na = np.zeros(4); v = a[1:][:2]", "a[:] = 7", "print(v)", "[7. 7.]",
    ),
    "of a view": (
        "import numpy as np\na = np.zeros(2); v = a[1:]", "v[:] = 7", "print(a)", "[0. 7.]",
    ),
    "as a view of a tensor": (
        "import torch\na = torch.zeros(3); v = a[1:]", "v.add_(7)", "print(a)",
        "tensor([0., 7., 7.])",
    ),
    "as a tensor on an array": (
        "import torch, numpy as np\na = np.zeros(2); t = torch.from_numpy(a)",
        "t += 7", "print(a)", "[7. 7.]",
    ),
    "as values of a table": (
        "a = [1]; d = {1: a}; vs = d.values()",
        "a.append(2)", "print(vs)", "[1, 2]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "changed", "read", "shown"), CASES.values(), ids=CASES)
def test_what_a_job_changes_is_waited_for_by_whatever_name_it_is_read(
    start_kernel: Callable[..., Kernel], made: str, changed: str, read: str, shown: str
) -> None:
    kernel = start_kernel()
    kernel.run(made)
    kernel.run(f"%%local\n{gate('go')}{changed}")
    waiting = kernel.start(read)
    until(lambda: "waiting for" in text_so_far(kernel, waiting), "it says what it waits for")
    open_gate(kernel, "go")
    assert shown in kernel.finish(waiting).stdout


def test_a_cell_that_is_sent_has_the_object_as_a_job_before_it_leaves_it(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel, magic = start_kernel(), f"%%{started_backend}"
    kernel.run("a = [1]; d = {'k': a}")
    kernel.run(f"{magic}\na.append(2)")
    kernel.run(f"{magic}\nd['k'].append(3)\nseen = repr(d)")
    assert "{'k': [1, 2, 3]} [1, 2, 3] True" in kernel.run("print(seen, a, d['k'] is a)").stdout


def test_what_a_job_was_to_change_and_did_not_is_an_error_by_any_name(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("a = [1]; b = a; c = [5]")
    kernel.run("%%local --as job\n1 / 0\na.append(2)")
    kernel.run("job.wait()")
    assert "InputFailed" in kernel.try_("print(b)").traceback
    assert "a did not come from job" in kernel.try_("print(b)").traceback
    assert kernel.run("print(c)").stdout == "[5]\n"
    kernel.run("a = [9]")
    assert kernel.run("print(b)").stdout == "[1]\n"


def test_what_only_holds_or_stands_beside_what_a_job_changes_is_not_waited_for(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("one, two = [1], [2]; all_ = [one, two]\nclass C:\n    pass\nc, e = C(), C()")
    kernel.run("import functools\nshell = functools.partial(get_ipython)")
    kernel.run(f"%%local --as job\n{gate('go')}all_.append(3)\nc.v = 1")
    assert kernel.run("print(one, two, hasattr(e, 'v'), C.__name__)").stdout == "[1] [2] False C\n"
    ran = kernel.run(
        "%config NbSubmit.pending\n!echo from a shell\nprint(job.done(), shell().colors)"
    )
    assert "from a shell" in ran.stdout
    assert "False" in ran.stdout
    open_gate(kernel, "go")
    assert kernel.run("print(all_, c.v)").stdout == "[[1], [2], 3] 1\n"


CHAINS = {
    "a list": ("x = [1]", "x.append(2)", "x.append(3)", "[1, 2, 3]"),
    "a frame": (
        "import pandas as pd\nx = pd.DataFrame({'a': [1]})",
        "x['b'] = 2", "x['c'] = 3", "   a  b  c\n0  1  2  3",
    ),
    "an array": ("import numpy as np\nx = np.zeros(2)", "x[0] = 1", "x[1] = 2", "[1. 2.]"),
    "an object": (
        "class C:\n    def __repr__(self):\n        return f'C{vars(self)}'\nx = C()",
        "x.a = 1", "x.b = 2", "C{'a': 1, 'b': 2}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "first", "second", "shown"), CHAINS.values(), ids=CHAINS)
def test_an_object_that_one_job_after_the_other_changes_stays_the_same_object(
    start_kernel: Callable[..., Kernel], made: str, first: str, second: str, shown: str
) -> None:
    kernel = start_kernel()
    kernel.run(f"{made}\nkeep, held = x, [x]")
    kernel.run(f"%%local\n{gate('go')}{first}")
    kernel.run(f"%%local --as job\n{second}")
    open_gate(kernel, "go")
    kernel.run("job.wait(); job.state")
    assert kernel.run("print(x is keep, held[0] is x)").stdout == "True True\n"
    assert kernel.run("print(x)").stdout == f"{shown}\n"


def test_an_object_that_a_job_made_and_the_next_changed_is_that_for_all_that_hold_it(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel, magic = start_kernel(), f"%%{started_backend}"
    kernel.run(f"{magic}\nz = [1]; d = {{'z': z}}")
    kernel.run(f"{magic}\nz.append(2)")
    assert kernel.run("print(z, d, d['z'] is z)").stdout == "[1, 2] {'z': [1, 2]} True\n"


def test_objects_that_hold_each_other_and_are_changed_by_the_next_job_still_do(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("%%local\nz = [1]; d = {'z': z}")
    kernel.run("%%local\nz.append(2); d['n'] = len(z)")
    assert kernel.run("print(z, d, d['z'] is z)").stdout == "[1, 2] {'z': [1, 2], 'n': 2} True\n"


def test_what_was_bound_here_is_not_changed_by_a_job_that_follows_another(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("x = [1]")
    kernel.run(f"%%local\n{gate('go')}x.append(2)")
    kernel.run("%%local --as job\nx.append(3)")
    kernel.run("x = mine = [7]")
    open_gate(kernel, "go")
    kernel.run("job.wait()")
    assert kernel.run("print(x, mine, job.names['x'])").stdout == "[7] [7] [1, 2, 3]\n"


def test_what_tasks_change_in_place_is_not_waited_for(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("rows = [0]")
    kernel.run(f"%%local --map n=range(2)\n{gate('go')}rows.append(n)\nx = len(rows)")
    assert kernel.run("print(rows)").stdout == "[0]\n"
    open_gate(kernel, "go")
    assert kernel.run("print(x, rows)").stdout == "[2, 2] [0]\n"


def test_a_new_binding_of_one_name_is_not_lost_to_a_change_by_the_other(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("raw = [1]; df = raw")
    kernel.run(f"%%local --as slow\n{gate('go')}df = ['new']")
    kernel.run("%%local --as quick\nraw.append(5)")
    kernel.run("quick.wait()")
    open_gate(kernel, "go")
    kernel.run("slow.wait()")
    assert kernel.run("print(df, raw)").stdout == "['new'] [1, 5]\n"
