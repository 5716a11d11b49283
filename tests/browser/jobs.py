"""What the JupyterLab extension shows of jobs, as tests look at it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.browser.lab import Notebook

# Goes on until there is a file `go` in the notebook's folder.
LOOP = """%%local -J {name}
import sys, time
from pathlib import Path
from nbsubmit import progress
print("careful", file=sys.stderr)
for step in progress(range(1000), desc="steps"):
    print("step", step, flush=True)
    time.sleep(0.05)
    if Path("go").exists():
        break
score = 42
"""
# Keeps the kernel busy until there is a file `idle`.
BUSY = """from pathlib import Path
import time
while not Path("idle").exists():
    time.sleep(0.05)
"""


def let_go(notebook: Notebook) -> None:
    """Let the loops of a notebook come to their end."""
    (notebook.path.parent / "go").touch()


def be_idle(notebook: Notebook) -> None:
    """Let the cell end that keeps the kernel busy."""
    (notebook.path.parent / "idle").touch()


def show_sidebar(page: Page) -> Locator:
    """Show the list of jobs."""
    page.evaluate("async () => { await window.jupyterapp.commands.execute('nbsubmit:show-jobs'); }")
    found = page.get_by_role("region", name="Jobs")
    found.wait_for()
    return found


def listed(page: Page, name: str) -> Locator:
    """A job in the list."""
    return page.locator(".nbsubmit-job").filter(has_text=name)


def act(page: Page, name: str, action: str) -> None:
    """Click one of a job's buttons."""
    row = listed(page, name)
    row.hover()
    row.get_by_role("button", name=action).click()


def close_logs(page: Page) -> None:
    """Close the tabs of logs, so that a notebook is in front again."""
    page.evaluate(
        """() => {
          for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
            if (widget.id.startsWith('nbsubmit-log')) widget.close();
          }
        }"""
    )


def shutdown(notebook: Notebook) -> None:
    """End a notebook's kernel; what it has sent goes on."""
    notebook.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }"
    )
