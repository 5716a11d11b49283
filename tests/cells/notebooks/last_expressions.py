# What a cell shows at its end, and on the way.

# %% a tuple of things
width, height = 3, 4
diagonal = (width**2 + height**2) ** 0.5
width, height, diagonal

# %% nothing to show
label = "quiet"
label;

# %% None
print("a call that returns nothing")
[width, height].sort()

# %% an assignment shows nothing
ratio = width / height

# %% text
"one\ntwo\tthree"

# %% display in the middle
from IPython.display import HTML, JSON, Markdown, display

display("first", {"w": width})
print("between")
display(Markdown("**bold** claim"))
ratio

# %% rich objects
HTML(f"<b>{diagonal:.1f}</b> cm")

# %% an object with its own picture
class Gauge:
    def __init__(self, share):
        self.share = share

    def _repr_html_(self):
        return f'<div style="width:{self.share:.0%}">▮</div>'

    def __repr__(self):
        return f"Gauge({self.share})"


gauge = Gauge(0.4)
gauge

# %% and one that draws itself as Markdown
class Title:
    def __init__(self, text):
        self.text = text

    def _repr_markdown_(self):
        return "# " + self.text


display(Title("Results"), gauge)
Title("Summary")

# %% an updated display
handle = display("working", display_id="progress")
for part in range(3):
    handle.update(f"{part + 1} of 3")

# %% cleared
from IPython.display import clear_output

for attempt in range(3):
    clear_output(wait=True)
    print("attempt", attempt)

# %% a long list is folded the same way
[[n, n**2, "x" * (n % 7)] for n in range(40)]

# %% a dictionary of dictionaries
nested = {f"key{i}": {"values": list(range(i)), "name": f"n{i}" * 3} for i in range(6)}
nested

# %% a set and a range
{"b", "a", "c"}, range(3), frozenset([1])

# %% the previous result
_[1]

# %% and an older one
Out[1][2] + 1

# %% standard error
import sys

print("to the left")
print("to the right", file=sys.stderr)
sys.stdout.write("written\n")

# %% no newline at the end
print("no newline", end="")

# %% conditional expressions at the end
if ratio < 1:
    message = "narrow"
else:
    message = "wide"
message if ratio else None

# %% a loop's last line is not shown
for n in range(2):
    n * 10

# %% a lambda, a function, a class, a module
import math

(lambda v: v), math.floor, Gauge, math
