"""Cells that wait for a job, and jobs that follow each other, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.jobs import let_go
from tests.browser.lab import PATIENCE_MS, Notebook

Open = Callable[..., Notebook]

TRAIN = """%%slurm -J train
import time
from pathlib import Path
while not Path("go").exists():
    time.sleep(0.1)
score = 42
"""
READS = "print(score + 1)"
FOLLOWS = "%%slurm -J double\ntwice = 2 * score"


def prompt(notebook: Notebook, cell: int) -> str:
    return notebook.cell(cell).locator(".jp-InputPrompt").inner_text()


def test_a_cell_that_waits_says_for_what_and_then_shows_its_own_output_alone(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(TRAIN, FOLLOWS, READS, "twice")
    notebook.run(1, 2)
    notebook.start(3)
    notebook.start(4)
    told = notebook.output(3)
    expect(told).to_contain_text("waiting for score of job", timeout=PATIENCE_MS)
    expect(told).to_contain_text("train")
    expect(told).to_contain_text("an interrupt ends the waiting, not the job")
    assert prompt(notebook, 3) == prompt(notebook, 4) == "[*]:"
    notebook.screenshot(pictures / "waiting.png")
    let_go(notebook)
    expect(told).to_have_text("43\n", timeout=PATIENCE_MS)
    expect(notebook.output(4)).to_contain_text("84", timeout=PATIENCE_MS)
    expect(notebook.output(4)).not_to_contain_text("waiting")
    notebook.screenshot(pictures / "waited.png")


def test_an_interrupt_ends_the_waiting_and_the_cells_behind_it_do_not_run(
    open_notebook: Open, pictures: Path
) -> None:
    notebook = open_notebook(TRAIN, READS, "after = 1")
    notebook.run(1)
    notebook.start(2)
    notebook.start(3)
    expect(notebook.output(2)).to_contain_text("waiting for score", timeout=PATIENCE_MS)
    notebook.interrupt()
    expect(notebook.output(2)).to_contain_text(
        "KeyboardInterrupt: the waiting for score of job", timeout=PATIENCE_MS
    )
    notebook.screenshot(pictures / "waiting-interrupted.png")
    seen = notebook.do("print('after' in globals())")
    expect(notebook.output(seen)).to_have_text("False\n")
    let_go(notebook)
    notebook.run(2)
    expect(notebook.output(2)).to_have_text("43\n", timeout=PATIENCE_MS)
