"""``python -m tests.notebooks [NAME...]``: run the tutorials on a Slurm of their own and save them.

Their outputs are kept as JupyterLab keeps them, with the record of each job in the place of its
panel, and with nothing of the machine on which they were made.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import nbformat

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.kernels.front import Front, Message, panel_job

FOLDER = Path(__file__).parents[1] / "notebooks"
QUICK = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}
# Where a reader may think that the notebooks were run.
HOME = "/home/ada"

_WIDGET = "application/vnd.jupyter.widget-view+json"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Reader(Front):
    """A page whose reader types what a cell's metadata says, where the cell asks."""

    answers: Sequence[str] = ()

    def _read(self, seconds: float) -> None:
        super()._read(seconds)
        if self.client.stdin_channel.msg_ready():
            question = self.client.get_stdin_msg()
            answer, *self.answers = self.answers
            self.client.input(answer)
            text = f"{question['content']['prompt']}{answer}\n"
            self.told.append(
                {**question, "msg_type": "stream", "content": {"name": "stdout", "text": text}}
            )


def tutorials() -> list[Path]:
    """Return the notebooks in the order in which they are read."""
    return sorted(FOLDER.glob("*.ipynb"))


def environ(home: Path, notebook: Path) -> dict[str, str]:
    """Variables for the kernel of a notebook, with this folder for its home."""
    return {
        **QUICK,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "IPYTHONDIR": str(home / ".ipython"),
        "NBSUBMIT_SITE_CONFIG": "",
        "NBSUBMIT_QUEUE": str(home / ".queue"),
        "NBSUBMIT_LOCAL_SLOTS": "8",
        "MPLCONFIGDIR": matplotlib.get_cachedir(),
        # By which JupyterLab tells a kernel its notebook.
        "JPY_SESSION_NAME": str(notebook),
    }


def run(path: Path, home: Path, variables: dict[str, str]) -> Any:
    """Run a notebook in a folder of its own, and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    folder = home / path.stem
    folder.mkdir()
    front = Reader(folder, {**environ(home, folder / path.name), **variables})
    try:
        asked = [_run(front, cell) for cell in notebook.cells if cell.cell_type == "code"]
        jobs = {panel_job(front.of_cell(message)) for message in asked} - {""}
        front.wait_for(lambda: all(map(front.record, jobs)), "the records of all jobs")
    finally:
        front.close()
    shown = _records(front.told)
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    for cell, message in zip(cells, asked, strict=True):
        cell.outputs = [*_outputs(front.of_cell(message), shown)]
        cell.execution_count = front.reply(message)["execution_count"]
        cell.outputs = _cleaned(cell.outputs, home)
    notebook.metadata = nbformat.from_dict(_METADATA)
    return notebook


def _run(front: Reader, cell: Any) -> str:
    front.answers = list(cell.metadata.get("answers", ()))
    message = front.start(cell.source)
    ran = front.finish(message)
    assert not front.answers, f"nobody has asked for {front.answers}"
    fails = "raises-exception" in cell.metadata.get("tags", ())
    if ran.status != "ok" and not fails:
        raise SystemExit(f"{cell.source}\n{ran.stdout}\n{ran.stderr}\n{ran.traceback}")
    return message


def _records(told: Iterable[Message]) -> dict[str, Message]:
    """What is shown by each display id in the end."""
    return {
        message["content"]["transient"]["display_id"]: message["content"]
        for message in told
        if message["msg_type"] in ("display_data", "update_display_data")
        and message["content"]["transient"].get("display_id")
    }


def _outputs(messages: Iterable[Message], shown: dict[str, Message]) -> Iterator[Any]:
    """The outputs of a cell, those of its job among them, as a front end keeps them."""
    kept: list[Any] = []
    clears = False
    for message in messages:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            clears = content["wait"]
            if not clears:
                kept.clear()
            continue
        if kind not in ("stream", "display_data", "execute_result", "error"):
            continue
        if clears:
            kept.clear()
            clears = False
        if kind == "stream" and kept and kept[-1].get("name") == content["name"]:
            kept[-1].text = _as_drawn(kept[-1].text + content["text"])
            continue
        content = {**content, **shown.get(content.get("transient", {}).get("display_id", ""), {})}
        output = nbformat.v4.output_from_msg({**message, "content": content})
        output.get("data", {}).pop(_WIDGET, None)
        if kind == "stream":
            output.text = _as_drawn(output.text)
        kept.append(output)
    yield from kept


def _as_drawn(text: str) -> str:
    """Leave of a line that was drawn over itself, as by a progress bar, what is seen of it."""
    return re.sub(r"[^\n]*\r(?=[^\n\r])", "", text)


def _cleaned(outputs: Any, home: Path) -> Any:
    """Have nothing in outputs that tells of this machine."""
    names = {
        re.escape(str(home)): HOME,
        re.escape(sys.executable): "python",
        re.escape(sys.prefix): f"{HOME}/.venv",
        re.escape(sys.base_prefix): "/usr",
        re.escape(str(Path(__file__).parents[1])): f"{HOME}/nbsubmit",
        r"/tmp/nbsubmit-\w+/spool": "/var/spool/slurmd",
        r"/tmp/ipykernel_\d+/": "/tmp/ipykernel/",
        rf"\b{re.escape(socket.gethostname())}\b": "login",
    }
    text = json.dumps(outputs)
    for name, other in names.items():
        text = re.sub(name, other, text)
    return nbformat.from_dict(json.loads(text))


def main(names: list[str]) -> None:
    """Run the notebooks whose names begin so, or all, and save them with their outputs."""
    os.environ.pop("NBSUBMIT_BACKEND", None)
    wanted = [p for p in tutorials() if not names or p.name.startswith(tuple(names))]
    with tempfile.TemporaryDirectory(prefix="tutorials-") as place:
        slurm, home = Path(place) / "slurm", Path(place) / "home"
        with up(SandboxConfig(slurm), owner=os.getpid()) as sandbox:
            for path in wanted:
                home.mkdir()
                began = time.monotonic()
                notebook = run(path, home, dict(sandbox.environ))
                nbformat.write(notebook, path)
                print(f"{path.name}: {time.monotonic() - began:.1f} s")
                shutil.rmtree(home)


if __name__ == "__main__":
    main(sys.argv[1:])
