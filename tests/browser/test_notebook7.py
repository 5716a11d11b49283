"""The panel in Notebook 7, which is another application around the same parts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import PATIENCE_MS, Lab, browse, serve

CELL = """%%local -J train
print("from the job")
score = 42
"""


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server of Notebook 7."""
    quick = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}
    with serve(tmp_path_factory.mktemp("notebook7"), quick, application="notebook") as server:
        yield server


@pytest.fixture
def page(notebook7: Lab) -> Iterator[Page]:
    with browse() as page:
        yield page


def test_a_panel_a_record_and_the_names_are_there(notebook7: Lab, page: Page) -> None:
    path = notebook7.write("work.ipynb", ["%load_ext nbsubmit", CELL, "print(score + 1)"])
    page.goto(f"http://127.0.0.1:{notebook7.port}/notebooks/{path.name}?token={notebook7.token}")
    cells = page.locator(".jp-CodeCell")
    expect(cells).to_have_count(3)
    expect(page.locator("body")).to_have_attribute("data-notebook", "notebooks")
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
    )
    run(page, 0)
    run(page, 1)
    output = cells.nth(1).locator(".jp-OutputArea").first
    expect(output).to_contain_text("COMPLETED", timeout=PATIENCE_MS)
    expect(output).to_contain_text("from the job")
    expect(cells.nth(1).locator(".nbsubmit-badge")).to_contain_text("completed")
    page.evaluate("window.jupyterapp.commands.execute('nbsubmit:show-jobs')")
    expect(page.locator(".nbsubmit-job")).to_contain_text(path.name)
    run(page, 2)
    expect(cells.nth(2)).to_contain_text("43")


def run(page: Page, number: int) -> None:
    """Run a cell to its end."""
    page.evaluate(
        """async (n) => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = n;
          await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )


def test_it_is_notebook_7() -> None:
    assert int(version("notebook").partition(".")[0]) >= 7
