"""Code of the notebook that runs while values are loaded finds the names that it needs."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "hashes of keys": """
        class Key:
            def __init__(self, n): self.n = n
            def __hash__(self): return salted(self.n)
            def __eq__(self, other): return EQUAL and self.n == other.n
        def salted(n): return hash((SALT, n))
        SALT, EQUAL = 'pepper', True
        table, group = {Key(1): 'one'}, {Key(2), Key(3)}
        -- job
        found = table[Key(1)]
        class Word:
            def __init__(self, w): self.w = w
            def __hash__(self): return hash(fold(self.w))
            def __eq__(self, other): return fold(self.w) == fold(other.w)
        def fold(w): return getattr(w, CASE)()
        words, CASE = {}, 'lower'
        words[Word('A')] = 1
        more = {Key(4): words}
        -- there
        found == 'one' and Key(3) in group and words[Word('a')] == 1
        -- here
        table[Key(1)] == 'one' and words[Word('a')] == 1 and more[Key(4)][Word('a')] == 1
        """,
    "__setstate__, __getstate__ and __getattr__": """
        import math
        class Lazy:
            def __init__(self, x): self.x, self.cache = x, compute(x)
            def __getstate__(self): return {'x': self.x, 'version': VERSION}
            def __setstate__(self, state):
                self.x = state['x']
                self.cache = compute(self.x)
                loaded.append(VERSION)
            def __getattr__(self, name):
                if name.startswith('__'): raise AttributeError(name)
                return DEFAULTS[name]
        def compute(x): return math.sqrt(x) * FACTOR
        VERSION, FACTOR, loaded, DEFAULTS = 3, 2, [], {'colour': 'red'}
        lazy = Lazy(16)
        -- job
        got, colour = lazy.cache, lazy.colour
        new = Lazy(25)
        class Local:
            def __setstate__(self, state):
                self.__dict__.update(state)
                self.twice = twice(self.x)
        def twice(x): return x * TWO
        TWO, local = 2, Local()
        local.x = 4
        -- there
        (got, colour, loaded) == (8.0, 'red', [3])
        -- here
        new.cache == 10.0 and local.twice == 8 and type(local) is Local
        """,
    "__reduce__ with a function of the notebook": """
        import copyreg
        class Point:
            def __init__(self, x): self.x = x
            def __reduce__(self): return make_point, (self.x, UNIT)
        def make_point(x, unit): return POINTS.setdefault(x, Point(x * SCALE))
        class Plain:
            def __init__(self, v): self.v = v
        def reduce_plain(plain): return make_plain, (plain.v,)
        def make_plain(v): return Plain(v + BONUS)
        copyreg.pickle(Plain, reduce_plain)
        UNIT, SCALE, BONUS, POINTS = 'cm', 1, 0, {}
        point, plain = Point(3), Plain(4)
        -- job
        x, v = point.x, plain.v
        point2 = Point(7)
        -- there
        (x, v) == (3, 4)
        -- here
        point2.x == 7 and type(point2) is Point
        """,
    "__new__, slots set through __setattr__, and exceptions that are made again": """
        class Checked:
            __slots__ = ('a',)
            def __new__(cls, *args):
                assert LIMIT > 0
                return object.__new__(cls)
            def __init__(self, a): self.a = a
            def __setattr__(self, name, value):
                if value > LIMIT: raise ValueError(value)
                object.__setattr__(self, name, value)
        class Coded(Exception):
            def __init__(self, code): super().__init__(code); self.text = TEXTS[code]
        LIMIT, TEXTS = 10, {1: 'one', 2: 'two'}
        checked, error = Checked(5), Coded(1)
        -- job
        a, text = checked.a, error.text
        other, failed = Checked(6), Coded(2)
        try:
            checked.a = 11
        except ValueError:
            refused = True
        -- there
        (a, text, refused) == (5, 'one', True)
        -- here
        other.a == 6 and failed.text == 'two'
        """,
    "containers with ways of their own": """
        class Folded(dict):
            def __setitem__(self, key, value): super().__setitem__(fold(key), value + STEP)
        class Logged(list):
            def append(self, item): super().append((TAG, item))
            def extend(self, items):
                for item in items: super().append(item)
        def fold(key): return key.lower()
        STEP, TAG = 0, 't'
        folded, logged = Folded(), Logged()
        folded['A'] = 1
        logged.append(1)
        -- job
        folded['B'] = 2
        logged.append(2)
        -- there
        dict(folded) == {'a': 1, 'b': 2} and list(logged) == [('t', 1), ('t', 2)]
        -- here
        dict(folded) == {'a': 1, 'b': 2} and list(logged) == [('t', 1), ('t', 2)]
        type(folded) is Folded and type(logged) is Logged
        """,
    "a class attribute that holds instances of the class, and a registry that holds itself": """
        class Node:
            root = None
            def __init__(self, n): self.n = n
            def __hash__(self): return hash((SEED, self.n))
            def __eq__(self, other): return self.n == other.n
            def __setstate__(self, state):
                self.__dict__.update(state)
                self.seen = SEED
        SEED = 5
        Node.root, Node.all = Node(0), {Node(1): 'one', Node(2): 'two'}
        registry = {}
        registry[Node(3)] = registry
        -- job
        found = Node.all[Node(1)], registry[Node(3)] is registry
        root = Node.root
        -- there
        found == ('one', True) and root is Node.root and root.seen == 5
        -- here
        type(root) is Node and root.seen == 5 and Node.all[Node(2)] == 'two'
        """,
    "things that need each other": """
        class Ring:
            def __init__(self, n): self.n = n
            def __hash__(self): return hash(self.n) + len(SIZES)
            def __eq__(self, other): return self.n == other.n
        class Chain:
            def __init__(self, n): self.n = n
            def __hash__(self): return hash(self.n) + SIZES.get('x', 0)
            def __eq__(self, other): return self.n == other.n
        SIZES = {'x': 1}
        rings = {Ring(1): 'r'}
        chains = {Chain(1): rings}
        def look(): return chains[Chain(1)][Ring(1)]
        -- job
        got = look()
        again = {Ring(1): chains}
        -- there
        got == 'r'
        -- here
        again[Ring(1)] is chains
        """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(swept: Kernel, magic: str, name: str) -> None:
    play(STORIES[name], swept, magic)
