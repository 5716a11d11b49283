"""Many tasks from one cell: a list for each name, and what failed is run again into its place."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel


def says(kernel: Kernel, code: str) -> str:
    """What an expression is in the notebook."""
    return kernel.run(f"print({code})").stdout.strip()


def plain(text: str) -> str:
    """Text without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_each_element_is_a_task_and_each_name_becomes_a_list(kernel: Kernel, magic: str) -> None:
    kernel.run("base = 10\nx = 'mine'\ndef square(n):\n    return n * n + base")
    ran = kernel.run(f"{magic} --map x=range(4) --wait\ny = square(x)\nimport json\nx + 1")
    assert ran.result == "[1, 2, 3, 4]"
    assert says(kernel, "y") == "[10, 11, 14, 19]"
    assert says(kernel, "x") == "mine"
    assert says(kernel, "json.dumps(y)") == "[10, 11, 14, 19]"
    assert "x, base, square not defined" not in ran.stdout


def test_a_name_that_is_there_only_by_the_line_is_not_missed(kernel: Kernel, magic: str) -> None:
    ran = kernel.run(f"{magic} --map a,b=[(1,2),(3,4)] --map 'c={{5:0, 6:0}}' --wait\n(a, b, c)")
    assert ran.result == "[(1, 2, 5), (3, 4, 6)]"
    assert "not defined" not in ran.stdout
    crossed = kernel.run(f"{magic} --map a=[1,2] --map b=['x', 'y'] --product --wait\n(a, b)")
    assert "not defined" not in crossed.stdout
    assert crossed.result == "[(1, 'x'), (1, 'y'), (2, 'x'), (2, 'y')]"


def test_what_tasks_share_and_classes_of_the_notebook_travel(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import numpy as np\nclass Net:\n    def __init__(self, n):\n        self.n = n\n"
        "data = np.arange(1000)\nnets = [Net(1), Net(2)]\ndef run(f, d):\n    return f(d)"
    )
    kernel.run(
        f"{magic} --map f,d=[(np.sum,data),(max,data)] --map net=nets --wait\n"
        "total = int(run(f, d))\nnew = Net(net.n + total)\nsame = type(net) is Net\nsent = data"
    )
    assert says(kernel, "total, same") == "[499500, 999] [True, True]"
    assert says(kernel, "[isinstance(n, Net) for n in new], new[0].n") == "[True, True] 499501"
    assert says(kernel, "all(s is data for s in sent)") == "True"


def test_a_name_bound_anew_to_the_same_value_is_in_the_list_too(kernel: Kernel, magic: str) -> None:
    kernel.run("best, total, flag, word = 1, 0, True, 'run'")
    kernel.run(
        f"{magic} --map x=range(3) --wait\nbest = max(best, x)\ntotal += x\n"
        "flag = flag and x < 9\nword = word.strip()\nx = x * 10"
    )
    assert says(kernel, "best, total, flag") == "[1, 1, 2] [0, 1, 2] [True, True, True]"
    assert says(kernel, "word, x") == "['run', 'run', 'run'] [0, 10, 20]"


def test_a_generator_and_a_name_with_the_same_loop_are_gone_through_once(kernel: Kernel) -> None:
    kernel.run("words = (w for w in ['a', 'b'])")
    assert kernel.run("%%local --map w=words --wait\nw * 2").result == "['aa', 'bb']"
    assert "there would be no task" in kernel.try_("%%local --map w=words\nw").traceback


