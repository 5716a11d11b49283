"""Settings and chance of a notebook hold in its jobs, in a real kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel


def test_settings_hold_in_the_job_and_what_it_changes_holds_here(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import numpy as np, pandas as pd, warnings, matplotlib.pyplot as plt\n"
        "np.set_printoptions(precision=2)\n"
        "pd.set_option('display.max_rows', 7)\n"
        "plt.rcParams['lines.linewidth'] = 4.5\n"
        "warnings.filterwarnings('ignore', 'be quiet')"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\n"
        "print(np.array([1 / 3]), pd.get_option('display.max_rows'))\n"
        "print(plt.rcParams['lines.linewidth'])\n"
        "warnings.warn('be quiet')\n"
        "warnings.warn('told', DeprecationWarning)\n"
        "pd.set_option('display.width', 61)\n"
        "plt.rcParams['font.size'] = 13.0"
    )
    assert ran.stdout == "[0.33] 7\n4.5\n"
    assert "told" in ran.stderr
    assert "be quiet" not in ran.stderr
    ran = kernel.run(
        "print(pd.get_option('display.width'), plt.rcParams['font.size'], np.array([1 / 3]))\n"
        "warnings.warn('be quiet')"
    )
    assert (ran.stdout, ran.stderr) == ("61 13.0 [0.33]\n", "")


def test_chance_goes_on_where_the_notebook_waits(kernel: Kernel, magic: str) -> None:
    draw = "a, b = np.random.rand(), random.random()"
    kernel.run("import random, numpy as np\nrandom.seed(1)\nnp.random.seed(1)")
    plain = kernel.run(f"{draw}\nprint(a, b)\n{draw}\nprint(a, b)").stdout
    kernel.run("random.seed(1)\nnp.random.seed(1)")
    first = kernel.run(f"{magic} --wait --quiet\n{draw}\nprint(a, b)").stdout
    second = kernel.run(f"{draw}\nprint(a, b)").stdout
    assert first + second == plain


def test_jobs_side_by_side_do_not_draw_the_same(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("import numpy as np\nnp.random.seed(1)")
    kernel.run("%%local --quiet --as one\na = np.random.rand()")
    kernel.run("%%local --quiet --as two\nb = np.random.rand()")
    assert kernel.run("one.wait(), two.wait()\nprint(a != b)").stdout.endswith("True\n")


def test_a_module_that_only_the_job_loads_has_the_notebooks_settings(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("import pandas as pd\npd.set_option('display.max_rows', 7)\ndel pd")
    ran = kernel.run(
        "%%local --wait --quiet\nimport pandas\nprint(pandas.get_option('display.max_rows'))"
    )
    assert ran.stdout == "7\n"


def test_figures_are_shown_in_the_notebooks_format(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("%matplotlib inline\nimport matplotlib.pyplot as plt")
    kernel.run("%config InlineBackend.figure_formats = ['svg']")
    ran = kernel.run("%%local --wait --quiet\nplt.plot([1, 2]);")
    assert "image/svg+xml" in ran.data[-1]
