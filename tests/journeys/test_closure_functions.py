"""Functions of the notebook in a real job: bound to its names there, to the notebook's here."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "what begins with an underscore comes home where something needs it": """
        _rate, _seen, outer = 2, [1], []
        outer.append(_seen)
        -- job
        _rate += 1
        _left = 7
        outer[0].append(2)
        def _doubled(x): return 2 * x
        def public(x): return _doubled(x) * _rate
        -- here
        (_rate, _seen, outer[0] is _seen) == (3, [1, 2], True)
        public(1) == 6
        '_left' not in globals()
        """,
    "a function sees what the cell binds, and at home what the notebook binds": """
        K = 1
        def seen(): return K
        def maker():
            def inner(): return K
            return inner
        inner = maker()
        -- job
        K = 99
        first, deep = seen(), inner()
        def late(): return K
        alias = seen
        -- there
        (first, deep, late()) == (99, 99, 99)
        seen.__globals__ is globals() is late.__globals__
        -- here
        (K, first, deep, late()) == (99, 99, 99, 99)
        late.__globals__ is globals()
        alias is seen
        late.__module__ == '__main__'
        -- then
        K = 7
        -- here
        (seen(), inner(), late()) == (7, 7, 7)
        """,
    "global counters count, there and here": """
        count, log = 0, []
        def bump():
            global count
            count += 1
            log.append(count)
            return count
        def both(): return bump() + bump()
        -- job
        total = both()
        made = [bump() for _ in range(3)]
        def reset():
            global count
            count = 0
        -- there
        (total, made, count, log) == (3, [3, 4, 5], 5, [1, 2, 3, 4, 5])
        -- here
        (count, log) == (5, [1, 2, 3, 4, 5])
        bump() == 6
        reset() is None and count == 0
        """,
    "a global may be deleted and made by functions": """
        doomed = 1
        def clear():
            global doomed
            del doomed
        def make():
            global born
            born = 'here'
        -- job
        clear()
        make()
        -- there
        'doomed' not in globals()
        born == 'here'
        -- here
        'doomed' not in globals()
        born == 'here'
        """,
    "recursion, mutual recursion and forward references": """
        def fact(n): return 1 if n < 2 else n * fact(n - 1)
        def even(n): return n == 0 or odd(n - 1)
        def odd(n): return n > 0 and even(n - 1)
        def uses_later(): return comes_later()
        def local_recursion():
            def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
            return fib
        fib = local_recursion()
        -- job
        def comes_later(): return 'made in the job'
        def down(n): return [] if n == 0 else [n, *up(n - 1)]
        def up(n): return [] if n == 0 else [-n, *down(n - 1)]
        -- there
        (fact(5), even(10), odd(7), fib(10)) == (120, True, True, 55)
        uses_later() == 'made in the job'
        -- here
        uses_later() == 'made in the job'
        down(3) == [3, -2, 1]
        """,
    "closures share their cells, in the job and back": """
        def counter():
            n = 0
            def up():
                nonlocal n
                n += 1
                return n
            def get(): return n
            return up, get
        up, get = counter()
        up()
        def unbound():
            def get(): return later
            if False: later = 1
            return get
        empty = unbound()
        def tree():
            def node(depth): return [node(depth - 1)] if depth else []
            return node
        node = tree()
        -- job
        seen = up(), up(), get()
        pair = counter()
        pair[0]()
        inner_up, inner_get = pair
        -- there
        seen == (2, 3, 3)
        node(2) == [[[]]]
        node.__closure__[0].cell_contents is node
        -- here
        inner_up() == 2 and inner_get() == 2
        pair[0] is inner_up
        node(1) == [[]]
        up() == 4 and get() == 4
        """,
    "defaults, keyword defaults, annotations, attributes and docstrings": """
        shared = [1]
        def full(a, /, b=shared, *rest, c=shared, d: int = 4, **more) -> 'str':
            'What it does.'
            return a, b, rest, c, d, more
        full.calls = {'n': 1}
        full.itself = full
        -- job
        shared.append(2)
        got = full(0, d=5, e=6)
        full.calls['n'] += 1
        -- there
        got == (0, [1, 2], (), [1, 2], 5, {'e': 6})
        full.__defaults__[0] is shared is full.__kwdefaults__['c']
        full.__annotations__ == {'d': int, 'return': 'str'}
        (full.__doc__, full.__name__, full.__qualname__) == ('What it does.', 'full', 'full')
        full.itself is full
        -- here
        full.calls == {'n': 2}
        full.itself is full
        full(1)[1] is shared
        shared == [1, 2]
        """,
    "decorated functions, with and without wraps": """
        import functools
        registry = {}
        def register(name):
            def around(f):
                registry[name] = f
                return f
            return around
        def loud(f):
            @functools.wraps(f)
            def wrapper(*args): return f(*args).upper()
            wrapper.calls = 0
            return wrapper
        def bare(f):
            def wrapper(*args): return '<' + f(*args) + '>'
            return wrapper
        @bare
        @loud
        def greet(name): return greeting + name
        @register('low')
        @loud
        def low(name): return greeting + name
        greeting = 'hi '
        class Memo:
            def __init__(self, f):
                functools.update_wrapper(self, f)
                self.f, self.seen = f, {}
            def __call__(self, n):
                if n not in self.seen: self.seen[n] = self.f(n)
                return self.seen[n]
        @Memo
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        -- job
        said = greet('a'), low('b'), registry['low']('c')
        greeting = 'bye '
        said += greet('a'),
        f30 = fib(30)
        @loud
        def new(name): return greeting + name
        -- there
        said == ('<HI A>', 'HI B', 'HI C', '<BYE A>')
        registry['low'] is low
        low.__wrapped__('x') == 'bye x'
        f30 == 832040
        fib.__name__ == 'fib'
        -- here
        registry['low'] is low
        new('x') == 'BYE X'
        new.__wrapped__.__globals__ is globals()
        len(fib.seen) == 31
        """,
    "caches travel empty and count anew": """
        import functools
        calls = []
        @functools.lru_cache(maxsize=2, typed=True)
        def square(n):
            calls.append(n)
            return n * n * scale
        @functools.cache
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        scale = 1
        class Lab:
            @functools.lru_cache(maxsize=None)
            def slow(self, n): return n + scale
            @functools.cached_property
            def costly(self):
                calls.append('costly')
                return 42
            @staticmethod
            @functools.cache
            def still(n): return n
        lab = Lab()
        -- job
        values = square(3), square(3), fib(50), lab.slow(1), Lab().costly, lab.still(5)
        costly = lab.costly, lab.costly
        @functools.lru_cache
        def made(n): return n + scale
        -- there
        values == (9, 9, 12586269025, 2, 42, 5)
        calls == [3, 'costly', 'costly']
        square.cache_parameters() == {'maxsize': 2, 'typed': True}
        square.cache_info().hits == 1
        square.__wrapped__(2) == 4
        -- here
        made(1) == 2 and made.cache_info().misses == 1
        vars(lab)['costly'] == 42
        calls == [3, 'costly', 'costly', 2]
        -- then
        scale = 10
        -- here
        made(2) == 12 and made.__wrapped__.__globals__ is globals()
        """,
    "singledispatch functions and methods": """
        import functools
        class Shape: pass
        class Circle(Shape): pass
        word = 'a '
        @functools.singledispatch
        def name(x): return word + 'thing'
        @name.register
        def _(x: int): return word + 'number'
        @name.register(Circle)
        def _(x): return word + 'circle'
        @name.register(list)
        @name.register(tuple)
        def _(x): return [name(i) for i in x]
        name.note = 'noted'
        class Printer:
            @functools.singledispatchmethod
            def show(self, x): return 'any'
            @show.register
            def _(self, x: str): return 'text ' + word
            @functools.singledispatchmethod
            @classmethod
            def make(cls, x): return cls, x
            @make.register
            @classmethod
            def _(cls, x: int): return cls, -x
        printer, circle = Printer(), Circle()
        -- job
        said = name(1), name(circle), name([1, 'x']), name(Shape())
        shown = printer.show(1), printer.show('x'), Printer.make(3)[1], Printer.make('a')[1]
        @name.register(str)
        def _text(x): return word + 'text'
        @functools.singledispatch
        def other(x): return name(x)
        @other.register
        def _(x: float): return 'float'
        -- there
        said == ('a number', 'a circle', ['a number', 'a thing'], 'a thing')
        shown == ('any', 'text a ', -3, 'a')
        name('x') == 'a text'
        name.note == 'noted' and name.__name__ == 'name'
        name.dispatch(bool)(1) == 'a number'
        set(name.registry) == {object, int, Circle, list, tuple, str}
        -- here
        name('x') == 'a text'
        name(circle) == 'a circle'
        other(1.5) == 'float' and other(1) == 'a number'
        -- then
        word = 'the '
        -- here
        name(1) == other(1) == 'the number'
        """,
    "partials, lambdas, bound methods and callables": """
        import functools, operator
        base = 10
        add = lambda x, y=1: x + y + base
        add5 = functools.partial(add, 5, y=0)
        class Acc:
            def __init__(self): self.total = 0
            def put(self, n):
                self.total += n
                return self.total
            def __call__(self, n): return self.put(n * base)
            @classmethod
            def make(cls): return cls()
            @staticmethod
            def kind(): return base
            double = functools.partialmethod(put, 2)
        acc = Acc()
        put, make, kind = acc.put, Acc.make, Acc.kind
        unbound = Acc.put
        append = [].append
        upper = 'abc'.upper
        getter, item = operator.attrgetter('total'), operator.itemgetter(1)
        caller = operator.methodcaller('put', 1)
        table = {'add': add, 'acc': acc}
        -- job
        base = 20
        got = add5(), add(1), put(3), acc(1), kind(), acc.double()
        made = make()
        more = getter(acc), item('xyz'), caller(acc), upper(), unbound(acc, 1)
        later = functools.partial(add, 0)
        bound = made.put
        -- there
        got == (25, 22, 3, 23, 20, 25)
        more == (25, 'y', 26, 'ABC', 27)
        put.__self__ is acc
        table['add'] is add and table['acc'] is acc
        type(made) is Acc and make.__self__ is Acc
        -- here
        acc.total == 27
        bound.__self__ is made and type(made) is Acc
        later() == 21 and later.func is add
        put.__self__ is acc
        -- then
        base = 0
        -- here
        later() == 1 and add5() == 5
        """,
    "generator functions, async functions and comprehensions": """
        import asyncio, contextlib
        limit = 3
        def numbers():
            yield from range(limit)
        async def wait(n):
            await asyncio.sleep(0)
            return n + limit
        async def agen():
            for i in range(limit):
                yield i
        async def collect(): return [i async for i in agen()]
        @contextlib.contextmanager
        def opened():
            events.append('in')
            yield limit
            events.append('out')
        events = []
        nested = lambda: [[x * limit for x in range(y)] for y in range(limit)]
        -- job
        limit = 4
        got = list(numbers()), await wait(1), await collect()
        with opened() as inside:
            pass
        async def made(): return await wait(10)
        def gen():
            while True:
                yield limit
        -- there
        got == ([0, 1, 2, 3], 5, [0, 1, 2, 3])
        (inside, events) == (4, ['in', 'out'])
        len(nested()) == 4
        -- here
        await made() == 14
        next(gen()) == 4
        events == ['in', 'out']
        """,
    "functions made in the job look up the notebook's names": """
        here_only = 'kernel'
        def helper(): return here_only
        -- job
        made_there = 'job'
        def f(): return made_there, here_only
        def g(): return helper()
        class C:
            def m(self): return f(), g()
            @staticmethod
            def s(): return made_there
        c = C()
        fs = [f, lambda: made_there]
        -- there
        c.m() == (('job', 'kernel'), 'kernel')
        -- here
        c.m() == (('job', 'kernel'), 'kernel')
        fs[0] is f
        -- then
        here_only, made_there = 'changed', 'too'
        def helper(): return 'another'
        -- here
        f() == ('too', 'changed')
        c.m() == (('too', 'changed'), 'another')
        (fs[1](), C.s()) == ('too', 'too')
        """,
    "aliasing survives: two names, two containers, inside closures and attributes": """
        shared = {'n': 0}
        other = shared
        box, crate = [shared], {'k': shared}
        class Holder: pass
        holder = Holder()
        holder.it, holder.me = shared, holder
        def closes():
            inner = shared
            return lambda: inner
        get = closes()
        def default(x=shared): return x
        loop = [1]
        loop.append(loop)
        -- job
        other['n'] += 1
        new = [shared]
        twice = [new, new]
        -- there
        shared is other is box[0] is crate['k'] is holder.it is get() is default()
        holder.me is holder and loop[1] is loop
        -- here
        shared is other is box[0] is crate['k'] is holder.it is get() is default()
        shared == {'n': 1}
        new[0] is shared and twice[0] is twice[1] is new
        holder.me is holder
        """,
    "submodules that only a function names": """
        import xml.dom.minidom, concurrent.futures, os.path as p
        def parse(): return xml.dom.minidom.parseString('<a/>').documentElement.tagName
        def pool(): return concurrent.futures.ThreadPoolExecutor(1)
        -- job
        tag = parse()
        with pool() as workers:
            four = workers.submit(pow, 2, 2).result()
        def joined(): return p.join('a', 'b')
        -- there
        (tag, four) == ('a', 4)
        -- here
        joined() == 'a/b'
        """,
    "a function that is renamed, rebound or shadows a builtin": """
        def sum(xs): return 'mine'
        def real(): return sum([1])
        def f(): return 1
        old = f
        def f(): return old() + 1
        print_ = print
        -- job
        got = real(), f(), sum([])
        def len(x): return -1
        -- there
        got == ('mine', 2, 'mine')
        -- here
        len([1]) == -1
        f() == 2 and real() == 'mine'
        """,
    "odd values that functions hold": """
        import collections, types, re, logging, typing, itertools, operator, decimal, datetime
        table = collections.defaultdict(lambda: base)
        nested = collections.defaultdict(lambda: collections.defaultdict(list))
        base = 5
        space = types.SimpleNamespace(a=1, f=lambda: base)
        pattern = re.compile(r'(?P<x>\\d+)', re.I)
        log = logging.getLogger('mine')
        alias, fun = list[int], typing.Callable[[int], str]
        opt, union = typing.Optional[int], int | str
        counter = itertools.count(5)
        proxy = types.MappingProxyType({'a': 1})
        chain = collections.ChainMap({'a': 1}, {'b': 2})
        total = lambda: functools_reduce(operator.add, [1, 2])
        from functools import reduce as functools_reduce
        ellipsis, no, view = ..., NotImplemented, {'a': 1}.keys()
        -- job
        got = table['new'], space.f(), pattern.match('12')['x'], log.name, next(counter)
        nested['a']['b'].append(1)
        same = pattern
        -- there
        got == (5, 5, '12', 'mine', 5)
        alias == list[int] and fun == typing.Callable[[int], str]
        opt == typing.Optional[int] and union == int | str
        proxy['a'] == 1 and chain['b'] == 2
        total() == 3
        ellipsis is ... and no is NotImplemented and list(view) == ['a']
        log is logging.getLogger('mine')
        -- here
        dict(table) == {'new': 5}
        nested['a']['b'] == [1]
        next(counter) == 6
        nested['x']['y'] == []
        same is pattern
        """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(swept: Kernel, magic: str, name: str) -> None:
    play(STORIES[name], swept, magic)
