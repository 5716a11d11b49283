"""The pictures of README: what a person sees while a job runs, and when it has ended.

``PICTURES_FOLDER=pictures`` keeps them in its folder ``page``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.lab import PATIENCE_MS, Notebook
from tests.browser.test_panel import ended, panel

GIVEN = """import time
rate = 0.1"""
TRAIN = """%%slurm --gpus 1 --mem 500M --time 2h -J training
from tqdm import tqdm
loss = 1.0
for epoch in tqdm(range(60), desc="epochs"):
    loss -= rate * loss
    time.sleep(rate)
print(f"the loss is {loss:.4f} after {epoch + 1} epochs")"""


def take(notebook: Notebook, file: Path) -> None:
    """Take a picture of the cells alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    notebook.panel.locator(".jp-WindowedPanel-viewport").screenshot(path=str(file))


def test_the_pictures_of_the_page(open_notebook: Callable[..., Notebook], pictures: Path) -> None:
    notebook = open_notebook(GIVEN, TRAIN)
    notebook.run(1, 2)
    bar = panel(notebook, 2).get_by_role("progressbar")
    expect(bar).to_have_attribute(
        "aria-valuenow", re.compile(r"[3-9]\d(\.\d+)?"), timeout=PATIENCE_MS
    )
    take(notebook, pictures / "page" / "panel.png")
    expect(ended(notebook, 2, "COMPLETED")).to_contain_text("the loss is")
    take(notebook, pictures / "page" / "record.png")
    for name in ("panel", "record"):
        assert (pictures / "page" / f"{name}.png").stat().st_size > 5_000
