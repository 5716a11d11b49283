"""Classes of the notebook in a real job: the same class on both sides, and never rewritten."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "an object that becomes one of another class is that here, for all who know it": """
        class Open:
            def state(self): return 'open'
        class Closed:
            def state(self): return 'closed'
        door, other = Open(), Open()
        doors = [door]
        -- job
        class Locked(Closed):
            pass
        door.__class__ = Closed
        other.__class__, other.key = Locked, 7
        -- here
        (door.state(), type(door), doors[0] is door) == ('closed', Closed, True)
        (type(other), other.key) == (Locked, 7)
        """,
    "what a member of an enum is given it has here": """
        import enum
        class Colour(enum.Enum):
            RED, GREEN = 1, 2
        class Size(enum.IntEnum):
            S, M = 1, 2
            def __init__(self, value): self.long = 'size ' + str(value)
        chosen, small = Colour.GREEN, Size.S
        -- job
        Colour.RED.note = ['hot']
        chosen.note = 'cold'
        small.long = 'small'
        -- here
        (Colour.RED.note, Colour.GREEN.note, chosen is Colour.GREEN) == (['hot'], 'cold', True)
        (Size.S.long, Size.M.long, small is Size.S) == ('small', 'size 2', True)
        """,
    "an instance comes back as one of the notebook's own class": """
        offset = 1
        class Base:
            def name(self): return 'base'
        class P(Base):
            shared = []
            limit = 3
            def __init__(self, x): self.x = x
            def __eq__(self, other): return type(self) is type(other) and self.x == other.x
            __hash__ = None
            def moved(self): return type(self)(self.x + offset)
            def name(self): return 'P of ' + super().name()
            @property
            def double(self): return self.x * 2
            @double.setter
            def double(self, v): self.x = v / 2
            @classmethod
            def make(cls): return cls(9)
            @staticmethod
            def helper(): return offset
            class Inner:
                def __init__(self): self.v = offset
        p, inner = P(1), P.Inner()
        methods, address = dict(vars(P)), id(P)
        -- job
        offset = 10
        q, r, made = p.moved(), P(5), P.make()
        p.double = 8
        new_inner, kind = P.Inner(), P
        name, back = q.name(), [p, q]
        -- there
        (q.x, r.x, made.x, p.x) == (11, 5, 9, 4)
        name == 'P of base' and new_inner.v == 10 and inner.v == 1
        P.helper() == 10 and P(1) == P(1) and P(1) != P(2)
        P.__module__ == '__main__' and P.__qualname__ == 'P' and P.Inner.__qualname__ == 'P.Inner'
        P.__hash__ is None
        -- here
        type(q) is type(r) is type(made) is type(p) is P is kind
        isinstance(q, Base) and type(new_inner) is P.Inner is type(inner)
        (p.x, p.double) == (4, 8) and back[0] is p
        vars(P).keys() - {'__slotnames__'} == methods.keys() and id(P) == address
        all(vars(P)[k] is v for k, v in methods.items())
        -- then
        offset = 100
        -- here
        q.moved().x == 111 and P.helper() == 100
        """,
    "enum members are themselves": """
        import enum
        class Colour(enum.Enum):
            RED = 1
            GREEN = 2
            CRIMSON = 1
            def shout(self): return self.name + '!'
            @classmethod
            def first(cls): return next(iter(cls))
            @property
            def low(self): return self.name.lower()
        class Perm(enum.Flag):
            R = enum.auto()
            W = enum.auto()
            RW = R | W
        class Level(enum.IntEnum):
            LOW = 1
            HIGH = 2
        class Word(str, enum.Enum):
            A = 'a'
        class Planet(enum.Enum):
            EARTH = (5.0, 6.0)
            MARS = (6.0, 3.0)
            def __init__(self, mass, radius):
                self.mass, self.radius = mass, radius
            @property
            def gravity(self): return self.mass / self.radius
        class Coded(bytes, enum.Enum):
            def __new__(cls, value, label):
                obj = bytes.__new__(cls, [value])
                obj._value_ = value
                obj.label = label
                return obj
            PX = (0, 'P.X')
            PY = (1, 'P.Y')
        class Auto(enum.Enum):
            def _generate_next_value_(name, start, count, last): return name.lower()
            ONE = enum.auto()
            TWO = enum.auto()
            @classmethod
            def _missing_(cls, value): return cls.ONE
        Anim = enum.Enum('Anim', 'ANT BEE')
        red, table = Colour.RED, {Colour.RED: 'r', Perm.R | Perm.W: 'rw', Planet.MARS: 4}
        kinds = (Colour, Perm, Level, Word, Planet, Coded, Auto, Anim)
        -- job
        got = [Colour(2), Colour.first(), Perm.R | Perm.W, Level(2), Word('a'), Planet.MARS]
        got += [Coded(1), Auto('zzz'), Anim.BEE]
        flag = Perm.R
        class New(enum.Enum):
            X = 1
            def m(self): return self.value + shift
        new, shift = New.X, 1
        -- there
        red is Colour.RED is Colour(1) is Colour.CRIMSON and table[Colour['RED']] == 'r'
        Colour.RED.shout() == 'RED!' and Colour.GREEN.low == 'green'
        list(Colour) == [Colour.RED, Colour.GREEN]
        Perm.R | Perm.W is Perm.RW and Perm.R in Perm.RW and table[Perm.RW] == 'rw'
        Level.HIGH > 1 and Word.A == 'a' and Word.A.upper() == 'A'
        Planet.EARTH.mass == 5.0 and Planet.MARS.gravity == 2.0
            and Planet((5.0, 6.0)) is Planet.EARTH
        Coded.PY.label == 'P.Y' and Coded.PY == b'\\x01' and Coded(1) is Coded.PY
        Auto.TWO.value == 'two' and Auto('nope') is Auto.ONE
        Anim['ANT'] is Anim.ANT
        -- here
        got[0] is Colour.GREEN and got[1] is Colour.RED is red
        got[2] is Perm.RW and flag is Perm.R and got[3] is Level.HIGH and got[4] is Word.A
        got[5] is Planet.MARS and got[6] is Coded.PY and got[7] is Auto.ONE and got[8] is Anim.BEE
        kinds == (Colour, Perm, Level, Word, Planet, Coded, Auto, Anim)
        new is New.X and new.m() == 2 and New(1) is new
        table[Planet.MARS] == 4
        """,
    "dataclasses of every make": """
        import dataclasses
        from dataclasses import dataclass, field, InitVar, KW_ONLY
        from typing import ClassVar
        scale = 2
        @dataclass
        class Plain:
            a: int
            b: list = field(default_factory=list)
            c: ClassVar[int] = 7
            d: InitVar[int] = 0
            def __post_init__(self, d): self.e = d * scale
        @dataclass(frozen=True, order=True)
        class Frozen:
            a: int
            b: str = field(default='b', compare=False)
        @dataclass(slots=True)
        class Slots:
            a: int
            b: dict = field(default_factory=lambda: {'k': scale})
            def up(self): return self.a + scale
        @dataclass(slots=True, frozen=True)
        class Both:
            a: int
        @dataclass(kw_only=True)
        class Kw:
            a: int
            b: int = 1
        @dataclass
        class Mixed:
            a: int
            _: KW_ONLY
            b: int = 2
        @dataclass
        class Child(Plain):
            f: Frozen = Frozen(1)
        @dataclass(unsafe_hash=True)
        class Hashed:
            a: int
        objects = [Plain(1, d=3), Frozen(1), Slots(2), Both(3), Kw(a=4), Mixed(5, b=6)]
        objects += [Child(7), Hashed(8)]
        kinds = [type(o) for o in objects]
        keyed = {Frozen(1): 'f', Both(3): 'b', Hashed(8): 'h'}
        Made = dataclasses.make_dataclass('Made', [('x', int), ('y', int, 5)])
        made = Made(1)
        -- job
        scale = 3
        new = [Plain(1, d=3), Frozen(1), Slots(2), Both(3), Kw(a=4), Mixed(5, b=6)]
        new += [Child(7), Hashed(8)]
        same = [a == b for a, b in zip(objects[1:], new[1:])]
        up, replaced = objects[2].up(), dataclasses.replace(objects[1], a=9)
        objects[0].b.append(1)
        @dataclass
        class There:
            p: Plain
            q: list = field(default_factory=list)
        there, made2 = There(objects[0]), Made(2)
        -- there
        same == [True, False, True, True, True, True, True]
        objects[1] < Frozen(2) and keyed[Frozen(1)] == 'f' and keyed[Both(3)] == 'b'
            and keyed[Hashed(8)] == 'h'
        (objects[0].e, new[0].e, up, new[2].b) == (6, 9, 5, {'k': 3})
        not hasattr(objects[2], '__dict__') and not hasattr(objects[3], '__dict__')
        [f.name for f in dataclasses.fields(Plain)] == ['a', 'b']
        dataclasses.asdict(objects[4]) == {'a': 4, 'b': 1}
        Plain.c == 7 and objects[6].f == Frozen(1)
        repr(objects[2]) == "Slots(a=2, b={'k': 2})"
        made == Made(1, 5)
        -- here
        [type(o) for o in new] == kinds == [type(o) for o in objects]
        kinds == [Plain, Frozen, Slots, Both, Kw, Mixed, Child, Hashed]
        objects[0].b == [1] and objects[0].e == 6
        keyed[new[1]] == 'f' and keyed[new[3]] == 'b'
        type(replaced) is Frozen and replaced.a == 9
        there.p is objects[0] and there == There(objects[0])
        dataclasses.is_dataclass(There) and There.__init__.__globals__ is globals()
        type(made2) is Made and made2 == Made(2)
        not hasattr(new[2], '__dict__') and new[2].up() == 5
        """,
    "named tuples and typed dictionaries": """
        import collections, typing
        from typing import NamedTuple, TypedDict
        Pt = collections.namedtuple('Pt', 'x y', defaults=[5])
        class Row(NamedTuple):
            a: int
            b: str = 'b'
            def both(self): return self.a, self.b, tag
            @property
            def neg(self): return -self.a
        class Opts(TypedDict, total=False):
            lr: float
            name: str
        class More(Opts):
            size: int
        class Sub(Pt):
            __slots__ = ()
            def total(self): return self.x + self.y
        tag = 't'
        pt, row, opts, sub = Pt(1), Row(2), Opts(lr=0.1), Sub(1, 2)
        -- job
        pt2, row2, opts2, sub2 = pt._replace(x=9), Row(3, 'c'), More(lr=1.0, size=2), Sub(3, 4)
        class There(NamedTuple):
            z: int = 1
        there, both = There(), row.both()
        -- there
        pt == (1, 5) and pt2.x == 9 and row.neg == -2 and both == (2, 'b', 't') and sub.total() == 3
        Row._fields == ('a', 'b') and Row._field_defaults == {'b': 'b'}
            and Row.__annotations__['a'] is int
        Opts.__total__ is False and Opts.__optional_keys__ == {'lr', 'name'}
            and More.__required_keys__ == {'size'}
        typing.get_type_hints(More) == {'lr': float, 'name': str, 'size': int}
        typing.is_typeddict(Opts)
        -- here
        type(pt2) is Pt and type(row2) is Row and type(sub2) is Sub
        row2.both() == (3, 'c', 't') and there == There(1) and There.__annotations__ == {'z': int}
        opts2 == {'lr': 1.0, 'size': 2}
        """,
    "abstract classes, protocols and generics": """
        import abc, typing
        from typing import Generic, Protocol, TypeVar, runtime_checkable
        T = TypeVar('T', bound='Shape')
        N = TypeVar('N', int, float)
        class Shape(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
            @property
            @abc.abstractmethod
            def name(self): ...
            def text(self): return f'{self.name} {self.area() * unit}'
            @abc.abstractmethod
            def _hidden(self): return 'super'
        unit = 1
        class Square(Shape):
            def __init__(self, s): self.s = s
            def area(self): return self.s ** 2
            name = 'square'
            def _hidden(self): return super()._hidden() + ' sub'
        @Shape.register
        class Virtual: pass
        @runtime_checkable
        class Sized(Protocol):
            def size(self) -> int: ...
        class Has:
            def size(self): return 1
        class Box(Generic[T]):
            def __init__(self, v: T): self.v = v
            def get(self) -> T: return self.v
        class NBox(Box[T], Generic[T, N]): pass
        Alias = Box[Square]
        square, box, has, virtual = Square(2), Box[Square](Square(3)), Has(), Virtual()
        if hasattr(typing, 'ParamSpec'):
            Pm = typing.ParamSpec('Pm')
            def deco(f: typing.Callable[Pm, int]) -> typing.Callable[Pm, int]: return f
        -- job
        unit = 10
        text, hidden = square.text(), square._hidden()
        square2, box2, nbox = Square(4), Box(Square(5)), NBox[Square, int](Square(1))
        try:
            Shape()
        except TypeError as error:
            refused = str(error)
        class Round(Shape):
            name = 'round'
            def area(self): return 3
            def _hidden(self): return ''
        round_, alias2, tv, pm = Round(), Box[Round], T, Pm
        hint = typing.get_type_hints(Box.get)['return']
        decorated = deco(len)
        -- there
        text == 'square 40' and hidden == 'super sub' and 'abstract' in refused
        isinstance(square, Shape) and isinstance(virtual, Shape) and issubclass(Virtual, Shape)
        isinstance(has, Sized) and not isinstance(square, Sized)
        type(box) is Box and box.get().s == 3 and Alias.__origin__ is Box
            and Alias.__args__ == (Square,)
        T.__bound__ and Box.__parameters__ == (T,) and NBox.__parameters__ == (T, N)
            and N.__constraints__ == (int, float)
        hint is T
        Shape.__abstractmethods__ == {'area', 'name', '_hidden'}
        typing.get_type_hints(deco)['f'].__args__[0] is Pm
        -- here
        type(square2) is Square and type(box2) is Box and type(nbox) is NBox
            and isinstance(square2, Shape)
        isinstance(round_, Shape) and issubclass(Round, Shape) and Round.__mro__[1] is Shape
        alias2 == Box[Round] and tv is T and pm is Pm
        nbox.__orig_class__ == NBox[Square, int]
        round_.text() == 'round 30'
        isinstance(virtual, Shape) and isinstance(has, Sized)
        """,
    "metaclasses, slots and descriptors": """
        made = []
        class Meta(type):
            registry = {}
            def __new__(mcs, name, bases, ns, **options):
                cls = super().__new__(mcs, name, bases, ns)
                made.append(name)
                cls.options = options
                mcs.registry[name] = cls
                return cls
            def __init__(cls, name, bases, ns, **options):
                super().__init__(name, bases, ns)
                cls.inited = True
            def __call__(cls, *a):
                obj = super().__call__(*a)
                obj.called = stamp
                return obj
            @property
            def shout(cls): return cls.__name__.upper()
            def __len__(cls): return 7
            def __getitem__(cls, k): return k, cls
            def __instancecheck__(cls, obj): return type.__instancecheck__(cls, obj) or obj == 'me'
        stamp = 'here'
        class A(metaclass=Meta, tag='x'):
            def __init__(self, v=0): self.v = v
        class B(A, tag='y'): pass
        class Slotted:
            __slots__ = ('a', '__b', 'w', '__weakref__')
            def __init__(self, a): self.a, self.__b = a, stamp
            def b(self): return self.__b
        class More(Slotted):
            __slots__ = 'c'
            kind = 'more'
        class Open(Slotted): pass
        class Positive:
            def __set_name__(self, owner, name):
                self.name = '_' + name
                named.append((owner.__name__, name))
            def __get__(self, obj, kind=None):
                return self if obj is None else getattr(obj, self.name)
            def __set__(self, obj, v):
                if v < 0: raise ValueError(v)
                setattr(obj, self.name, v)
        named = []
        class Account:
            balance = Positive()
            def __init__(self, b): self.balance = b
        a, b, s, m, o, account = A(1), B(2), Slotted(3), More(4), Open(5), Account(6)
        m.c, o.free = [s], 'free'
        n_made, n_named = list(made), list(named)
        -- job
        stamp = 'there'
        a2, b2, s2, m2, acc2 = A(10), B(20), Slotted(30), More(40), Account(7)
        m2.c = m
        try:
            s.nothing = 1
        except AttributeError:
            no_dict = True
        try:
            account.balance = -1
        except ValueError:
            refused = True
        account.balance = 60
        class C(A, tag='z'): pass
        c = C()
        -- there
        made[:len(n_made)] == n_made == ['A', 'B'] and made[-1] == 'C' and len(made) == 3
        named == n_named == [('Account', 'balance')]
        (a.called, a2.called, A.shout, len(A), B[1]) == ('here', 'there', 'A', 7, (1, B))
        A.options == {'tag': 'x'} and B.options == {'tag': 'y'} and C.options == {'tag': 'z'}
            and B.inited
        Meta.registry['A'] is A and set(Meta.registry) == {'A', 'B', 'C'}
        isinstance('me', A) and type(A) is Meta
        no_dict and refused and not hasattr(s, '__dict__') and not hasattr(m, '__dict__')
            and o.free == 'free'
        (s.b(), s2.b(), m.c[0] is s, m.b()) == ('here', 'there', True, 'here')
        Slotted.__slots__ == ('a', '__b', 'w', '__weakref__')
            and __import__('weakref').ref(s)() is s
        -- here
        type(a2) is A and type(b2) is B and type(s2) is Slotted and type(m2) is More
            and type(acc2) is Account
        s2.b() == 'there' and m2.c is m and not hasattr(s2, '__dict__')
        account.balance == 60 and acc2.balance == 7 and vars(account) == {'_balance': 60}
        type(C) is Meta and C.options == {'tag': 'z'} and C.__mro__[1] is A and type(c) is C
            and c.called == 'there'
        made == ['A', 'B', 'C']
        Meta.registry['A'] is A and Meta.registry['C'] is C
        """,
    "subclass hooks run once, where the class is made": """
        class Plugin:
            plugins = []
            def __init_subclass__(cls, /, key, **more):
                super().__init_subclass__(**more)
                cls.key = key
                Plugin.plugins.append(cls)
                seen.append(key)
            def __class_getitem__(cls, item): return cls, item
            @classmethod
            def find(cls, key): return next(p for p in cls.plugins if p.key == key)
        seen = []
        class One(Plugin, key=1): pass
        class Two(One, key=2):
            def who(self): return self.key
        def decorate(cls):
            cls.extra = lambda self: bonus
            return cls
        bonus = 'b'
        @decorate
        class Three(Plugin, key=3): pass
        def factory(base, n):
            class Made(base, key=n):
                def me(self): return n, super().__init__ is not None
            return Made
        Four = factory(Plugin, 4)
        two, three, four, one_kind = Two(), Three(), Four(), One
        -- job
        found = Plugin.find(2), Plugin.find(4)
        class Five(Plugin, key=5): pass
        five, who, extra = Five(), two.who(), three.extra()
        -- there
        seen == [1, 2, 3, 4, 5] and [p.key for p in Plugin.plugins] == [1, 2, 3, 4, 5]
        found[0] is Two and found[1] is Four is type(four) and who == 2 and extra == 'b'
        Plugin.plugins[0] is One is one_kind and Plugin['x'] == (Plugin, 'x')
        four.me() == (4, True)
        -- here
        seen == [1, 2, 3, 4, 5]
        [p.key for p in Plugin.plugins] == [1, 2, 3, 4, 5]
        Plugin.plugins[0] is One and Plugin.plugins[4] is Five is type(five)
        Five.__mro__[1] is Plugin and found[1] is Four
        """,
    "exceptions of the notebook": """
        class AppError(Exception):
            code = 1
            def __init__(self, what, *, detail=None):
                super().__init__(what)
                self.detail = detail
            def __str__(self): return f'{self.args[0]}:{suffix}'
        class Deep(AppError): code = 2
        suffix = 's'
        def fail(x): raise Deep(x, detail=[x])
        kept = AppError('kept', detail=1)
        -- job
        try:
            fail(3)
        except AppError as error:
            caught = error
        same = kept
        new = Deep('new')
        -- there
        type(caught) is Deep and caught.detail == [3] and str(caught) == '3:s'
        -- here
        type(caught) is Deep and isinstance(caught, AppError) and caught.detail == [3]
            and caught.args == (3,)
        str(new) == 'new:s' and new.code == 2 and same is kept
        """,
    "classes inside functions, with closures and zero-argument super": """
        def build(step):
            class Counter:
                made = 0
                def __init__(self):
                    type(self).made += 1
                    self.n = 0
                def up(self):
                    self.n += step + extra
                    return self.n
                @classmethod
                def kind(cls): return cls, __class__
            class Sub(Counter):
                def up(self): return super().up() * 10
            return Counter, Sub
        extra = 0
        Counter, Sub = build(2)
        first, sub = Counter(), Sub()
        -- job
        extra = 1
        got = first.up(), sub.up()
        other = Counter()
        Local, _ = build(5)
        local = Local()
        -- there
        got == (3, 30) and type(first) is Counter and Sub.kind() == (Sub, Counter)
        Counter.made == 2 and Sub.made == 2
        -- here
        first.n == 3 and sub.n == 3 and type(other) is Counter
        Counter.made == 2
        local.up() == 6 and type(local) is Local
        Sub.__mro__[1] is Counter and Counter.kind() == (Counter, Counter)
        """,
    "a class attribute that the job changes comes home, and its methods stay": """
        class Net:
            made, names, layers = 0, [], {}
            def __init__(self):
                Net.made += 1
                type(self).names.append(self.made)
            def m(self): return K
            @classmethod
            def set(cls, v): cls.mode = v
        K, net, method, names = 1, Net(), Net.m, Net.names
        class ByInstance:
            count = 0
            def hit(self): self.__class__.count += 1
        thing = ByInstance()
        hit = vars(ByInstance)['hit']
        class Untouched:
            v = [1]
        u = Untouched()
        -- job
        a, b = Net(), Net()
        Net.set('fast')
        Net.layers['x'] = 1
        Net.extra = lambda self: K * 2
        thing.hit(); thing.hit()
        v = u.v
        -- there
        Net.made == 3 and Net.names == [1, 2, 3] and ByInstance.count == 2
        -- here
        Net.made == 3 and Net.names == [1, 2, 3] and Net.mode == 'fast' and Net.layers == {'x': 1}
        net.extra() == 2 and type(a) is Net and Net.m is method and net.m() == 1
        ByInstance.count == 2 and vars(ByInstance)['hit'] is hit
        Untouched.v == [1]
        -- then
        K = 5
        -- here
        net.m() == 5 and net.extra() == 10
        """,
    "methods that the job replaces or removes": """
        class Model:
            def predict(self): return 'old ' + word
            def gone(self): return 1
            kept = 2
        word, model, kept = 'w', Model(), Model.kept
        -- job
        def predict(self): return 'new ' + word
        Model.predict = predict
        del Model.gone
        said = model.predict()
        -- there
        said == 'new w'
        -- here
        model.predict() == 'new w' and Model.predict is predict and not hasattr(Model, 'gone')
        -- then
        word = 'x'
        -- here
        model.predict() == 'new x'
        """,
    "weak references inside classes": """
        import weakref
        class Tracked:
            alive = weakref.WeakSet()
            def __init__(self, n):
                self.n = n
                Tracked.alive.add(self)
        one, two = Tracked(1), Tracked(2)
        kept = [one, two]
        class Node:
            pass
        cache = weakref.WeakValueDictionary()
        -- job
        three = Tracked(3)
        -- there
        sorted(t.n for t in Tracked.alive) == [1, 2, 3]
        all(t in Tracked.alive for t in kept)
        -- here
        type(three) is Tracked and [t.n for t in kept] == [1, 2]
        sorted(t.n for t in Tracked.alive) == [1, 2, 3]
        """,
    "classes made in the job": """
        def helper(x): return x + add
        add = 1
        class Base:
            def run(self): return helper(self.x)
        -- job
        import enum, dataclasses
        class Made(Base):
            __slots__ = ()
            x = 1
            def twice(self): return self.run() * 2 + helper(0)
        @dataclasses.dataclass(frozen=True)
        class Point:
            x: int
            def moved(self): return dataclasses.replace(self, x=helper(self.x))
        class Kind(enum.Enum):
            A = 1
        made, point, kind = Made(), Point(1), {Kind.A: Point(2)}
        def build(): return Made(), Point(7)
        -- there
        made.twice() == 5
        -- here
        made.twice() == 5 and isinstance(made, Base) and type(made) is Made
        kind[Kind.A] == Point(2) and type(build()[0]) is Made and {Point(1): 1}[point] == 1
        -- then
        add = 10
        -- here
        made.twice() == 32 and point.moved() == Point(11)
        """,
    "a class made in the job goes into the next job as the same class": """
        -- job
        class Made:
            n = 0
            def __init__(self, v): self.v = v
        made = Made(1)
        -- there
        type(made) is Made
        -- job
        made2 = Made(made.v + 1)
        Made.n += 1
        -- there
        type(made) is Made is type(made2)
        -- here
        type(made) is Made is type(made2) and (made.v, made2.v, Made.n) == (1, 2, 1)
        """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(swept: Kernel, magic: str, name: str) -> None:
    play(STORIES[name], swept, magic)
