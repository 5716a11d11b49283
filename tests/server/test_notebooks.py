"""Jobs of a real notebook, of which the server tells when its kernel is dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.server import live
from tests.contract.wire import assert_row
from tests.journeys.conftest import QUICK, end_jobs
from tests.journeys.kernel import Kernel
from tests.server.conftest import Server, until
from tests.server.test_live import is_watching


@pytest.fixture
def kernel(server: Server) -> Iterator[Kernel]:
    """The kernel of a notebook below the server's folder."""
    folder = server.root / "deep"
    folder.mkdir()
    (folder / "work.ipynb").touch()
    kernel = Kernel(folder, {**QUICK, "NBSUBMIT_NOTEBOOK": str(folder / "work.ipynb")})
    kernel.run("%load_ext nbsubmit")
    yield kernel
    end_jobs(folder)


async def test_what_is_sent_again_is_watched_only_while_somebody_looks(
    server: Server, kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    wait = f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)"
    kernel.run(f"%%local --wait\nimport os, time\n{wait}")
    kernel.kill()
    gate.unlink()
    monkeypatch.setattr(live, "LOOKS_SECONDS", 1.0)
    (row,) = (await server.rows()).values()
    asked: dict[str, Any] = {"method": "POST", "body": {"store": row["store"]}}
    new = (await server.ask("jobs", row["id"], "resubmit", **asked))["row"]

    async def nobody_watches() -> bool:
        return not server.service.live.is_watching and not is_watching()

    await until(nobody_watches, "an end of the watch")
    assert (await server.rows())[new["id"]]["live"]
    gate.touch()


async def test_a_job_that_a_kernel_has_open_stays(server: Server, kernel: Kernel) -> None:
    kernel.run("%%local --wait\na = 1")
    (row,) = (await server.rows()).values()
    asked = {"method": "DELETE", "store": row["store"]}
    told = await server.refused("jobs", row["id"], **asked)
    assert told == (409, f"job {row['id']} stays: a notebook or a script has it open")
    kernel.kill()
    assert (await server.ask("jobs", row["id"], **asked))["row"] is None
    assert await server.rows() == {}


async def test_a_notebook_that_has_another_name_is_not_named_by_its_old_one(
    server: Server, kernel: Kernel
) -> None:
    kernel.run_as("the-cell", "%%local --wait\n1")
    (row,) = (await server.rows()).values()
    assert row["path"] == "deep/work.ipynb"
    notebook = server.root / "deep" / "work.ipynb"
    notebook.rename(notebook.with_name("better.ipynb"))
    (row,) = (await server.rows()).values()
    assert (row["path"], row["cell"]) == (None, "the-cell")
    kernel.kill()


async def test_a_cell_is_sent_again_when_its_kernel_is_dead(server: Server, kernel: Kernel) -> None:
    kernel.run_as("the-cell", "%%local --wait -J first\nprint('here')\n1/1")
    kernel.kill()
    (row,) = (await server.rows()).values()
    assert_row(row)
    assert (row["path"], row["cell"]) == ("deep/work.ipynb", "the-cell")
    assert row["can"] == ["resubmit", "clean", "attach"]
    asked: dict[str, Any] = {"store": row["store"], "options": "--job-name 'once more'"}
    told = await server.ask("jobs", row["id"], "resubmit", method="POST", body=asked)
    new = told["row"]
    assert_row(new)
    assert (new["name"], new["path"], new["cell"]) == ("once more", row["path"], row["cell"])

    async def over() -> bool:
        return bool((await server.rows())[new["id"]]["state"] == "COMPLETED")

    await until(over, "its end")
    text = (await server.log(new["id"], row["store"]))["text"]
    assert text == "here\n"
    for options, why in (("--mem lots", "--mem"), ("--out x", "--out"), ("'", "closing quotation")):
        asked = {"store": row["store"], "options": options}
        status, said = await server.refused(
            "jobs", row["id"], "resubmit", method="POST", body=asked
        )
        assert (status, why in said) == (400, True)
