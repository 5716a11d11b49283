"""A name of an ``except … as`` clause is gone after it, here as in the job."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "a clause that runs takes the name away": """
        e = open("file", "w")
        -- job
        try:
            1 / 0
        except ZeroDivisionError as e:
            pass
        -- here
        "e" not in globals()
    """,
    "a clause that does not run leaves it alone": """
        e = before = [1]
        -- job
        try:
            pass
        except ZeroDivisionError as e:
            pass
        -- here
        e is before
    """,
    "what the cell binds after it is there": """
        e = 1
        -- job
        try:
            1 / 0
        except ZeroDivisionError as e:
            pass
        e = 2
        -- here
        e == 2
    """,
    "a function's clause takes a global name away, and leaves other ones alone": """
        e = f = 1
        -- job
        def fail():
            global e
            try:
                1 / 0
            except ZeroDivisionError as e:
                pass
            try:
                1 / 0
            except ZeroDivisionError as f:
                pass
        fail()
        -- here
        "e" not in globals()
        f == 1
    """,
}


@pytest.mark.parametrize("story", STORIES)
def test_a_name_of_an_except_clause(story: str, swept: Kernel, magic: str) -> None:
    play(STORIES[story], swept, magic)


def test_it_is_gone_also_where_the_cell_fails_afterwards(swept: Kernel, magic: str) -> None:
    swept.run("e = 1")
    swept.try_(
        f"{magic} --wait --quiet\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    pass\nraise ValueError"
    )
    assert swept.run("'e' in globals()").result == "False"
