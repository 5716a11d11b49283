# Iterators that are kept from cell to cell.

# %% a list iterator, half used
import itertools

lines = ["# header", "alpha 1", "beta 2", "", "gamma 3", "delta 4"]
reader = iter(lines)
header = next(reader)
header

# %% the rest of it
names = []
for line in reader:
    if not line:
        break
    names.append(line.split()[0])
names

# %% what was left
rest = list(reader)
rest, next(reader, "nothing more")

# %% numbers for labels
labels = itertools.count(100, 5)
ids = {name: next(labels) for name in names}
ids

# %% go on
ids["gamma"] = next(labels)
labels

# %% a cycle of colours
colours = itertools.cycle(["red", "green", "blue"])
painted = [(name, next(colours)) for name in ids]
painted

# %% the next colour
next(colours), next(colours)

# %% enumerate and zip are iterators, too
numbered = enumerate("xyz", start=1)
paired = zip("abc", range(3))
next(numbered), next(paired)

# %% and remember where they are
list(numbered), list(paired)

# %% combinations
trios = list(itertools.combinations("ABCD", 3))
products = sum(a * b for a, b in itertools.product(range(3), repeat=2))
runs = [(k, len(list(g))) for k, g in itertools.groupby("aaabccc")]
trios, products, runs

# %% accumulate
from operator import itemgetter, mul

factorials = list(itertools.accumulate(range(1, 7), mul))
ranked = sorted(ids.items(), key=itemgetter(1), reverse=True)
factorials, ranked

# %% an iterator class of one's own
class Countdown:
    def __init__(self, start):
        self.left = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.left <= 0:
            raise StopIteration
        self.left -= 1
        return self.left + 1


rocket = Countdown(5)
next(rocket), next(rocket)

# %% lift-off
*steps, last = rocket
steps, last, rocket.left

# %% a generator is used up in its own cell
def moving_average(values, width):
    window = []
    for value in values:
        window.append(value)
        if len(window) > width:
            window.pop(0)
        if len(window) == width:
            yield sum(window) / width


averages = list(moving_average([3, 5, 8, 13, 21], 3))
print(*(f"{a:.2f}" for a in averages))

# %% the end
next(rocket)
