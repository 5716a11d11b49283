# Lists, dictionaries and their relatives, changed in place.

# %% a small inventory
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple

inventory = {"screws": 120, "nuts": 80, "bolts": 15}
orders = [("screws", 20), ("bolts", 10), ("nuts", 5)]
for part, pieces in orders:
    inventory[part] -= pieces
inventory

# %% more orders come
orders.append(("bolts", 4))
orders += [("screws", 100)]
inventory.update(washers=300)
len(orders), sorted(inventory)

# %% another name for the same list
waiting = orders
waiting.sort(key=lambda order: -order[1])
orders[0]

# %% changed through the other name
waiting.pop()
del waiting[0]
orders == waiting, len(orders)

# %% and through the first
orders.insert(0, ("glue", 1))
waiting[0]

# %% a list in two dictionaries
crew = ["Ada", "Grace"]
teams = {"day": crew, "night": ["Linus"]}
crew.append("Edsger")
teams["day"]

# %% the list inside, reached through the dictionary
teams["day"].remove("Ada")
teams["night"] += ["Barbara"]
crew

# %% a table of lists
grid = [[0] * 3 for _ in range(2)]
wrong = [[0] * 3] * 2
grid[0][1] = wrong[0][1] = 7
grid, wrong

# %% the rows of the wrong one are still one row
wrong[1][2] = 9
wrong

# %% a queue
queue = deque(maxlen=4)
for name in "abcdef":
    queue.append(name)
queue.rotate(1)
queue

# %% counters
votes = Counter("abracadabra")
votes.subtract("aab")
votes["z"] += 1
votes.most_common(2), +votes

# %% nested defaults
tree = defaultdict(lambda: defaultdict(int))
for word in ["apple", "avocado", "banana", "blueberry", "apple"]:
    tree[word[0]][word] += 1
{letter: dict(words) for letter, words in tree.items()}

# %% a look-up leaves a trace
tree["c"]["cherry"]
sorted(tree), len(tree["c"])

# %% named tuples
Point = namedtuple("Point", "x y", defaults=[0])
corner = Point(3)
moved = corner._replace(y=4)
moved, moved.x + moved.y, Point._fields

# %% chain maps see through
defaults = {"color": "blue", "size": 3}
chosen = ChainMap({}, defaults)
chosen["size"] = 5
defaults["color"] = "green"
dict(chosen), defaults

# %% sets
seen = {3, 1, 4}
seen |= {1, 5, 9}
seen.discard(4)
frozen = frozenset(seen)
sorted(seen ^ {9, 2}), frozen >= {1, 5}

# %% order matters here
recent = OrderedDict(a=1, b=2, c=3)
recent.move_to_end("a")
recent.popitem(last=False)
list(recent)

# %% names go
del grid, wrong
first, *middle, last = range(6)
middle

# %% what is gone is gone
kept = [first, last]
print(grid)
