# Monthly sales of three shops: grouping, merging, pivoting.

# %% make up a year of receipts
import numpy as np
import pandas as pd

rng = np.random.default_rng(20240501)
n_receipts = 400
receipts = pd.DataFrame(
    {
        "shop": rng.choice(["Harbour", "Market", "Station"], n_receipts),
        "article": rng.choice(["bread", "cheese", "wine", "olives"], n_receipts),
        "pieces": rng.integers(1, 9, n_receipts),
        "day": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, n_receipts), "D"),
    }
)
receipts.head()

# %% prices are in a table of their own
prices = pd.DataFrame(
    {"article": ["bread", "cheese", "wine", "beer"], "price": [2.8, 6.5, 9.9, 1.9]}
).set_index("article")
joined = receipts.merge(prices, left_on="article", right_index=True, how="left", indicator=True)
joined["_merge"].value_counts()

# %% olives were forgotten
prices.loc["olives"] = 3.2
joined = receipts.join(prices, on="article")
joined["amount"] = joined["pieces"] * joined["price"]
assert joined["amount"].notna().all()
joined["amount"].sum().round(2)

# %% totals per shop and article
totals = joined.groupby(["shop", "article"]).agg(
    pieces=("pieces", "sum"), amount=("amount", "sum"), receipts=("amount", "size")
)
totals.round(1)

# %% one shop out of the two levels
market = totals.loc["Market"]
share = (market["amount"] / market["amount"].sum()).mul(100).round(1)
share.sort_values(ascending=False)

# %% wide is easier to read
wide = totals["amount"].unstack("article").round(0)
wide.loc["all shops"] = wide.sum()
wide

# %% months as rows, with margins
joined["month"] = joined["day"].dt.to_period("M")
by_month = pd.pivot_table(
    joined, index="month", columns="shop", values="amount", aggfunc="sum", margins=True
)
by_month.tail(3).round(1)

# %% the best month of each shop
def best(group):
    top = group.groupby("month")["amount"].sum()
    return pd.Series({"month": str(top.idxmax()), "amount": round(top.max(), 2)})


champions = joined.groupby("shop")[["month", "amount"]].apply(best)
champions

# %% long again
long_form = wide.reset_index().melt(id_vars="shop", var_name="article", value_name="amount")
long_form.query("amount > @wide.bread.mean() and shop != 'all shops'").sort_values("amount")

# %% the price table changed under our feet
raise_by = 1.1
prices["price"] *= raise_by
prices.loc[prices["price"] > 10, "price"] = 10.0
prices, raise_by

# %% a grouped object is kept
groups = receipts.groupby("shop", sort=True)
for shop, rows in groups:
    print(f"{shop:>8}: {len(rows):4d} receipts, {rows['pieces'].sum():5d} pieces")

# %% and used
largest = groups["pieces"].nlargest(2)
n_groups = groups.ngroups
largest.to_dict()
