# State that is in no name: seeds, options, the working directory, the environment.

# %% seeds, once for the notebook
import random

import numpy as np

random.seed(1234)
np.random.seed(99)

# %% drawn later
walk = np.random.normal(size=5).cumsum()
faces = [random.choice("⚀⚁⚂⚃⚄⚅") for _ in range(6)]
walk.round(4), "".join(faces)

# %% and drawn again
more = np.random.permutation(8)
random.random(), more

# %% options of pandas
import pandas as pd

pd.set_option("display.max_rows", 6)
pd.set_option("display.precision", 2)
table = pd.DataFrame({"n": np.arange(20), "root": np.sqrt(np.arange(20))})
table

# %% the options hold
table.assign(square=table["n"] ** 2)

# %% print options of numpy
np.set_printoptions(precision=2, suppress=True)
np.array([1.23456, 2.5e-7])

# %% hold, too
np.array([0.333333, 123456.789])

# %% matplotlib's settings
import matplotlib.pyplot as plt

plt.rcParams["figure.figsize"] = (3, 2)
plt.rcParams["axes.grid"] = True
plt.plot([1, 4, 9])

# %% the next figure has them
fig, ax = plt.subplots()
ax.plot([3, 1, 2], "o-")
fig.get_size_inches().tolist()

# %% an environment variable
import os

%env STATION_CODE=HB7
os.environ["STATION_CODE"]

# %% it stays set
os.environ.get("STATION_CODE")

# %% the working directory
%mkdir -p inner
%cd -q inner
from pathlib import Path

here = Path.cwd().name
here

# %% it stays changed
Path.cwd().name

# %% and back
%cd -q ..
Path.cwd().name == "inner", Path("inner").is_dir()

# %% precision of the shell
%precision 3
3.14159265

# %% of all later results
2.718281828

# %% warnings turned off
import warnings

warnings.filterwarnings("ignore", category=UserWarning)
warnings.warn("not to be seen")
"quiet"

# %% still off
warnings.warn("not to be seen either")
warnings.warn("but this is", RuntimeWarning)

# %% a locale of decimals
from decimal import Decimal, getcontext

getcontext().prec = 6
Decimal(1) / Decimal(7)

# %% the context holds
Decimal(2).sqrt()

# %% a logger
import logging

logger = logging.getLogger("station")
logger.setLevel(logging.INFO)
logger.addHandler(logging.StreamHandler())
logger.info("begun")

# %% speaks in the next cell
logger.info("still here")
logger.level
