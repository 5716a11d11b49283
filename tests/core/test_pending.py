"""What a cell that is sent is taken to bring, so that others wait for it or follow it."""

from __future__ import annotations

import collections
import linecache
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbsubmit.core import lines
from nbsubmit.core.changes.functions import reached
from nbsubmit.core.names import analyse
from nbsubmit.core.pending import outlook


class Model:
    """Learns."""

    def fit(self, data: object) -> None:
        """Learn."""


class Settings:
    """Does not."""

    def get(self) -> int:
        """Return something."""
        return 1


HERE: dict[str, Any] = {
    "np": np, "pd": pd, "n": 1, "text": "t", "items": [1], "table": {}, "seen": {1},
    "queue": collections.deque(), "array": np.arange(3), "df": pd.DataFrame({"a": [1]}),
    "model": Model(), "settings": Settings(), "_own": [1], "function": len, "t": (1,),
}  # fmt: skip


def brought(source: str, bring: Iterable[str] | None = None) -> set[str]:
    return set(outlook(analyse(source), source, HERE, bring).names)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = n", {"x"}),
        ("def f(): pass", {"f"}),
        ("for i in items: last = i", {"i", "last"}),
        ("if n: x = 1", {"x"}),
        ("del items", {"items"}),
        ("n += 1", {"n"}),
        ("import numpy as np", set()),
        ("import json", {"json"}),
        ("import numpy as np\nnp = 3", {"np"}),
        ("_x = 1", set()),
        ("_own = 1", {"_own"}),
        ("print(n, text, t)", set()),
        ("items.append(1)", {"items"}),
        ("items.index(1)", set()),
        ("items[0] = 1", {"items"}),
        ("also = items\nalso.append(1)", {"also", "items"}),
        ("m = df.mean()", {"m"}),
        ("df['b'] = 1", {"df"}),
        ("df.loc[0, 'a'] = 1", {"df"}),
        ("v = df.loc[0]", {"v"}),
        ("df.drop(columns='a', inplace=True)", {"df"}),
        ("df.b = 1", {"df"}),
        ("array.sort()", {"array"}),
        ("s = array.sum()", {"s"}),
        ("array += 1", {"array"}),
        ("table['a'] = 1", {"table"}),
        ("v = table.get('a')", {"v"}),
        ("seen.add(2)", {"seen"}),
        ("queue.append(2)", {"queue"}),
        ("r = function(df, array, items, table)", {"r"}),
        ("function(model)", {"model"}),
        ("model.fit(df)", {"model"}),
        ("r = function(settings)", {"r"}),
        ("v = settings.get()", {"settings", "v"}),
    ],
)
def test_a_cell_brings_what_it_binds_and_what_it_changes_for_all_that_shows(
    source: str, names: set[str]
) -> None:
    assert brought(source) == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("later['b'] = 1", {"later"}),
        ("later.append(1)", {"later"}),
        ("later.up()", {"later"}),
        ("later.loc[0] = 1", {"later"}),
        ("m = later.mean()", {"m"}),
        ("m = later.groupby('a').sum()", {"m"}),
        ("m = function(later)", {"m"}),
        ("m = later(1)", {"later", "m"}),
        ("m = later + 1", {"m"}),
        ("put(later)", {"later"}),
        ("put(table)", {"table"}),
        ("x = put(df)", {"x", "df"}),
        ("late = Late(later)", {"late"}),
    ],
)
def test_what_another_job_is_to_bring_is_changed_by_what_changes_any_kind_of_data(
    source: str, names: set[str]
) -> None:
    cell = "later = make()\ndef put(to): to['a'] = 1\nclass Late: pass"
    awaited = dict.fromkeys(["later", "put", "Late"], cell)
    assert set(outlook(analyse(source), source, HERE, awaited=awaited).names) == names


