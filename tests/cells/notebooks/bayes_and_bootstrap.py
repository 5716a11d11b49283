# Statistics without a library of models.

# %% coin tosses, a prior and a posterior on a grid
import numpy as np

grid = np.linspace(0, 1, 201)
prior = np.ones_like(grid) / grid.size
tosses = "HTHHTHHHTH"


def update(belief, outcome):
    likelihood = grid if outcome == "H" else 1 - grid
    belief = belief * likelihood
    return belief / belief.sum()


posterior = prior
for toss in tosses:
    posterior = update(posterior, toss)
grid[posterior.argmax()], posterior.sum()

# %% a credible interval
order = np.argsort(posterior)[::-1]
inside = order[np.cumsum(posterior[order]) <= 0.9]
low, high = grid[inside].min(), grid[inside].max()
print(f"90% between {low:.3f} and {high:.3f}, mean {np.sum(grid * posterior):.3f}")

# %% more tosses
for toss in "TTTT":
    posterior = update(posterior, toss)
grid[posterior.argmax()].round(3)

# %% Metropolis
rng = np.random.default_rng(2718)


def log_density(x):
    return -0.5 * ((x - 2) / 0.7) ** 2


chain = [0.0]
accepted = 0
for _ in range(2000):
    proposal = chain[-1] + rng.normal(0, 1)
    if np.log(rng.random()) < log_density(proposal) - log_density(chain[-1]):
        chain.append(proposal)
        accepted += 1
    else:
        chain.append(chain[-1])
f"mean {np.mean(chain[500:]):.2f}, accepted {accepted / 2000:.0%}"

# %% the chain goes on
while len(chain) < 2500:
    proposal = chain[-1] + rng.normal(0, 0.5)
    ratio = log_density(proposal) - log_density(chain[-1])
    chain.append(proposal if np.log(rng.random()) < ratio else chain[-1])
len(chain), round(float(np.std(chain[500:])), 2)

# %% permutation test
before = np.array([12.1, 11.4, 13.0, 12.7, 11.9])
after = np.array([12.9, 12.2, 13.1, 13.6, 12.4])
difference = after.mean() - before.mean()
both = np.concatenate([before, after])
extreme = 0
for _ in range(1000):
    rng.shuffle(both)
    extreme += both[:5].mean() - both[5:].mean() >= difference
float(extreme / 1000), round(float(difference), 2)

# %% jackknife
leave_one_out = np.array([np.delete(after, k).std(ddof=1) for k in range(after.size)])
bias = (after.size - 1) * (leave_one_out.mean() - after.std(ddof=1))
round(float(bias), 4)

# %% a histogram in text
counts, edges = np.histogram(chain[500:], bins=8)
for n, left in zip(counts, edges):
    print(f"{left:6.2f} {'#' * (n // 12)}")

# %% correlations
data = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=300)
matrix = np.corrcoef(data, rowvar=False)
matrix[0, 1] > 0.7, matrix.shape

# %% not enough numbers
subset = data[:0]
with np.errstate(all="raise"):
    subset.mean()

# %% warned, not raised
subset.mean()
