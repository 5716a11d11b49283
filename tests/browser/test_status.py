"""The count in the status bar, and notifications of jobs that have ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import BUSY, LOOP, be_idle, let_go
from tests.browser.lab import PATIENCE_MS, Lab, Notebook, load

Open = Callable[..., Notebook]


@pytest.fixture(scope="module", autouse=True)
def every_job_is_long(lab: Lab, shared_page: Page) -> None:
    """Have the end of every job told."""
    lab.set("nbsubmit:notifications", minimumSeconds=0)
    load(shared_page, lab)


@pytest.fixture(autouse=True)
def forgotten(shared_page: Page) -> None:
    shared_page.evaluate("window.jupyterapp.commands.execute('apputils:dismiss-notification', {})")


def status(page: Page) -> Locator:
    return page.locator(".nbsubmit-Status")


def notices(page: Page, name: str) -> Locator:
    return page.locator(".Toastify__toast").filter(has_text=name)


def test_the_status_bar_counts_jobs_while_there_are_any(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook(
        LOOP.format(name="first"),
        LOOP.format(name="second"),
        "%%slurm --as later --begin now+1hour\n1",
    )
    expect(status(shared_page)).to_be_hidden()
    notebook.run(1, 2, 3)
    expect(status(shared_page)).to_have_text("Jobs: 2 running, 1 pending", timeout=PATIENCE_MS)
    status(shared_page).get_by_role("button").click()
    expect(shared_page.get_by_role("region", name="Jobs")).to_be_visible()
    let_go(notebook)
    expect(status(shared_page)).to_have_text("Jobs: 0 running, 1 pending", timeout=PATIENCE_MS)
    notebook.do("later.cancel()")
    expect(status(shared_page)).to_be_hidden(timeout=PATIENCE_MS)


def test_a_changed_setting_takes_effect_at_once(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook(LOOP.format(name="quiet"), LOOP.format(name="loud"))
    go = notebook.path.with_name("go")
    name = "nbsubmit:notifications"
    shared_page.evaluate(
        "query => window.jupyterapp.commands.execute('settingeditor:open', {query})",
        "nbsubmit: notifications",
    )
    wanted = shared_page.get_by_role("checkbox", name="Tell when a long job has ended")
    for cell, is_wanted in ((1, False), (2, True)):
        wanted.set_checked(is_wanted)
        shared_page.wait_for_function(
            "async ([name, value]) => {"
            " const found = await window.jupyterapp.serviceManager.settings.fetch(name);"
            " return JSON.parse(found.raw || '{}').enabled === value"
            " || (value && !('enabled' in JSON.parse(found.raw || '{}'))); }",
            arg=[name, is_wanted],
        )
        notebook.open()
        notebook.run(cell)
        badge = notebook.cell(cell).locator(".nbsubmit-badge")
        expect(badge).to_contain_text("running", timeout=PATIENCE_MS)
        let_go(notebook)
        expect(badge).to_contain_text("completed", timeout=PATIENCE_MS)
        go.unlink()
        shared_page.evaluate("window.jupyterapp.commands.execute('settingeditor:open', {})")
    expect(notices(shared_page, "loud: completed after")).to_be_visible(timeout=PATIENCE_MS)
    expect(notices(shared_page, "quiet")).to_have_count(0)
    shared_page.evaluate("window.jupyterapp.shell.currentWidget.close()")


def test_the_end_of_a_job_is_told_once_though_kernel_and_server_tell_it(
    open_notebook: Open, shared_page: Page, pictures: Path
) -> None:
    notebook = open_notebook(LOOP.format(name="told"), BUSY)
    notebook.run(1)
    notebook.start(2)
    expect(status(shared_page)).to_contain_text("1 running", timeout=PATIENCE_MS)
    let_go(notebook)
    expect(notices(shared_page, "told: completed after")).to_be_visible(timeout=PATIENCE_MS)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    notebook.screenshot(pictures / "notification.png")
    be_idle(notebook)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).not_to_have_text("[*]:")
    expect(notices(shared_page, "told")).to_have_count(1)
    notebook.save()
    notebook.reload()
    expect(notebook.cell(1).locator(".nbsubmit-badge")).to_contain_text(
        "completed", timeout=PATIENCE_MS
    )
    expect(notices(shared_page, "told")).to_have_count(0)
