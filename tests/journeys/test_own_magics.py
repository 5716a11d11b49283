"""Magics of the notebook's own and of extensions, called by cells that run in jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

WAIT = "--wait --quiet"
SHOUT = """
from IPython.core.magic import register_line_magic
def louder(text):
    return text.upper() + mark
mark = "!"
@register_line_magic
def shout(line):
    return louder(line)
del shout
"""
COUNTER = """
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
@magics_class
class Counter(Magics):
    def __init__(self, shell):
        super().__init__(shell)
        self.count = 0
    @line_magic
    def up(self, line):
        self.count += step
        return self.count
    @cell_magic
    def counted(self, line, cell):
        self.count += step
        self.shell.run_cell(cell)
step = 1
get_ipython().register_magics(Counter)
"""
EXTENSION = """
from IPython.core.magic import Magics, line_magic, magics_class
from traitlets import Int
@magics_class
class Greeter(Magics):
    times = Int(1).tag(config=True)
    @line_magic
    def greet(self, line):
        return f"hello {line}" * self.times
def load_ipython_extension(shell):
    print("the greeter is here")
    shell.register_magics(Greeter)
"""


@pytest.fixture
def local(start_kernel: Callable[..., Kernel]) -> Kernel:
    """A kernel for jobs in processes on this machine."""
    return start_kernel()


@pytest.fixture
def greeter(tmp_path: Path) -> None:
    """An extension beside the notebook."""
    (tmp_path / "greeter.py").write_text(EXTENSION)


def test_a_magic_of_the_notebook_travels_with_what_it_reads(kernel: Kernel, magic: str) -> None:
    kernel.run(SHOUT)
    assert kernel.run(f"{magic} {WAIT}\nx = %shout hello\nx").result == "'HELLO!'"


def test_a_group_of_magics_goes_on_where_it_was_and_comes_back_changed(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(COUNTER)
    kernel.run("%up")
    assert kernel.run(f"{magic} {WAIT}\nx = %up\ny = %up\nx, y").result == "(2, 3)"
    assert kernel.run("%up").result == "4"


def test_a_cell_magic_of_the_notebook_gets_the_cell(local: Kernel) -> None:
    local.run(COUNTER)
    local.run(f"%%local {WAIT}\n%%counted\nmore = step + 1")
    assert local.run("more, get_ipython().magics_manager.registry['Counter'].count").result == (
        "(2, 1)"
    )


def test_a_cell_magic_may_read_any_name_that_stands_in_the_cell(local: Kernel) -> None:
    local.run(
        "from IPython.core.magic import register_cell_magic\n"
        "@register_cell_magic\n"
        "def doubled(line, cell):\n"
        "    return 2 * eval(cell, get_ipython().user_ns)\n"
        "data = [1]"
    )
    assert local.run(f"%%local {WAIT}\n%%doubled\ndata").result == "[1, 1]"


def test_a_line_magic_may_read_any_name_that_stands_in_its_line(local: Kernel) -> None:
    local.run(
        "from IPython.core.magic import register_line_magic\n"
        "@register_line_magic\n"
        "def size(line):\n"
        "    return len(get_ipython().user_ns[line])\n"
        "data = [1, 2]"
    )
    assert local.run(f"%%local {WAIT}\n%size data").result == "2"


def test_an_alias_stands_for_its_magic(local: Kernel) -> None:
    local.run(SHOUT)
    local.run('%alias_magic s shout\n%alias_magic once timeit -p "-n1 -r1 -q"\nsize = 3')
    assert local.run(f"%%local {WAIT}\n%once [0] * size\nx = %s hello\nx").result == "'HELLO!'"


def test_an_alias_of_a_command_travels(local: Kernel) -> None:
    local.run("%alias say echo it says")
    assert local.run(f"%%local {WAIT}\n%say so").stdout.split() == ["it", "says", "so"]


def test_a_function_that_calls_a_magic_takes_it_along(local: Kernel) -> None:
    local.run(SHOUT)
    local.run("def shouted(text):\n    found = %shout quietly\n    return found")
    assert local.run(f"%%local {WAIT}\nshouted('a')").result == "'QUIETLY!'"


@pytest.mark.parametrize("call", ["run_line_magic('shout', 'a')", "run_line_magic('shout', word)"])
def test_a_magic_that_is_called_through_the_shell_travels(local: Kernel, call: str) -> None:
    local.run(SHOUT + "ip = get_ipython()\nword = 'a'")
    assert local.run(f"%%local {WAIT}\nip.{call}").result == "'A!'"


def test_the_shell_is_whichever_is_there(kernel: Kernel, magic: str) -> None:
    kernel.run("ip = get_ipython()\nheld = [ip]")
    told = kernel.run(f"{magic} {WAIT}\nmine = get_ipython()\nmine is ip is held[0]").result
    assert told == "True"
    assert kernel.run("mine is ip is get_ipython()").result == "True"


@pytest.mark.usefixtures("greeter")
def test_an_extension_is_loaded_where_its_magic_is_called(kernel: Kernel, magic: str) -> None:
    kernel.run("%load_ext greeter\n%config Greeter.times = 2")
    ran = kernel.run(f"{magic} {WAIT}\n%greet you")
    assert (ran.result, ran.stdout) == ("'hello youhello you'", "")


def test_an_extension_that_comes_with_ipython_is_loaded_too(local: Kernel) -> None:
    local.run("%load_ext autoreload")
    assert local.run(f"%%local {WAIT}\n%autoreload 2\n1").result == "1"


@pytest.mark.usefixtures("greeter")
def test_an_extension_that_the_job_cannot_load_is_named(local: Kernel, tmp_path: Path) -> None:
    local.run("%load_ext greeter")
    (tmp_path / "greeter.py").write_text("def load_ipython_extension(shell):\n    1 / 0\n")
    ran = local.try_(f"%%local {WAIT}\n%greet you")
    assert (
        "line magic %greet comes from the extension greeter, which cannot be loaded in the job: "
        "ZeroDivisionError: division by zero"
    ) in plain(ran.traceback + ran.stderr)


@pytest.mark.usefixtures("greeter")
def test_an_extension_that_is_not_on_the_node_is_named_with_the_cure(
    local: Kernel, tmp_path: Path
) -> None:
    local.run("%load_ext greeter")
    text = (tmp_path / "greeter.py").read_text()
    (tmp_path / "greeter.py").unlink()
    ran = local.try_(f"%%local {WAIT}\n%greet you")
    assert "%greet needs greeter, which cannot be imported on" in plain(ran.traceback)
    assert "--by-value greeter" in plain(ran.traceback)
    (tmp_path / "greeter.py").write_text(text)
    ran = local.run(f"%%local {WAIT} --by-value greeter\n%greet you")
    assert ran.result == "'hello you'"


def test_a_magic_that_cannot_be_pickled_stops_the_sending(local: Kernel) -> None:
    local.run(COUNTER + "get_ipython().magics_manager.registry['Counter'].log = open('log', 'w')")
    ran = local.try_(f"%%local {WAIT}\n1\n%up")
    assert "%up.log is an open file (mode 'w'), and cannot be sent to the job: " in plain(
        ran.traceback
    )
    assert "%up is called in line 3." in plain(ran.traceback)


def test_a_magic_of_the_kernel_stops_the_sending(local: Kernel) -> None:
    ran = local.try_(f"%%local {WAIT}\n%jobs")
    assert "%jobs is a magic of the notebook's kernel" in plain(ran.traceback)
    assert "call it in a cell that runs here" in plain(ran.traceback)


def test_a_magic_of_the_kernel_that_may_not_be_called_is_told_where_it_is(local: Kernel) -> None:
    local.run("chosen = False")
    assert local.run(f"%%local {WAIT}\nif chosen:\n    %jobs\n1").result == "1"
    local.run("chosen = True")
    ran = local.try_(f"%%local {WAIT}\nif chosen:\n    %jobs\n1")
    assert "%jobs was not sent: %jobs is a magic of the notebook's kernel" in plain(
        ran.traceback + ran.stderr
    )


def test_a_magic_that_there_is_not_is_said_when_the_cell_is_sent(local: Kernel) -> None:
    assert "not defined here: %nothing" in local.run("%%local --dry-run\n%nothing").stdout
    assert "not defined" not in local.run("%%local --dry-run\n%time 1\n%matplotlib inline").stdout


def test_a_magic_whose_call_nobody_can_see_is_told_to_be_missing(local: Kernel) -> None:
    local.run(SHOUT + "name = 'sho'")
    ran = local.try_(f"%%local {WAIT}\nget_ipython().run_line_magic(name + 'ut', 'a')")
    assert "%shout was not sent: it is in the notebook" in plain(ran.traceback + ran.stderr)


def test_a_magic_that_a_job_makes_is_here_afterwards(kernel: Kernel, magic: str) -> None:
    kernel.run("from IPython.core.magic import register_line_magic\nmark = '?'")
    kernel.run(
        f"{magic} {WAIT}\n@register_line_magic\ndef asked(line):\n    return line + mark\n"
        "%alias_magic a asked"
    )
    assert kernel.run("%asked why").result == "'why?'"
    assert kernel.run("mark = '??'\n%a why").result == "'why??'"


@pytest.mark.usefixtures("greeter")
def test_an_extension_that_a_job_loads_is_loaded_here_afterwards(local: Kernel) -> None:
    local.run(f"%%local {WAIT}\n%load_ext greeter")
    assert local.run("%greet you").result == "'hello you'"


def test_a_magic_that_was_made_here_meanwhile_stays(local: Kernel) -> None:
    local.run("from IPython.core.magic import register_line_magic")
    local.run(
        "%%local --as job --no-panel\n@register_line_magic\ndef which(line):\n    return 'there'"
    )
    local.run("@register_line_magic\ndef which(line):\n    return 'here'")
    local.run("job.wait()")
    assert local.run("%which").result == "'here'"
