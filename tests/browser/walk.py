"""A short walk through the extension in a JupyterLab of any release, by hand and outside of CI.

``python -m tests.browser.walk PYTHON`` takes the interpreter of an environment that has that
JupyterLab and nbsubmit's wheel, and says what it has seen.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, expect

from tests.browser.jobs import act, close_logs, listed, show_sidebar
from tests.browser.lab import PATIENCE_MS, Notebook, browse, load, serve
from tests.browser.test_run_on_slurm import choose, field, leave, opened, source

CELLS = ["%load_ext nbsubmit", "%%local -J walk\nprint('it walks')", "1"]


def form(notebook: Notebook, cell: int) -> Locator:
    """Open the form for a cell; buttons of some releases' toolbars have no name but a title."""
    choose(notebook, cell)
    notebook.panel.locator(".jp-Toolbar").get_by_title("Run this cell as a job").click()
    return opened(notebook.page)


def walk(python: str, folder: Path) -> None:
    """See a job, its badge and its log, and have a line written."""
    with serve(folder, {}, python=python) as lab, browse() as page:
        errors: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                errors.append(message.text)

        page.on("console", note)
        load(page, lab)
        print("JupyterLab", page.evaluate("window.jupyterapp.version"), flush=True)
        notebook = Notebook(page, lab, lab.write("walk.ipynb", CELLS))
        notebook.run(0, 1)
        badge = notebook.cell(1).locator(".nbsubmit-badge")
        expect(badge).to_contain_text("completed", timeout=PATIENCE_MS)
        print("  the cell has its badge:", badge.inner_text(), flush=True)
        show_sidebar(page)
        row = listed(page, "walk")
        expect(row).to_contain_text("completed")
        print("  the list has the job:", row.inner_text().replace("\n", " "), flush=True)
        where = form(notebook, 2)
        leave(page)
        where = form(notebook, 2)
        field(where, "CPUs").fill("2")
        where.get_by_role("button", name="Write the line").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        print("  the form has written:", source(notebook, 2).splitlines()[0], flush=True)
        act(page, "walk", "Show log")
        expect(page.get_by_role("log", name="Log")).to_contain_text("it walks")
        print("  the log opens", flush=True)
        close_logs(page)
        notebook.close()
    print("  errors on the console:", errors or "none", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        walk(sys.argv[1], Path(folder) / "lab")
