# Field data of a penguin colony, cleaned with pandas.

# %% the table as the field team sent it
import io

import pandas as pd

raw_text = """nest, Species ,Mass (g),flipper_mm,sex,seen
N01,Adelie,3750,181,male,2021-11-11
N02,Adelie,3800,186,FEMALE,2021-11-11
N03,adelie,,195,female,2021-11-16
N04,Gentoo,5000,217,Male,2021-11-27
N05,gentoo ,4450,NA,female,2021-11-27
N05,gentoo ,4450,NA,female,2021-11-27
N06,Chinstrap,3500,192,,2021-12-03
N07,Gentoo,-1,221,male,2021-12-09
"""
birds = pd.read_csv(io.StringIO(raw_text))
birds

# %% headers that can be typed
def tidy_header(text):
    """Lower case, no units, underscores for spaces."""
    text = text.strip().lower()
    for unit in ("(g)", "_mm"):
        text = text.replace(unit, "")
    return text.strip().replace(" ", "_")


birds.columns = [tidy_header(c) for c in birds.columns]
birds.columns.tolist()

# %% one spelling per species and per sex
birds["species"] = birds["species"].str.strip().str.title()
birds["sex"] = birds["sex"].str.lower()
birds["seen"] = pd.to_datetime(birds["seen"])
birds.dtypes

# %% duplicates go, in place
n_before = len(birds)
birds.drop_duplicates(inplace=True)
birds.reset_index(drop=True, inplace=True)
print(f"dropped {n_before - len(birds)} duplicated row(s)")

# %% a scale that was not tared: impossible masses become missing
too_light = birds["mass"] < 1000
birds.loc[too_light, "mass"] = float("nan")
birds.loc[birds["flipper"].isna(), "flipper"] = birds["flipper"].median()
missing = birds.isna().sum()
missing[missing > 0]

# %% fill by species
means = birds.groupby("species")["mass"].transform("mean")
birds["mass_filled"] = birds["mass"].fillna(means).round(1)
birds["was_missing"] = birds["mass"].isna()
birds[["nest", "mass", "mass_filled"]].head(4)

# %% an alias is the same table
table = birds
table["ratio"] = (table["mass_filled"] / table["flipper"]).round(2)
"ratio" in birds.columns

# %% through the alias, in another cell
table.drop(columns=["was_missing"], inplace=True)
table.loc[0, "nest"] = "N01-b"
birds.iloc[0]

# %% categories with an order
sizes = pd.cut(
    birds["mass_filled"], bins=[0, 3700, 4500, 9999], labels=["small", "middle", "large"]
)
birds = birds.assign(size=sizes)
counts = birds["size"].value_counts().sort_index()
counts

# %% a key that is not there
heaviest = birds.loc[birds["mass_filled"].idxmax(), "nest"]
birds["bill_length"]

# %% what was bound before the error is there
print(heaviest)
del n_before, too_light
summary = birds.describe(include="number").round(2)
summary.loc[["mean", "std"]]
