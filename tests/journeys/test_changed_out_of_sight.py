"""What a job changes that no name of the notebook's stands for, or none that usually comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

WAIT = "--wait --quiet"
STORIES = {
    "a class inside of a class": """
        class Outer:
            class Inner:
                n, seen = 1, []
        -- job
        Outer.Inner.n = 2
        Outer.Inner.seen.append(1)
        -- here
        (Outer.Inner.n, Outer.Inner.seen) == (2, [1])
        """,
    "classes without names": """
        def make():
            class Hidden:
                count = 0
            return Hidden
        kinds, thing = [make(), make()], make()()
        first = kinds[0]
        del make
        hidden, other = [kinds[0]], [kinds[1]]
        del first
        -- job
        kinds[0].count = 5
        type(thing).count = 7
        -- here
        [kind.count for kind in kinds] == [5, 0]
        type(thing).count == 7
        hidden[0] is kinds[0]
        -- job
        kinds[0].count += 1
        -- here
        hidden[0].count == 6
        """,
    "an object by a private name": """
        _cache = {}
        def remember(x):
            _cache[x] = x
        -- job
        remember(1)
        _mine = 1
        -- here
        _cache == {1: 1}
        '_mine' not in globals()
        """,
    "a name that the cell binds and deletes": """
        x = y = 1
        -- job
        x = 2
        del x
        if not y:
            y = 2
            del y
        -- here
        'x' not in globals()
        y == 1
        """,
}


@pytest.mark.parametrize("story", STORIES)
def test_is_as_if_it_had_run_here(swept: Kernel, magic: str, story: str) -> None:
    play(STORIES[story], swept, magic)


@pytest.mark.parametrize("name", ["Out[{n}]", "_{n}", "_"])
def test_a_result_that_a_cell_changes_is_changed_here(
    kernel: Kernel, magic: str, name: str
) -> None:
    count = kernel.run("held = []\nheld").count
    kernel.run(f"{magic} {WAIT}\n{name.format(n=count)}.append(1)")
    told = kernel.run(f"print(held, Out[{count}] is _{count} is held)").stdout
    assert told == "[1] True\n"


def test_a_result_that_comes_back_as_another_object_is_that_in_the_history_too(
    kernel: Kernel, magic: str
) -> None:
    count = kernel.run("import pandas as pd\npd.DataFrame({'a': [1]})").count
    kernel.run(f"{magic} {WAIT}\nOut[{count}]['b'] = 2")
    told = kernel.run(f"print(list(Out[{count}]), Out[{count}] is _{count})").stdout
    assert told == "['a', 'b'] True\n"


def test_a_class_without_a_name_that_was_changed_here_meanwhile_stays(kernel: Kernel) -> None:
    kernel.run("def make():\n    class Hidden: count = 0\n    return Hidden\nkinds = [make()]")
    kernel.run("%%local --as job --no-panel\nkinds[0].count = 1")
    kernel.run("kinds[0].count = 100\njob.wait()")
    assert kernel.run("kinds[0].count").result == "100"


def test_what_a_file_that_was_run_has_left_is_changed_here(
    kernel: Kernel, magic: str, tmp_path: Path
) -> None:
    (tmp_path / "counts.py").write_text(
        "n, log = 0, []\n"
        "def bump():\n    global n\n    n += 1\n    log.append(n)\n"
        "def tell():\n    return n, log\n"
    )
    kernel.run("%run counts.py")
    kernel.run(f"{magic} {WAIT}\nbump()\nbump()")
    assert kernel.run("tell()").result == "(2, [1, 2])"
    kernel.run(f"{magic} {WAIT}\n%run counts.py\nbump()")
    assert kernel.run("bump()\ntell()").result == "(2, [1, 2])"


def test_a_name_that_the_cell_has_deleted_itself_is_missed_without_a_hint(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("x = 1")
    ran = kernel.try_(f"{magic} {WAIT}\nx = 2\ndel x\nx")
    assert plain(ran.traceback).splitlines()[-1] == "NameError: name 'x' is not defined"
