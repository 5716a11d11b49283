# Plots of a damped oscillation.

# %% the curve
import matplotlib.pyplot as plt
import numpy as np

t = np.linspace(0, 10, 200)
damped = np.exp(-t / 4) * np.cos(3 * t)
plt.plot(t, damped)
plt.xlabel("time")
plt.ylabel("displacement")
plt.show()

# %% two in one, and a legend
plt.figure(figsize=(4, 2.5))
for damping in (2, 8):
    plt.plot(t, np.exp(-t / damping) * np.cos(3 * t), label=f"τ = {damping}")
plt.legend(loc="upper right")
plt.title("slow and quick")

# %% figure and axes in variables
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot(t, damped, color="teal", lw=1)
ax.set_title("kept")
ax.grid(True)

# %% the axes are drawn on later
(envelope,) = ax.plot(t, np.exp(-t / 4), "k--", label="envelope")
ax.legend()
len(ax.lines), ax.figure is fig

# %% the figure is asked for
ax.set_xlim(0, 6)
fig

# %% another cell changes a line
envelope.set_color("crimson")
envelope.set_linewidth(3)
fig.axes[0].lines[1].get_color()

# %% many axes
panel, axes = plt.subplots(2, 2, figsize=(5, 4), sharex=True)
for number, one in enumerate(axes.flat):
    one.plot(t, damped ** (number + 1), lw=0.8)
    one.set_title(f"power {number + 1}", fontsize=8)
panel.tight_layout()
plt.close(panel)

# %% one of the axes, later
axes[0, 1].axhline(0.2, color="gray")
axes[0, 1].set_ylabel("squared")
panel.axes[1].get_ylabel()

# %% histogram: what hist returns
rng = np.random.default_rng(3)
heights, edges, patches = plt.hist(rng.normal(size=500), bins=12, color="slategray")
heights.astype(int)

# %% bars with words
names = ["red", "green", "blue"]
counts = [3, 7, 5]
fig2, ax2 = plt.subplots()
bars = ax2.bar(names, counts)
ax2.bar_label(bars)
ax2.set_ylim(0, 9);

# %% saved to a file
fig2.savefig("bars.png", dpi=50)
from pathlib import Path

Path("bars.png").stat().st_size > 1000

# %% a picture from an array
image = np.add.outer(np.arange(20), np.arange(30)) % 7
plt.imshow(image, cmap="viridis")
plt.colorbar()
plt.axis("off")

# %% scatter, and a mistake
plt.scatter(t[:50], damped[:50], s=8)
plt.plot(t, damped[:-1])
