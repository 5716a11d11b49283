# Cells that fail on purpose, and what they leave.

# %% a table of readings
readings = {"a": "3.5", "b": "n/a", "c": "7"}
numbers = {}
failed = []
len(readings)

# %% stops at the second
for key, text in readings.items():
    numbers[key] = float(text)

# %% what was read before it
numbers, key, text

# %% handled
for key, text in readings.items():
    try:
        numbers[key] = float(text)
    except ValueError as problem:
        failed.append((key, str(problem)))
failed

# %% an error of one's own
class ReadingError(Exception):
    """A reading that makes no sense."""

    def __init__(self, key, value):
        super().__init__(f"{key}: {value!r}")
        self.key = key
        self.value = value


def check(key, low=0, high=5):
    value = numbers[key]
    if not low <= value <= high:
        raise ReadingError(key, value)
    return value


check("a")

# %% raised from another
try:
    checked = [check(key) for key in numbers]
except ReadingError as error:
    culprit = error.key
    raise RuntimeError("cannot go on") from error

# %% kept
culprit, "checked" in globals()

# %% an error is a value, too
kept = None
try:
    check("c")
except ReadingError as error:
    kept = error
print(type(kept).__name__, kept.args, kept.value)

# %% asked later
isinstance(kept, ReadingError), kept.key, str(kept)

# %% finally
steps = []
try:
    steps.append("open")
    1 / 0
finally:
    steps.append("close")

# %% closed it was
steps

# %% a name that was never given
before = "bound"
after = befor + "!"

# %% assert
assert len(failed) == 1
assert len(failed) == 2, f"expected two, got {failed}"

# %% a key
settings = {"alpha": 1}
settings["beta"]

# %% in a nested call
def outer(values):
    return [inner(v) for v in values]


def inner(value):
    return 10 // value


outer([5, 2])

# %% deep
done = outer([1])
outer([2, 0])

# %% suppressed
from contextlib import suppress

with suppress(ZeroDivisionError):
    reached = True
    outer([0])
    reached = False
reached

# %% warnings
import warnings

warnings.warn("the sensor is old")
warnings.warn("and slow", RuntimeWarning, stacklevel=1)
len(readings)

# %% a warning caught
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("not to be seen", UserWarning)
[str(w.message) for w in caught]

# %% exit is an exception
import sys

status = "before"
sys.exit("that is enough")

# %% still there
status

# %% indentation matters
value = 1
  value += 1

# %% several at once
problems = [ValueError("one"), TypeError("two")]
raise problems[1]

# %% notes on an error
try:
    int("ten")
except ValueError as error:
    if hasattr(error, "add_note"):
        error.add_note("ten is a word")
    raise

# %% recursion without an end
depth = 0


def fall():
    global depth
    depth += 1
    if depth == 40:
        raise RecursionError("deep enough")
    return fall()


try:
    fall()
except RecursionError as error:
    reason = str(error)
depth, reason
