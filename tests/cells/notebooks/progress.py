# Long loops that say how far they are.

# %% the old way
import sys

steps = 5
for step in range(1, steps + 1):
    print(f"\rstep {step}/{steps}", end="")
print()

# %% flushed on the way
for percent in (0, 50, 100):
    sys.stdout.write(f"{percent:3d}%\r")
    sys.stdout.flush()
print("done")

# %% tqdm
from tqdm import tqdm

total = 0
for n in tqdm(range(50), desc="summing"):
    total += n
total

# %% a bar by hand
bar = tqdm(total=30, desc="files", leave=True, file=sys.stderr, mininterval=10)
for size in (10, 5, 15):
    bar.update(size)
bar.close()
del bar

# %% with a list comprehension
squares = [n * n for n in tqdm([1, 2, 3], disable=True)]
squares

# %% words between
log = []
for name in ("load", "fit", "save"):
    log.append(f"{name}...")
    print(log[-1], "ok", sep="\t")

# %% both streams
for n in range(3):
    print("out", n)
    print("err", n, file=sys.stderr)

# %% a display that is updated
from IPython.display import HTML, display

meter = display(HTML("<progress value=0 max=3></progress>"), display_id="meter")
for value in (1, 2, 3):
    meter.update(HTML(f"<progress value={value} max=3></progress>"))

# %% cleared between
from IPython.display import clear_output

for epoch in range(3):
    print(f"epoch {epoch}: loss {1 / (epoch + 1):.3f}")
    if epoch < 2:
        clear_output()

# %% a long text
story = "\n".join(f"line {n:04d} " + "." * (n % 40) for n in range(400))
print(story)

# %% nothing but blanks
print("\n\n   \n")
len(story)

# %% printed in colours
print("\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m")

# %% pretty
from pprint import pprint

settings = {f"option_{n}": {"on": bool(n % 2), "levels": list(range(n))} for n in range(9)}
pprint(settings, width=60, compact=True)

# %% bytes to the buffer below
sys.stdout.write("text\n")
print("ünïcödé ✓", flush=True)

# %% interrupted by its own doing
seen = []
for n in range(10):
    seen.append(n)
    print(n, end=" ")
    if n == 3:
        raise KeyboardInterrupt

# %% what was seen
seen
