"""Names that stand in text, in IPython's own syntax and in the shell's history, in real kernels."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

RUN = "%%local --wait --quiet\n"


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel]) -> Kernel:
    kernel = start_kernel()
    kernel.run(
        "import threading\n"
        "import pandas as pd\n"
        "df = pd.DataFrame({'a': [1, 2, 3]})\n"
        "x, y, limit, secret = 'hi', 5, 1, 42\n"
        "def double(n): return n * 2"
    )
    return kernel


def lines(kernel: Kernel, code: str) -> list[str]:
    return kernel.run(RUN + code).stdout.splitlines()


def error(kernel: Kernel, code: str) -> str:
    ran = kernel.try_(RUN + code)
    assert ran.status == "error"
    return re.sub(r"\x1b\[[0-9;]*m", "", ran.traceback)


# Text


def test_queries_find_the_variables_that_they_name(kernel: Kernel) -> None:
    assert lines(
        kernel,
        "print(df.query('a > @limit').a.tolist())\n"
        "print(df.eval('a + @y').tolist())\n"
        "print(pd.eval('limit + y'))\n"
        'print(f"{x} {y:>{limit}} {double(y)!r}")',
    ) == ["[2, 3]", "[6, 7, 8]", "6", "hi 5 10"]


def test_shell_lines_and_magics_find_what_is_filled_in(kernel: Kernel) -> None:
    assert lines(
        kernel, "!echo $x {y + 1}\nfound = !echo {double(y)}\nprint(found)\n%env TOLD={x}"
    ) == ["hi 6", "['10']", "env: TOLD=hi"]
    assert kernel.run("found[0]").result == "'10'"


def test_code_in_a_magics_line_is_read_as_code(kernel: Kernel) -> None:
    assert "1 loop each" in lines(kernel, "%timeit -n1 -r1 double(y)")[-1]
    assert lines(kernel, "%time z = double(limit)\nprint(z)")[-1] == "2"


def test_a_cell_magic_inside_the_cell_runs_there_and_what_it_binds_comes_back(
    kernel: Kernel,
) -> None:
    assert lines(kernel, "%%time\nq = double(y)\nprint(q)")[0] == "10"
    assert lines(kernel, "%%capture kept\nprint(y)") == []
    assert lines(kernel, "%%bash\necho $((2 + 3))") == ["5"]
    assert kernel.run("q, str(kept)").result == r"(10, '5\n')"


def test_a_magic_that_the_job_does_not_have_is_an_error_that_names_it(kernel: Kernel) -> None:
    ran = kernel.try_(RUN + "w = %sql select 1")
    assert ran.status == "error"
    assert "`%sql` not found" in ran.stderr


# Names that nobody sees


def test_a_cell_that_may_read_unseen_names_says_so_when_it_is_sent_and_in_a_dry_run(
    kernel: Kernel,
) -> None:
    notice = "cannot see all names that the cell reads (globals); name them with --in"
    for option in ("--dry-run", "--no-panel"):
        ran = kernel.run(f"%%local {option}\nz = globals()[x]")
        assert f"warning: {notice}" in ran.stdout
    ran = kernel.run("%%local --dry-run --in secret\nz = globals()[x]")
    assert "cannot see" not in ran.stdout


def test_names_in_strings_are_there_for_code_that_is_put_together(kernel: Kernel) -> None:
    assert lines(
        kernel,
        "print(eval('secret + ' + 'y'))\n"
        "print(globals()['secret'], locals()['secret'], vars().get('secret'))\n"
        "print(get_ipython().user_ns['limit'], 'secret' in dir(), __name__ == '__main__')\n"
        "exec('made = secret')\n"
        "print(made)",
    ) == ["47", "42 42 42", "1 True True", "42"]
    assert kernel.run("made").result == "42"


def test_a_name_that_was_put_together_is_missed_with_the_cure(kernel: Kernel) -> None:
    told = "secret was not sent: it is in the notebook"
    shown = error(kernel, "eval('sec' + 'ret')")
    assert told in shown.splitlines()[-1]
    assert "--in secret" in shown.splitlines()[-1]
    cured = kernel.run("%%local --wait --quiet --in secret\neval('sec' + 'ret')")
    assert cured.result == "42"


def test_a_value_that_stays_is_explained_only_where_it_is_missed(kernel: Kernel) -> None:
    kernel.run("conn = threading.Lock()")
    cell = "if {}:\n    conn.acquire()\nprint('done')"
    assert lines(kernel, cell.format("y < 0")) == ["done"]
    shown = error(kernel, cell.format("y > 0")).splitlines()
    assert shown[-2:] == [
        "NameError: name 'conn' is not defined",
        "conn was not sent: conn is a lock (read in line 3); make it inside the cell.",
    ]


def test_the_jobs_own_names_are_listed_by_who(kernel: Kernel) -> None:
    assert lines(kernel, "z = y\n%who") == ["y\t z\t "]


# History


def test_results_that_the_cell_names_are_there(kernel: Kernel) -> None:
    number = kernel.run("['a', 'result']").count
    assert lines(kernel, f"print(_, Out[{number}], _{number}, _ is Out[{number}])") == [
        "['a', 'result'] ['a', 'result'] ['a', 'result'] True"
    ]
    # The shell starts in the middle of the cell, with a history of its own.
    assert lines(kernel, f"display(1)\nprint(Out[{number}], sorted(Out) == [{number}])") == [
        "['a', 'result'] True"
    ]


def test_a_loop_over_an_underscore_is_not_disturbed_by_the_shell(kernel: Kernel) -> None:
    assert lines(kernel, "for _ in range(3):\n    display(_)\nprint(_)") == ["2"]


def test_the_rest_of_the_history_is_told_to_stay(kernel: Kernel) -> None:
    shown = error(kernel, "In[1]")
    assert shown.splitlines()[-1] == ("In was not sent: In is the notebook's own history.")


# Source


def test_functions_show_their_source_in_the_job_and_when_they_come_back(kernel: Kernel) -> None:
    kernel.run("import inspect\nclass Net:\n    def step(self):\n        return 'step'")
    assert lines(
        kernel,
        "def made(n):\n"
        "    # with a comment\n"
        "    return n\n"
        "print(inspect.getsource(double), inspect.getsource(Net.step), inspect.getsource(made))",
    ) == [
        "def double(n): return n * 2",
        "     def step(self):",
        "        return 'step'",
        " def made(n):",
        "    # with a comment",
        "    return n",
        "",
    ]
    assert kernel.run("print(inspect.getsource(made))").stdout == (
        "def made(n):\n    # with a comment\n    return n\n\n"
    )
    assert lines(kernel, "print(inspect.getsource(made))")[1] == "    # with a comment"


def test_a_function_shows_its_source_in_a_kernel_that_did_not_send_it(
    start_kernel: Callable[..., Kernel],
) -> None:
    first = start_kernel()
    first.run(f"{RUN}def made(n):\n    # with a comment\n    return n")
    first.close()
    ran = start_kernel().run(
        "import inspect, nbsubmit\nprint(inspect.getsource(nbsubmit.jobs()[-1].names['made']))"
    )
    assert ran.stdout.splitlines()[1] == "    # with a comment"
