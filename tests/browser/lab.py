"""A real JupyterLab and a page of a real Chromium on it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import ConsoleMessage, Locator, Page, sync_playwright

PATIENCE_MS = 60_000
SIZE = {"width": 1280, "height": 900}
_APPUTILS = "@jupyterlab/apputils-extension"
_OPEN = """async (path) => {
  const app = window.jupyterapp;
  const widget = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await widget.context.ready;
  await widget.sessionContext.ready;
}"""
_CURRENT = "window.jupyterapp.shell.currentWidget"


class Lab:
    """A JupyterLab server of its own.

    Parameters
    ----------
    folder : Path
        Where its settings and notebooks lie.
    environ : mapping
        Variables to add to the environment of server and kernels.
    options : str
        Further ones of the command line.
    application : str
        The module of the server's application: JupyterLab's, or ``notebook``.
    python : str
        What runs it; by default what runs the tests.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *options: str,
        application: str = "jupyterlab",
        python: str = sys.executable,
    ) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.token = secrets.token_hex(8)
        self.port = _free_port()
        self._log = folder / "lab.log"
        self._config = config = folder / "config"
        # No question about news in front of what is to be seen.
        self.set(f"{_APPUTILS}:notification", fetchNews="false", checkForUpdates=False)
        env = {
            **os.environ,
            **environ,
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            # Where it is noted which stores there are: not those of other tests.
            "XDG_STATE_HOME": str(folder / "state"),
        }
        command = [
            python,
            "-m",
            application,
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            *options,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=env, stdout=log, stderr=log, start_new_session=True, cwd=folder
            )

    @property
    def url(self) -> str:
        """The page of the Lab."""
        return f"http://127.0.0.1:{self.port}/lab?reset&token={self.token}"

    @property
    def log(self) -> str:
        """What the server said."""
        return self._log.read_text(errors="replace")

    def set(self, plugin: str, **values: object) -> None:
        """Set a plugin's settings; pages have them when they are loaded the next time."""
        extension, _, name = plugin.partition(":")
        file = self._config / "lab/user-settings" / extension / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        url = f"http://127.0.0.1:{self.port}/api?token={self.token}"
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"no answer from the Lab\n{self.log}")

    def close(self) -> None:
        """End the server and its kernels."""
        with_kernels = self._process.pid
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(with_kernels, signal.SIGKILL)
            self._process.wait(20)

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """Write a notebook of these code cells."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        path = self.notebooks / name
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path


class Notebook:
    """An open notebook.

    Parameters
    ----------
    page : Page
        The browser's page, with the Lab on it.
    lab : Lab
        The server.
    path : Path
        The notebook's file.
    """

    def __init__(self, page: Page, lab: Lab, path: Path) -> None:
        self.page = page
        self.lab = lab
        self.path = path
        self._name = str(path.relative_to(lab.notebooks))
        self.open()

    def open(self) -> None:
        """Open it in the page and wait for its kernel."""
        self.page.evaluate(_OPEN, self._name)
        self.panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.panel.locator(".jp-CodeCell").first.wait_for(timeout=PATIENCE_MS)
        self.page.wait_for_function(
            f"{_CURRENT}.sessionContext?.session?.kernel?.status === 'idle'", timeout=PATIENCE_MS
        )

    def cell(self, number: int) -> Locator:
        """One of its cells, counted from 0."""
        return self.panel.locator(".jp-Cell").nth(number)

    def output(self, number: int) -> Locator:
        """What stands below a cell."""
        return self.cell(number).locator(".jp-OutputArea.jp-Cell-outputArea")

    def start(self, number: int) -> None:
        """Run a cell without waiting for it."""
        self.page.evaluate(
            f"(n) => {{ {_CURRENT}.content.activeCellIndex = n;"
            " window.jupyterapp.commands.execute('notebook:run-cell'); }",
            number,
        )

    def run(self, *numbers: int) -> None:
        """Run cells to their end, one after the other."""
        for number in numbers:
            self.page.evaluate(
                f"async (n) => {{ {_CURRENT}.content.activeCellIndex = n;"
                " await window.jupyterapp.commands.execute('notebook:run-cell'); }",
                number,
            )

    def append(self, code: str) -> int:
        """Add a cell at the end and return its number."""
        return int(
            self.page.evaluate(
                f"""(code) => {{
                  const model = {_CURRENT}.content.model;
                  model.sharedModel.addCell({{cell_type: 'code', source: code}});
                  return model.cells.length - 1;
                }}""",
                code,
            )
        )

    def do(self, code: str) -> int:
        """Run code in a new cell at the end and return the cell's number."""
        number = self.append(code)
        self.run(number)
        return number

    def save(self) -> dict[str, Any]:
        """Save it and return what the file says."""
        self.page.evaluate(f"async () => {{ await {_CURRENT}.context.save(); }}")
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def rename(self, name: str) -> None:
        """Give it another name, in its folder."""
        self.page.evaluate(f"async (name) => {{ await {_CURRENT}.context.rename(name); }}", name)
        self.path = self.path.with_name(name)
        self._name = str(self.path.relative_to(self.lab.notebooks))

    def restart(self) -> None:
        """Restart its kernel."""
        self.page.evaluate(
            f"async () => {{ await {_CURRENT}.sessionContext.session.kernel.restart(); }}"
        )
        self.page.wait_for_function(
            f"{_CURRENT}.sessionContext?.session?.kernel?.status === 'idle'", timeout=PATIENCE_MS
        )

    def interrupt(self) -> None:
        """Interrupt its kernel."""
        self.page.evaluate(
            f"async () => {{ await {_CURRENT}.sessionContext.session.kernel.interrupt(); }}"
        )

    def reload(self) -> None:
        """Load the page anew, as F5 does, and open the notebook in it."""
        load(self.page, self.lab)
        self.open()

    def close(self, *, kernel: bool = True) -> None:
        """Save and close it, with its kernel or without."""
        self.page.evaluate(
            f"""async (kernel) => {{
              const widget = {_CURRENT};
              if (kernel) await widget.sessionContext.shutdown();
              await widget.context.save();
              widget.close();
            }}""",
            kernel,
        )

    def open_without_kernel(self) -> None:
        """Open the saved file with no kernel behind it."""
        self.page.evaluate(
            """async (path) => {
              const app = window.jupyterapp;
              const widget = await app.commands.execute('docmanager:open',
                {path, factory: 'Notebook',
                 kernelPreference: {shouldStart: false, autoStartDefault: false}});
              await widget.context.ready;
            }""",
            self._name,
        )
        self.panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.panel.locator(".jp-CodeCell").first.wait_for(timeout=PATIENCE_MS)

    def screenshot(self, file: Path) -> None:
        """Take a picture of the page as it is now."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(file))


def load(page: Page, lab: Lab) -> None:
    """Load the Lab into the page."""
    page.goto(lab.url)
    page.wait_for_function("window.jupyterapp && window.jupyterapp.shell", timeout=PATIENCE_MS)
    page.evaluate("async () => { await window.jupyterapp.restored; }")


def theme(page: Page, name: str) -> None:
    """Put another theme on, ``JupyterLab Dark`` for one."""
    page.evaluate(
        "async (theme) => { await window.jupyterapp.commands.execute("
        "'apputils:change-theme', {theme}); }",
        name,
    )
    dark = "Dark" in name
    light = str(not dark).lower()
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


def chromium() -> str:
    """The browser of the distribution."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise AssertionError("no chromium: the second command of README.md installs it")


@contextmanager
def serve(folder: Path, environ: Mapping[str, str], *options: str, **more: str) -> Iterator[Lab]:
    """Have a Lab for a while."""
    lab = Lab(folder, environ, *options, **more)
    try:
        lab.wait()
        yield lab
    finally:
        lab.close()


@contextmanager
def browse() -> Iterator[Page]:
    """Have a page of a browser for a while."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        # A test that fails shows what was printed.
        page.on("console", _say)
        page.on("pageerror", lambda error: print(f"error in the page: {error}"))
        yield page
        browser.close()


def _say(message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        print(f"{time.strftime('%T')} {message.type} on the page's console: {message.text}")


def plain(name: str) -> str:
    """A test's name as a file's."""
    return re.sub(r"\W+", "-", name).strip("-")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
