"""Help where people look: a question mark behind a magic, and TAB on its line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from nbsubmit.notebook.job_commands import ACTIONS
from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.kernel import PATIENCE, Kernel
from tests.way import until


def asked(kernel: Kernel, what: str) -> str:
    """What a front end shows when somebody asks what this is."""
    reply = kernel.client.inspect(what, len(what), reply=True, timeout=PATIENCE)
    text = str(reply["content"]["data"]["text/plain"])
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.mark.kernel
@pytest.mark.parametrize("magic", ["slurm", "local", "submit"])
def test_the_manual_of_a_cells_magic_has_examples_that_can_be_sent(
    swept_kernel: Kernel, magic: str
) -> None:
    page = asked(swept_kernel, f"%%{magic}")
    assert page.index("Examples") < page.index("Options") < page.index("resources:")
    assert max(map(len, page.splitlines())) <= 100
    lines = [line for line in page.splitlines() if line.startswith(f"%%{magic} ")]
    assert len(lines) > 3
    swept_kernel.run("training = 1; table = [1]; cache = 2")
    for line in lines:
        options = line.partition("  ")[0].replace(f"%%{magic}", "%%local --debug", 1)
        if "--after" not in options:
            swept_kernel.run(f"{options} --dry-run\nscore = 1")


@pytest.mark.kernel
@pytest.mark.slurm
def test_an_id_may_be_slurms_own_as_in_a_shell(slurm_kernel: Kernel) -> None:
    slurm_kernel.run("%%slurm\nprint('another')")
    slurm_kernel.run("%%slurm --map x=range(2) --as both\nprint('number', x)")
    handle = slurm_kernel.run("print(both.wait(60).handle)").stdout.strip()
    assert handle.isdecimal()
    assert "number 0" in slurm_kernel.run(f"%jobs logs {handle}").stdout
    assert slurm_kernel.run(f"%jobs logs {handle}_1").stdout == "number 1\n"


@pytest.mark.kernel
def test_the_manual_of_jobs_tells_of_each_action(swept_kernel: Kernel) -> None:
    page = asked(swept_kernel, "%jobs")
    assert max(map(len, page.splitlines())) <= 100
    for action in ACTIONS[1:]:
        assert f"\n%jobs {action} " in page, action
    assert "%jobs resubmit k7q2 --mem 16G" in page
    for asks in ("help", "-h", "--help"):
        assert swept_kernel.run(f"%jobs {asks}").stdout.strip() in page
    assert "No closing quotation" in swept_kernel.try_("%jobs show 'k7q2").traceback
    said = swept_kernel.try_("%jobs what").traceback
    assert "%jobs debug [ID]" in said


@pytest.mark.kernel
def test_tab_offers_what_can_stand_there_and_nothing_else(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("%%local --as training --wait\nx = 1")
    kernel.run("table = 1")
    id_ = kernel.run("print(training.id)").stdout.strip()[-4:]
    assert kernel.complete("%jobs ") == [*ACTIONS]
    assert kernel.complete("%jobs re") == ["resubmit"]
    for action in ("show", "logs", "cancel", "attach", "debug", "forget", "resubmit", "clean"):
        assert kernel.complete(f"%jobs {action} ") == ["training", id_], action
    assert kernel.complete(f"%jobs cancel {id_} tr") == ["training"]
    assert kernel.complete("%jobs list --") == ["--all", "--sizes"]
    assert kernel.complete("%jobs clean --st") == ["--state"]
    assert kernel.complete("%jobs clean --state FAILED,TI") == ["TIMEOUT"]
    assert kernel.complete("%jobs resubmit --mem ")[:2] == ["1G", "4G"]
    assert "--in" not in kernel.complete("%jobs resubmit --")
    for magic in ("%%slurm", "%%local", "%%submit"):
        assert kernel.complete(f"{magic} --")[:2] == ["--cpus-per-task", "--gpus"]
        assert kernel.complete(f"{magic} --after ") == ["training", id_, "any:"]
        assert kernel.complete(f"{magic} --after any:tr") == ["training"]
        assert {"table", "x"} <= {*kernel.complete(f"{magic} --in table,")}
        assert kernel.complete(f"{magic} --profile ") == ["none"]
        assert kernel.complete(f"{magic} -t ") == ["10m", "1h", "8h", "1d"]


@pytest.mark.kernel
def test_tab_leaves_python_to_python(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    assert "range" in kernel.complete("%%slurm --map x=ra")
    assert "range" in kernel.complete("%%slurm --wait\nfor i in ra")
    assert "--wait" not in kernel.complete("%%time\n%%slurm --wa")
    kernel.run("jobs_of_mine = 1")
    assert "jobs_of_mine" in kernel.complete("jobs_of")
    kernel.run("%unload_ext nbsubmit")
    assert "--gpus" not in kernel.complete("%%slurm --gp")


@pytest.mark.kernel
@pytest.mark.slurm
def test_tab_offers_the_clusters_partitions_and_resources(
    start_kernel: Callable[..., Kernel], on_slurm: Sandbox
) -> None:
    kernel = start_kernel()
    until(lambda: "main" in kernel.complete("%%slurm -p "), "Slurm has told its partitions")
    assert kernel.complete("%%slurm --wait --partition ma") == ["main"]
    assert kernel.complete("%%slurm --wait --partition=main,de") == ["debug"]
    until(lambda: kernel.complete("%%slurm --gres gpu:4"), "Slurm has told its resources")
    assert kernel.complete("%%slurm --gres ") == ["gpu:1", "gpu:2", "gpu:4"]
    for option in ("--gpus ", "-G ", "--gpus-per-node="):
        assert kernel.complete(f"%%slurm {option}") == ["1", "2", "4"]
    assert "--wait" not in kernel.complete("%%slurm --exclusive=")


@pytest.mark.kernel
@pytest.mark.slurm
def test_tab_offers_accounts_and_qos_where_account_is_kept(
    start_kernel: Callable[..., Kernel], slurm: Sandbox, slurm_accounting: Sandbox
) -> None:
    keeps, keeps_none = (start_kernel(**each.environ) for each in (slurm_accounting, slurm))
    until(lambda: "normal" in keeps.complete("%%slurm --qos "), "Slurm has told its QOS")
    assert keeps.complete("%%slurm -q nor") == ["normal"]
    accounts = until(lambda: keeps.complete("%%slurm -A "), "Slurm has told the accounts")
    assert keeps.complete(f"%jobs resubmit k7q2 --account {accounts[0][:2]}")[0] == accounts[0]
    assert "normal" not in keeps_none.complete("%%slurm --qos ")
    assert accounts[0] not in keeps_none.complete("%%slurm --account ")
