"""Names there and back in a real kernel, on every backend: what goes, what comes, what stays.

Each test packs a few facts that belong together into one job, and prints one line for each.

Promise 2 of README.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel


def lines(kernel: Kernel, code: str) -> list[str]:
    return kernel.run(code).stdout.splitlines()


def test_memory_that_names_share_is_shared_in_the_job_and_at_home(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import numpy as np\n"
        "grid = np.zeros((400, 400))\n"
        "column, corner = grid[:, 3], grid[:5, :5]\n"
        "small = np.arange(6)\n"
        "tail = small[3:]"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\n"
        "column[:] = 1\n"
        "tail[0] = 99\n"
        "print(grid.sum(), corner.sum(), small.tolist())"
    )
    assert ran.stdout == "400.0 5.0 [0, 1, 2, 99, 4, 5]\n"
    assert lines(
        kernel,
        "print(grid.sum(), corner.sum(), small.tolist())\n"
        "grid[0, 3] = 7\n"
        "print(column[0], np.shares_memory(grid, corner))",
    ) == ["400.0 5.0 [0, 1, 2, 99, 4, 5]", "7.0 True"]


def test_an_object_that_is_changed_in_place_is_changed_for_all_who_know_it(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import numpy as np\n"
        "from sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression()\n"
        "models = {'linear': model}\n"
        "rows = [1]\n"
        "table = {'rows': rows}\n"
        "array = np.zeros(1000)\n"
        "part = array[:10]"
    )
    kernel.run(
        f"{magic} --wait --quiet\nmodel.fit([[0.], [1.]], [0., 2.])\nrows.append(2)\npart += 1"
    )
    assert lines(
        kernel,
        "print(models['linear'] is model, models['linear'].coef_.round(6))\n"
        "print(table)\n"
        "print(array.sum())",
    ) == ["True [2.]", "{'rows': [1, 2]}", "10.0"]


def test_a_part_with_a_name_of_its_own_is_changed_through_what_holds_it(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import matplotlib.pyplot as plt\n"
        "history = []\n"
        "state = {'history': history, 'step': 0}\n"
        "fig, ax = plt.subplots()\n"
        "plt.close(fig)"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "state['history'].append(0.5)\n"
        "state['step'] += 1\n"
        "ax.plot([1, 2])\n"
        "ax.set_title('done')\n"
        "report = {'state': state, 'fig': ax.figure}"
    )
    assert lines(
        kernel,
        "print(history, state, state['history'] is history)\n"
        "print(fig.axes[0] is ax, len(fig.axes[0].lines), ax.get_title(), ax.figure is fig)\n"
        "print(report['state'] is state, report['fig'] is fig)",
    ) == ["[0.5] {'history': [0.5], 'step': 1} True", "True 1 done True", "True True"]


def test_what_was_not_changed_is_the_very_same_object_also_inside_results(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import numpy as np, pandas as pd\n"
        "class Net: pass\n"
        "net, array = Net(), np.arange(300_000.)\n"
        "frame, items = pd.DataFrame({'a': [1, 2]}), [1, 2]\n"
        "def f(x): return x\n"
        "ids = [id(v) for v in (net, array, frame, items, f)]"
    )
    kernel.run(
        f"{magic} --wait --quiet --as job\n"
        "other = items\n"
        "found = {'net': net, 'pair': (array, frame), 'f': f}\n"
        "total = f(array).sum() + frame.a.sum() + len(items)\n"
        "array"
    )
    assert lines(
        kernel,
        "print([id(v) for v in (net, array, frame, items, f)] == ids)\n"
        "print(found['net'] is net, found['pair'][0] is array, found['pair'][1] is frame)\n"
        "print(found['f'] is f, other is items, job.value is array)",
    ) == ["True", "True True True", "True True True"]


def test_parts_of_what_was_sent_are_the_very_same_objects_in_results(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "class Layer:\n    def __init__(self): self.weight = [1.0]\n"
        "class Net:\n    def __init__(self): self.layer = Layer()\n"
        "rows, net = [{'n': 1}, {'n': 2}], Net()"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "by_number = {row['n']: row for row in rows}\n"
        "optimised = [net.layer.weight]\n"
        "class Step(Exception):\n"
        "    def __init__(self, at, why): super().__init__(f'{why} at {at}'); self.at = at\n"
        "problem = Step(5, 'stuck')"
    )
    assert lines(
        kernel,
        "print(by_number[1] is rows[0], optimised[0] is net.layer.weight)\n"
        "print(problem, problem.at)",
    ) == ["True True", "stuck at 5 5"]


def test_what_was_changed_here_meanwhile_stays_and_the_jobs_is_at_hand(
    kernel: Kernel, magic: str, backend_name: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    if backend_name == "debug":
        gate.touch()
    kernel.run(f"rows, names, gate = [1], {{'a': 1}}, {str(gate)!r}")
    kernel.run(
        f"{magic} --as job\n"
        "import os, time\n"
        "while not os.path.exists(gate): time.sleep(0.02)\n"
        "rows.append('job')\n"
        "names['b'] = 2"
    )
    if backend_name == "debug":
        # Runs at once: nothing can happen meanwhile.
        assert lines(kernel, "print(rows, names)") == ["[1, 'job'] {'a': 1, 'b': 2}"]
        return
    kernel.run("%config NbSubmit.pending = 'ignore'")  # a cell that reads it would wait
    kernel.run("rows.append('mine')")
    gate.touch()
    assert lines(kernel, "job.wait()\nprint(rows, job.names['rows'], names)") == [
        "[1, 'mine'] [1, 'job'] {'a': 1, 'b': 2}"
    ]
    assert "rows: yours is newer and stays" in kernel.run("%jobs show").stdout


def test_what_was_sent_before_is_there_already_and_what_is_unchanged_is_not_written(
    kernel: Kernel, magic: str, tmp_path: Path
) -> None:
    kernel.run("import numpy as np\nbig = np.random.default_rng(0).random(400_000)\ntwice = 2")
    first = kernel.run(f"{magic} --no-panel --as one\nview, total = big[1000:], big.sum() * twice")
    assert "big 3.2 MB," in first.stdout
    second = kernel.run(f"{magic} --no-panel --as two\nagain = big.copy()")
    assert "big 3.2 MB (already there)" in second.stdout
    assert lines(
        kernel,
        "one.wait(), two.wait()\n"
        "print((view == big[1000:]).all(), (again == big).all(), total == big.sum() * 2)",
    )[-1:] == ["True True True"]
    blobs = [file for file in (tmp_path / ".nbsubmit" / "blobs").iterdir() if file.name[0] != "."]
    assert sum(file.stat().st_size for file in blobs) == 3_200_000


def test_what_changes_by_being_looked_at_is_noticed(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import collections\n"
        "class Lazy:\n"
        "    calls = 0\n"
        "    @property\n"
        "    def value(self):\n"
        "        self.calls += 1\n"
        "        return 5\n"
        "    def __repr__(self):\n"
        "        self.shown = True\n"
        "        return 'lazy'\n"
        "lazy, counts = Lazy(), collections.defaultdict(int)\n"
        "numbers = iter(range(5))\n"
        "aliased = counts"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "v = lazy.value\n"
        "text = f'{lazy!r}'\n"
        "c = counts['new']\n"
        "for n in numbers:\n"
        "    if n == 2: break"
    )
    assert lines(
        kernel, "print(lazy.calls, lazy.shown, dict(counts), aliased is counts, next(numbers))"
    ) == ["1 True {'new': 0} True 3"]


def test_what_the_job_imports_loads_here_when_it_is_used(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    (tmp_path / "slow_to_load.py").write_text("print('loads here')\nanswer = 42\n")
    kernel = start_kernel()
    ran = kernel.run("%%local --wait --no-panel\nimport slow_to_load\nx = slow_to_load.answer")
    assert ran.stdout.count("loads here") == 1
    assert "imports slow_to_load" in ran.stdout
    assert lines(kernel, "print(x)\nprint(slow_to_load.answer)") == ["42", "loads here", "42"]


def test_more_than_the_limit_is_not_sent_unless_it_is_asked_for(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel(NBSUBMIT_SIZE_LIMIT="1M")
    kernel.run("import numpy as np\nbig, small = np.zeros(400_000), 1")
    ran = kernel.try_("%%local --wait\nx = big.sum() + small")
    assert ran.status == "error"
    assert "big  3.2 MB  (read in line 2)" in ran.traceback
    assert "--in big" in ran.traceback
    assert list((tmp_path / ".nbsubmit").glob("jobs/*")) == []
    kernel.run("%%local --wait --quiet --in big\nx = big.sum() + small")
    assert lines(kernel, "print(x)") == ["1.0"]


def test_a_credential_is_told_where_it_is_sent(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("api_key = 'hunter2-hunter2'")
    ran = kernel.run("%%local --wait --no-panel\nn = len(api_key)")
    assert "warning: api_key looks like a credential" in ran.stdout
    assert "hunter2" not in ran.stdout
    assert "warning: api_key looks like a credential" in kernel.run("%jobs show").stdout


def test_what_goes_and_what_comes_is_said(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run(
        "import threading, numpy as np\n"
        "data, rows, lock = np.zeros(300_000), [1], threading.Lock()\n"
        "def train(x): return x.sum()\n"
        "def locked(): return lock"
    )
    cell = "score = train(data)\nrows.append(score)\nif score: locked()\nnp.ones(2)"
    plan = kernel.run(f"%%local --dry-run\n{cell}").stdout
    assert re.search(r"data +numpy.ndarray +2.4 MB +read in line 2", plan)
    assert re.search(r"train +function +read in line 2", plan)
    assert "leaves out lock: lock is a lock (used by locked)" in plan
    assert "nothing was sent" in plan
    sent = kernel.run(f"%%local --no-panel --as job\n{cell}").stdout
    words = "train (function), rows 17 B, locked (function), np (module); leaves out lock"
    assert re.search("sends data 2.4 MB( .already there.)?, " + re.escape(words), sent)
    ended = kernel.run("job.wait()").stdout
    assert "brings rows (changed), score" in ended
    shown = kernel.run("%jobs show").stdout
    assert words in shown
    assert "brings rows (changed), score" in shown
    again = kernel.run(f"%%local --dry-run\n{cell}").stdout
    assert "already there" in again


def test_a_result_is_read_in_the_next_kernel_too(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    first = start_kernel()
    first.run("import numpy as np\nbig, items = np.arange(400_000.), [1]")
    first.run("%%local --as job\nhalf, same = big[:200_000], items\nnew = np.ones(5)")
    job_id = first.run("job.wait()\nprint(job.id)").stdout.split()[-1]
    first.kill()
    second = start_kernel()
    assert lines(
        second,
        f"import nbsubmit\nnames = nbsubmit.attach({job_id!r}).wait(60).names\n"
        "print(names['half'].sum(), names['same'], names['new'].sum())",
    ) == ["19999900000.0 [1] 5.0"]


def test_waiting_jobs_hold_what_they_need_when_their_kernel_forgets_it(
    slurm_kernel: Kernel, tmp_path: Path
) -> None:
    kernel = slurm_kernel
    kernel.run("import numpy as np\nbig = np.ones(400_000)")
    kernel.run("%%slurm --as job\ntotal = big.sum()")
    kernel.run("del big")
    until(lambda: kernel.run("print(job.done())").stdout == "True\n", "the job ends")
    assert lines(kernel, "print(total)") == ["400000.0"]


def test_what_the_large_libraries_make_goes_and_comes_as_it_is(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import numpy as np, pandas as pd, polars as pl, torch\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "torch.manual_seed(0)\n"
        "net = torch.nn.Linear(3, 1)\n"
        "optimiser = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "weight = net.weight\n"
        "inputs = torch.arange(12.).reshape(4, 3)\n"
        "frame = pd.DataFrame({'n': range(50_000), 's': 'text', 'd': pd.Timestamp(2024, 1, 1)})\n"
        "table = pl.DataFrame({'n': range(50_000), 's': ['text'] * 50_000})\n"
        "forest = RandomForestClassifier(5, random_state=0)\n"
        "before = weight.detach().clone()"
    )
    kernel.run(
        f"{magic} --wait --quiet\n"
        "loss = net(inputs).sum()\n"
        "loss.backward()\n"
        "optimiser.step()\n"
        "loss = loss.detach()\n"
        "frame['m'] = frame.n * 2\n"
        "evens = table.filter(pl.col('n') % 2 == 0)\n"
        "forest.fit(frame[['n']][:100], frame.n[:100] > 50)\n"
        "guess = forest.predict(frame[['n']][:3])"
    )
    assert lines(
        kernel,
        "step = before - torch.tensor([[1.8, 2.2, 2.6]])\n"
        "print(torch.allclose(net.weight, step), float(loss) != 0)\n"
        "print(optimiser.param_groups[0]['params'][0] is net.weight)\n"
        "print(frame.m.sum(), frame.dtypes['d'].kind, evens.height, evens['s'][0])\n"
        "print(guess.tolist(), len(forest.estimators_))",
    ) == ["True True", "True", "2499950000 M 25000 text", "[False, False, False] 5"]


@pytest.mark.parametrize("size", [3, 2_000_000])
def test_an_array_that_a_job_protects_is_protected_here(
    kernel: Kernel, magic: str, size: int
) -> None:
    kernel.run(
        f"import numpy as np\na, b = np.zeros({size}), np.zeros({size})\n"
        "held = [b]\na.flags.writeable = False"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\nprint(a.flags.writeable, b.flags.writeable)\n"
        "b.flags.writeable = False\nc = b + 1\nc.flags.writeable = False"
    )
    assert ran.stdout == "False True\n"
    told = kernel.run("[x.flags.writeable for x in (a, b, c)], held[0] is b").result
    assert told == "([False, False, False], True)"


def test_a_namespace_of_exec_travels(kernel: Kernel, magic: str) -> None:
    kernel.run("ns = {}\nexec('x = 2\\ndef double(y): return x * y', ns)\nheld = [ns]")
    ran = kernel.run(
        f"{magic} --wait --quiet\nimport builtins\n"
        "print(ns['double'](2), ns['__builtins__'] is vars(builtins))\n"
        "exec('z = double(x)', ns)\nother = {}\nexec('w = 1', other)"
    )
    assert ran.stdout == "4 True\n"
    told = "ns['z'], other['w'], held[0] is ns"
    assert kernel.run(told).result == "(4, 1, True)"
    told = "[n['__builtins__'] is vars(builtins) for n in (ns, other)]"
    assert kernel.run(told).result == "[True, True]"
