"""No value gets out of its place on its way to a real sbatch: it arrives, or is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.core.errors import OptionError, Refused
from nbsubmit.core.sending import write_script
from nbsubmit.core.spec import CellOptions, Launch, Resources
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import Way, until

pytestmark = pytest.mark.slurm

# What could end a value, a line or a word, or stand for something else; and plain text around it.
PARTS = st.one_of(
    st.sampled_from(
        [
            "'", '"', "\\", "\n", "\r", "\0", "%", "%j", "%x", "%%", "$HOME", "`id`", "$(id)", " ",
            "\t", ";", "#", "\n#SBATCH --uid=0\n", "' --nice=7 '", '" --nice=7 "', "--nice=7", "=",
            ",", "\x1b]0;x\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "ü", "\udcff",
            "&", "|", "<", ">", "*", "~", "!", "{", "}", "(", ")", "[1-3]", "@", ":", "-", "\\n",
        ]
    ),
    st.text(max_size=3),
)  # fmt: skip
TEXTS = st.lists(PARTS, min_size=1, max_size=6).map("".join).filter(bool)

some = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Cluster:
    """Submits held jobs to a real Slurm and reads back what it has understood."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._backend = SlurmBackend()
        self._number = 0

    def launch(self, folder: Path | None = None, **resources: Any) -> Launch:
        self._number += 1
        place = folder or self._folder / f"job-{self._number}"
        place.mkdir(exist_ok=True)
        extra = {"hold": None, **resources.pop("extra", {})}
        return Launch(
            id="240102-030405-bcdf",
            folder=place,
            command=("true",),
            resources=Resources(**resources, extra=extra),
            working_directory=self._folder,
            log_out=place / "log.out",
            log_err=place / "log.err",
            exit_file=place / "exit",
        )

    def start(self, launch: Launch) -> str:
        """Submit a job as the product does, and return Slurm's id."""
        write_script(launch.folder / "script.sh", launch, self._backend)
        return self._backend.start(launch)

    def submit(self, launch: Launch) -> dict[str, str]:
        """Submit a held job, and return what Slurm knows of it."""
        handle = self.start(launch)
        try:
            text = self._sandbox.call("scontrol", "show", "job", handle)
            name = self._sandbox.call("squeue", "--noheader", f"--jobs={handle}", "--format=%j")
        finally:
            self._sandbox.call("scancel", handle)
        known = dict(re.findall(r"^ +(StdOut|StdErr|WorkDir|Comment)=(.*)$", text, re.MULTILINE))
        words = re.findall(r"(?:^| )(UserId|Nice|Partition|Dependency|JobState|Reason)=(\S*)", text)
        return {**dict(words), **known, "name": name.removesuffix("\n")}


@pytest.fixture
def cluster(on_slurm: Sandbox, tmp_path: Path) -> Cluster:
    return Cluster(on_slurm, tmp_path)


def is_refused(value: str) -> bool:
    """Whether a value cannot stand on a line that sbatch reads, or would be obeyed by terminals."""
    return re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value) is not None


def submitted(cluster: Cluster, launch: Launch, value: str) -> dict[str, str] | None:
    """What became of a launch with a value; None if it was refused, as it should be."""
    if is_refused(value):
        with pytest.raises(OptionError, match=r"control character|no text"):
            cluster.submit(launch)
        return None
    return cluster.submit(launch)


@some
@given(name=TEXTS)
@example(name="\n#SBATCH --nice=7\n")
@example(name='it\'s "100%" \\ done')
def test_a_jobs_name_is_all_of_its_name_and_nothing_else(cluster: Cluster, name: str) -> None:
    usual = cluster.submit(cluster.launch(name="usual"))
    found = submitted(cluster, cluster.launch(name=name), name)
    if found is not None:
        mine = {"name", "StdOut", "StdErr"}
        assert found["name"] == name
        assert {k: v for k, v in found.items() if k not in mine} == {
            k: v for k, v in usual.items() if k not in mine
        }


OPTIONS = (
    "partition", "account", "qos", "constraint", "reservation", "mail-user", "dependency",
    "nodelist", "exclude", "begin", "gres", "licenses", "wckey", "comment", "distribution",
)  # fmt: skip


@some
@given(option=st.sampled_from(OPTIONS), value=TEXTS)
@example(option="mail-user", value="a' --nice=7 'b")
@example(option="comment", value="x\n#SBATCH --nice=7")
def test_an_options_value_sets_that_option_or_is_refused(
    cluster: Cluster, option: str, value: str
) -> None:
    usual = cluster.submit(cluster.launch(name="usual"))
    try:
        found = submitted(cluster, cluster.launch(name="usual", extra={option: value}), value)
    except Refused:
        return
    if found is not None:
        assert found.pop("Comment").startswith("nbsubmit:240102-030405-bcdf")
        own = {"partition": "Partition", "dependency": "Dependency"}.get(option)
        others = {"Comment", "StdOut", "StdErr", "Reason", own}
        assert {k: v for k, v in found.items() if k not in others} == {
            k: v for k, v in usual.items() if k not in others
        }


