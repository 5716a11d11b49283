# Files in the working directory: text, JSON, CSV, SQLite.

# %% a folder for the results
import csv
import json
import sqlite3
from pathlib import Path

results = Path("results")
results.mkdir(exist_ok=True)
stations = {"ALP": {"height": 2310, "since": 1961}, "SEA": {"height": 3, "since": 1988}}
(results / "stations.json").write_text(json.dumps(stations, indent=1))

# %% read again
again = json.loads((results / "stations.json").read_text())
again == stations, sorted(p.name for p in results.iterdir())

# %% a table of measurements
measured = [("ALP", day, 0.5 * day - 4) for day in range(1, 6)]
measured += [("SEA", day, 11 + day % 3) for day in range(1, 6)]
with open(results / "measured.csv", "w", newline="") as handle:
    writer = csv.writer(handle)
    writer.writerow(["station", "day", "temperature"])
    writer.writerows(measured)

# %% and back
with open(results / "measured.csv", newline="") as handle:
    rows = list(csv.DictReader(handle))
warmest = max(rows, key=lambda row: float(row["temperature"]))
warmest

# %% into a data base
def store(file, table):
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("create table if not exists t (station text, day int, temp real)")
        connection.executemany("insert into t values (?, ?, ?)", table)
    connection.close()


store("weather.db", measured)
Path("weather.db").exists()

# %% ask it
def ask(sql, *values):
    connection = sqlite3.connect("weather.db")
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


ask("select station, count(*), round(avg(temp), 2) from t group by station order by station")

# %% more rows
store("weather.db", [("ALP", 6, -7.0)])
ask("select min(temp) from t where station = ?", "ALP")

# %% a wrong question
n_rows = ask("select count(*) from t")[0][0]
ask("select nothing from nowhere")

# %% lines appended
log = Path("run.log")
with log.open("a") as handle:
    for station, height in sorted((k, v["height"]) for k, v in stations.items()):
        print(station, height, sep="\t", file=handle)
    print("rows", n_rows, file=handle)
log.read_text().splitlines()

# %% a context manager of one's own
from contextlib import contextmanager


@contextmanager
def replaced(path, text):
    kept = path.read_text()
    path.write_text(text)
    try:
        yield path
    finally:
        path.write_text(kept)


with replaced(log, "for a while") as shown:
    inside = shown.read_text()
inside, log.read_text().count("\n")

# %% not there
total = 0
for name in ("run.log", "walk.log"):
    total += len(Path(name).read_text())

# %% tidy up
log.unlink()
total > 0, log.exists()
