# Epidemics, life, queues: simulations written in plain Python and numpy.

# %% an epidemic
import numpy as np


class Epidemic:
    """Susceptible, infected, recovered, in whole persons."""

    def __init__(self, population, infected, contact=0.3, recovery=0.1, seed=0):
        self.state = {"S": population - infected, "I": infected, "R": 0}
        self.contact, self.recovery = contact, recovery
        self.rng = np.random.default_rng(seed)
        self.history = [dict(self.state)]

    def step(self):
        s, i, _ = self.state.values()
        total = sum(self.state.values())
        new = self.rng.binomial(s, 1 - np.exp(-self.contact * i / total))
        healed = self.rng.binomial(i, self.recovery)
        self.state["S"] -= int(new)
        self.state["I"] += int(new - healed)
        self.state["R"] += int(healed)
        self.history.append(dict(self.state))

    def run(self, days):
        for _ in range(days):
            self.step()
        return self


town = Epidemic(1000, 5, seed=42)
town.state

# %% a month passes
town.run(30)
town.state

# %% and another
town.run(30)
peak = max(range(len(town.history)), key=lambda day: town.history[day]["I"])
peak, town.history[peak]

# %% a lockdown, half of the contacts
town.contact /= 2
city = town
city.run(20)
len(town.history), town.state == city.state

# %% the game of life
board = np.zeros((8, 8), dtype=np.uint8)
board[1, 2] = board[2, 3] = 1
board[3, 1:4] = 1


def evolve(cells):
    neighbours = sum(
        np.roll(cells, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)
    )
    return ((neighbours == 3) | ((cells == 1) & (neighbours == 2))).astype(np.uint8)


def show(cells):
    print("\n".join("".join(".#"[c] for c in row) for row in cells))


show(board)

# %% the glider moves
for generation in range(4):
    board[:] = evolve(board)
show(board)

# %% as long as it lives
seen = set()
while (key := board.tobytes()) not in seen:
    seen.add(key)
    board = evolve(board)
len(seen), int(board.sum())

# %% a queue at a counter
import heapq
import random


def simulate(customers, rate_in, rate_served, seed):
    dice = random.Random(seed)
    events, clock, waits = [], 0.0, []
    for n in range(customers):
        clock += dice.expovariate(rate_in)
        heapq.heappush(events, (clock, n))
    free_at = 0.0
    while events:
        arrival, n = heapq.heappop(events)
        start = max(arrival, free_at)
        waits.append(start - arrival)
        free_at = start + dice.expovariate(rate_served)
    return waits


waits = simulate(300, 0.9, 1.0, seed=7)
print(f"mean wait {np.mean(waits):.2f}, longest {max(waits):.2f}")

# %% many runs
table = {rate: np.mean([np.mean(simulate(100, rate, 1.0, s)) for s in range(5)]) for rate in (0.5, 0.9)}
{rate: round(float(wait), 3) for rate, wait in table.items()}

# %% an annealing that keeps its best
dice = random.Random(1)
towns = [(dice.random(), dice.random()) for _ in range(9)]
best = {"length": float("inf"), "tour": None}


def length(tour):
    pairs = zip(tour, tour[1:] + tour[:1])
    return sum(((towns[a][0] - towns[b][0]) ** 2 + (towns[a][1] - towns[b][1]) ** 2) ** 0.5 for a, b in pairs)


def anneal(tour, steps, temperature):
    current = length(tour)
    for _ in range(steps):
        i, j = sorted(dice.sample(range(len(tour)), 2))
        new = tour[:i] + tour[i : j + 1][::-1] + tour[j + 1 :]
        change = length(new) - current
        if change < 0 or dice.random() < 2.718 ** (-change / temperature):
            tour, current = new, current + change
        if current < best["length"] - 1e-12:
            best.update(length=current, tour=tour)
    return tour


tour = anneal(list(range(9)), 400, 0.3)
round(best["length"], 6)

# %% cooler
tour = anneal(tour, 400, 0.01)
round(best["length"], 6), sorted(best["tour"]) == list(range(9))

# %% a percolation with union and find
n = 12
open_sites = np.random.default_rng(5).random((n, n)) < 0.62
parent = {site: site for site in zip(*map(list, np.nonzero(open_sites)))}


def find(site):
    while parent[site] != site:
        parent[site] = parent[parent[site]]
        site = parent[site]
    return site


for row, column in parent:
    for other in ((row + 1, column), (row, column + 1)):
        if other in parent:
            parent[find((row, column))] = find(other)
clusters = {find(site) for site in parent}
len(clusters), len(parent)

# %% the sites that were looked up have shorter paths now
top = {find((0, c)) for c in range(n) if (0, c) in parent}
bottom = {find((n - 1, c)) for c in range(n) if (n - 1, c) in parent}
bool(top & bottom)
