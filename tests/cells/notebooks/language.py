# The corners of the language that notebooks use.

# %% matching commands
def interpret(command):
    match command:
        case ["go", ("north" | "south") as direction]:
            return f"going {direction}"
        case ["take", *things] if things:
            return f"taking {len(things)}"
        case {"say": str(text), **rest}:
            return f"saying {text!r} {sorted(rest)}"
        case [x, y]:
            return f"{x} with {y}?"
        case _:
            return "what?"


[interpret(c) for c in (["go", "north"], ["take", 1, 2], {"say": "hi", "to": "all"}, [1, 2], 7)]

# %% names bound by a match
point = {"kind": "circle", "center": (2, 3), "radius": 5}
match point:
    case {"kind": "circle", "center": (cx, cy), "radius": r} if r > 0:
        area = 3.14159 * r**2
    case {"kind": kind}:
        area = None
cx, cy, r, area

# %% walrus and comprehension
readings = [3, 8, 2, 9, 4]
if (n := len(readings)) > 3:
    squares = [last := value**2 for value in readings]
n, squares, last

# %% comprehensions of every kind
pairs = {(a, b) for a in range(3) for b in range(a)}
lookup = {word: len(word) for word in "ice fire stone".split()}
flat = [x for row in [[1, 2], [3]] for x in row if x != 2]
sorted(pairs), lookup, flat, sum(v for v in lookup.values())

# %% unpacking
head, *body, tail = "notebook"
(a, b), *_, [c] = (1, 2), 3, 4, [5]
merged = {**lookup, "water": 5}
head, body, tail, a + b + c, list(merged)

# %% chained and conditional
low, value, high = 1, 5, 10
verdict = "inside" if low < value <= high else "outside"
verdict, not value, value and "yes" or "no", [] or "empty"

# %% loops with else
for candidate in (91, 97, 99):
    for d in range(2, int(candidate**0.5) + 1):
        if candidate % d == 0:
            break
    else:
        found = candidate
        break
candidate, found, d

# %% a lambda in a loop sees the last value
late = [lambda: i for i in range(3)]
early = [lambda i=i: i for i in range(3)]
[f() for f in late], [f() for f in early]

# %% they remember it
[f() for f in early + late], i if "i" in dir() else "no i"

# %% global and local
counter = 0


def bump(times=1):
    global counter, latest
    counter += times
    latest = f"bumped by {times}"
    return counter


bump(), bump(5)

# %% a global that a function made
latest, counter

# %% a function that was redefined is used by an older one
def rate():
    return 0.1


def interest(sum_):
    return round(sum_ * rate(), 2)


interest(200)

# %% the older one sees the new
def rate():
    return 0.25


interest(200)

# %% attributes of functions, annotations, doc strings
def weigh(mass: float, *, unit: "str" = "kg") -> str:
    """Say what it weighs."""
    weigh.last = mass
    return f"{mass} {unit}"


weigh(3.5)
weigh.last, weigh.__annotations__, weigh.__doc__

# %% context managers as classes
class Section:
    opened = []

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        Section.opened.append(self.name)
        return self

    def __exit__(self, kind, error, trace):
        Section.opened.remove(self.name)
        return kind is KeyError


with Section("outer") as outer, Section("inner"):
    depth = len(Section.opened)
    {}["missing"]
depth, Section.opened, outer.name

# %% operators
class Vector:
    def __init__(self, *parts):
        self.parts = parts

    def __add__(self, other):
        return Vector(*(a + b for a, b in zip(self.parts, other.parts)))

    def __matmul__(self, other):
        return sum(a * b for a, b in zip(self.parts, other.parts))

    def __eq__(self, other):
        return isinstance(other, Vector) and self.parts == other.parts

    def __hash__(self):
        return hash(self.parts)

    def __repr__(self):
        return f"Vector{self.parts}"


v, w = Vector(1, 2), Vector(3, 4)
v + w, v @ w, {v: "first", Vector(1, 2): "second"}

# %% += makes a new one
u = v
u += w
u, v, u is v

# %% abstract and static
from abc import ABC, abstractmethod


class Shape(ABC):
    @abstractmethod
    def area(self): ...

    @staticmethod
    def unit():
        return "cm²"


class Square(Shape):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2


Square(3).area(), Shape.unit()

# %% an abstract one cannot be made
shape = Square(2)
Shape()

# %% eval and exec
formula = "side ** 2 + offset"
offset = 10
results = [eval(formula, {"side": s, "offset": offset}) for s in range(3)]
exec("made_by_exec = offset * 2")
results, made_by_exec

# %% globals by name
for suffix in "xyz":
    globals()[f"axis_{suffix}"] = ord(suffix) - ord("x")
axis_z, sorted(name for name in globals() if name.startswith("axis_"))

# %% deleted by name
del globals()["axis_x"], axis_y
"axis_x" in globals(), axis_z
