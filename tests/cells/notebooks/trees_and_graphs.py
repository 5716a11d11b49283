# Trees, graphs, recursion and memory.

# %% a binary search tree
class Leaf:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Leaf(key))
        else:
            child.insert(key)

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.key
        if self.right:
            yield from self.right


tree = Leaf(50)
for key in (30, 70, 20, 40, 60, 80, 35):
    tree.insert(key)
list(tree)

# %% it grows
tree.insert(65)
branch = tree.right
branch.insert(66)
sorted(tree) == list(tree), len(list(branch))

# %% the branch is a part of the tree
branch.insert(90)
max(tree)

# %% and of nothing else
tree.left.left = None
list(tree)

# %% roads
roads = {
    "Linz": {"Wels": 31, "Steyr": 44},
    "Wels": {"Linz": 31, "Gmunden": 45},
    "Steyr": {"Linz": 44, "Gmunden": 70},
    "Gmunden": {"Wels": 45, "Steyr": 70},
    "Retz": {},
}
sum(len(to) for to in roads.values()) // 2

# %% the shortest way
import heapq


def shortest(graph, start, goal):
    queue, done = [(0, start, [start])], set()
    while queue:
        distance, place, path = heapq.heappop(queue)
        if place == goal:
            return distance, path
        if place in done:
            continue
        done.add(place)
        for other, length in graph[place].items():
            heapq.heappush(queue, (distance + length, other, [*path, other]))
    raise LookupError(f"no way from {start} to {goal}")


shortest(roads, "Linz", "Gmunden")

# %% a new road, on both sides
for a, b, km in [("Steyr", "Gmunden", 25)]:
    roads[a][b] = roads[b][a] = km
shortest(roads, "Linz", "Gmunden")

# %% nowhere
visited = ["Linz"]
visited.append(shortest(roads, "Linz", "Retz"))

# %% recursion with a dictionary as memory
memory = {}


def partitions(n, largest=None):
    largest = n if largest is None else largest
    if (n, largest) not in memory:
        if n == 0:
            memory[n, largest] = 1
        else:
            memory[n, largest] = sum(
                partitions(n - k, min(k, n - k)) for k in range(1, min(n, largest) + 1)
            )
    return memory[n, largest]


[partitions(n) for n in range(10)], len(memory)

# %% the memory has grown, and is used
before = len(memory)
partitions(12)
len(memory) > before

# %% a cycle
class Station:
    def __init__(self, name):
        self.name = name
        self.next = None

    def __repr__(self):
        return f"Station({self.name!r})"


stations = [Station(n) for n in ("A", "B", "C")]
for here, there in zip(stations, stations[1:] + stations[:1]):
    here.next = there
stations[0].next.next.next is stations[0]

# %% one is renamed, through the ring
stations[2].next.name = "Central"
stations

# %% and reached by another name
central = stations[0]
central.next = stations[2]
[s.next.name for s in stations]

# %% towers
moves = []


def hanoi(n, a="left", b="middle", c="right"):
    if n:
        hanoi(n - 1, a, c, b)
        moves.append((a, c))
        hanoi(n - 1, b, a, c)


hanoi(4)
len(moves), moves[0]

# %% one more
hanoi(3)
len(moves)

# %% a dictionary that knows itself
network = {"name": "root", "parts": []}
network["parts"].append(network)
network["parts"][0]["parts"][0]["name"], len(network)

# %% permutations of a word, kept in a set
def permute(text):
    if len(text) < 2:
        return {text}
    return {first + rest for k, first in enumerate(text) for rest in permute(text[:k] + text[k + 1 :])}


words = permute("noon")
sorted(words)
