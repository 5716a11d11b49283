# A year of temperatures: dates, resampling, rolling means.

# %% hourly values
import numpy as np
import pandas as pd

hours = pd.date_range("2022-01-01", periods=24 * 60, freq="h", name="time")
rng = np.random.default_rng(31)
daily = 4 * np.sin(2 * np.pi * (hours.hour - 9) / 24)
temperature = pd.Series(daily + rng.normal(0, 1, len(hours)), index=hours, name="°C").round(2)
temperature.iloc[[0, 1, -1]]

# %% a gap of the sensor
temperature["2022-01-10":"2022-01-12"] = np.nan
temperature.isna().sum(), temperature.index.freq

# %% daily statistics
by_day = temperature.resample("D").agg(["min", "mean", "max", "count"])
by_day.loc["2022-01-08":"2022-01-14"].round(1)

# %% filled
filled = temperature.interpolate("time")
smooth = filled.rolling(24, center=True).mean()
smooth.dropna().head(3).round(3)

# %% a rolling window that is kept
window = filled.rolling("6h")
spread = window.max() - window.min()
spread.describe().round(2)

# %% zones
local = filled.tz_localize("UTC").tz_convert("Europe/Vienna")
print(local.index[0], local.index.tz)

# %% shifts and differences
table = pd.DataFrame({"now": filled, "before": filled.shift(24)})
table["change"] = table["now"] - table["before"]
table.dropna(inplace=True)
table["change"].abs().nlargest(2).round(2)

# %% calendar arithmetic
start = pd.Timestamp("2024-01-31")
steps = [start + pd.DateOffset(months=m) for m in range(3)]
week = pd.Period("2024-02-28", freq="W")
steps, week.end_time.date(), pd.Timedelta("1 days 06:30:00") / 2

# %% by weekday and hour
cross = filled.groupby([filled.index.dayofweek, filled.index.hour]).mean().unstack(0)
cross.index.name, cross.columns.name = "hour", "weekday"
cross.iloc[[0, 12], :3].round(2)

# %% asof: the last known price
quotes = pd.DataFrame(
    {"time": pd.to_datetime(["2024-05-01 09:00", "2024-05-01 09:05"]), "price": [10.0, 10.4]}
)
trades = pd.DataFrame(
    {"time": pd.to_datetime(["2024-05-01 09:01", "2024-05-01 09:07"]), "pieces": [5, 2]}
)
pd.merge_asof(trades, quotes, on="time")

# %% a date that does not exist
valid = pd.to_datetime("2023-02-28")
invalid = pd.to_datetime("2023-02-30")

# %% unless asked to be lenient
dates = pd.to_datetime(pd.Series(["2023-02-28", "2023-02-30"]), errors="coerce")
dates.isna().tolist(), valid
