"""The form that makes a cell a job: the cell's line is what it reads and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from nbsubmit.sandbox.sandbox import Sandbox
from tests.browser.lab import PATIENCE_MS, Lab, Notebook, theme

Open = Callable[..., Notebook]


def source(notebook: Notebook, cell: int) -> str:
    return str(
        notebook.page.evaluate(
            "(n) => window.jupyterapp.shell.currentWidget.content.widgets[n]"
            ".model.sharedModel.getSource()",
            cell,
        )
    )


def form(notebook: Notebook, cell: int) -> Locator:
    """Open the form for a cell by the toolbar's button."""
    choose(notebook, cell)
    notebook.panel.locator(".jp-Toolbar").get_by_role(
        "button", name="Run this cell as a job"
    ).click()
    found = opened(notebook.page)
    # The Lab puts the focus there once the fields are drawn, and takes it from what is typed into.
    expect(found.locator("[name=gpus]")).to_be_focused()
    return found


def choose(notebook: Notebook, cell: int) -> None:
    notebook.page.evaluate(
        "(n) => { const { content } = window.jupyterapp.shell.currentWidget;"
        " content.activeCellIndex = n; content.activate(); }",
        cell,
    )


def opened(page: Page) -> Locator:
    found = page.get_by_role("dialog")
    expect(found).to_contain_text("Run on Slurm")
    return found


def field(where: Locator, name: str) -> Locator:
    return where.get_by_label(name, exact=True)


def test_a_cell_becomes_a_job_by_the_form_and_runs(open_notebook: Open, pictures: Path) -> None:
    notebook = open_notebook("answer = 6 * 7")
    where = form(notebook, 1)
    field(where, "CPUs").fill("1")
    field(where, "Memory").fill("200M")
    field(where, "Time").fill("5m")
    line = "%%slurm --cpus-per-task 1 --mem 200M --time 5m"
    expect(where.get_by_role("status")).to_have_text(line)
    notebook.screenshot(pictures / "form-light.png")
    theme(notebook.page, "JupyterLab Dark")
    notebook.screenshot(pictures / "form-dark.png")
    theme(notebook.page, "JupyterLab Light")
    where.get_by_role("button", name="Run", exact=True).click()
    badge = notebook.cell(1).locator(".nbsubmit-badge")
    expect(badge).to_contain_text("completed", timeout=PATIENCE_MS)
    assert source(notebook, 1) == f"{line}\nanswer = 6 * 7"


def test_partitions_are_the_clusters_own(open_notebook: Open, strict_slurm: Sandbox) -> None:
    notebook = open_notebook("1")
    where = form(notebook, 1)
    names = where.locator("datalist option").evaluate_all("all => all.map(each => each.value)")
    assert names
    said = strict_slurm.call("sinfo", "--noheader", "--format=%R").split()
    assert set(said) <= set(names)
    field(where, "Partition").fill(said[0])
    expect(where).to_contain_text(f"{said[0]}: ")
    field(where, "Partition").fill("nowhere")
    expect(where).to_contain_text("The cluster does not list this partition.")
    where.get_by_role("button", name="Cancel").click()
    assert source(notebook, 1) == "1"


def test_a_changed_line_is_read_back_and_what_the_form_does_not_know_stays(
    open_notebook: Open,
) -> None:
    notebook = open_notebook("%%local -c4 --as 'job' --exclusive --mem=1G -t 1h\n1")
    where = form(notebook, 1)
    expect(field(where, "Where")).to_have_value("local")
    expect(field(where, "CPUs")).to_have_value("4")
    expect(field(where, "Memory")).to_have_value("1G")
    expect(field(where, "Time")).to_have_value("1h")
    field(where, "CPUs").fill("2")
    field(where, "Time").fill("")
    field(where, "GPUs").fill("a100:1")
    where.get_by_role("button", name="Write the line").click()
    expected = "%%local -c2 --as 'job' --exclusive --mem=1G --gpus a100:1\n1"
    notebook.page.wait_for_function(
        "(text) => window.jupyterapp.shell.currentWidget.content.widgets[1]"
        ".model.sharedModel.getSource() === text",
        arg=expected,
    )
    expect(notebook.cell(1).locator(".jp-InputPrompt")).to_have_text("[ ]:")


