"""A launch → the text that sbatch reads, and the shell script below it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends import script
from nbsubmit.backends.slurm.script import batch_script, comment
from nbsubmit.core.errors import OptionError
from nbsubmit.core.spec import Launch, Resources

MakeLaunch = Callable[..., Launch]


def directives(text: str) -> dict[str, str | None]:
    """The options as sbatch reads them: one a line, quotes taken off, a backslash an escape."""
    found: dict[str, str | None] = {}
    for line in text.splitlines():
        if line.startswith("#SBATCH "):
            name, equals, value = line.removeprefix("#SBATCH --").partition("=")
            found[name] = unquoted(value) if equals else None
    return found


def unquoted(value: str) -> str:
    """As sbatch takes a value apart, whose backslash escapes inside single quotes as well."""
    out, quote, rest = "", "", iter(value)
    for character in rest:
        if character == "\\":
            out += next(rest, "")
        elif quote:
            quote, out = ("", out) if character == quote else (quote, out + character)
        elif character in "'\"":
            quote = character
        else:
            out += character
    assert not quote, f"the quotes of {value} do not close"
    return out


def asks_for(launch: Launch) -> dict[str, str | None]:
    ours = ("comment", "output", "error", "open-mode")
    return {k: v for k, v in directives(batch_script(launch)).items() if k not in ours}


# Options

RESOURCES: dict[str, tuple[Resources, dict[str, str | None]]] = {
    "nothing": (Resources(), {"job-name": "nbsubmit"}),
    "a name": (Resources(name="train"), {"job-name": "train"}),
    "cpus": (Resources(cpus=4), {"job-name": "nbsubmit", "cpus-per-task": "4"}),
    "gpus": (Resources(gpus="a100:2"), {"job-name": "nbsubmit", "gpus": "a100:2"}),
    "memory": (Resources(memory_mib=4096), {"job-name": "nbsubmit", "mem": "4096M"}),
    "all memory": (Resources(memory_mib=0), {"job-name": "nbsubmit", "mem": "0M"}),
    "time": (Resources(time_seconds=5400), {"job-name": "nbsubmit", "time": "0-01:30:00"}),
    "more": (
        Resources(extra={"partition": "gpu,long", "requeue": None, "nice": "-5"}),
        {"job-name": "nbsubmit", "partition": "gpu,long", "requeue": None, "nice": "-5"},
    ),
}


@pytest.mark.parametrize("kind", RESOURCES)
def test_what_is_asked_for_stands_in_the_script_and_nothing_else(
    make_launch: MakeLaunch, kind: str
) -> None:
    resources, expected = RESOURCES[kind]
    assert asks_for(make_launch(resources=resources)) == expected


def test_logs_and_comment_are_ours(make_launch: MakeLaunch) -> None:
    launch = make_launch()
    found = directives(batch_script(launch))
    assert found["output"] == str(launch.log_out)
    assert found["error"] == str(launch.log_err)
    assert found["open-mode"] == "append"
    assert found["comment"] == comment(launch.id) == f"nbsubmit:{launch.id}"


def test_a_pack_has_a_number_a_log_and_an_exit_code_of_its_own(make_launch: MakeLaunch) -> None:
    launch = make_launch(count=2, first=4, part=4, pack=50, command=("sh", "-c", "env; exit 3"))
    text = batch_script(launch)
    found = directives(text)
    assert found["array"] == "0-1"
    assert found["output"] == f"{launch.folder}/logs/pack-1+%a.out"
    assert found["error"] == f"{launch.folder}/logs/pack-1+%a.err"
    of_slurm = "SLURM_ARRAY_JOB_ID=17\nSLURM_ARRAY_TASK_ID=1\nexport NBSUBMIT_TASK=9\n"
    printed = run(launch, of_slurm + text).stdout.splitlines()
    assert "NBSUBMIT_PACK=5" in printed
    assert not any(line.startswith("NBSUBMIT_TASK=") for line in printed)
    assert (launch.folder / "packs" / "5" / "exit").read_text() == "3"
    plain = batch_script(make_launch(count=2))
    assert "unset NBSUBMIT_TASK NBSUBMIT_RANK NBSUBMIT_PACK" in plain
    assert "export NBSUBMIT_PACK" not in plain


def test_a_job_that_waits_for_others_ends_if_they_fail(make_launch: MakeLaunch) -> None:
    waits = Resources(extra={"dependency": "afterok:17"})
    assert asks_for(make_launch(resources=waits))["kill-on-invalid-dep"] == "yes"
    assert "kill-on-invalid-dep" not in asks_for(make_launch())


def test_jobs_to_start_after_stand_beside_those_that_the_user_names(
    make_launch: MakeLaunch,
) -> None:
    own = Resources(extra={"dependency": "after:1"})
    found = asks_for(make_launch(resources=own, after=("2", "3_1"), after_any=("4",)))
    assert found["dependency"] == "after:1,afterok:2:3_1,afterany:4"
    found = asks_for(make_launch(after=("5",)))
    assert found["dependency"] == "afterok:5"
    assert found["kill-on-invalid-dep"] == "yes"


def test_a_job_that_asks_for_another_run_is_queued_again_also_where_none_is(
    make_launch: MakeLaunch,
) -> None:
    text = batch_script(make_launch())
    asks, update, queue = (
        text.index(words) for words in ("requeue.json", "Requeue=1", "scontrol requeue")
    )
    assert asks < update < queue
    assert "requeue_failed" in text[queue:]


def test_whoever_wants_no_other_run_gets_none(make_launch: MakeLaunch) -> None:
    never = Resources(extra={"no-requeue": None})
    assert "Requeue=1" not in batch_script(make_launch(resources=never))


def test_whoever_wants_it_to_wait_for_ever_may(make_launch: MakeLaunch) -> None:
    waits = Resources(extra={"dependency": "afterok:17", "kill-on-invalid-dep": "no"})
    text = batch_script(make_launch(resources=waits))
    assert text.count("kill-on-invalid-dep") == 1
    assert asks_for(make_launch(resources=waits))["kill-on-invalid-dep"] == "no"


def test_the_options_stand_before_the_first_command(make_launch: MakeLaunch) -> None:
    lines = batch_script(make_launch()).splitlines()
    assert lines[0] in ("#!/bin/bash", "#!/usr/bin/bash", "#!/bin/sh")
    last = max(i for i, line in enumerate(lines) if line.startswith("#SBATCH"))
    assert all(line.startswith("#") for line in lines[: last + 1])


HOSTILE = (
    "with space", "it's", 'say "so"', "dollar$HOME`x`", "-dash", "a;b&c|d", "#hash", "ünï…",
    "*?[a]", "trailing ", "equals=sign",
)  # fmt: skip


@pytest.mark.parametrize("value", [*HOSTILE, "back\\slash", "\\", "per%cent"])
def test_a_value_reaches_sbatch_as_it_was_written(make_launch: MakeLaunch, value: str) -> None:
    resources = Resources(name=value, extra={"constraint": value})
    found = asks_for(make_launch(resources=resources))
    assert (found["job-name"], found["constraint"]) == (value, value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_may_have_any_name(make_launch: MakeLaunch, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    found = directives(batch_script(make_launch(folder)))
    assert found["output"] == str(folder / "log.out")


def test_sbatch_replaces_nothing_in_the_name_of_a_log(
    make_launch: MakeLaunch, tmp_path: Path
) -> None:
    found = directives(batch_script(make_launch(tmp_path / "100%j")))
    assert found["output"] == str(tmp_path / "100%%j" / "log.out")
    assert found["error"] == str(tmp_path / "100%%j" / "log.err")


CONTROL = ["a\nb", "a\n#SBATCH --uid=0", "a\rb", "a\0b", "a\tb", "a\x1b[0m", "a\x7f", "\n"]


@pytest.mark.parametrize("value", CONTROL)
def test_a_value_that_would_end_the_line_is_refused(make_launch: MakeLaunch, value: str) -> None:
    for resources, option in (
        (Resources(name=value), "job-name"),
        (Resources(gpus=value), "gpus"),
        (Resources(extra={"qos": value}), "qos"),
    ):
        with pytest.raises(OptionError, match=f"--{option}: .*line break or a control"):
            batch_script(make_launch(resources=resources))


def test_a_folder_whose_name_would_end_the_line_is_refused(
    make_launch: MakeLaunch, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"--output: .* holds a line break"):
        batch_script(make_launch(tmp_path / "new\nline"))


# The shell script


def run(launch: Launch, text: str | None = None) -> subprocess.CompletedProcess[str]:
    launch.folder.mkdir(exist_ok=True)
    body = text if text is not None else script.body(launch)
    file = launch.folder / "script.sh"
    file.write_text(body)
    return subprocess.run([script.shell(), str(file)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["plain", *HOSTILE, "back\\slash", "new\nline", "per%cent"])
def test_the_script_runs_the_command_and_leaves_its_exit_code(
    make_launch: MakeLaunch, tmp_path: Path, name: str
) -> None:
    words = ("printf", "<%s>", "two words", name, "$HOME")
    launch = make_launch(tmp_path / name, command=words)
    done = run(launch)
    assert done.stdout == f"<two words><{name}><$HOME>"
    assert launch.exit_file.read_text() == "0"
    assert sorted(p.name for p in launch.folder.iterdir()) == ["exit", "script.sh"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -KILL $$"), 137),
        (("/no/such/python",), 127),
        (("/etc/passwd",), 126),
    ],
)
def test_however_the_command_ends_its_exit_code_is_left(
    make_launch: MakeLaunch, command: tuple[str, ...], code: int
) -> None:
    launch = make_launch(command=command)
    assert run(launch).returncode == code
    assert launch.exit_file.read_text() == str(code)


def test_what_the_script_leaves_is_the_users_alone(make_launch: MakeLaunch, tmp_path: Path) -> None:
    launch = make_launch(command=("sh", "-c", f"touch {shlex.quote(str(tmp_path / 'made'))}"))
    run(launch)
    assert launch.exit_file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_setup_lines_run_first_in_the_same_shell(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        command=("sh", "-c", 'echo "$MADE"'), setup=("MADE='by the setup'", "export MADE")
    )
    assert run(launch).stdout == "by the setup\n"


def test_a_setup_line_that_fails_ends_the_job_with_its_exit_code(make_launch: MakeLaunch) -> None:
    launch = make_launch(command=("echo", "ran"), setup=("sh -c 'exit 3'", "echo second"))
    done = run(launch)
    assert (done.stdout, done.returncode) == ("", 3)
    assert launch.exit_file.read_text() == "3"


def test_a_command_that_fails_is_not_taken_for_a_setup_line(make_launch: MakeLaunch) -> None:
    launch = make_launch(command=("sh", "-c", "exit 4"), setup=("true",))
    assert run(launch).returncode == 4
    assert launch.exit_file.read_text() == "4"


def test_the_job_is_told_by_what_name_slurm_knows_its_node(make_launch: MakeLaunch) -> None:
    launch = make_launch(command=("sh", "-c", 'echo "$NBSUBMIT_NODE"'))
    text = f"SLURMD_NODENAME='n1'\n{batch_script(launch)}"
    assert run(launch, text).stdout == "n1\n"
    assert "NBSUBMIT_NODE" not in script.body(make_launch())


def test_no_variable_of_the_users_stands_in_the_script(make_launch: MakeLaunch) -> None:
    assert "hush" not in batch_script(make_launch(env={"TOKEN": "hush"}))
