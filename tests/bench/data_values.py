"""The values whose way is measured, each as the cells that make, use and change it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """A value called ``value``.

    Attributes
    ----------
    title : str
        What it is.
    make : str
        The cell that makes it the same each time; ``scale`` is the part of the full size.
    use : str
        The cell that reads all of it.
    change : str
        The cell that changes it in place.
    packages : tuple of str
        What is imported before anything is measured.
    define : str
        The cell with its class.
    """

    title: str
    make: str
    use: str
    change: str
    packages: tuple[str, ...] = ()
    define: str = ""


_FRAME = """
import numpy as np
import pandas as pd

def frame(rows):
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "number": np.arange(rows),
        "x": rng.random(rows),
        "y": rng.random(rows),
        "name": "user-" + pd.Series(rng.integers(10**6, 10**7, rows)).astype(str),
        "town": np.array(["Aarau", "Bern", "Winterthur"])[rng.integers(0, 3, rows)],
    })

row_bytes = frame(10_000).memory_usage(deep=True).sum() / 10_000
value = frame(int(500e6 * scale / row_bytes))
"""

VALUES = {
    "array": Value(
        "1 GiB array",
        "import numpy as np\nvalue = np.random.default_rng(0).random(int(scale * 2**27))",
        "value.sum()",
        "value += 1",
        ("numpy",),
    ),
    "frame": Value(
        "500 MB DataFrame with strings",
        _FRAME,
        "value.sum(numeric_only=True), value['name'].str.len().sum(), value['town'].max()",
        "value['x'] += 1",
        ("pandas",),
    ),
    "arrays": Value(
        "1,000 arrays of 100 KB",
        "import numpy as np\n"
        "rng = np.random.default_rng(0)\n"
        "value = [rng.random(12_500) for _ in range(int(scale * 1000))]",
        "sum(part.sum() for part in value)",
        "for part in value:\n    part += 1",
        ("numpy",),
    ),
    "lists": Value(
        "dict of 100,000 small lists",
        "value = {f'key {n}': [n, n + 0.5, str(n)] for n in range(int(scale * 100_000))}",
        "sum(part[1] for part in value.values())",
        "for part in value.values():\n    part[1] += 1",
    ),
    "instances": Value(
        "list of 100,000 instances",
        "value = [Point(n, n + 0.5) for n in range(int(scale * 100_000))]",
        "sum(part.x for part in value)",
        "for part in value:\n    part.x += 1",
        define="class Point:\n"
        "    def __init__(self, number, x):\n"
        "        self.number, self.x, self.name = number, x, str(number)",
    ),
}
