"""The list of jobs and their logs: the kernel idle, busy or dead, and without a server's part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import (
    BUSY,
    LOOP,
    act,
    be_idle,
    close_logs,
    let_go,
    listed,
    show_sidebar,
    shutdown,
)
from tests.browser.lab import PATIENCE_MS, Lab, Notebook, load, serve, theme

Open = Callable[..., Notebook]


def loop(name: str) -> str:
    return LOOP.format(name=name)


def another(page: Page) -> Page:
    """Open another page, as another person's browser would."""
    assert page.context.browser is not None
    return page.context.browser.new_page()


def expect_at_end(log: Locator) -> None:
    """Make sure that no line is below what is seen."""
    below = log.evaluate("each => each.scrollHeight - each.scrollTop - each.clientHeight")
    assert below < 2


def test_a_job_is_listed_with_its_state_notebook_and_progress(
    open_notebook: Open, shared_page: Page, pictures: Path
) -> None:
    notebook = open_notebook(loop("listed"))
    show_sidebar(shared_page)
    notebook.run(1)
    row = listed(shared_page, "listed")
    expect(row).to_contain_text("running", timeout=PATIENCE_MS)
    expect(row).to_contain_text(notebook.path.name)
    bar = row.get_by_role("progressbar")
    expect(bar).to_be_visible(timeout=PATIENCE_MS)
    first = bar.get_attribute("aria-valuenow") or ""
    expect(bar).not_to_have_attribute("aria-valuenow", first)
    row.hover()
    notebook.screenshot(pictures / "sidebar-light.png")
    theme(shared_page, "JupyterLab Dark")
    notebook.screenshot(pictures / "sidebar-dark.png")
    theme(shared_page, "JupyterLab Light")
    let_go(notebook)
    expect(row).to_contain_text("completed", timeout=PATIENCE_MS)
    expect(bar).to_have_count(0)


def test_jobs_are_filtered_and_grouped(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook("%%local -J good\n1", "%%local -J wrong\n1/0")
    sidebar = show_sidebar(shared_page)
    notebook.run(1, 2)
    good, wrong = listed(shared_page, "good"), listed(shared_page, "wrong")
    expect(good).to_contain_text("completed", timeout=PATIENCE_MS)
    expect(wrong).to_contain_text("ZeroDivisionError", timeout=PATIENCE_MS)
    words = sidebar.get_by_role("searchbox", name="Filter jobs")
    words.fill("failed zerodivision")
    expect(good).to_have_count(0)
    expect(wrong).to_be_visible()
    words.fill("no job is called so")
    expect(sidebar).to_contain_text('No job has "no job is called so" in it.')
    words.fill("")
    groups = sidebar.get_by_role("combobox", name="Group jobs")
    groups.select_option("By state")
    failed = sidebar.get_by_role("list", name="failed")
    expect(failed).to_contain_text("wrong")
    expect(failed).not_to_contain_text("good")
    groups.select_option("By notebook")
    expect(sidebar.get_by_role("list", name=notebook.path.name)).to_contain_text("good")
    groups.select_option("No groups")


def test_the_list_is_gone_through_by_keyboard(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook("%%local -J upper\n1", "%%local -J lower\n2")
    show_sidebar(shared_page)
    notebook.run(2)
    expect(listed(shared_page, "lower")).to_contain_text("completed", timeout=PATIENCE_MS)
    notebook.run(1)
    expect(listed(shared_page, "upper")).to_contain_text("completed", timeout=PATIENCE_MS)
    listed(shared_page, "upper").focus()
    shared_page.keyboard.press("ArrowDown")
    expect(listed(shared_page, "lower")).to_be_focused()
    shared_page.keyboard.press("Tab")
    expect(listed(shared_page, "lower").get_by_role("button").first).to_be_focused()
    shared_page.keyboard.press("ArrowUp")
    expect(listed(shared_page, "upper")).to_be_focused()
    jobs = shared_page.locator(".nbsubmit-job")
    shared_page.keyboard.press("End")
    expect(jobs.last).to_be_focused()
    shared_page.keyboard.press("Home")
    expect(jobs.first).to_be_focused()


def test_a_job_outlives_its_kernel_and_is_told_of(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook(loop("orphan"))
    show_sidebar(shared_page)
    notebook.run(1)
    row = listed(shared_page, "orphan")
    expect(row).to_contain_text("running", timeout=PATIENCE_MS)
    shutdown(notebook)
    row.hover()
    expect(row.get_by_role("button", name="Cancel")).to_be_visible()
    let_go(notebook)
    expect(row).to_contain_text("completed", timeout=PATIENCE_MS)


def test_a_job_is_cancelled_while_its_kernel_is_busy_and_is_asked_about_first(
    open_notebook: Open, shared_page: Page, pictures: Path
) -> None:
    notebook = open_notebook(loop("endless"), BUSY)
    show_sidebar(shared_page)
    notebook.run(1)
    row = listed(shared_page, "endless")
    expect(row).to_contain_text("running", timeout=PATIENCE_MS)
    notebook.start(2)
    act(shared_page, "endless", "Cancel")
    dialog = shared_page.get_by_role("dialog")
    expect(dialog).to_contain_text("Cancel endless?")
    notebook.screenshot(pictures / "sidebar-cancel.png")
    dialog.get_by_role("button", name="Keep").click()
    expect(row).to_contain_text("running")
    act(shared_page, "endless", "Cancel")
    dialog.get_by_role("button", name="Cancel job").click()
    expect(row).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    be_idle(notebook)


def test_a_job_is_sent_again_and_removed(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook("%%local -J twice\nprint(1)")
    show_sidebar(shared_page)
    notebook.run(1)
    rows = listed(shared_page, "twice")
    expect(rows).to_contain_text("completed", timeout=PATIENCE_MS)
    act(shared_page, "twice", "Send again")
    expect(rows).to_have_count(2, timeout=PATIENCE_MS)
    expect(rows.filter(has_text="completed")).to_have_count(2, timeout=PATIENCE_MS)
    notebook.do("'what the jobs brought is taken in before a cell runs'")
    for left in (1, 0):
        rows.first.hover()
        rows.first.get_by_role("button", name="Remove from disk").click()
        shared_page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(rows).to_have_count(left, timeout=PATIENCE_MS)


def test_a_job_is_attached_in_its_kernel_and_its_cell_is_gone_to(
    open_notebook: Open, shared_page: Page
) -> None:
    cells = [f"# cell {number}" for number in range(40)]
    notebook = open_notebook("%%local -J home\nbrought = 6 * 7", *cells)
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "home")).to_contain_text("completed", timeout=PATIENCE_MS)
    notebook.restart()
    notebook.run(0)
    shared_page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex = 41;"
        "window.jupyterapp.shell.currentWidget.content.scrollToItem(41)"
    )
    act(shared_page, "home", "Attach")
    told = shared_page.locator(".Toastify__toast--success").filter(has_text="are bound")
    expect(told).to_contain_text("the names of job home", timeout=PATIENCE_MS)
    expect(notebook.output(notebook.do("print(brought)"))).to_contain_text("42")
    act(shared_page, "home", "Go to the cell")
    shared_page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1"
    )
    expect(notebook.panel.get_by_text("brought = 6 * 7")).to_be_in_viewport()


