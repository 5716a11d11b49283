# Simulations with generators that are kept between cells.

# %% two sources of chance
import random

import numpy as np

dice = random.Random(42)
rng = np.random.default_rng(12345)
first_roll = [dice.randint(1, 6) for _ in range(10)]
first_roll

# %% the generator goes on where it was
second_roll = [dice.randint(1, 6) for _ in range(10)]
steps = rng.choice([-1, 1], size=1000)
walk = steps.cumsum()
walk.min(), walk.max(), second_roll

# %% a function that draws
def first_passage(generator, level, limit=5000):
    """Steps until the walk reaches the level, or None."""
    position = 0
    for step in range(1, limit + 1):
        position += 1 if generator.random() < 0.5 else -1
        if position >= level:
            return step
    return None


passages = [first_passage(rng, 5) for _ in range(20)]
reached = [p for p in passages if p is not None]
print(f"{len(reached)} of {len(passages)} reached the level; median {np.median(reached)}")

# %% the alias draws from the same source
source = rng
a, b = source.normal(size=2)
c = rng.normal()
print(f"{a:.6f} {b:.6f} {c:.6f}")

# %% shuffle in place
deck = [f"{rank}{suit}" for suit in "SHDC" for rank in "A23456789TJQK"]
dice.shuffle(deck)
hand = sorted(deck[:5])
hand

# %% deal from the deck
dealt = [deck.pop() for _ in range(8)]
assert len(deck) == 44
" ".join(dealt)

# %% estimate pi, with the error
n = 200_000
points = rng.random((n, 2))
inside = (points**2).sum(axis=1) < 1
estimate = 4 * inside.mean()
error = 4 * inside.std() / np.sqrt(n)
f"{estimate:.4f} ± {error:.4f}"

# %% independent streams
children = rng.spawn(3)
sums = [child.random(100).sum() for child in children]
np.round(sums, 4)

# %% remember a state, draw, go back
remembered = dice.getstate()
before = dice.random()
dice.setstate(remembered)
before == dice.random()

# %% the bit generator itself
state = rng.bit_generator.state
again = np.random.Generator(np.random.PCG64(1))
again.bit_generator.state = state
np.array_equal(again.integers(0, 99, 5), rng.integers(0, 99, 5))

# %% bootstrap
sample = rng.exponential(2.0, size=50)
boot = np.empty(500)
for i in range(boot.size):
    boot[i] = rng.choice(sample, sample.size).mean()
low, high = np.percentile(boot, [2.5, 97.5])
print(f"mean {sample.mean():.3f}, 95% [{low:.3f}, {high:.3f}]")

# %% an impossible draw
tries = 0
for size in (3, 6, 12):
    tries += 1
    picked = rng.choice(np.arange(10), size=size, replace=False)