def test_what_tasks_change_in_place_or_delete_stays_as_it_is_here(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("seen = [0]\ngone = 1\nresult = 'mine'")
    ran = kernel.run(
        f"{magic} --map x=[[1],[2]] --wait --as job\nseen.append(x[0])\nx.append(9)\n"
        "kept = seen\ndel gone"
    )
    assert "changed in each task and left here as it was" in ran.stdout or ran.data
    assert says(kernel, "seen, gone, result") == "[0] 1 mine"
    assert says(kernel, "kept, [t.names['seen'] for t in job.tasks]") == (
        "[[0, 1], [0, 2]] [[0, 1], [0, 2]]"
    )
    assert says(kernel, "[t.names['x'] for t in job.tasks]") == "[[1, 9], [2, 9]]"


def test_two_tasks_do_not_draw_the_same_numbers_and_the_same_task_does(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("import random, numpy as np\nrandom.seed(1); np.random.seed(1)")
    body = "drawn = random.random(), float(np.random.random())"
    kernel.run(f"{magic} --map x=range(3) --wait\n{body}")
    kernel.run("first = drawn\nrandom.seed(1); np.random.seed(1)")
    kernel.run(f"{magic} --map x=range(3) --wait\n{body}")
    assert says(kernel, "len({n for pair in first for n in pair}), drawn == first") == "6 True"


def test_a_generator_that_all_tasks_have_is_warned_of(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("import numpy as np\nrng = np.random.default_rng(0)")
    ran = kernel.run("%%local --map x=[1,2] --wait --as job --no-panel\nfloat(rng.random())")
    assert "each task has a copy of rng as it is now and draws the same numbers" in ran.stdout
    ran = kernel.run("%%local --map r=rng.spawn(2) --wait --no-panel\nfloat(r.random())")
    assert "same numbers" not in ran.stdout
    assert says(kernel, "len(set(_))") == "2"


def test_a_task_that_failed_is_missed_only_where_it_is_touched(kernel: Kernel, magic: str) -> None:
    ran = kernel.try_(f"{magic} --map x=[1,0,2] --wait --as job\nratio = 6 / x\nratio")
    assert "ratio = 6 / x" in plain(ran.traceback)
    assert "1 of 3 tasks failed; it is task 1" in ran.traceback
    assert says(kernel, "ratio[0], ratio[2], ratio[1]") == (
        "6.0 3.0 <task 1 failed: ZeroDivisionError: division by zero>"
    )
    assert says(kernel, "job.value") == says(kernel, "ratio")
    for use in ("ratio[1] + 1", "1 + ratio[1]", "sum(ratio)", "ratio[1].real", "bool(ratio[1])"):
        assert "ZeroDivisionError" in kernel.try_(use).traceback
    assert "ZeroDivisionError" in kernel.try_("job.result()").traceback
    assert says(kernel, "[str(t.state) for t in job.tasks]") == (
        "['COMPLETED', 'FAILED', 'COMPLETED']"
    )


def test_what_failed_runs_again_and_fills_its_places(kernel: Kernel, magic: str) -> None:
    kernel.run("from pathlib import Path\nimport random")
    kernel.try_(
        f"{magic} --map x=range(4) --wait --as job\n"
        "drawn = random.random()\n"
        "if x % 2 and not Path('mended').exists():\n    raise ValueError(x)\n"
        "tens = 10 * x\ntens"
    )
    assert says(kernel, "tens").count("failed: ValueError") == 2
    kernel.run("same, held = tens, tens[0]\nPath('mended').touch()")
    job = says(kernel, "job.id")
    kernel.run(f"%jobs resubmit {job} --failed")
    until(lambda: says(kernel, "tens") == "[0, 10, 20, 30]", "the places are filled")
    assert says(kernel, "tens is same, job.value, len(set(drawn))") == "True [0, 10, 20, 30] 4"
    again = kernel.run("%jobs").stdout.splitlines()[-1]
    assert "of 2 tasks 2 COMPLETED" in again
    assert (
        "no task has failed" in kernel.try_(f"%jobs resubmit {again.split()[0]} --failed").traceback
    )


def test_what_failed_is_sent_again_by_a_method_with_other_options(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("from pathlib import Path")
    kernel.run("%%local --map x=[1,0] --as job\nratio = 1 / (x or Path('mended').exists())")
    kernel.run("job.wait(60)\nPath('mended').touch()")
    assert says(kernel, "ratio") == ("[1.0, <task 1 failed: ZeroDivisionError: division by zero>]")
    assert says(kernel, "job.resubmit_failed('-J second').wait(60).name, ratio") == (
        "second [1.0, 1.0]"
    )
    assert (
        "no task has failed"
        in kernel.try_("job.resubmit_failed().wait(60).resubmit_failed()").traceback
    )


def test_a_list_that_is_yours_by_now_stays(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.try_("%%local --map x=[1,0] --wait --as job\nratio = 1 / x")
    kernel.run("ratio = ['mine']")
    kernel.run(f"%jobs resubmit {says(kernel, 'job.id')} --failed")
    until(lambda: "FAILED" in kernel.run("%jobs").stdout.splitlines()[-1], "it has ended")
    assert says(kernel, "ratio") == "['mine']"


def test_one_task_is_sent_again_by_its_id_and_its_log_is_seen(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("from pathlib import Path")
    ran = kernel.try_(
        "%%local --map x=range(12) --wait --as job\nprint('this is', x)\n"
        "if x == 7 and not Path('mended').exists():\n    raise ValueError(x)\ny = x"
    )
    assert "this is" not in ran.stdout
    job = says(kernel, "job.id")
    assert kernel.run(f"%jobs logs {job}_3").stdout == "this is 3\n"
    logs = kernel.run(f"%jobs logs {job}").stdout
    assert "--- task 7 ---\nthis is 7\n" in logs
    assert "this is 3" not in logs
    assert "of 12 tasks 11 COMPLETED, 1 FAILED" in kernel.run(f"%jobs show {job}").stdout
    assert "has no task 12" in kernel.try_(f"%jobs logs {job}_12").traceback
    kernel.run("Path('mended').touch()")
    kernel.run(f"%jobs resubmit {job}_7")
    until(lambda: says(kernel, "y") == says(kernel, "list(range(12))"), "it is filled in")


def test_indices_are_those_of_the_line(kernel: Kernel, magic: str) -> None:
    ran = kernel.run(
        f"{magic} --array 3,5-9:2%2 --wait\nimport os\n"
        "index = int(os.environ['SLURM_ARRAY_TASK_ID'])"
    )
    assert says(kernel, "index") == "[3, 5, 7, 9]"
    assert ran.status == "ok"
    assert says(kernel, "'SLURM_ARRAY_TASK_ID' in os.environ") == "False"


def test_no_more_tasks_run_at_once_than_the_line_allows(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(
        f"%%{started_backend} --map x=range(4) --array %1 --wait\nimport time\n"
        "began = time.time()\ntime.sleep(0.3)\nended = time.time()"
    )
    assert says(kernel, "all(e <= b for e, b in zip(ended, began[1:]))") == "True"


def test_an_interrupt_ends_the_waiting_and_not_the_tasks(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    sent = kernel.start(
        "%%local --map x=[1,2] --wait --as job\nfrom pathlib import Path\nimport time\n"
        "while not Path('go').exists():\n    time.sleep(0.05)\ny = x"
    )
    # The panel stands there before the cell waits, and tells this when it does.
    until(lambda: "RUNNING" in kernel.widgets_after(0.1), "the panel shows that tasks run")
    kernel.interrupt()
    assert "KeyboardInterrupt" in kernel.finish(sent).traceback
    (kernel.folder / "go").touch()
    assert kernel.run("job.wait(60)\nprint(y)").stdout.endswith("[1, 2]\n")


def test_an_interrupt_of_tasks_in_this_process_ends_them_all(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    sent = kernel.start(
        "%%local --debug --map x=range(3) --wait --as job\nfrom pathlib import Path\nimport time\n"
        "y = x\nif x == 1:\n    Path('began').touch()\n    time.sleep(300)"
    )
    until((kernel.folder / "began").exists, "the second task runs")
    kernel.interrupt()
    assert "KeyboardInterrupt" in kernel.finish(sent).traceback
    assert says(kernel, "[str(t.state) for t in job.wait(30).tasks]") == (
        "['COMPLETED', 'FAILED', 'CANCELLED']"
    )
    assert says(kernel, "y[0]") == "0"


def test_a_task_and_the_whole_are_cancelled(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(
        f"%%{started_backend} --map x=range(3) --as job\nimport time\n"
        "y = x\nif x:\n    time.sleep(300)"
    )
    job = says(kernel, "job.id")
    until(lambda: says(kernel, "job.tasks[0].state") == "COMPLETED", "one has ended")
    kernel.run(f"%jobs cancel {job}_1")
    state = "job.tasks[1].wait(60).state"
    assert says(kernel, state) == "CANCELLED"
    kernel.run(f"%jobs cancel {job}")
    kernel.run("job.wait(60)")
    counts = "of 3 tasks 1 COMPLETED, 2 CANCELLED"
    assert counts in kernel.run("%jobs").stdout
    assert says(kernel, "y[0]") == "0"
    assert "JobCancelled" in kernel.try_("y[2] + 1").traceback


def test_lists_come_back_to_another_kernel_and_are_filled_there(
    start_kernel: Callable[..., Kernel],
) -> None:
    first = start_kernel()
    first.run("from pathlib import Path")
    first.try_(
        "%%local --map x=range(3) --wait --as job\n"
        "if x == 1 and not Path('mended').exists():\n    raise ValueError(x)\ny = x"
    )
    job = says(first, "job.id")
    first.run("Path('mended').touch()")
    first.kill()
    second = start_kernel()
    second.run(f"%jobs attach {job}")
    assert says(second, "y[::2]") == "[0, 2]"
    second.run(f"%jobs resubmit {job} --failed")
    until(lambda: says(second, "y") == "[0, 1, 2]", "it is filled in")
    ids = second.run("import nbsubmit\nprint(*[job.id for job in nbsubmit.jobs()])").stdout.split()
    second.kill()
    third = start_kernel()
    for id_ in ids:  # also when each is brought in by itself
        third.run(f"%jobs attach {id_}")
    assert says(third, "y") == "[0, 1, 2]"


WRONG = {
    "--map x=nope": "NameError: name 'nope' is not defined",
    "--map x=5": "it gives an int, and there is nothing in it to go through",
    "--map x=[]": "there would be no task",
    "--map x=[1,2] --map y=[1]": "x has 2, y has 1",
    "--map x,y=[(1,2),(1,)]": "element 1 has 1 parts, and there are 2 names",
    "--map x,y=[1]": "element 0 is an int",
    "--map 'x=(1/0 for _ in [1])'": "ZeroDivisionError",
    "--map x=[open('f')]": "task 0: x is an open file",
    "--map 1x=[1]": "is not a name",
    "--map x=": "is empty",
    "--map x=__import__('itertools').count()": "more than 1000000 elements",
}


def test_what_cannot_be_gone_through_is_told_and_nothing_is_sent(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("open('f', 'w').close()")
    for options, words in WRONG.items():
        assert words in kernel.try_(f"%%local {options}\nx").traceback, options
    assert kernel.run("%jobs").stdout.startswith("no jobs")


def test_a_dry_run_tells_how_many_tasks_and_what_is_theirs(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    told = kernel.run("n = 3\n").stdout
    told = kernel.run("%%local --map x=range(n) --dry-run\nx").stdout
    assert "tasks: 3" in told
    assert "one for each task  range(n)" in told


def test_names_in_braces_are_replaced_but_not_in_an_expression(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("label, n = 'sweep', 2")
    ran = kernel.run("%%local -J {label} --map 'x={n: 1, 5: 2}' --wait --as job\nx")
    assert ran.result == "[2, 5]"
    assert says(kernel, "job.name") == "sweep"


def test_a_task_that_still_waits_is_cancelled_alone(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run("from pathlib import Path")
    kernel.run(
        f"%%{started_backend} --map x=range(3) --array %1 --as job\nimport time\n"
        "while not Path('go').exists():\n    time.sleep(0.05)\ny = x"
    )
    job = says(kernel, "job.id")
    kernel.run(f"%jobs cancel {job}_2")
    assert says(kernel, "job.tasks[2].wait(60).state") == "CANCELLED"
    kernel.run("Path('go').touch()\njob.wait(60)")
    assert says(kernel, "y[:2]") == "[0, 1]"


def test_tasks_are_packed_on_slurm_and_elsewhere_it_is_said_that_they_are_not(
    kernel: Kernel, magic: str
) -> None:
    ran = kernel.run(f"{magic} --map x=range(7) --pack 3 --wait --as job\ny = x * x\nx + 1")
    assert ran.result == "[1, 2, 3, 4, 5, 6, 7]"
    assert says(kernel, "y") == "[0, 1, 4, 9, 16, 25, 36]"
    is_packed = magic == "%%slurm"
    assert ("does not use --pack" in ran.stdout) is not is_packed
    handles = "len({task.handle for task in job.tasks})"
    assert says(kernel, handles) == "3" or not is_packed
    kernel.run("%jobs resubmit " + says(kernel, "job.id") + " --pack 4")
    kernel.run("import nbsubmit\njob = nbsubmit.jobs()[-1]")
    assert says(kernel, handles) == "2" or not is_packed
    assert says(kernel, "job.wait(60).value") == "[1, 2, 3, 4, 5, 6, 7]"
    planned = kernel.run(f"{magic} --map x=range(7) --pack 3 --dry-run\ny = x").stdout
    assert ("--array=0-2" in planned) is is_packed
    assert "asks for several" in kernel.try_(f"{magic} --map x=range(7) --pack 3 -n 2\nx").traceback
    assert "Add --map, or --array" in kernel.try_(f"{magic} --pack 3\nx = 1").traceback
