"""What a job sees of an array that it was sent is a view of the notebook's array afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

ARRAYS = """
import numpy as np
small = np.arange(10.)
large = np.arange(200_000.)
table = np.arange(12.).reshape(3, 4)
fortran = np.asfortranarray(np.arange(20_000.).reshape(100, 200))
dates = np.arange(20).astype("M8[s]")
texts = np.array(["a", "b", None, "d"], dtype=object)
records = np.zeros(5, dtype=[("n", "i4"), ("x", "f8")])
changed = np.zeros(10)
changed_large = np.zeros(300_000)
held = {"inner": np.arange(8), "deep": [np.ones((600, 3))]}
every_second = np.arange(40)[::2]
"""
VIEWS = """
v_slice, v_step, v_back = small[2:5], large[::1000], small[::-1]
v_row, v_column, v_turned, v_flat = table[1], table[:, 2], table.T, table.ravel()
v_shape, v_bytes = large.reshape(100, -1), small.view("u8")
v_fortran, v_dates, v_texts, v_back_texts = fortran[3:5], dates[4:9], texts[1:], texts[::-1]
v_field, v_record = records["x"], records[2:]
changed[3] = 7
v_changed = changed[2:6]
changed_large[::2] = 1
v_changed_large = changed_large[5:]
v_held, v_deep = held["inner"][1:3], held["deep"][0][:, 1]
v_wide = np.broadcast_to(small, (3, 10))
v_windows = np.lib.stride_tricks.sliding_window_view(small, 4)
v_diagonal = np.diagonal(table)
v_second = every_second[1:4]
v_list = [row for row in table]
v_copy = small[2:5].copy()
v_of_own = np.arange(5.)[1:]
"""
FACTS = '''
def facts(names):
    """Of each view, all that can be seen of it."""
    sources = [value for name, value in names.items()
        if isinstance(value, np.ndarray) and not name.startswith("v_")]
    sources += [names["held"]["inner"], names["held"]["deep"][0]]
    found = {}
    for name, view in names.items():
        if not name.startswith("v_"):
            continue
        for number, part in enumerate(view if isinstance(view, list) else [view]):
            shares = [np.shares_memory(part, s) for s in sources]
            base = [part.base is s for s in sources]
            if "texts" in name or "windows" in name:
                base = None
            found[name, number] = (part.tolist(), part.dtype.str, part.strides,
                part.flags.writeable, shares, base)
    return found
'''


def test_each_kind_of_view_is_what_it_is_without_a_job(kernel: Kernel, magic: str) -> None:
    kernel.run(ARRAYS + FACTS)
    kernel.run(f"{magic} --wait --quiet\n{VIEWS}")
    kernel.run(
        f"plain = {{}}\nexec({ARRAYS!r}, plain)\nexec({VIEWS!r}, plain)\n"
        "here, there = facts(plain), facts(globals())"
    )
    ran = kernel.run(
        "for key in here:\n"
        "    if here[key] != there.get(key): print(key, here[key], there.get(key), sep='\\n  ')\n"
        "print(len(here), len(there))"
    )
    assert ran.stdout == "28 28\n"


def test_what_is_written_through_a_view_is_in_the_array(kernel: Kernel, magic: str) -> None:
    kernel.run("import numpy as np\nsmall, table = np.zeros(6), np.zeros((300, 300))")
    kernel.run(f"{magic} --wait --quiet\nhead, column = small[:3], table[:, 5]")
    kernel.run(f"{magic} --wait --quiet\nhead += 1\ncolumn[:] = 2\nagain = column[::2]")
    assert (
        kernel.run("again[0] = 5\nprint(small.tolist(), table.sum(), table[0, 5])").stdout
        == "[1.0, 1.0, 1.0, 0.0, 0.0, 0.0] 603.0 5.0\n"
    )


def test_a_view_of_an_array_that_was_changed_here_meanwhile_stands_alone(
    start_kernel: Callable[..., Kernel], started_backend: str, tmp_path: Path
) -> None:
    kernel, gate = start_kernel(), tmp_path / "gate"
    magic = f"%%{started_backend}"
    kernel.run(f"import numpy as np, os, time\nsmall, gate = np.arange(6.), {str(gate)!r}")
    kernel.run(
        f"{magic} --as job\nwhile not os.path.exists(gate): time.sleep(0.02)\nhead = small[:3]"
    )
    kernel.run("small[0] = 9")
    gate.touch()
    ran = kernel.run("_ = job.wait()\nprint(head.tolist(), small[0])")
    assert ran.stdout == "[0.0, 1.0, 2.0] 9.0\n"


def test_tensors_see_each_other_and_arrays(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import numpy as np, torch\n"
        "tensor, array = torch.zeros(6), np.zeros(2_000)\n"
        "weights = {'w': torch.zeros(50, 50)}"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "part, seen, shown = tensor[2:4], torch.from_numpy(array)[10:], tensor.numpy()\n"
        "row = weights['w'][3]"
    )
    assert (
        kernel.run(
            "part[0], seen[0], shown[0], row[0] = 1, 2, 3, 4\n"
            "print(tensor.tolist(), array[10], weights['w'][3, 0].item())\n"
            "print(part.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr())"
        ).stdout
        == "[3.0, 0.0, 1.0, 0.0, 0.0, 0.0] 2.0 4.0\nTrue\n"
    )


def test_what_is_seen_of_weights_that_a_job_has_trained_is_theirs(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import torch\nmodel, bias = torch.nn.Linear(300, 300), torch.zeros(5)\n"
        "weight = model.weight"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "with torch.no_grad(): model.weight.fill_(1), bias.fill_(2)\n"
        "row, head = model.weight.data[3], bias[:2]"
    )
    assert (
        kernel.run(
            "row[0], head[0] = 5, 7\n"
            "print(weight is model.weight, weight[3, :2].tolist(), bias.tolist())"
        ).stdout
        == "True [5.0, 1.0] [7.0, 2.0, 2.0, 2.0, 2.0]\n"
    )


def test_a_column_of_a_frame_stays_its_own(kernel: Kernel, magic: str) -> None:
    kernel.run("import pandas as pd\nframe = pd.DataFrame({'x': [1., 2.], 'y': [3., 4.]})")
    kernel.run(
        f"{magic} --wait --quiet\nx, both, raw = frame['x'], frame[['x', 'y']], frame['x'].array"
    )
    assert (
        kernel.run(
            "frame.loc[0, 'x'] = 9\nx.iloc[1] = 7\n"
            "print(x.tolist(), both['x'].tolist(), frame['x'].tolist())"
        ).stdout
        == "[1.0, 7.0] [1.0, 2.0] [9.0, 2.0]\n"
    )
