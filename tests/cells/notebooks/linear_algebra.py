# Least squares by hand, with numpy.

# %% a design matrix
import numpy as np

rng = np.random.default_rng(7)
n_points, n_terms = 60, 4
x = np.linspace(-1, 1, n_points)
design = np.vander(x, n_terms, increasing=True)
truth = np.array([0.5, -1.0, 0.0, 2.0])
y = design @ truth + rng.normal(scale=0.1, size=n_points)
design.shape, y.shape

# %% the normal equations
gram = design.T @ design
coefficients = np.linalg.solve(gram, design.T @ y)
residuals = y - design @ coefficients
print("coefficients:", np.round(coefficients, 3))
print(f"rms residual: {np.sqrt(np.mean(residuals**2)):.4f}")

# %% the same by singular values
u, s, vt = np.linalg.svd(design, full_matrices=False)
pseudo = vt.T @ np.diag(1 / s) @ u.T
np.allclose(pseudo @ y, coefficients)

# %% a column is a view
slope_column = design[:, 1]
slope_column *= 2.0
design[:3]

# %% and it is still one in the next cell
slope_column += 1.0
design[0, 1], slope_column[0]

# %% writing through the array shows in the view
design[:, 1] = x
slope_column[:4]

# %% eigenvalues of a symmetric matrix
values, vectors = np.linalg.eigh(gram)
order = np.argsort(values)[::-1]
values, vectors = values[order], vectors[:, order]
condition = values[0] / values[-1]
condition.round(3)

# %% a block of a larger matrix
big = np.zeros((800, 600))
block = big[100:200, 50:150]
block[...] = np.eye(100) * 3
trace = np.trace(block)
big.sum(), trace

# %% the block is changed, the whole knows
block[0, :] = -1
corner = block[:2, :2]
big.sum()

# %% three names, one memory
corner[...] = 9
flat = big.ravel()
flat[0] = 100.0
big[0, 0], big[100, 50], block.max()

# %% a singular matrix
flipped = gram[::-1].copy()
gram[1] = gram[0]
inverse = np.linalg.inv(np.array([[1.0, 2.0], [2.0, 4.0]]))

# %% after the error
gram[:2], flipped.shape, "inverse" in globals()

# %% what is locked stays locked
constants = np.arange(5) * 1.5
constants.setflags(write=False)
constants

# %% so writing fails
scaled = constants * 2
constants[0] = 99