def test_what_a_cell_binds_in_any_case_is_told_from_what_it_may_leave_as_it_was() -> None:
    source = "x = 1\nif n:\n    y = 1\nfor z in items: pass\nitems.append(1)\ndef f(): pass"
    found = outlook(analyse(source), source, HERE)
    assert set(found.names) == {"x", "y", "z", "items", "f"}
    assert set(found.binds) == {"x", "f"}


def test_of_a_cell_that_says_what_it_brings_nothing_else_is_expected() -> None:
    assert brought("x = 1\ny = 2", ["x"]) == {"x"}
    assert brought("x = 1", []) == set()


# What the notebook's functions and classes do to objects of its names.
NOTEBOOK = """
import collections, functools, heapq, random, types
import numpy as np, pandas as pd

df, frame = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})
rows, items, log, first, second, acc = [{"a": 1}], [1], [], [], [], []
array, table, memo, nested = np.zeros((2, 2)), {"k": [1]}, {}, {"a": {"b": 1}}
holder, drawing = types.SimpleNamespace(a=1, l=[]), np.random.default_rng(0)
grouped, numbers, n = collections.defaultdict(list), iter([1]), 0

def add(frame): frame["c"] = 1
def look(frame): return frame.a.mean()
def add_by(helper): add(helper)
def first_of(rows):
    row = rows[0]
    row["a"] = 2
def count():
    global n
    n += 1
def counts(): count()
def note(x): log.append(x)
def fib(n):
    if n not in memo:
        memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return memo[n]
def walk(tree): walk(tree)
def draw(generator): return generator.random()
class Counter:
    made = 0
    def __init__(self): self.v = 0
    def up(self): self.v += 1
    def fill(self, into): into.append(self.v)
    def tell(self): log.append(self.v)
    @classmethod
    def make(cls): cls.made += 1
    @staticmethod
    def put(into): into.append(1)
counter = Counter()
def poke(o): o.v = 5
def twice(f):
    @functools.wraps(f)
    def wrapper(*given): return f(*given)
    return wrapper
@twice
def note_twice(x): log.append(x)
handlers = {"log": lambda x: log.append(x)}
up, told, push = counter.up, counter.tell, acc.append
held = {"c": Counter(), "n": 1}
def counted():
    calls = 0
    seen = []
    def once():
        nonlocal calls
        calls += 1
    def keep(x): seen.append(x)
    def look(): return calls, seen
    return once, keep, look
once, keep, peek = counted()
bound = functools.partial(note, 1)
"""


