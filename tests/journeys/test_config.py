"""``%config NbSubmit`` and ``ipython_config.py`` say what holds, over the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

CONFIGURED = "profile_default/ipython_config.py"


def configure(folder: Path, lines: str) -> None:
    """Write the configuration of the kernels that start in this folder."""
    file = folder / "ipython" / CONFIGURED
    file.parent.mkdir(parents=True)
    file.write_text(f"c = get_config()\n{lines}\n")


def test_it_shows_what_the_environment_says_and_counts_for_more(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_WAIT="1", NBSUBMIT_SIZE_LIMIT="1M")
    assert kernel.run("%config NbSubmit.wait").result == "'always'"
    assert kernel.run("%config NbSubmit.size_limit").result == "'1M'"
    assert kernel.run("%config NbSubmit.folder").result == "'.nbsubmit'"
    assert kernel.run("%%local --quiet\n6 * 7").result == "42"
    kernel.run("%config NbSubmit.wait = 'never'")
    assert "Job" in kernel.run("%%local --quiet\n6 * 7").result


def test_ipythons_configuration_file_counts_for_more_than_the_environment(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    configure(tmp_path, "c.NbSubmit.wait = 'always'\nc.NbSubmit.folder = 'elsewhere'")
    kernel = start_kernel(NBSUBMIT_WAIT="never", NBSUBMIT_FOLDER="here")
    assert kernel.run("%%local --quiet\n6 * 7").result == "42"
    assert (tmp_path / "elsewhere" / "jobs").is_dir()
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("NbSubmit.wait = 'sometimes'", "'sometimes' is none of never, headless, always"),
        ("NbSubmit.poll_seconds = 'often'", "NbSubmit.poll_seconds='often' is not a number"),
        ("NbSubmit.size_limit = 'all'", "'all' is not an amount of memory"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_nothing_changes(
    start_kernel: Callable[..., Kernel], line: str, told: str
) -> None:
    kernel = start_kernel()
    name = line.partition(" ")[0]
    before = kernel.run(f"%config {name}").result
    ran = kernel.try_(f"%config {line}")
    assert told in ran.stdout + ran.stderr + ran.traceback
    assert kernel.run(f"%config {name}").result == before


def test_a_wrong_configuration_file_is_told_when_the_extension_is_loaded(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    configure(tmp_path, "c.NbSubmit.wait = 'sometimes'")
    kernel = start_kernel(loads=False)
    ran = kernel.try_("%load_ext nbsubmit")
    assert "NbSubmit.wait='sometimes' is none of never, headless, always" in ran.traceback


def test_a_folder_that_is_set_later_takes_the_next_job(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel()
    kernel.run("%%local --wait --quiet\nx = 1")
    kernel.run("%config NbSubmit.folder = 'later'")
    kernel.run("%%local --wait --quiet\ny = x + 1")
    assert kernel.run("print(y)").stdout == "2\n"
    assert len(list((tmp_path / "later" / "jobs").iterdir())) == 1


def test_the_manual_of_the_settings_has_a_word_on_each(
    start_kernel: Callable[..., Kernel],
) -> None:
    told = start_kernel().run("%config NbSubmit").stdout
    assert "NbSubmit.wait" in told
    assert "a program runs the notebook and nobody looks" in told
