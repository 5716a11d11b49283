# Closures, decorators, generators, caches.

# %% a counter in a closure
def make_counter(start=0):
    count = start

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


tick = make_counter(10)
tick(), tick(), tick(5)

# %% it counts on
tick()
other = make_counter()
other(100)
tick() - other()

# %% two functions over one variable
def account(balance):
    log = []

    def deposit(amount):
        nonlocal balance
        balance += amount
        log.append(("in", amount))

    def withdraw(amount):
        nonlocal balance
        if amount > balance:
            raise ValueError(f"only {balance} left")
        balance -= amount
        log.append(("out", amount))

    return deposit, withdraw, log


put, take, movements = account(50)
put(25)
take(60)
movements

# %% the two still share it
take(10)
put(1)
len(movements)

# %% overdrawn
take(3)
take(1000)

# %% the log knows what went before
movements[-1]

# %% a decorator that counts calls
import functools


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@counted
def area(width, height=1, *, unit="m²"):
    """The area of a rectangle."""
    return f"{width * height} {unit}"


area(2, 3), area(4, unit="cm²"), area.calls

# %% and goes on counting
[area(side, side) for side in range(3)]
area.calls

# %% recursion with a memory
@functools.lru_cache(maxsize=None)
def stirling(n, k):
    if n == k:
        return 1
    if k == 0 or k > n:
        return 0
    return k * stirling(n - 1, k) + stirling(n - 1, k - 1)


table = [[stirling(n, k) for k in range(n + 1)] for n in range(7)]
print(*table, sep="\n")
stirling.cache_info()

# %% a default that is one list for all calls
def remember(item, seen=[]):
    seen.append(item)
    return len(seen)


remember("a"), remember("b")

# %% it is the same list later
remember("c")
remember.__defaults__

# %% globals that a function changes
calls = 0
journal = []


def note(text):
    global calls
    calls += 1
    journal.append(f"{calls}: {text}")


note("begin")
calls

# %% later
note("middle")
note("end")
journal

# %% generators
def primes():
    found = []
    n = 2
    while True:
        if all(n % p for p in found):
            found.append(n)
            yield n
        n += 1


from itertools import islice, takewhile

first = list(islice(primes(), 12))
below = sum(takewhile(lambda p: p < 60, primes()))
first, below

# %% arguments of all kinds
def call(function, /, *args, key=None, **rest):
    return function.__name__ if hasattr(function, "__name__") else "?", args, key, sorted(rest)


call(len, *[1, 2], key="k", **{"b": 1, "a": 2})

# %% partial and compose
def compose(*functions):
    return lambda value: functools.reduce(lambda v, f: f(v), functions, value)


double = functools.partial(lambda factor, v: factor * v, 2)
shout = compose(str.upper, double, "<{}>".format)
shout("ha")
