"""What functions keep between calls, changed by a job: in place, for everybody who knows them."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "two functions that share a variable both see it changed": """
        def account(balance):
            def put(n):
                nonlocal balance
                balance += n
                return balance
            def take(n):
                return put(-n)
            return put, take
        put, take = account(10)
        -- job
        left = take(3)
        -- here
        left == 7
        put(0) == 7
        take(1) == 6
        """,
    "a function with an attribute that counts stays the same function": """
        def counted(x):
            counted.calls += 1
            return x
        counted.calls = 0
        alias = [counted]
        -- job
        counted(1), counted(2)
        -- here
        counted.calls == 2
        alias[0] is counted
        """,
    "what a function keeps and the job did not change is the very same": """
        def make(data):
            def look(n):
                look.last = n
                return data[n]
            return look
        data = [1, 2]
        look = make(data)
        before = look.__closure__[0].cell_contents
        -- job
        look(1)
        -- here
        look.last == 1
        look.__closure__[0].cell_contents is before is data
        """,
    "a default that was changed in place is so here": """
        def remember(x, seen=[]):
            seen.append(x)
            return seen
        -- job
        remember(1)
        -- here
        remember(2) == [1, 2]
        """,
    "an attribute that the job takes away is gone": """
        def f(): return 1
        f.note = 'here'
        -- job
        del f.note
        -- here
        not hasattr(f, 'note')
        """,
    "a variable that was not bound yet is bound": """
        def later():
            if False:
                value = None
            def bind(x):
                nonlocal value
                value = x
            def tell():
                return value
            return bind, tell
        bind, tell = later()
        -- job
        bind(5)
        -- here
        tell() == 5
        """,
    "a wrapper shares its annotations with what it wraps": """
        import functools
        -- job
        def loud(f):
            @functools.wraps(f)
            def g(*a): return f(*a)
            return g
        @loud
        def plain(): return 1
        -- here
        plain.__annotations__ is plain.__wrapped__.__annotations__
        """,
}


@pytest.mark.parametrize("story", STORIES)
def test_as_if_it_had_run_here(swept: Kernel, magic: str, story: str) -> None:
    play(STORIES[story], swept, magic)
