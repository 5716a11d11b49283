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


def test_variables_that_a_job_sets_and_removes_are_so_where_it_was_waited_for(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("import os\nos.environ.update(GOES='1', CHANGES='1', STAYS='1')")
    kernel.run(
        f"{magic} --wait --quiet\nimport os\n"
        "os.environ['NEW'] = os.environ['CHANGES'] = '2'\ndel os.environ['GOES']"
    )
    told = kernel.run("[os.environ.get(name) for name in ('NEW', 'CHANGES', 'STAYS', 'GOES')]")
    assert told.result == "['2', '2', '1', None]"


def test_nothing_else_of_the_environment_comes_back(kernel: Kernel, magic: str) -> None:
    kernel.run("import os\nbefore = dict(os.environ)")
    kernel.run(f"{magic} --wait --quiet --env MINE=1\nimport matplotlib.pyplot as plt\n%time 1")
    assert kernel.run("set(os.environ.items()) ^ set(before.items())").result == "set()"


def test_a_variable_that_the_node_has_of_its_own_is_left_alone_here(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("import os")
    kernel.run(f"{magic} --wait --quiet --env PLACE=node\nimport os\nos.environ['PLACE'] += 's'")
    assert kernel.run("os.environ.get('PLACE', 'none')").result == "'none'"


def test_the_folder_that_a_job_goes_to_is_the_notebooks_where_it_was_waited_for(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(f"{magic} --wait --quiet\n%mkdir inner\n%cd -q inner\nimport os")
    assert kernel.run("os.path.basename(os.getcwd())").result == "'inner'"
    assert kernel.run(f"{magic} --wait --quiet\nos.path.basename(os.getcwd())").result == "'inner'"


def test_a_job_that_ends_in_a_folder_that_is_gone_leaves_the_notebook_where_it_is(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("import os\nhere = os.getcwd()")
    kernel.run(
        f"{magic} --wait --quiet\nimport os, tempfile\n"
        "with tempfile.TemporaryDirectory() as folder:\n    os.chdir(folder)"
    )
    assert kernel.run("os.getcwd() == here").result == "True"


def test_a_job_in_the_background_leaves_environment_and_folder_alone(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("import os\nhere = os.getcwd()")
    kernel.run(
        "%%local --as job --no-panel\nimport os\nos.environ['NEW'] = '1'\nos.chdir('/')\n"
        "%precision 2"
    )
    kernel.run("job.wait()")
    told = kernel.run("os.environ.get('NEW'), os.getcwd() == here, 1 / 3").result
    assert told == "(None, True, 0.3333333333333333)"


def test_the_shells_precision_goes_with_a_cell_and_comes_back(kernel: Kernel, magic: str) -> None:
    assert kernel.run(f"{magic} --wait --quiet\n%precision 3\n1 / 3").result == "0.333"
    assert kernel.run("1 / 3").result == "0.333"
    assert kernel.run(f"{magic} --wait --quiet\n1 / 3").result == "0.333"
    kernel.run(f"{magic} --wait --quiet\n%precision")
    assert kernel.run("1 / 3").result == "0.3333333333333333"


def test_handlers_of_loggers_are_made_in_the_job_and_here(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(
        "import logging\nlog = logging.getLogger('station')\nlog.setLevel('INFO')\n"
        "shown = logging.StreamHandler()\n"
        "shown.setFormatter(logging.Formatter('here: {message}', style='{'))\n"
        "log.addHandler(shown)\nlog.addHandler(logging.FileHandler('log.txt'))"
    )
    assert kernel.run("%%local --wait --quiet\nlog.info('one')").stderr == "here: one\n"
    kernel.run(
        "%%local --wait --quiet\nimport logging\nother = logging.getLogger('other')\n"
        "other.addHandler(logging.StreamHandler())\nlog.removeHandler(log.handlers[0])"
    )
    assert kernel.run("other.warning('two')\nlog.info('three')").stderr == "two\n"
    assert kernel.run("print(open('log.txt').read())").stdout == "one\nthree\n\n"


def test_a_handler_that_stays_here_is_told(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run(
        "import io, logging\nlog = logging.getLogger('station')\n"
        "log.addHandler(logging.StreamHandler(io.StringIO()))"
    )
    told = kernel.run("%%local --dry-run\nlog.warning('one')").stdout
    assert "warning: log is a logger with a handler that stays here (<StreamHandler" in told


def test_chance_of_a_module_that_only_jobs_have_loaded_goes_on(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    draw = "np.random.rand(), torch.rand(()).item()"
    seed = "import numpy as np, torch\nnp.random.seed(1)\ntorch.manual_seed(1);"
    fresh = start_kernel()
    expected = [fresh.run(f"{seed}\n{draw}").result, fresh.run(draw).result, fresh.run(draw).result]
    first = kernel.run(f"%%local --wait --quiet\n{seed}\n{draw}").result
    second = kernel.run(f"%%local --wait --quiet\n{draw}").result
    assert kernel.run("import sys\ntype(sys.modules['torch']).__name__").result == "'_LazyModule'"
    assert [first, second, kernel.run(draw).result] == expected


LEARNING = "import sklearn, torch"
TOLD = (
    "print(torch.get_default_dtype(), torch.is_grad_enabled(), torch.tensor([1 / 3]), "
    "sklearn.get_config()['working_memory'])"
)


def test_settings_of_torch_and_sklearn_go_with_a_cell_and_come_back(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        f"{LEARNING}\ntorch.set_default_dtype(torch.float64)\nsklearn.set_config(working_memory=7)"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\n{TOLD}\n"
        "torch.set_grad_enabled(False)\ntorch.set_printoptions(precision=2)\n"
        "sklearn.set_config(working_memory=8)"
    )
    assert ran.stdout == "torch.float64 True tensor([0.3333]) 7\n"
    assert kernel.run(TOLD).stdout == "torch.float64 False tensor([0.33]) 8\n"


def test_what_jobs_set_in_modules_that_are_not_loaded_here_holds_once_they_are(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local --wait --quiet\n{LEARNING}\ntorch.set_default_dtype(torch.float64)")
    kernel.run(f"%%local --wait --quiet\n{LEARNING}\ntorch.set_printoptions(precision=2)")
    told = kernel.run("import sys\ntype(sys.modules['torch']).__name__").result
    assert told == "'_LazyModule'"
    assert kernel.run(f"{LEARNING}\n{TOLD}").stdout == "torch.float64 True tensor([0.33]) 1024\n"
