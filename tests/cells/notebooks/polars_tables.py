# Rivers, with polars.

# %% a frame
import polars as pl

rivers = pl.DataFrame(
    {
        "river": ["Aare", "Inn", "Drau", "Enns", "Mur", "Salzach"],
        "km": [288, 517, 749, 254, 464, 225],
        "sea": ["North", "Black", "Black", "Black", "Black", "Black"],
        "flow": [559.0, 735.0, 670.0, 200.0, None, 251.0],
    }
)
rivers

# %% expressions
per_km = (pl.col("flow") / pl.col("km")).round(3).alias("flow_per_km")
with_ratio = rivers.with_columns(per_km, long=pl.col("km") > 400)
with_ratio.head(3)

# %% grouped
by_sea = rivers.group_by("sea", maintain_order=True).agg(
    pl.len().alias("rivers"), pl.col("km").sum(), pl.col("flow").mean().round(1)
)
by_sea.to_dicts()

# %% lazy, and kept
plan = rivers.lazy().filter(pl.col("km") > 250).sort("km", descending=True)
longest = plan.select("river", "km").limit(2).collect()
longest

# %% the plan goes on
plan = plan.with_columns(pl.col("river").str.to_uppercase())
plan.collect().get_column("river").to_list()

# %% joined
mouths = pl.DataFrame({"river": ["Inn", "Drau", "Mur"], "mouth": ["Danube", "Danube", "Drau"]})
joined = rivers.join(mouths, on="river", how="left").fill_null(strategy="zero")
joined.select("river", "flow", "mouth")

# %% a cell of the frame is changed
rivers[4, "flow"] = 147.0
rivers.filter(pl.col("flow").is_null()).height, rivers["flow"].sum()

# %% extended in place
new = pl.DataFrame({"river": ["Traun"], "km": [153], "sea": ["Black"], "flow": [135.0]})
rivers.extend(new)
rivers.shape

# %% series
lengths = rivers["km"]
scaled = ((lengths - lengths.mean()) / lengths.std()).round(3)
scaled.to_list()[:3]

# %% wide and long
wide = rivers.pivot("sea", index="river", values="km").sort("river")
long = wide.unpivot(index="river", variable_name="sea", value_name="km").drop_nulls()
wide.columns, long.height

# %% no such column
n_long = with_ratio["long"].sum()
with_ratio.select("depth")

# %% to pandas is not needed
n_long, dict(zip(longest["river"], longest["km"]))
