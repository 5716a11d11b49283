"""What is said of a notebook's jobs when the extension is loaded: one line."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.journeys.desk import RUNNING, Desk
from tests.way import until

pytestmark = pytest.mark.kernel


def test_what_ended_meanwhile_is_told_with_how_it_ended(desk: Desk) -> None:
    kernel, _ = desk.kernel()
    kernel.run(f"gate = {str(desk.gate)!r}")
    for cell in ("a = 1", "b = 1 / 0", "c = 3"):
        wait = "import os, time\nwhile not os.path.exists(gate): time.sleep(0.02)"
        kernel.run(f"{desk.magic}\n{wait}\n{cell}")
    kernel.kill()
    desk.gate.touch()
    jobs = desk.folder / ".nbsubmit" / "jobs"
    until(lambda: len(list(jobs.glob("*/result.json"))) == 3, "the jobs end")
    fresh, said = desk.kernel()
    assert said.stdout == (
        "nbsubmit: of this notebook's jobs 3 ended since (1 failed); "
        "%jobs attach --all brings them in\n"
    )
    fresh.run("%jobs attach --all")
    assert fresh.run("print(a, 'b' in globals(), c)").stdout == "1 False 3\n"


def test_where_the_configuration_loads_it_the_first_cell_tells(notebook: Desk, sent: Path) -> None:
    file = notebook.folder / "ipython" / "profile_default" / "ipython_config.py"
    file.write_text("c = get_config()\nc.InteractiveShellApp.extensions = ['nbsubmit']\n")
    notebook.environ["JPY_SESSION_NAME"] = str(sent)
    kernel = notebook.start()
    assert "%jobs attach --all" in kernel.run("1").stdout
    assert kernel.run("1").stdout == ""


def test_a_job_that_shows_no_sign_of_life_is_told_of(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(f"gate, up = {str(notebook.gate)!r}, {str(notebook.up)!r}")
    kernel.run(f"%%local{RUNNING}")
    until(notebook.up.exists, "the job runs")
    kernel.kill()
    notebook.gate.touch()
    folder = next(notebook.folder.glob(".nbsubmit/jobs/*"))
    until((folder / "exit").exists, "the job ends")
    for sign in ("result.json", "exit"):  # as if its node had gone
        (folder / sign).unlink()
    hours_ago = time.time() - 3 * 3600 - 10
    os.utime(folder / "beat", (hours_ago, hours_ago))
    _, said = notebook.kernel()
    assert said.stdout == (
        "nbsubmit: of this notebook's jobs 1 runs, of which one has been silent for 3 h 00 min; "
        "%jobs attach --all brings them in\n"
    )


def test_a_job_that_may_be_run_again_is_not_counted_as_failed(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run("%%local\nx = 1")
    folder = next(notebook.folder.glob(".nbsubmit/jobs/*"))
    until((folder / "exit").exists, "the job ends")
    kernel.kill()
    # As a scheduler leaves it that had it make room for another.
    for sign in ("result.json", "end.json"):
        (folder / sign).unlink(missing_ok=True)
    (folder / "signal.json").write_text('{"signal": "SIGTERM", "at": 1.0}')
    kernel, said = notebook.kernel()
    assert said.stdout.startswith(
        "nbsubmit: of this notebook's jobs 1 was told to end and may be run again;"
    )
    kernel.kill()
    (folder / "requeued").touch()
    _, said = notebook.kernel()
    assert said.stdout.startswith("nbsubmit: of this notebook's jobs 1 waits;")


def test_an_array_counts_as_one_job(notebook: Desk) -> None:
    notebook.environ["NBSUBMIT_LOCAL_SLOTS"] = "8"
    kernel, _ = notebook.kernel()
    kernel.run(f"gate = {str(notebook.gate)!r}")
    kernel.run(
        "%%local --map x=range(3)\nimport os, time\n"
        "while not os.path.exists(gate): time.sleep(0.02)\ny = 1 / x"
    )
    kernel.kill()
    results = notebook.folder / ".nbsubmit" / "jobs"
    until(lambda: len(list(results.glob("*/tasks/*"))) == 3, "the tasks run")
    kernel, said = notebook.kernel()
    assert said.stdout.startswith("nbsubmit: of this notebook's jobs 1 runs;")
    kernel.kill()
    notebook.gate.touch()
    until(lambda: len(list(results.glob("*/results/[0-2].json"))) == 3, "the tasks end")
    kernel, said = notebook.kernel()
    assert said.stdout.startswith("nbsubmit: of this notebook's jobs 1 ended since (1 failed);")


def test_nothing_is_unpickled_and_little_is_read_when_the_extension_is_loaded(
    notebook: Desk, sent: Path
) -> None:
    store = sent.parent / ".nbsubmit"
    job = next((store / "jobs").iterdir())
    mark = next((store / "notebooks").glob("*/*-*"))
    for number in range(1000):  # as many as a notebook has after a year
        id_ = f"{number:06}-000000-bcdf"
        if number < 980:  # of which nothing is looked at
            mark.with_name(f"{id_}.0a1b2c3d").touch()
        else:
            shutil.copytree(job, store / "jobs" / id_)
            mark.with_name(id_).touch()
    kernel = notebook.start()
    kernel.run(
        "import sys, nbsubmit.notebook.extension\n"
        f"seen, store = [], {str(store)!r}\n"
        "def look(event, given):\n"
        "    if event == 'open' and str(given[0]).startswith(store): seen.append(given[0])\n"
        "    if event == 'pickle.find_class': seen.append(event)\n"
        "sys.addaudithook(look)"
    )
    said = kernel.run("%load_ext nbsubmit").stdout
    assert "20 ended since" in said
    assert "with 980 that the last kernel had" in said
    opened = kernel.run("print(*seen)").stdout.split()
    assert "pickle.find_class" not in opened
    assert 20 <= len(opened) <= 20 * 12
    assert all(file.endswith((".json", "/exit", "/usage.jsonl")) for file in opened)
