"""Cells that read what a job is still to bring: here they wait, and sent they follow it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbsubmit.core.inputs import Input
from nbsubmit.core.store import JobStore
from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

GATE = """import time
from pathlib import Path
while not Path({name!r}).exists():
    time.sleep(0.05)
"""


def gate(name: str) -> str:
    """Lines that hold a cell until `open_gate` is called with this name."""
    return GATE.format(name=name)


def open_gate(kernel: Kernel, name: str) -> None:
    (kernel.folder / name).touch()


@pytest.fixture
def sent(start_kernel: Callable[..., Kernel], started_backend: str) -> tuple[Kernel, str]:
    """A kernel, and the first word of a cell for a backend on which jobs run by themselves."""
    return start_kernel(), f"%%{started_backend}"


def spec(kernel: Kernel, job: str) -> dict[str, object]:
    """What is known of the job that is bound to a name."""
    job_id = kernel.run(f"print({job}.id)").stdout.strip()
    return JobStore(kernel.folder / ".nbsubmit").find(job_id).spec


def after(kernel: Kernel, job: str) -> list[Input]:
    found = spec(kernel, job)["after"]
    assert isinstance(found, list)
    return [Input.from_json(data) for data in found]


def test_a_cell_here_waits_for_the_name_that_it_reads(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as job\n{gate('go')}x = 41")
    waiting = kernel.start("print(x + 1)")
    until(lambda: "waiting for x of" in text_so_far(kernel, waiting), "it says what it waits for")
    open_gate(kernel, "go")
    assert "42" in kernel.finish(waiting).stdout


def text_so_far(kernel: Kernel, message_id: str) -> str:
    """What a running cell has printed that was not read yet."""
    message = kernel.client.get_iopub_msg(timeout=60)
    mine = message["parent_header"].get("msg_id") == message_id
    return message["content"].get("text", "") if mine and message["msg_type"] == "stream" else ""


def test_a_cell_that_reads_no_such_name_runs_at_once(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run("a, data = 1, [1, 2, 3]")
    kernel.run(f"{magic} --as job\n{gate('go')}x = sum(data)")
    assert kernel.run("print(a, len(data))\nimport time").stdout == "1 3\n"
    assert kernel.run("print(job.done())").stdout == "False\n"
    open_gate(kernel, "go")
    assert kernel.run("x").result == "6"


def test_a_function_here_that_reads_the_name_waits_too(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run("def double():\n    return 2 * x\ndef twice():\n    return double()")
    kernel.run(f"{magic}\nx = 4")
    assert kernel.run("twice()").result == "8"


def test_a_value_that_was_bound_after_sending_is_not_waited_for(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as job\n{gate('go')}x = 1")
    kernel.run("x = 'mine'")
    assert kernel.run("print(x, job.done())").stdout == "mine False\n"
    open_gate(kernel, "go")
    kernel.run("job.wait(60)")
    assert kernel.run("print(x, job.names['x'])").stdout == "mine 1\n"


def test_an_interrupt_ends_the_waiting_and_stops_the_cells_behind(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as job\n{gate('go')}x = 1")
    waiting, behind = kernel.start("y = x"), kernel.start("z = 'ran'")
    until(lambda: "waiting for x of" in text_so_far(kernel, waiting), "it waits")
    kernel.interrupt()
    ran = kernel.finish(waiting)
    assert ran.status == "error"
    assert "KeyboardInterrupt" in ran.traceback
    reply = kernel.client.get_shell_msg(timeout=60)
    assert reply["parent_header"]["msg_id"] == behind
    assert reply["content"]["status"] == "aborted"
    assert kernel.run("print('z' in globals(), job.done())").stdout == "False False\n"
    open_gate(kernel, "go")
    assert kernel.run("x").result == "1"


def test_what_a_failed_job_did_not_bring_is_an_error_that_names_it(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run("x = 'old'")
    kernel.run(f"{magic} --as job\nx = int('no data')")
    kernel.run("job.wait(60)")
    for _ in range(2):
        ran = kernel.try_("print(x)")
        assert ran.status == "error"
        assert "InputFailed" in ran.traceback
        assert "no data" in ran.traceback
        assert "%jobs resubmit" in ran.traceback
    job = kernel.run("print(job.id)").stdout.strip()
    kernel.run(f"%jobs forget {job}")
    assert kernel.run("print(x)").stdout == "old\n"


def test_a_cell_that_is_mended_and_sent_again_takes_the_place_of_the_failed_one(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as job\nx = 1 / n")
    kernel.run("job.wait(60)\nn = 2")
    kernel.run(f"{magic}\nx = 1 / n")
    assert kernel.run("x").result == "0.5"


def test_the_policy_raise_says_what_is_still_to_come(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel(NBSUBMIT_PENDING="raise")
    kernel.run(f"%%{started_backend} --as job\n{gate('go')}x = 1")
    ran = kernel.try_("x")
    assert "StillPending" in ran.traceback
    open_gate(kernel, "go")
    kernel.run("job.wait(60)")
    assert kernel.run("x").result == "1"


def test_the_policy_ignore_reads_what_is_there(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel(NBSUBMIT_PENDING="ignore")
    kernel.run("x = 0")
    kernel.run(f"%%{started_backend} --as job\n{gate('go')}x = 1")
    assert kernel.run("x").result == "0"
    open_gate(kernel, "go")
    kernel.run("job.wait(60)")
    assert kernel.run("x").result == "1"


def test_a_policy_that_there_is_not_is_refused(start_kernel: Callable[..., Kernel]) -> None:
    with pytest.raises(AssertionError, match="wait, raise, ignore"):
        start_kernel(NBSUBMIT_PENDING="later")


def test_a_sent_cell_that_reads_the_name_gets_it_from_the_other_job(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run(
        f"{magic} --as first\n{gate('go')}import math\nx = [1, 2]\ndef f(v):\n    return v + k"
    )
    kernel.run("k = 10")
    kernel.run(f"{magic} --as second\ny = f(len(x))\nx.append(math.floor(2.5))")
    assert [one.folder for one in after(kernel, "second")] == [
        str(kernel.folder / ".nbsubmit/jobs" / str(spec(kernel, "first")["id"]))
    ]
    assert kernel.run("print(first.done(), second.done())").stdout == "False False\n"
    open_gate(kernel, "go")
    assert kernel.run("print(x, y)").stdout.endswith("[1, 2, 2] 12\n")


def test_what_a_job_only_looks_at_does_not_come_back_from_it(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as first\nx = [1, 2]")
    kernel.run(f"{magic} --as second\ny = len(x)\nz = [x]")
    assert kernel.run("print(x, y, z)").stdout.endswith("[1, 2] 2 [[1, 2]]\n")
    assert kernel.run("print(sorted(second.names))").stdout == "['y', 'z']\n"
    assert kernel.run("print(x is first.names['x'])").stdout == "True\n"


def test_when_an_input_fails_what_follows_is_not_run_and_says_so(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as first\n{gate('go')}x = 1 / 0")
    kernel.run(f"{magic} --as second\ny = x")
    kernel.run(f"{magic} --as third\nz = y")
    open_gate(kernel, "go")
    ran = kernel.try_("z")
    assert "InputFailed" in ran.traceback
    first, second = spec(kernel, "first")["id"], spec(kernel, "second")["id"]
    kernel.run("second.wait(60), third.wait(60)")
    for job, cause in (("second", first), ("third", second)):
        told = kernel.run(f"print({job}.state.value, {job}.status.reason)").stdout
        assert told.startswith(f"CANCELLED not run: its input, job {cause}"), told
        error = kernel.run(f"print(type({job}.exception()).__name__)").stdout
        assert error == "InputFailed\n"


def test_a_name_that_the_job_does_not_bring_after_all_is_as_it_was(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run("x, chance = 'before', 0")
    kernel.run(f"{magic}\nif chance:\n    x = 'after'")
    kernel.run(f"{magic}\ny = x")
    assert kernel.run("print(x, y)").stdout.endswith("before before\n")


def test_after_gives_an_order_without_data(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as first\n{gate('go')}Path('made').touch()")
    kernel.run(f"{magic} --as second --after first\nimport os\nfound = os.path.exists('made')")
    open_gate(kernel, "go")
    assert kernel.run("found").result == "True"
    kernel.run(f"{magic} --as bad\n{gate('on')}1 / 0")
    bad = spec(kernel, "bad")["id"]
    kernel.run(f"{magic} --as third --after any:{bad}\nran = 'all the same'")
    kernel.run(f"{magic} --as fourth --after {bad}\nnever = 1")
    open_gate(kernel, "on")
    assert kernel.run("ran").result == "'all the same'"
    kernel.run("fourth.wait(60)")
    assert "not run" in kernel.run("print(fourth.status)").stdout


def test_after_what_is_no_job_is_an_error(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run("n = 1")
    assert "--after: n is a int and no job" in kernel.try_(f"{magic} --after n\n1").traceback
    assert "--after: no job by the id" in kernel.try_(f"{magic} --after nothing\n1").traceback
    assert "before the colon" in kernel.try_(f"{magic} --after ok:n\n1").traceback
    assert not (kernel.folder / ".nbsubmit/jobs").exists()


def test_an_array_brings_its_list_to_the_job_that_follows(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --map n=range(3) --as first\n{gate('go')}square = n * n")
    kernel.run(f"{magic} --as second\ntotal = sum(square)")
    open_gate(kernel, "go")
    assert kernel.run("total").result == "5"


def test_the_tasks_of_an_array_get_what_another_job_brings(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic}\nbase, settings = 100, [1, 2]")
    kernel.run(f"{magic} --map s=settings\nout = base + s")
    assert kernel.run("out").result == "[101, 102]"


def test_a_model_that_a_job_trains_is_waited_for_and_data_that_it_reads_is_not(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run(
        "class Model:\n    def __init__(self):\n        self.w = 0\n"
        "    def fit(self, data):\n        self.w = sum(data)\n"
        "def train(model, data):\n    model.fit(data)\n"
        "model, data = Model(), [1, 2]"
    )
    kernel.run(f"{magic} --as job\n{gate('go')}train(model, data)")
    assert kernel.run("print(data, job.done())").stdout == "[1, 2] False\n"
    kernel.run(f"{magic} --as next\ntwice = 2 * model.w")
    open_gate(kernel, "go")
    assert kernel.run("print(model.w, twice)").stdout.endswith("3 6\n")


def test_work_here_and_on_slurm_follow_each_other(
    start_kernel: Callable[..., Kernel], on_slurm: object
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%slurm --as a\n{gate('go')}x = 1")
    kernel.run("%%local --as b\ny = x + 1")
    kernel.run("%%slurm --as c\nz = y + 1")
    assert len(after(kernel, "b")) == len(after(kernel, "c")) == 1
    open_gate(kernel, "go")
    assert kernel.run("print(x, y, z)").stdout.endswith("1 2 3\n")
    assert kernel.run("%%local --debug\nw = z + 1\n").status == "ok"
    assert kernel.run("w").result == "4"
