"""The panel in a real browser: what a person sees, and what is left in the saved notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Locator, expect

from tests.browser.jobs import BUSY, be_idle, let_go
from tests.browser.lab import PATIENCE_MS, Notebook, theme

Open = Callable[..., Notebook]

LOOP = """%%slurm -J train --mem 500M -t 10
import sys, time
from pathlib import Path
from tqdm import tqdm
print("\\x1b[32mgreen\\x1b[0m and \\x1b[1mbold\\x1b[0m")
print("careful", file=sys.stderr)
for epoch in tqdm(range(1000), desc="epochs"):
    time.sleep(0.1)
    if Path("go").exists():
        break
score = epoch * 0 + 42
"""
PLOT = """import sys, time, warnings
import matplotlib.pyplot as plt, pandas as pd
from tqdm import tqdm
print("first")
plt.plot([1, 2, 3]); plt.show()
display(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
for _ in tqdm(range(3)): pass
print("to stderr", file=sys.stderr)
warnings.warn("mind the gap")
sys.stderr.flush()
print("last")
6 * 7
"""


def panel(notebook: Notebook, cell: int) -> Locator:
    return notebook.output(cell).locator(".nbsubmit-panel").first


def tab(where: Locator, name: str) -> None:
    where.get_by_role("tab", name=re.compile(name)).click()


def ended(notebook: Notebook, cell: int, state: str) -> Locator:
    """Wait until a cell's job has ended and its record is there."""
    output = notebook.output(cell)
    expect(output.locator(".nbsubmit-panel")).to_have_count(0, timeout=PATIENCE_MS)
    expect(output).to_contain_text(state)
    return output


def outputs(notebook: Notebook, cell: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = notebook.save()["cells"][cell]["outputs"]
    return found


def test_a_panel_lives_while_another_cell_keeps_the_kernel_busy(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(LOOP, BUSY)
    notebook.run(1)
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    notebook.start(2)
    bar = where.get_by_role("progressbar")
    expect(bar).to_be_visible()
    first = bar.get_attribute("aria-valuenow") or ""
    expect(bar).not_to_have_attribute("aria-valuenow", first)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(where).to_contain_text("careful")
    notebook.screenshot(pictures / "panel-live.png")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    be_idle(notebook)
    let_go(notebook)
    ended(notebook, 1, "COMPLETED")
    notebook.screenshot(pictures / "record.png")


def test_tabs_show_output_names_resources_and_script(open_notebook: Open, pictures: Path) -> None:
    data = "import numpy as np; data = np.arange(10)"
    notebook = open_notebook(data, LOOP.replace("score =", "print(data.sum()); score ="))
    notebook.run(1, 2)
    where = panel(notebook, 2)
    expect(where).to_contain_text("green and bold", timeout=PATIENCE_MS)
    # Looked at again if the panel is drawn anew meanwhile: what is gone has no colour.
    expect(where.get_by_text("green", exact=True)).to_have_css("color", "rgb(31, 143, 63)")
    tab(where, "Names")
    expect(where.get_by_role("cell", name="numpy.ndarray")).to_be_visible()
    tab(where, "Resources")
    expect(where.get_by_role("img", name=re.compile("memory"))).to_be_visible(timeout=PATIENCE_MS)
    expect(where).to_contain_text(re.compile(r"peak .* of 500 MB"))
    notebook.screenshot(pictures / "panel-resources.png")
    tab(where, "Script")
    expect(where).to_contain_text("#SBATCH --mem=500M")
    theme(notebook.page, "JupyterLab Dark")
    tab(where, "Output")
    notebook.screenshot(pictures / "panel-dark.png")
    theme(notebook.page, "JupyterLab Light")
    let_go(notebook)
    ended(notebook, 2, "COMPLETED")


def test_cancel_asks_once(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP)
    notebook.run(1)
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    where.get_by_role("button", name="Cancel").click()
    expect(where).to_contain_text("RUNNING")
    where.get_by_role("button", name="Really cancel?").click()
    output = ended(notebook, 1, "CANCELLED")
    expect(output).to_contain_text("%jobs resubmit")


def test_a_job_is_sent_again_with_other_options(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP, "print(score)")
    notebook.run(1)
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    where.get_by_role("button", name="Resubmit…").click()
    where.get_by_role("textbox").fill("-J second --mem 300M")
    where.get_by_role("textbox").press("Tab")
    where.get_by_role("button", name="Send").click()
    second = notebook.output(1).locator(".nbsubmit-panel").nth(1)
    expect(second).to_contain_text("second", timeout=PATIENCE_MS)
    let_go(notebook)
    output = ended(notebook, 1, "COMPLETED")
    expect(output.get_by_text("COMPLETED")).to_have_count(2)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("42")


def test_out_of_memory_offers_twice_as_much(open_notebook: Open, pictures: Path) -> None:
    notebook = open_notebook(
        "%%slurm --mem 300M\nimport time\nheld = []\n"
        "for _ in range(2000):\n    held.append(bytearray(1_200_000))\n    time.sleep(0.05)",
    )
    notebook.run(1)
    output = ended(notebook, 1, "OUT_OF_MEMORY")
    expect(output).to_contain_text(re.compile(r"%jobs resubmit \w{4} --mem 600M"))
    shown = notebook.do("%jobs attach")
    where = panel(notebook, shown)
    where.get_by_role("button", name="Resubmit…").click()
    expect(where.get_by_role("button", name="With 2x memory")).to_be_visible()
    notebook.screenshot(pictures / "out-of-memory.png")
    notebook.do("1")
    expect(notebook.output(shown).locator(".nbsubmit-panel")).to_have_count(0)


def test_what_a_job_shows_stands_in_the_notebook_as_if_the_cell_had_made_it(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(PLOT, "%%local\n" + PLOT)
    notebook.run(1, 2)
    ended(notebook, 2, "COMPLETED")
    here, job = outputs(notebook, 1), outputs(notebook, 2)
    assert "text/html" in job[0]["data"]
    assert [shape(o) for o in job[1:]] == [shape(o) for o in here]
    notebook.screenshot(pictures / "as-here.png")


def shape(output: dict[str, Any]) -> tuple[str, ...]:
    """What kind of output it is, without what differs from run to run."""
    if output["output_type"] == "stream":
        text = "".join(output["text"])
        lines = [line for line in text.splitlines() if "%|" not in line and "Warning" not in line]
        return ("stream", output["name"], *lines)
    if output["output_type"] == "error":
        return ("error", output["ename"])
    return tuple(sorted(output["data"]))


def test_hostile_output_is_shown_as_text(open_notebook: Open) -> None:
    evil = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    notebook = open_notebook(
        f"%%local -J '{evil}'\nimport time\nprint({evil!r})\nraise ValueError({evil!r})"
    )
    notebook.run(1)
    output = ended(notebook, 1, "FAILED")
    expect(output.get_by_text("onerror").first).to_be_visible()
    assert notebook.page.evaluate("window.hacked") is None


def test_a_reopened_notebook_shows_the_record_without_a_kernel(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(LOOP.replace("range(1000)", "range(3)"), "1 / 0 if False else score")
    notebook.run(1)
    ended(notebook, 1, "COMPLETED")
    notebook.run(2)
    expect(notebook.output(1)).to_contain_text("brings epoch, score")
    notebook.close()
    notebook.open_without_kernel()
    output = notebook.output(1)
    expect(output).to_contain_text("COMPLETED")
    expect(output).to_contain_text("brings")
    expect(output).to_contain_text("green and bold")
    expect(notebook.panel).not_to_contain_text("model not found")
    notebook.screenshot(pictures / "reopened.png")
    exporter: Any = HTMLExporter
    page, _ = exporter().from_notebook_node(nbformat.read(notebook.path, as_version=4))
    for part in ("COMPLETED", "brings", "bold"):
        assert part in page
    assert "nbsubmit job panel" not in json.dumps(notebook.save())


def test_a_page_that_is_loaded_anew_finds_the_live_panel(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP)
    notebook.run(1)
    expect(panel(notebook, 1)).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    notebook.save()
    notebook.reload()
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING")
    let_go(notebook)
    expect(where).to_contain_text("COMPLETED", timeout=PATIENCE_MS)


def test_after_a_restart_a_job_is_attached_with_its_panel_and_its_names(
    open_notebook: Open,
) -> None:
    notebook = open_notebook(LOOP, "%load_ext nbsubmit", "%jobs attach", "print(score)")
    notebook.run(1)
    expect(panel(notebook, 1)).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    notebook.restart()
    notebook.run(2, 3)
    where = panel(notebook, 3)
    expect(where).to_contain_text("RUNNING")
    let_go(notebook)
    output = ended(notebook, 3, "COMPLETED")
    expect(output).to_contain_text("green and bold")
    notebook.run(4)
    expect(notebook.output(4)).to_contain_text("42")


def test_after_a_restart_the_cell_that_sent_a_job_shows_it_again(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP, "%load_ext nbsubmit", "%jobs attach")
    notebook.run(1)
    expect(panel(notebook, 1)).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    notebook.restart()
    notebook.run(2, 3)
    notebook.save()
    notebook.reload()
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING")
    where.get_by_role("button", name="Cancel").click()
    where.get_by_role("button", name="Really cancel?").click()
    expect(where).to_contain_text("CANCELLED", timeout=PATIENCE_MS)


@pytest.mark.parametrize("width", [480, 1900])
def test_a_panel_fits_a_narrow_and_a_wide_page(
    open_notebook: Open, pictures: Path, width: int
) -> None:
    notebook = open_notebook(LOOP)
    notebook.page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.run(1)
    where = panel(notebook, 1)
    expect(where).to_contain_text("RUNNING", timeout=PATIENCE_MS)
    notebook.screenshot(pictures / f"panel-{width}.png")
    room = notebook.output(1).bounding_box()
    for name in ("Cancel", "Resubmit…", "Log file"):
        button = where.get_by_role("button", name=name).bounding_box()
        assert room is not None
        assert button is not None
        assert button["x"] + button["width"] <= room["x"] + room["width"] + 1
    let_go(notebook)
    ended(notebook, 1, "COMPLETED")
    notebook.page.set_viewport_size({"width": 1280, "height": 900})


FLOOD = """%%local
import itertools, time
from pathlib import Path
for n in itertools.count():
    print("".join(f"{n} {i} {'x' * 90}\\n" for i in range(10_000)), end="")
    if n > 60:
        time.sleep(0.1)
    if Path("go").exists():
        break
print("the end")
"""
WATCH = """() => {
  window.longest = 0;
  window.tasks = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      window.longest = Math.max(window.longest, entry.duration);
    }
  });
  window.tasks.observe({entryTypes: ['longtask']});
}"""


def test_a_job_that_prints_fifty_megabytes_leaves_the_page_free(
    open_notebook: Open,
) -> None:
    received: list[int] = []
    notebook = open_notebook(FLOOD)
    kernel_socket = Traffic(notebook, received)
    notebook.page.evaluate(WATCH)
    kernel_socket.start()
    notebook.run(1)
    notebook.page.wait_for_timeout(10_000)
    kernel_socket.stop()
    expect(panel(notebook, 1)).to_contain_text("xxxx")
    longest = notebook.page.evaluate("window.longest")
    notebook.page.evaluate("window.tasks.disconnect()")
    print(f"{sum(received) / 10_000:.0f} kB a second, longest task {longest:.0f} ms")
    assert received, "nothing was seen of the traffic"
    assert sum(received) <= 10 * 100_000
    # A page that stands still for so long is felt; a busy machine may take some of it.
    assert longest < 2_000
    let_go(notebook)
    output = ended(notebook, 1, "COMPLETED")
    expect(output).to_contain_text("the end")
    (log,) = (notebook.path.parent / ".nbsubmit/jobs").glob("*/log.out")
    assert log.stat().st_size >= 50_000_000


class Traffic:
    """What comes to the page over its sockets, in bytes a message, as the browser counts it."""

    def __init__(self, notebook: Notebook, received: list[int]) -> None:
        self._session = notebook.page.context.new_cdp_session(notebook.page)
        self._received = received

    def start(self) -> None:
        self._session.send("Network.enable")
        self._session.on("Network.webSocketFrameReceived", self._note)

    def _note(self, event: dict[str, Any]) -> None:
        response = event["response"]
        text = response["payloadData"]
        binary = response["opcode"] == 2
        self._received.append(len(text) * 3 // 4 if binary else len(text))

    def stop(self) -> None:
        self._session.send("Network.disable")
        self._session.detach()


SWEEP = """%%local -J sweep --map x=range(24)
import time
from pathlib import Path
print("task", x, "is here")
while x >= 8 and not Path("go").exists():
    time.sleep(0.1)
if x == 17 and not Path("mended").exists():
    raise ValueError("seventeen")
y = 10 * x
"""


def test_an_array_is_a_grid_in_which_a_task_is_chosen_and_what_failed_runs_again(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(SWEEP, BUSY)
    notebook.run(1)
    where = panel(notebook, 1)
    expect(where.get_by_role("img", name="of 24 tasks")).to_be_visible()
    expect(where).to_contain_text("8 COMPLETED", timeout=PATIENCE_MS)
    notebook.start(2)
    chooser = where.get_by_role("spinbutton")
    chooser.fill("3")
    chooser.press("Enter")
    expect(where.locator("pre").first).to_have_text("task 3 is here")
    notebook.screenshot(pictures / "array-live.png")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    be_idle(notebook)
    let_go(notebook)
    output = ended(notebook, 1, "FAILED")
    expect(output).to_contain_text("■ 23 COMPLETED")
    expect(output).to_contain_text("☒ 1 FAILED")
    expect(output).to_contain_text("ValueError: seventeen")
    expect(output).not_to_contain_text("task 3 is here")
    notebook.screenshot(pictures / "array-record.png")
    (notebook.path.parent / "mended").touch()
    attached = notebook.do("%jobs attach")
    again = notebook.output(attached)
    again.get_by_role("button", name="Rerun failed").click()
    expect(again.get_by_role("textbox", name="Options")).to_have_value(re.compile("--failed$"))
    notebook.screenshot(pictures / "array-again.png")
    again.get_by_role("button", name="Send").first.click()
    expect(again).to_contain_text("■ 1 COMPLETED", timeout=PATIENCE_MS)
    shown = notebook.output(notebook.do("y == [10 * x for x in range(24)]"))
    expect(shown).to_contain_text("True")
