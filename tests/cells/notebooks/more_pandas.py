# Odd corners of tables: views, objects, styles, files.

# %% measurements with levels
import numpy as np
import pandas as pd

index = pd.MultiIndex.from_product([["north", "south"], [2021, 2022]], names=["region", "year"])
crops = pd.DataFrame({"wheat": [3.1, 2.9, 4.0, 4.2], "maize": [5.0, 5.5, 6.1, 5.9]}, index=index)
crops

# %% one level is changed
crops.loc[("north", 2022), "wheat"] = 3.3
crops.loc["south"] *= 10
crops.xs(2022, level="year")

# %% a column is not a view any more
wheat = crops["wheat"]
wheat.iloc[0] = -1
crops["wheat"].iloc[0], wheat.iloc[0]

# %% columns of objects
records = pd.DataFrame({"name": ["a", "b"], "tags": [["x"], ["y", "z"]]})
records["tags"].iloc[0].append("new")
records.explode("tags")

# %% the list inside is changed again
records.loc[1, "tags"].clear()
records

# %% types of their own
typed = pd.DataFrame(
    {
        "n": pd.array([1, None, 3], dtype="Int64"),
        "ok": pd.array([True, None, False], dtype="boolean"),
        "kind": pd.Categorical(["lo", "hi", "lo"], categories=["lo", "hi"], ordered=True),
    }
)
typed.loc[1, "n"] = 22
typed.dtypes.astype(str).to_dict(), typed["n"].sum()

# %% attributes of a frame
typed.attrs["source"] = "station 7"
typed.rename(columns={"n": "count"}, inplace=True)
typed.attrs, list(typed)

# %% styled
typed[["count"]].style.format("{:.1f}", na_rep="-").highlight_max(axis=0)

# %% apply with a function of the notebook
limit = 5


def grade(value):
    return "high" if value > limit else "low"


graded = crops.map(grade)
graded.value_counts()

# %% another limit, another grade
limit = 40
crops.map(grade).stack().eq("high").sum()

# %% written and read again
crops.reset_index().to_csv("crops.csv", index=False)
back = pd.read_csv("crops.csv").set_index(["region", "year"])
back.equals(crops)

# %% and as a pickle
crops.to_pickle("crops.pkl")
pd.read_pickle("crops.pkl").index.equals(index)

# %% merged on what is not there
other = pd.DataFrame({"region": ["north"], "mayor": ["Eva"]})
merged = other.merge(crops.reset_index(), how="outer")
merged.merge(other, on="village")

# %% eval and query with names of the notebook
threshold = 4
share = merged.eval("total = wheat + maize")
share.query("wheat < @threshold and region == 'north'")[["year", "total"]]

# %% a wide table is cut
wide = pd.DataFrame(np.arange(60).reshape(2, 30), columns=[f"c{i:02d}" for i in range(30)])
wide

# %% a long one, too
pd.Series(np.arange(200) ** 2, name="squares")

# %% rows one by one
totals = {}
for row in merged.itertuples(index=False):
    totals[row.region] = totals.get(row.region, 0) + row.maize
totals

# %% a warning of pandas in its own words
dates = pd.to_datetime(["01/02/2024", "13/02/2024"], dayfirst=True)
text_dates = pd.Series(["2024-01-05", "not a date"])
pd.to_datetime(text_dates, errors="coerce").isna().sum(), dates.day.tolist()

# %% inserted, popped, reordered
crops.insert(0, "rye", range(4))
maize = crops.pop("maize")
crops.sort_index(axis=1, inplace=True)
crops.columns.tolist(), maize.name

# %% the index is renamed in place
crops.index.names = ["where", "when"]
crops.columns.name = "crop"
crops.head(1)
