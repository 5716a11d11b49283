"""A job is sent again, attached to in another kernel, and run where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.journeys.conftest import QUICK
from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

WIDGET = "application/vnd.jupyter.widget-view+json"


def test_a_job_is_sent_again_with_what_it_was_sent_with(kernel: Kernel, magic: str) -> None:
    kernel.run("import numpy as np\nn = 20\ndata = np.arange(300_000)")
    kernel.run(f"{magic} -J first --as job  # it is tried\nm = n + int(data[1])")
    kernel.run("job.wait(60)\nn = 1\nm = None")
    kernel.run("%jobs resubmit {job.id} -J second".replace("{job.id}", _id(kernel, "job")))
    until(lambda: kernel.run("print(m)").stdout == "21\n", "m is here")
    jobs = kernel.run("%jobs").stdout
    assert "first" in jobs
    assert "second" in jobs
    line = kernel.run(
        "import nbsubmit\n"
        "print([each.spec['line'] for each in nbsubmit.jobs() if each.name == 'second'])"
    )
    assert "-J first --as job -J second" in line.stdout


def _id(kernel: Kernel, name: str) -> str:
    return kernel.run(f"print({name}.id)").stdout.strip()


def test_a_job_goes_by_the_name_that_it_is_bound_to(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("%%local --quiet --as one\nx = 1\nprint('from one')")
    kernel.run("%%local --wait --quiet --as two\ny = 1")
    assert _id(kernel, "one") in kernel.run("%jobs show one").stdout
    assert kernel.run("%jobs logs one").stdout == "from one\n"
    assert "replaced" not in kernel.run("%jobs resubmit one").stdout  # it is its own
    assert len(kernel.run("%jobs").stdout.splitlines()) == 3
    assert "no job by the id 'three'" in kernel.try_("%jobs show three").traceback


def test_what_was_sent_can_be_sent_again_in_another_kernel(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    first = start_kernel()
    first.run("def twice(x):\n    return 2 * x\nn = 4")
    first.run(f"%%{started_backend} --as job\nraise ValueError(twice(n))")
    job = _id(first, "job")
    first.run("job.wait(60)")
    first.kill()
    second = start_kernel()
    second.run(f"%jobs resubmit {job}")
    ran = second.try_("import nbsubmit\nnbsubmit.jobs()[-1].result(60)")
    assert "ValueError" in ran.traceback
    assert "8" in ran.traceback


def test_a_job_of_a_killed_kernel_is_attached_and_brings_its_names(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    first = start_kernel()
    first.run(
        f"%%{started_backend} --as job\nimport time\nfrom pathlib import Path\n"
        "while not Path('go').exists():\n    time.sleep(0.1)\nscore = 42"
    )
    job = _id(first, "job")
    first.kill()
    second = start_kernel()
    shown = second.run(f"%jobs attach {job}")
    assert any(WIDGET in data for data in shown.data)
    second.run("open('go', 'w').close()")
    until(lambda: second.try_("print(score)").stdout == "42\n", "score is here")


def test_what_is_not_there_cannot_be_attached(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    assert "UnknownJob" in kernel.try_("%jobs attach").traceback
    assert "which one" in kernel.try_("%jobs resubmit").traceback
    kernel.run("%%local --as job\n1")
    wrong = kernel.try_(f"%jobs resubmit {_id(kernel, 'job')} --nonsense")
    assert "--nonsense" in wrong.traceback
    for option in ("--dry-run", "--as other", "--in x"):
        ran = kernel.try_(f"%jobs resubmit {_id(kernel, 'job')} {option}")
        assert f"{option.split()[0]} has no meaning there" in ran.traceback
    assert len(kernel.run("%jobs").stdout.splitlines()) == 1


def test_a_job_that_is_sent_again_by_a_click_gives_its_output_once(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("%%local --as job\nprint('once')\nm = 1")
    kernel.run("job.wait(60)\ndel m")
    kernel.click("Send")
    until(lambda: kernel.run("print('m' in globals())").stdout == "True\n", "m is here")
    assert len(kernel.run("%jobs").stdout.splitlines()) == 2
    assert "once" not in kernel.run("print('next')").stdout


def test_a_job_that_was_attached_to_shows_its_output_in_one_place(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    sent = kernel.start(
        "%%local\nimport time\nfrom pathlib import Path\n"
        "while not Path('go').exists():\n    time.sleep(0.1)\nprint('at the end')"
    )
    kernel.finish(sent)
    kernel.run("%jobs attach")
    kernel.run("open('go', 'w').close()")
    assert kernel.late_text("at the end") == 1


def test_what_is_brought_in_again_is_what_the_job_made(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("%%local --as job\ndata = [7]")
    kernel.run("job.wait(60)\ndata.append(99)")
    kernel.run("%jobs attach")
    assert kernel.run("print(data)").stdout == "[7]\n"


def test_where_nobody_looks_there_is_text_instead_of_widgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    cells = ["%load_ext nbsubmit", "%%local --as job\nprint('there')\n6 * 7", "job.wait(60).value"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    NotebookClient(notebook, timeout=90, resources={"metadata": {"path": tmp_path}}).execute()
    sent, result = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert not any(WIDGET in output.get("data", {}) for output in (*sent, *result))
    assert "sends no names" in sent[0]["text"]
    assert any("there" in output.get("text", "") for output in result)
    assert result[-1]["data"]["text/plain"] == "42"
