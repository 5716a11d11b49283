# Fitting and statistics with scipy.

# %% a curve with noise
import numpy as np
from scipy import optimize, stats

rng = np.random.default_rng(17)


def model(t, amplitude, rate, floor):
    """An exponential decay towards a floor."""
    return amplitude * np.exp(-rate * t) + floor


t = np.linspace(0, 6, 40)
truth = (3.0, 0.9, 0.5)
measured = model(t, *truth) + rng.normal(0, 0.05, t.size)
measured[:3].round(3)

# %% fitted
parameters, covariance = optimize.curve_fit(model, t, measured, p0=(1, 1, 0))
errors = np.sqrt(np.diag(covariance))
for name, value, error in zip(("amplitude", "rate", "floor"), parameters, errors):
    print(f"{name:>10} = {value:.3f} ± {error:.3f}")

# %% a minimum, with a history kept by a callback
path = []


def valley(x):
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


found = optimize.minimize(valley, [-1.0, 1.0], method="BFGS", callback=lambda x: path.append(x.copy()))
found.success, found.x.round(4), len(path) > 3

# %% the whole answer
found

# %% from another start, into the same history
before = len(path)
again = optimize.minimize(valley, [0.5, 2.0], method="Nelder-Mead", callback=path.append)
len(path) > before, again.nit

# %% a root
def pressure(volume, temperature=300.0):
    return 8.314 * temperature / (volume - 4e-5) - 0.4 / volume**2


volume = optimize.brentq(lambda v: pressure(v) - 2e6, 1e-3, 1e-1)
round(volume * 1e3, 5)

# %% no root there
lowest, highest = 1.0, 2.0
optimize.brentq(lambda v: v**2 + 1, lowest, highest)

# %% two groups
control = rng.normal(10, 2, 30)
treated = rng.normal(11.5, 2, 28)
test = stats.ttest_ind(control, treated, equal_var=False)
print(f"t = {test.statistic:.3f}, p = {test.pvalue:.4f}")

# %% a distribution is kept, frozen
lifetime = stats.weibull_min(c=1.7, scale=12.0)
lifetime.mean().round(3), lifetime.ppf([0.1, 0.5, 0.9]).round(2)

# %% and drawn from
drawn = lifetime.rvs(size=200, random_state=rng)
shape, place, scale = stats.weibull_min.fit(drawn, floc=0)
print(f"{shape:.2f} {place} {scale:.2f}")

# %% an interpolation
from scipy.interpolate import CubicSpline

spline = CubicSpline([0, 1, 2, 3], [0, 1, 0, -1])
spline(1.5).round(4), spline.derivative()(1.0).round(4)

# %% a differential equation
from scipy.integrate import solve_ivp


def predator_prey(t, state, a=1.1, b=0.4, c=0.4, d=0.1):
    prey, predator = state
    return [a * prey - b * prey * predator, d * prey * predator - c * predator]


solution = solve_ivp(predator_prey, (0, 20), [10, 5], t_eval=np.linspace(0, 20, 50))
solution.y.max(axis=1).round(2), solution.status