def test_what_is_done_before_a_slow_page_has_drawn_a_thing_is_told(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local -J swift\nbrought = 6 * 7")
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "swift")).to_contain_text("completed", timeout=PATIENCE_MS)
    browser = shared_page.context.new_cdp_session(shared_page)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": 10})
    act(shared_page, "swift", "Attach")
    told = shared_page.locator(".Toastify__toast--success").filter(has_text="of job swift")
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    expect(shared_page.get_by_text("swift waits for its kernel")).to_have_count(0)


def test_a_job_is_attached_though_its_notebook_has_no_kernel(
    open_notebook: Open, shared_page: Page
) -> None:
    notebook = open_notebook("%%local -J away\nbrought = 6 * 7")
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "away")).to_contain_text("completed", timeout=PATIENCE_MS)
    shutdown(notebook)
    act(shared_page, "away", "Attach")
    told = shared_page.locator(".Toastify__toast--success").filter(has_text="of job away")
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    expect(notebook.output(notebook.do("print(brought)"))).to_contain_text("42")


def test_a_log_is_followed_searched_and_found_again_after_a_reload(
    open_notebook: Open, shared_page: Page, lab: Lab, pictures: Path
) -> None:
    notebook = open_notebook(loop("talker"))
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "talker")).to_contain_text("running", timeout=PATIENCE_MS)
    act(shared_page, "talker", "Show log")
    log = shared_page.get_by_role("log", name="Log")
    expect(log).to_contain_text("step 3", timeout=PATIENCE_MS)
    expect(log).to_contain_text("step 60", timeout=PATIENCE_MS)
    shared_page.keyboard.press("Control+f")
    words = shared_page.get_by_placeholder("Find")
    words.fill("step 2")
    count = shared_page.locator(".jp-DocumentSearch-index-counter")
    expect(count).to_have_text("1/11")
    words.press("Enter")
    expect(count).to_have_text("2/11")
    notebook.screenshot(pictures / "log-light.png")
    shared_page.keyboard.press("Escape")
    which = shared_page.get_by_role("combobox", name="Which output")
    which.select_option("Errors")
    expect(log).to_contain_text("careful")
    expect(log).not_to_contain_text("step 3")
    shared_page.wait_for_timeout(1500)  # the layout is saved a while after it has changed
    shared_page.goto(lab.url.replace("reset&", ""))
    expect(log).to_contain_text("careful", timeout=PATIENCE_MS)
    let_go(notebook)
    expect(shared_page.locator(".nbsubmit-log-status")).to_contain_text(
        "It has ended", timeout=PATIENCE_MS
    )
    close_logs(shared_page)
    notebook.reload()


