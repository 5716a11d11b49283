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


def test_a_cell_that_is_sent_by_an_alias_of_the_magic_does_not_wait_here(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("%alias_magic --cell there local\n%alias_magic --cell over_there there")
    kernel.run(f"%%there --as job\n{gate('go')}x = 41")
    kernel.run("%%over_there --as then\ny = x + 1")
    assert kernel.run("print(job.done(), then.done())").stdout == "False False\n"
    (given,) = after(kernel, "then")
    assert given.folder.endswith(kernel.run("print(job.id)").stdout.strip())
    open_gate(kernel, "go")
    assert kernel.run("y").result == "42"


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
    assert "KeyboardInterrupt: the waiting for x of" in ran.traceback
    assert "pending.py" not in ran.traceback
    reply = kernel.client.get_shell_msg(timeout=60)
    assert reply["parent_header"]["msg_id"] == behind
    assert reply["content"]["status"] == "aborted"
    # No job is to bring z: nothing is waited for.
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


def test_a_value_that_a_job_could_not_bring_is_an_error_and_no_older_value(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run("lock = 'old'")
    kernel.run(f"{magic} --as job\n{gate('go')}import threading\nlock, fine = threading.Lock(), 1")
    open_gate(kernel, "go")
    for _ in range(2):
        ran = kernel.try_("print(lock)")
        assert "InputFailed: lock did not come from job" in ran.traceback
        assert "lock" in ran.traceback
        assert "resubmit" not in ran.traceback
    assert kernel.run("fine").result == "1"
    ran = kernel.try_(f"{magic}\nlock.acquire()")
    assert "InputFailed: lock did not come from job" in ran.traceback
    kernel.run("lock = 'mine'")
    assert kernel.run("lock").result == "'mine'"


def test_a_value_that_cannot_be_loaded_here_is_an_error_and_no_older_value(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    (kernel.folder / "elsewhere.py").write_text(
        "import os\n"
        "def build():\n"
        "    if not os.environ.get('NBSUBMIT_JOB_ID'):\n"
        "        raise RuntimeError('not on this machine')\n"
        "    return 'built'\n"
        "class Value:\n"
        "    def __reduce__(self):\n"
        "        return build, ()\n"
    )
    kernel.run("value = 'old'")
    kernel.run(f"{magic} --as job\n{gate('go')}import elsewhere\nvalue = elsewhere.Value()")
    open_gate(kernel, "go")
    for _ in range(2):
        ran = kernel.try_("print(value)")
        assert "InputFailed: value did not come from job" in ran.traceback
        assert "not on this machine" in ran.traceback


def test_what_is_in_the_code_of_a_value_is_waited_for(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(
        "import functools\nlater, log = 0, []\n"
        "class Reader:\n    def read(self):\n        return later\n"
        "def note(x):\n    log.append(x)\n"
        "reader, by_name = Reader(), {'a': functools.partial(lambda: later)}"
    )
    kernel.run(f"{magic}\n{gate('go')}later = 1\nnote(2)")
    kernel.run(f"{magic} --as second\nseen = reader.read(), by_name['a'](), log")
    open_gate(kernel, "go")
    assert kernel.run("print(reader.read(), by_name['a'](), log)").stdout.endswith("1 1 [2]\n")
    assert kernel.run("seen").result == "(1, 1, [2])"


def test_a_class_that_a_job_changes_is_changed_for_the_next(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(
        "class Counter:\n    made = 0\n    @classmethod\n    def make(cls): cls.made += 1\n"
        "kept = Counter()"
    )
    kernel.run(f"{magic} --as first\n{gate('go')}Counter.made = 4")
    kernel.run(f"{magic} --as second\nCounter.make()")
    kernel.run(f"{magic} --as third\nseen = Counter.made, kept.made")
    open_gate(kernel, "go")
    assert kernel.run("print(seen, Counter.made, kept.made)").stdout == "(5, 5) 5 5\n"


def test_what_a_function_of_another_job_is_handed_it_may_change(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run(f"{magic}\ntable = {{}}\ndef fill(into):\n    into['a'] = 1")
    kernel.run(f"{magic}\nfill(table)")
    kernel.run(f"{magic}\nseen = sorted(table)")
    assert kernel.run("print(seen, table)").stdout == "['a'] {'a': 1}\n"


def test_a_name_that_is_left_out_is_not_waited_for_and_one_that_is_asked_for_comes(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run(f"{magic} --as first\n{gate('go')}x, y = 1, 2")
    kernel.run(f"{magic} --without x --as second\n'x' in globals()")
    assert after(kernel, "second") == []
    kernel.run(f"{magic} --in y --as third\nz = globals()['y' + '']")
    assert len(after(kernel, "third")) == 1
    open_gate(kernel, "go")
    assert kernel.run("z").result == "2"


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


def test_the_policy_ignore_is_for_what_runs_here_and_sent_cells_follow_all_the_same(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel(NBSUBMIT_PENDING="ignore")
    kernel.run(f"%%{started_backend} --as first\n{gate('go')}x = 1")
    kernel.run(f"%%{started_backend} --as second\ny = x + 1")
    open_gate(kernel, "go")
    kernel.run("second.wait(60)")
    assert kernel.run("print(x, y)").stdout == "1 2\n"


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


@pytest.mark.parametrize("look", ["globals()['x']", "eval('x')", "vars().get('x')"])
def test_a_cell_that_looks_a_name_up_as_text_waits_for_it_too(
    start_kernel: Callable[..., Kernel], look: str
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local\n{gate('go')}x = 41")
    waiting = kernel.start(f"print({look} + 1)")
    until(lambda: "waiting for x of" in text_so_far(kernel, waiting), "it says what it waits for")
    open_gate(kernel, "go")
    assert "42" in kernel.finish(waiting).stdout


def test_whether_there_is_a_name_that_did_not_come_may_be_asked(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("old = 1")
    kernel.run("%%local --as job\n1 / 0\nnew = old = 2")
    kernel.run("job.wait()")
    assert kernel.run("print('new' in globals())").stdout == "False\n"
    assert "InputFailed" in kernel.try_("print(globals()['old'])").traceback
    assert "old did not come from job" in kernel.try_("print(globals()['old'])").traceback


def test_a_job_that_starts_after_others_says_after_which(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    for name in ("a", "b"):
        kernel.run(f"{magic} --as {name}_job\n{gate(name)}{name} = 1")
    kernel.run(f"{magic} --as last\nc = a + b")
    first, second = kernel.run("print(a_job.id, b_job.id)").stdout.split()

    def says() -> str:
        return kernel.run("print(last.status)").stdout

    until(lambda: f"it starts after jobs {first}, {second})" in says(), "it says after which")
    assert f"it starts after jobs {first}, {second}" in kernel.run("%jobs").stdout
    open_gate(kernel, "a")
    until(lambda: f"it starts after job {second})" in says(), "only one is to end yet")
    open_gate(kernel, "b")
    assert kernel.run("print(c)").stdout == "2\n"


def test_what_is_bound_to_the_very_same_object_again_is_the_users_too(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run("n = 0; best = None; g = 1; untouched = 0")
    kernel.run(f"{magic} --as job\n{gate('go')}n, best, untouched = 5, 6, 7\ndel g")
    kernel.run("n = 0; best = None; g = 1")
    assert kernel.try_("untouched = 0 if 1 / 0 else 0").status == "error"
    open_gate(kernel, "go")
    kernel.run("job.wait()")
    assert kernel.run("print(n, best, g, untouched)").stdout == "0 None 1 7\n"
    assert kernel.run("print(job.names['n'])").stdout == "5\n"


def test_a_name_that_did_not_come_is_cured_by_binding_it(sent: tuple[Kernel, str]) -> None:
    kernel, magic = sent
    kernel.run("n = 0")
    kernel.run(f"{magic} --as job\n1 / 0\nn = 1")
    kernel.run("job.wait()")
    assert "n did not come from job" in kernel.try_("print(n)").traceback
    kernel.run("n = 0")
    assert kernel.run("print(n)").stdout == "0\n"


def test_a_cell_that_reads_a_list_of_which_tasks_run_again_has_the_whole(
    sent: tuple[Kernel, str],
) -> None:
    kernel, magic = sent
    kernel.run(
        f"{magic} --map q=range(3) --as job\nimport os\n"
        "if q == 1 and not os.path.exists('mended'):\n    raise ValueError(q)\nr = q * 10"
    )
    kernel.run("job.wait()")
    (kernel.folder / "mended").touch()
    kernel.run("%jobs resubmit --failed")
    kernel.run(f"{magic}\ngot = list(r)")
    assert kernel.run("print(got, r)").stdout.endswith("[0, 10, 20] [0, 10, 20]\n")