@some
@given(option=TEXTS)
@example(option="nice=7\n#SBATCH --hold")
@example(option="nice 7")
@example(option="-uid")
def test_what_is_no_name_of_an_option_does_not_become_one(cluster: Cluster, option: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9][\w-]*", option, re.ASCII):
        return  # sbatch knows which there are
    with pytest.raises(OptionError, match="is no option of sbatch"):
        cluster.submit(cluster.launch(extra={option: "7"}))


def is_file_name(text: str) -> bool:
    return not set("/\0") & set(text) and len(os.fsencode(text)) < 200 and text.strip(".") != ""


def test_a_folders_name_stays_a_folders_name(cluster: Cluster, tmp_path: Path) -> None:
    """What Slurm replaces in the name of a log shows in where the log is."""
    known = ["100%j \\%x", "' --nice=7 '", "%%j", "\\", "a\\%j", "%5j%u%N", "it's", ' "a" ']
    names = {n for n in [*known, *values(60)] if is_file_name(n)}
    (tmp_path / "in").mkdir()
    launches = [cluster.launch(tmp_path / "in" / name) for name in sorted(names)]
    sent = []
    for launch in launches:
        said = replace(launch, command=("echo", "said"), resources=Resources())
        said = replace(said, working_directory=launch.folder)
        if is_refused(launch.folder.name):
            with pytest.raises(OptionError, match="--output: "):
                cluster.start(said)
        else:
            cluster.start(said)
            sent.append(launch)
    assert len(sent) > 20
    for launch in sent:
        until(launch.exit_file.exists, f"{launch.folder} has run")
        assert launch.log_out.read_text() == "said\n"
        files = sorted(path.name for path in launch.folder.iterdir())
        assert files == ["exit", "log.err", "log.out", "script.sh"]
    assert {path.name for path in (tmp_path / "in").iterdir()} == names


# Variables


def values(count: int) -> Iterator[str]:
    """Some texts that a variable may have, always the same."""
    found: list[str] = []

    @settings(max_examples=count, database=None, deadline=None, derandomize=True)
    @given(TEXTS)
    def collect(text: str) -> None:
        if "\0" not in text and not re.search("[\ud800-\udc7f\udd00-\udfff]", text):
            found.append(text)

    collect()
    return iter(found)


def test_variables_arrive_as_they_are_whatever_they_hold(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    sent = {f"V{number}": value for number, value in enumerate(values(80))}
    assert len(sent) > 40
    source = "import os\nfound = {name: os.environ.get(name) for name in sent}"
    job = make_way(started_backend).run(source, {"sent": list(sent)}, options=CellOptions(env=sent))
    assert job.exception() is None
    assert job.names["found"] == sent


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_no_variable_can_hold_is_refused_before_anything_is_written(
    make_way: Callable[..., Way], started_backend: str, value: str
) -> None:
    way = make_way(started_backend)
    with pytest.raises(OptionError, match="--env BAD: "):
        way.send("y = 1", options=CellOptions(env={"BAD": value}))
    assert not way.store.exists() or not list((way.store / "jobs").iterdir())


SEEN = """
import pathlib
lines = [p.read_bytes() for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
seen = sum(b"hush-" in line for line in lines)
"""


def test_no_secret_stands_where_others_can_see_it(
    make_way: Callable[..., Way],
    started_backend: str,
    on_slurm: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in a command line, which all on a node can list, nor in what Slurm tells or keeps."""
    monkeypatch.setenv("MY_TOKEN", "hush-of-the-notebook")
    options = CellOptions(env={"OTHER_TOKEN": "hush-of-the-line"}, resources=Resources(name="a"))
    way = make_way(started_backend)
    job = way.run(
        f"{SEEN}\nimport os\nboth = os.environ['MY_TOKEN'], os.environ['OTHER_TOKEN']\n",
        {"password": "hush-of-a-name"},
        options=replace(options, include=("password",)),
    )
    assert job.names["both"] == ("hush-of-the-notebook", "hush-of-the-line")
    assert job.names["seen"] == 0
    assert "hush-" not in job.folder.script_file.read_text()
    if started_backend == "slurm":
        told = on_slurm.call("scontrol", "show", "job", job.handle)
        told += on_slurm.call("scontrol", "write", "batch_script", job.handle, "-")
        assert "JobName=a" in told
        assert "#SBATCH" in told
        assert "hush-" not in told