@pytest.fixture(scope="module")
def notebook() -> Iterator[dict[str, Any]]:
    """Return a notebook's namespace whose functions' text is known."""
    file = "<cell of a test>"
    lines.remember({file: NOTEBOOK})
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(NOTEBOOK, file, "exec"), home)
    yield home
    linecache.cache.pop(file)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("add(df)", {"df"}),
        ("add(frame=df)", {"df"}),
        ("add_by(df)", {"df"}),
        ("look(df)", set()),
        ("def own(frame): frame['c'] = 1\nown(df)", {"own", "df"}),
        ("def own(df): df['c'] = 1", {"own"}),
        ("for row in rows: row['a'] = 9", {"row", "rows"}),
        ("for i, row in enumerate(rows): row['a'] = i", {"i", "row", "rows"}),
        ("for row in rows: print(row)", {"row"}),
        ("[row.update(a=1) for row in rows]", {"rows"}),
        ("row = rows[0]\nrow['a'] = 7", {"row", "rows"}),
        ("first_of(rows)", {"rows"}),
        ("v = array[0]\nv[:] = 5", {"v", "array"}),
        ("v = array.reshape(4)\nv[:] = 5", {"v", "array"}),
        ("m = df.mean()\nm['x'] = 1", {"m"}),
        ("sub = df[df.a > 0]\nsub['z'] = 1", {"sub"}),
        ("mine = list(items)\nmine.append(1)", {"mine"}),
        ("p, q = first, second\np.append(1)", {"p", "q", "first"}),
        ("for q in (first, second): q.append(1)", {"q", "first", "second"}),
        ("both = [first, second]\nfor q in both: q.append(1)", {"both", "q", "first", "second"}),
        ("for k, v in table.items(): v.append(k)", {"k", "v", "table"}),
        ("inner = nested.get('a')\ninner['b'] = 2", {"inner", "nested"}),
        ("random.shuffle(items)", {"items"}),
        ("heapq.heappush(items, 1)", {"items"}),
        ("np.add(array, 1, out=array)", {"array"}),
        ("np.fill_diagonal(array, 3)", {"array"}),
        ("setattr(holder, 'a', 2)", {"holder"}),
        ("holder.l.append(1)", {"holder"}),
        ("grouped['a'].append(1)", {"grouped"}),
        ("g = grouped.get('a')", {"g"}),
        ("[acc.append(i) for i in range(2)]", {"acc"}),
        ("list(map(acc.append, range(2)))", {"acc"}),
        ("count()", {"n"}),
        ("counts()", {"n"}),
        ("note(1)", {"log"}),
        ("note_twice(1)", {"log"}),
        ("handlers['log'](1)", {"log"}),
        ("bound()", {"log"}),
        ("fib(5)", {"memo"}),
        ("walk(table)", set()),
        ("counter.up()", {"counter", "log"}),
        ("counter.fill(acc)", {"counter", "acc", "log"}),
        ("Counter.put(acc)", {"acc", "log"}),
        ("poke(counter)", {"counter", "log"}),
        ("Counter.made = 4", {"Counter", "log"}),
        ("Counter.make()", {"Counter", "log"}),
        ("add.calls = 3", {"add"}),
        ("up()", {"up", "log"}),
        ("told()", {"log"}),
        ("push(1)", {"push"}),
        ("held['c'].up()", {"held", "log"}),
        ("held['c'].tell()", {"log"}),
        ("once()", {"once"}),
        ("keep(1)", {"keep"}),
        ("peek()", set()),
        ("np.add.at(array, 0, 1)", {"array"}),
        ("draw(drawing)", {"drawing"}),
        ("next(numbers)", {"numbers"}),
        ("x = list(numbers)", {"x", "numbers"}),
    ],
)
def test_what_a_cell_changes_shows_in_the_functions_it_calls_and_by_other_names_too(
    source: str, names: set[str], notebook: dict[str, Any]
) -> None:
    assert set(outlook(analyse(source), source, notebook).names) == names


def test_a_function_whose_text_is_lost_still_shows_what_it_binds() -> None:
    home: dict[str, Any] = {"__name__": "__main__", "n": 0}
    exec("def count():\n    global n\n    n += 1", home)
    assert set(outlook(analyse("count()"), "count()", home).names) == {"n"}


@pytest.mark.parametrize("user", ["C", "c", "part", "wrapped", "kept", "held", "cached", "bound"])
def test_what_the_code_in_a_value_reads_is_reached_through_it(user: str) -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "import functools\n"
        "def f(): return later\n"
        "class C:\n"
        "    p = property(lambda self: later)\n"
        "c, part, held = C(), functools.partial(f), {'a': [f]}\n"
        "def outer(g): return lambda: g()\n"
        "wrapped, cached, bound = outer(f), functools.lru_cache(f), c.__class__.p.fget.__get__(c)\n"
        "def kept(g=f): return g()\n",
        home,
    )
    assert "later" not in reached(["outer"], home)
    assert "later" in reached([user], home)


def test_what_functions_of_the_notebook_read_is_reached_through_them() -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    functions = "def f():\n    return g()\ndef g():\n    return [x for _ in y]\n"
    exec(functions + "class C:\n    def m(self): return z", home)
    assert {"f", "g", "x", "y"} <= reached(["f"], home)
    assert "z" not in reached(["f"], home)
    assert "z" in reached(["C"], home)


def test_an_attribute_is_no_name_that_a_function_reads() -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec("def f(v): return v.later + [w.more for w in here]", home)
    assert reached(["f"], home) == {"f", "here"}
