"""The state of a cell's last job on the cell, wherever the cell goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import LOOP, act, close_logs, let_go, listed, show_sidebar, shutdown
from tests.browser.lab import PATIENCE_MS, Lab, Notebook, load

Open = Callable[..., Notebook]


def badge(notebook: Notebook, cell: int) -> Locator:
    return notebook.cell(cell).locator(".nbsubmit-badge")


def badges(notebook: Notebook) -> Locator:
    return notebook.panel.locator(".nbsubmit-badge")


def do(page: Page, command: str, cell: int | None = None) -> None:
    """Have the notebook do something with a cell."""
    page.evaluate(
        """async ([command, cell]) => {
          const app = window.jupyterapp;
          if (cell !== null) {
            const { content } = app.shell.currentWidget;
            content.deselectAll();
            content.activeCellIndex = cell;
            await content.scrollToItem(cell, 'center').catch(() => undefined);
          }
          await app.commands.execute(command);
        }""",
        [command, cell],
    )


def test_a_badge_goes_with_its_job_and_opens_its_log(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook(LOOP.format(name="badge"), "a = 1")
    notebook.run(1, 2)
    expect(badge(notebook, 1)).to_contain_text("running · ", timeout=PATIENCE_MS)
    let_go(notebook)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    expect(badges(notebook)).to_have_count(1)
    badge(notebook, 1).click()
    expect(shared_page.get_by_role("log", name="Log")).to_contain_text("step 1")
    close_logs(shared_page)
    notebook.open()


def test_a_badge_is_told_by_the_server_when_the_kernel_is_dead(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP.format(name="dead"))
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("running", timeout=PATIENCE_MS)
    shutdown(notebook)
    let_go(notebook)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)


def test_a_badge_is_there_again_after_scrolling_in_a_long_notebook(
    open_notebook: Open, shared_page: Page
) -> None:
    cells = [f"# cell {number}\n" + "\n" * 10 for number in range(100)]
    notebook = open_notebook("%%local\n1", *cells)
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    for target in (100, 1, 60, 1):
        shared_page.evaluate(
            "async (cell) => { await window.jupyterapp.shell.currentWidget.content"
            ".scrollToItem(cell, 'center').catch(() => undefined); }",
            target,
        )
        text = notebook.panel.get_by_text("%%local") if target == 1 else None
        if text is not None:
            expect(text).to_be_in_viewport()
            expect(badges(notebook)).to_be_in_viewport()
        expect(badges(notebook)).to_have_count(1 if target == 1 else badges(notebook).count())


def test_a_badge_moves_with_its_cell_and_a_copy_has_none(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local\n'sent'", "a = 1", "b = 2")
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    do(shared_page, "notebook:move-cell-down", 1)
    expect(notebook.cell(2)).to_contain_text("sent")
    expect(badge(notebook, 2)).to_contain_text("completed")
    expect(badges(notebook)).to_have_count(1)
    do(shared_page, "notebook:copy-cell", 2)
    do(shared_page, "notebook:paste-cell-below")
    expect(notebook.cell(3)).to_contain_text("sent")
    expect(badge(notebook, 3)).to_have_count(0)
    expect(badges(notebook)).to_have_count(1)


def test_of_a_cell_that_is_split_the_part_that_keeps_its_id_has_the_badge(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local\nleft = 1\nright = 2")
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    ids = "window.jupyterapp.shell.currentWidget.content.widgets.map(each => each.model.id)"
    before = shared_page.evaluate(ids)[1]
    shared_page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;"
        "window.jupyterapp.shell.currentWidget.content.activeCell.editor"
        ".setCursorPosition({line: 2, column: 0})"
    )
    do(shared_page, "notebook:split-cell-at-cursor")
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(3)
    keeps = shared_page.evaluate(ids).index(before)
    expect(badge(notebook, keeps)).to_contain_text("completed")
    expect(badges(notebook)).to_have_count(1)


def test_a_notebook_that_is_opened_again_has_its_badges_and_a_copy_of_it_has_none(
    open_notebook: Open, shared_page: Page, lab: Lab
) -> None:
    notebook = open_notebook("%%local\n1")
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    notebook.close()
    notebook.open()
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    notebook.save()
    shutil.copy(notebook.path, notebook.path.with_name("copy.ipynb"))
    copy = Notebook(shared_page, lab, notebook.path.with_name("copy.ipynb"))
    expect(copy.cell(1)).to_contain_text("%%local")
    copy.run(0)
    expect(badges(copy)).to_have_count(0)
    copy.close()
    notebook.open()


def test_a_badge_is_there_after_the_page_is_loaded_anew(open_notebook: Open) -> None:
    notebook = open_notebook(LOOP.format(name="again"))
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("running", timeout=PATIENCE_MS)
    notebook.save()
    notebook.reload()
    expect(badge(notebook, 1)).to_contain_text("running", timeout=PATIENCE_MS)
    let_go(notebook)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)


def test_a_notebook_that_is_renamed_keeps_its_badges_and_goes_on_to_have_them(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local -J sent-first\n1", "%%local -J sent-second\n2")
    notebook.run(1)
    expect(badge(notebook, 1)).to_contain_text("completed", timeout=PATIENCE_MS)
    notebook.rename("renamed.ipynb")
    notebook.run(2)
    show_sidebar(shared_page)
    for cell, name in ((1, "sent-first"), (2, "sent-second")):
        expect(badge(notebook, cell)).to_contain_text("completed", timeout=PATIENCE_MS)
        expect(listed(shared_page, name)).to_contain_text("renamed.ipynb")
    act(shared_page, "sent-first", "Go to the cell")
    shared_page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1"
    )
    shutdown(notebook)
    notebook.save()
    load(shared_page, notebook.lab)
    notebook.open_without_kernel()
    expect(badges(notebook)).to_have_count(2, timeout=PATIENCE_MS)


def test_a_cell_of_a_notebook_that_is_gone_is_not_gone_to(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local -J vanished\n1")
    notebook.run(1)
    show_sidebar(shared_page)
    expect(listed(shared_page, "vanished")).to_contain_text("completed", timeout=PATIENCE_MS)
    other = notebook.path.with_name("other.ipynb")
    notebook.close()
    notebook.path.rename(other)
    act(shared_page, "vanished", "Go to the cell")
    warnings = shared_page.locator(".Toastify__toast--warning")
    warning = warnings.filter(has_text="The cell is no more in")
    expect(warning).to_be_visible(timeout=PATIENCE_MS)
    other.rename(notebook.path)
    notebook.open()