def test_a_wrong_value_is_told_and_not_written(open_notebook: Open) -> None:
    notebook = open_notebook("1")
    where = form(notebook, 1)
    field(where, "Time").fill("two hours")
    expect(field(where, "Time")).to_have_attribute("aria-invalid", "true")
    where.get_by_role("button", name="Run", exact=True).click()
    expect(opened(notebook.page)).to_contain_text("A duration: 90m")
    expect(field(where, "Time")).to_have_value("two hours")
    where.get_by_role("button", name="Cancel").click()
    assert source(notebook, 1) == "1"


def test_a_kernel_without_nbsubmit_is_given_it_by_a_cell(shared_page: Page, lab: Lab) -> None:
    notebook = Notebook(shared_page, lab, lab.write("unloaded.ipynb", ["found = 1"]))
    where = form(notebook, 0)
    expect(where).to_contain_text("%load_ext nbsubmit is run first")
    field(where, "Where").select_option("This machine")
    where.get_by_role("button", name="Run", exact=True).click()
    badge = notebook.cell(1).locator(".nbsubmit-badge")
    expect(badge).to_contain_text("completed", timeout=PATIENCE_MS)
    assert source(notebook, 0) == "%load_ext nbsubmit"
    assert source(notebook, 1) == "%%local\nfound = 1"
    notebook.close()


def leave(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_form_hears_keys_as_soon_as_it_is_there(open_notebook: Open) -> None:
    notebook = open_notebook("1")
    choose(notebook, 1)
    heard = notebook.page.evaluate(
        """async () => {
          const told = new Promise(resolve => {
            new MutationObserver((_, observer) => {
              const dialog = document.querySelector('.jp-Dialog');
              if (dialog) {
                observer.disconnect();
                resolve(dialog.contains(document.activeElement));
              }
            }).observe(document.body, {childList: true});
          });
          void window.jupyterapp.commands.execute('nbsubmit:run-on-slurm');
          return told;
        }"""
    )
    assert heard
    expect(opened(notebook.page).locator("[name=gpus]")).to_be_focused()
    leave(notebook.page)


def test_a_line_below_a_comment_is_changed_and_put_where_it_is_found(open_notebook: Open) -> None:
    notebook = open_notebook("# note\n%%local -t UNLIMITED # little\nfound = 1")
    where = form(notebook, 1)
    expect(field(where, "Time")).to_have_value("UNLIMITED")
    field(where, "CPUs").fill("1")
    field(where, "GPUs").fill("a100")
    expect(field(where, "GPUs")).to_have_attribute("aria-invalid", "false")
    field(where, "GPUs").fill("")
    where.get_by_role("button", name="Run", exact=True).click()
    badge = notebook.cell(1).locator(".nbsubmit-badge")
    expect(badge).to_contain_text("completed", timeout=PATIENCE_MS)
    line = "%%local -t UNLIMITED --cpus-per-task 1 # little"
    assert source(notebook, 1) == f"{line}\n# note\nfound = 1"


def test_an_empty_cell_is_not_run(open_notebook: Open) -> None:
    notebook = open_notebook("")
    form(notebook, 1).get_by_role("button", name="Run", exact=True).click()
    told = notebook.page.locator(".Toastify__toast").filter(has_text="There is nothing to run")
    expect(told).to_be_visible()
    assert source(notebook, 1) == "%%slurm\n"
    expect(notebook.cell(1).locator(".jp-InputPrompt")).to_have_text("[ ]:")


def test_the_form_opens_by_keyboard_by_menu_and_by_name(open_notebook: Open) -> None:
    notebook = open_notebook("1")
    page = notebook.page
    choose(notebook, 1)
    page.keyboard.press("Control+Shift+J")
    expect(opened(page).locator("[name=gpus]")).to_be_focused()
    leave(page)
    notebook.cell(1).locator(".jp-InputPrompt").click(button="right")
    page.get_by_role("menuitem", name="Run Cell on Slurm").click()
    opened(page)
    leave(page)
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("run cell on slurm")
    active = page.locator(".lm-CommandPalette-item.lm-mod-active")
    expect(active).to_contain_text("Run Cell on Slurm")  # the search takes its time
    page.keyboard.press("Enter")
    opened(page)
    leave(page)
