"""Front ends that bring nothing of ours: what they are asked for is what any of them has."""

from __future__ import annotations

import re

import nbformat
import pytest

from tests.journeys.kernel import Kernel
from tests.notebooks import tutorials

# What ipywidgets itself brings; VS Code, Colab and others have it built in.
STANDARD = {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"}
VIEW = "application/vnd.jupyter.widget-view+json"
# What every front end for notebooks shows without an extension of its own.
SHOWN_EVERYWHERE = {VIEW, "text/plain", "text/html", "image/png"}
CELL = """%%local --as job
from tqdm import tqdm
for _ in tqdm(range(3)):
    pass
display({"a": 1})
y = 2
"""


@pytest.mark.kernel
def test_a_panel_is_made_of_standard_widgets_alone(swept_kernel: Kernel) -> None:
    before = set(swept_kernel.widgets)
    shown = swept_kernel.run(CELL).data
    swept_kernel.run("job.wait(60)")
    swept_kernel.widgets_after(1)
    made = [state for comm, state in swept_kernel.widgets.items() if comm not in before]
    modules = {state["_model_module"] for state in made if "_model_module" in state}
    assert modules
    assert modules <= STANDARD
    views = {state.get("_view_module") for state in made} - {None}
    assert views <= STANDARD
    kinds = {kind for data in shown for kind in data}
    assert VIEW in kinds
    assert "text/plain" in kinds  # for a front end that can show no widget
    assert kinds <= SHOWN_EVERYWHERE


def test_what_a_notebook_is_saved_with_is_shown_everywhere() -> None:
    for path in tutorials():
        outputs = (o for c in nbformat.read(path, 4).cells for o in c.get("outputs", ()))
        data = [output["data"] for output in outputs if "data" in output]
        kinds = {kind for each in data for kind in each}
        assert kinds
        assert kinds <= SHOWN_EVERYWHERE - {VIEW}, path.name
        assert all("text/plain" in each for each in data), path.name
        pages = "".join("".join(each.get("text/html", "")) for each in data)
        assert not re.search(r"<(script|style|link|iframe)\b|\bclass=", pages), path.name
