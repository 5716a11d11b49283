"""``nbsubmit demo``: the first tutorial, run for real, telling what was sent and came back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from nbsubmit.backends import registry
from nbsubmit.client import jobs as client
from nbsubmit.client import words
from nbsubmit.client.rows import row_of
from nbsubmit.client.screen import as_shown
from nbsubmit.core.errors import BackendMissing, NbsubmitError
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up

NOTEBOOK = "01_first_job.ipynb"
# Lines of prose that are longer are hard to read.
_WIDEST = 90


@click.command()
@click.option("--slurm", is_flag=True, help="On the cluster here, else in a sandbox.")
@click.option("--lab", is_flag=True, help="Open JupyterLab on it instead of running it.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("nbsubmit-demo"),
    show_default=True,
    help="Where the notebook and its jobs go.",
)
def demo(slurm: bool, lab: bool, folder: Path) -> None:
    """Train a model on the digits data in a job and bring it back into the notebook."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = folder / NOTEBOOK
    tutorials = _tutorials()
    shutil.copyfile(tutorials / NOTEBOOK, notebook)
    # The first one leads to the others, which may have been worked in since.
    for other in tutorials.glob("*.ipynb"):
        if not (folder / other.name).exists():
            shutil.copyfile(other, folder / other.name)
    with _backend(slurm) as environ:
        os.environ.update(environ)
        if lab:
            _open_lab(notebook)
        else:
            _execute(notebook)


def _tutorials() -> Path:
    """Find the notebooks in the installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    for place in (package / "notebooks", package.parent / "notebooks"):
        if (place / NOTEBOOK).exists():
            return place
    raise NbsubmitError(f"{NOTEBOOK} is not installed with the package: install nbsubmit anew")


@contextmanager
def _backend(slurm: bool) -> Iterator[dict[str, str]]:
    """Give the variables by which the notebook's ``%%submit`` finds its backend."""
    if not slurm:
        click.echo("running on this machine, as local processes (--slurm for Slurm)\n")
        yield {"NBSUBMIT_BACKEND": "local"}
        return
    try:
        registry.get("slurm").check()
    except BackendMissing as error:
        click.echo(f"{error}\nstarting a private Slurm in a sandbox for the demo ...")
        with tempfile.TemporaryDirectory(prefix="nbsubmit-demo-") as place:
            config = SandboxConfig(Path(place) / "sandbox")
            with up(config, owner=os.getpid()) as sandbox:
                yield {"NBSUBMIT_BACKEND": "slurm", **sandbox.environ}
    else:
        click.echo("running on the Slurm cluster here\n")
        yield {"NBSUBMIT_BACKEND": "slurm"}


def _open_lab(notebook: Path) -> None:
    command = [sys.executable, "-m", "jupyterlab", str(notebook)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if subprocess.run(command, check=False).returncode:
        raise NbsubmitError("JupyterLab did not run; is it installed?  pip install 'nbsubmit[lab]'")


def _execute(notebook: Path) -> None:
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as error:
        raise NbsubmitError(f"{error}; the demo needs:  pip install 'nbsubmit[demo]'") from None
    content = nbformat.read(notebook, as_version=4)
    told = _Teller(notebook.parent / ".nbsubmit")
    runner = NotebookClient(
        content,
        timeout=600,
        resources={"metadata": {"path": str(notebook.parent)}},
        on_cell_start=told.before,
        on_cell_executed=told.after,
    )
    # What the kernel says to its terminal is of interest only if it fails.
    with tempfile.TemporaryFile("w+") as said:
        try:
            runner.execute(stderr=said)
        except BaseException:
            said.seek(0)
            click.echo(said.read(), err=True)
            raise
        finally:
            nbformat.write(content, notebook)
    click.echo(f"\nthe executed notebook is {notebook}; the other tutorials lie beside it")


class _Teller:
    """Says of each cell what it is, what it printed, and what its job sent and brought."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known = {job.id for job in client.jobs(store)}
        self._open: list[str] = []

    def before(self, cell: Any, cell_index: int) -> None:
        del cell_index
        if cell.cell_type == "markdown":
            width = min(shutil.get_terminal_size().columns, _WIDEST)
            prose = click.wrap_text(cell.source, width, preserve_paragraphs=True)
            click.secho(f"\n{prose}", dim=True)
        elif cell.source.strip():
            click.echo()
            for line in cell.source.splitlines():
                click.secho(f"  | {line}", fg="cyan")

    def after(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        del cell_index, execute_reply
        for output in cell.outputs:
            click.echo(_shown(output), nl=False)
        self._jobs()

    def _jobs(self) -> None:
        for job in client.jobs(self._store):
            row = row_of(job)
            if job.id not in self._known:
                self._known.add(job.id)
                self._open.append(job.id)
                click.secho(f"  > {words.name(row)}: {words.sends(row)}", fg="yellow")
            if job.id in self._open and job.done():
                self._open.remove(job.id)
                line = f"  < {words.title(row)}: {words.brings(row) or words.why(row)}"
                click.secho(line, fg="green" if not row.error else "red")


def _shown(output: Any) -> str:
    if output.output_type == "stream":
        return as_shown(output.text)
    if output.output_type == "error":
        return as_shown("\n".join(output.traceback)) + "\n"
    data = output.data
    image = next((kind for kind in data if kind.startswith("image/")), None)
    if image is not None:
        return f"  [{image}, {len(data[image]) * 3 // 4 // 1000} kB, in the notebook]\n"
    if "application/vnd.jupyter.widget-view+json" in data:
        return "  [the job's live panel, in JupyterLab]\n"
    return f"{data.get('text/plain', '')}\n"
