# Structured, masked, object and large arrays.

# %% a catalogue of stars
import numpy as np

star = np.dtype([("name", "U10"), ("mag", "f4"), ("pos", "f8", 2)])
catalogue = np.array(
    [("Vega", 0.03, (279.2, 38.8)), ("Deneb", 1.25, (310.4, 45.3)), ("Altair", 0.77, (297.7, 8.9))],
    dtype=star,
)
catalogue["name"][catalogue["mag"].argmin()]

# %% a field is a view
magnitudes = catalogue["mag"]
magnitudes += 0.5
catalogue[0]

# %% in the next cell, too
magnitudes[1:] = 9.0
catalogue["pos"][0] = 0
catalogue["mag"].tolist()

# %% sorted in place
catalogue.sort(order="name")
catalogue["name"]

# %% masked values
raw = np.array([1.0, -999.0, 3.0, 4.0])
masked = np.ma.masked_equal(raw, -999.0)
masked.mean(), masked

# %% the mask grows
masked[0] = np.ma.masked
masked.count(), masked.filled(0)

# %% objects in an array
boxes = np.empty(3, dtype=object)
boxes[:] = [[1], {"a": 2}, None]
boxes[0].append(5)
boxes

# %% ragged
rows = np.array([np.arange(n) for n in (1, 3, 2)], dtype=object)
rows[1][0] = 100
[r.sum() for r in rows]

# %% a large one
cube = np.arange(120 * 100 * 60, dtype=np.float32).reshape(120, 100, 60)
cube[cube % 7 == 0] = 0
cube.nbytes, float(cube.mean(dtype=np.float64))

# %% a slab of the large one
slab = cube[::2, :, 10]
slab[0, :5] = -1
cube[0, :5, 10], slab.base is not None

# %% turned and reshaped: still the same numbers
turned = cube.T
turned[10, 0, 0] = 77
cube[0, 0, 10], slab[0, 0]

# %% copied: not the same numbers
copied = cube[:2].copy()
copied[:] = 0
cube[0, 0, 10], np.shares_memory(cube, turned), np.shares_memory(cube, copied)

# %% broadcast
table = np.add.outer(np.arange(3), np.arange(4))
wide = np.broadcast_to(table[0], (3, 4))
wide.strides, table

# %% a read-only view
wide[0, 0] = 1

# %% sums along the way
running = np.cumsum(table, axis=1)
np.add.at(running, ([0, 0, 2], [1, 1, 3]), 10)
running

# %% dates in arrays
days = np.arange("2024-02-27", "2024-03-02", dtype="datetime64[D]")
gaps = np.diff(days).astype("timedelta64[h]")
days[::2], gaps

# %% text in arrays
codes = np.array(["ab", "c", "def"])
codes[1] = "longer"
np.char.upper(codes), codes.dtype

# %% einsum and where
weights = np.array([0.2, 0.3, 0.5])
mixed = np.einsum("i,ij->j", weights, table)
np.where(mixed > 2, mixed, np.nan).round(2)

# %% a random field, smoothed in place
field = np.random.default_rng(0).normal(size=(64, 64))
padded = np.pad(field, 1, mode="wrap")
for _ in range(3):
    padded[1:-1, 1:-1] = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
field[...] = padded[1:-1, 1:-1]
field.std().round(4)