def test_a_long_log_is_read_from_either_end(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook(
        "%%local -J long\nfor number in range(60_000):\n    print('line', number)"
    )
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "long")).to_contain_text("completed", timeout=PATIENCE_MS)
    act(shared_page, "long", "Show log")
    log = shared_page.get_by_role("log", name="Log")
    last = log.get_by_text("line 59999")
    expect(last).to_be_in_viewport(timeout=PATIENCE_MS)
    expect_at_end(log)
    status = shared_page.locator(".nbsubmit-log-status")
    expect(status).to_have_text("The end of 649 kB. It has ended.")
    shared_page.get_by_role("button", name="Beginning").click()
    expect(status).to_have_text("The beginning of 649 kB.")
    expect(log.get_by_text("line 0 line 1 line 2")).to_be_in_viewport()
    expect(last).to_have_count(0)
    for _ in range(2):  # what follows is read as one comes to it
        before = len(log.inner_text())
        log.evaluate("each => { each.scrollTop = each.scrollHeight; }")
        shared_page.wait_for_function(
            "before => document.querySelector('.nbsubmit-log-lines').innerText.length > before",
            arg=before,
        )
    shared_page.get_by_role("button", name="End").click()
    expect(last).to_be_in_viewport()
    expect_at_end(log)
    close_logs(shared_page)
    notebook.open()


def test_each_task_of_an_array_has_its_log(open_notebook: Open, shared_page: Page) -> None:
    notebook = open_notebook("%%local -J many --map x=range(3)\nprint('task has', x * 111)")
    show_sidebar(shared_page)
    notebook.run(1)
    expect(listed(shared_page, "many")).to_contain_text("completed", timeout=PATIENCE_MS)
    expect(notebook.cell(1).locator(".nbsubmit-badge")).to_contain_text("completed")
    act(shared_page, "many", "Show log")
    log = shared_page.get_by_role("log", name="Log")
    expect(log).to_contain_text("task has 0")
    shared_page.get_by_role("combobox", name="Which task").select_option("Task 2")
    expect(log).to_contain_text("task has 222")
    expect(log).not_to_contain_text("task has 0")
    close_logs(shared_page)
    notebook.open()


def test_two_pages_on_one_kernel_tell_the_same(
    open_notebook: Open, shared_page: Page, lab: Lab
) -> None:
    notebook = open_notebook(loop("shared"))
    show_sidebar(shared_page)
    other = another(shared_page)
    try:
        load(other, lab)
        Notebook(other, lab, notebook.path)
        show_sidebar(other)
        notebook.run(1)
        for page in (shared_page, other):
            expect(listed(page, "shared")).to_contain_text("running", timeout=PATIENCE_MS)
        act(other, "shared", "Cancel")
        other.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
        for page in (shared_page, other):
            expect(listed(page, "shared")).to_contain_text("cancelled", timeout=PATIENCE_MS)
    finally:
        other.close()


def test_without_the_servers_part_the_kernel_tells_and_acts(
    shared_page: Page, tmp_path: Path, pictures: Path
) -> None:
    off = "--ServerApp.jpserver_extensions={'nbsubmit': False}"
    page = another(shared_page)
    with serve(tmp_path / "lab", {"NBSUBMIT_BEAT_SECONDS": "1"}, off) as lab:
        load(page, lab)
        sidebar = show_sidebar(page)
        expect(sidebar).to_contain_text("The server's part of nbsubmit is not installed")
        path = lab.write("plain.ipynb", ["%load_ext nbsubmit", loop("plain")])
        notebook = Notebook(page, lab, path)
        notebook.run(0, 1)
        expect(listed(page, "plain")).to_contain_text("running", timeout=PATIENCE_MS)
        page.screenshot(path=str(pictures / "sidebar-no-server.png"))
        act(page, "plain", "Cancel")
        page.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
        expect(listed(page, "plain")).to_contain_text("cancelled", timeout=PATIENCE_MS)
        notebook.close()
    page.close()


def test_a_jobs_own_words_are_text_wherever_they_are_shown(
    open_notebook: Open, shared_page: Page
) -> None:
    name = "<img src=x onerror=window.hit=1>"
    notebook = open_notebook(f"%%local -J '{name}'\nprint('{name}')\nraise ValueError('{name}')")
    show_sidebar(shared_page)
    notebook.run(1)
    row = listed(shared_page, name)
    expect(row).to_contain_text("failed", timeout=PATIENCE_MS)
    act(shared_page, name, "Show log")
    expect(shared_page.get_by_role("log", name="Log")).to_contain_text(name)
    assert shared_page.evaluate("window.hit") is None
    close_logs(shared_page)
    notebook.open()
