"""The magic's line: what it asks for, or what is wrong with it and what to write instead."""

from __future__ import annotations

import re

import pytest

from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.errors import OptionError
from nbsubmit.core.options import Grammar
from nbsubmit.core.spec import CellOptions, Mapped, Resources
from nbsubmit.core.splitting import listed

GRAMMAR = Grammar("%%slurm", OPTIONS, OWNED)


def parse(line: str) -> CellOptions:
    return GRAMMAR.parse(line)


def complaint(line: str) -> str:
    with pytest.raises(OptionError) as caught:
        parse(line)
    return str(caught.value)


def test_an_empty_line_asks_for_nothing() -> None:
    assert parse("") == parse("   ") == CellOptions()


RESOURCES = {
    "-c 4": Resources(cpus=4),
    "-c4": Resources(cpus=4),
    "--cpus-per-task 4": Resources(cpus=4),
    "--cpus-per-task=4": Resources(cpus=4),
    "-G 2": Resources(gpus="2"),
    "--gpus a100:2": Resources(gpus="a100:2"),
    "--gpus=a100:2,h100:1": Resources(gpus="a100:2,h100:1"),
    "--gpus=a100": Resources(gpus="a100"),
    "-G a100,h100:1": Resources(gpus="a100,h100:1"),
    "--mem 4G": Resources(memory_mib=4096),
    "--mem=500": Resources(memory_mib=500),
    "--mem=0": Resources(memory_mib=0),
    "-t 90m": Resources(time_seconds=5400),
    "-t90": Resources(time_seconds=5400),
    "--time=1-12:00:00": Resources(time_seconds=129600),
    "-t UNLIMITED": Resources(time_seconds=0),
    "--time=infinite": Resources(time_seconds=0),
    "-J train": Resources(name="train"),
    "--job-name='two words'": Resources(name="two words"),
    "--job-name=a=b": Resources(name="a=b"),
    "-c 4 -c 8": Resources(cpus=8),
    "-c 4 # -c 8, when it's free": Resources(cpus=4),
    "-c 4 --mem=1G -t 1h -G1 -J x": Resources("x", 4, "1", 1024, 3600),
}


@pytest.mark.parametrize("line", RESOURCES)
def test_a_resource_may_be_written_in_every_way_that_sbatch_takes(line: str) -> None:
    assert parse(line).resources == RESOURCES[line]


PASSED_ON: dict[str, dict[str, str | None]] = {
    "-p gpu": {"partition": "gpu"},
    "-pgpu": {"partition": "gpu"},
    "--partition=gpu,long": {"partition": "gpu,long"},
    "-A lab -q high": {"account": "lab", "qos": "high"},
    "-N 2 -n 8": {"nodes": "2", "ntasks": "8"},
    "-C 'a100&nvlink'": {"constraint": "a100&nvlink"},
    "-w node[01-03],node7": {"nodelist": "node[01-03],node7"},
    "--gres=gpu:a100:2": {"gres": "gpu:a100:2"},
    "--begin now+1hour": {"begin": "now+1hour"},
    "--signal=B:USR1@60": {"signal": "B:USR1@60"},
    "--dependency=afterok:1:2,singleton": {"dependency": "afterok:1:2,singleton"},
    # those that take no value
    "--requeue": {"requeue": None},
    "--hold --contiguous": {"hold": None, "contiguous": None},
    "-H": {"hold": None},
    "-Hs": {"hold": None, "oversubscribe": None},
    # those whose value may be left out
    "--exclusive": {"exclusive": None},
    "--exclusive=user": {"exclusive": "user"},
    "--exclusive -p gpu": {"exclusive": None, "partition": "gpu"},
    "--nice": {"nice": None},
    "--nice=-5": {"nice": "-5"},
    "-k": {"no-kill": None},
    "--no-kill=off": {"no-kill": "off"},
    # rare ones, not in the manual page
    "--cpu-freq=high": {"cpu-freq": "high"},
    "--threads-per-core 1": {"threads-per-core": "1"},
    "-m block:cyclic": {"distribution": "block:cyclic"},
    "--tres-per-task=cpu:4": {"tres-per-task": "cpu:4"},
}


@pytest.mark.parametrize("line", PASSED_ON)
def test_a_further_option_of_sbatch_passes_as_it_is(line: str) -> None:
    assert parse(line).resources == Resources(extra=PASSED_ON[line])


OWN = {
    "--in a": CellOptions(include=("a",)),
    "--in a,b --in c": CellOptions(include=("a", "b", "c")),
    "--in 'a, b'": CellOptions(include=("a", "b")),
    "--in a,a": CellOptions(include=("a",)),
    "--in *": CellOptions(include=("*",)),
    "--in '*'": CellOptions(include=("*",)),
    "--without big --without conn": CellOptions(exclude=("big", "conn")),
    "--out x,y": CellOptions(bring=("x", "y")),
    "--out none": CellOptions(bring=()),
    "--out=none": CellOptions(bring=()),
    "--as run": CellOptions(bind="run"),
    "--wait": CellOptions(wait=True),
    "--cancel-on-interrupt": CellOptions(wait=True, cancel_on_interrupt=True),
    "--dry-run": CellOptions(dry_run=True),
    "--no-panel": CellOptions(panel=False),
    "--quiet": CellOptions(quiet=True),
    "--debug": CellOptions(debug=True),
    "--python 'uv run python'": CellOptions(python="uv run python"),
    "--setup 'module load cuda/12' --setup 'ulimit -s 1'": CellOptions(
        setup=("module load cuda/12", "ulimit -s 1")
    ),
    "--setup='--not an option'": CellOptions(setup=("--not an option",)),
    "--env A=1": CellOptions(env={"A": "1"}),
    "--env A=1 --env B='two words' --env C=": CellOptions(
        env={"A": "1", "B": "two words", "C": ""}
    ),
    "--env URL=http://x/?a=b": CellOptions(env={"URL": "http://x/?a=b"}),
    "--by-value mine": CellOptions(by_value=("mine",)),
    "--by-value mine,pack.part --by-value mine,other": CellOptions(
        by_value=("mine", "pack.part", "other")
    ),
    "--env A=1 --env A=2": CellOptions(env={"A": "2"}),
}


@pytest.mark.parametrize("line", OWN)
def test_an_option_of_our_own_means_what_the_manual_says(line: str) -> None:
    assert parse(line) == OWN[line]


def test_the_order_of_options_does_not_matter() -> None:
    assert parse("-c 4 --wait -p gpu --in a") == parse("--in a -p gpu --wait -c 4")


@pytest.mark.parametrize("name", OWNED)
@pytest.mark.parametrize("form", ["--{}", "--{}=x", "-c 1 --{} x"])
def test_an_option_that_nbsubmit_sets_itself_is_refused_with_what_to_do(
    name: str, form: str
) -> None:
    said = complaint(form.format(name))
    assert said == f"%%slurm: --{name} cannot be set here. {OWNED[name]}"


ARRAYS = {
    "--map x=range(4)": CellOptions(maps=(Mapped(("x",), "range(4)"),)),
    "--map=x=[1,2]": CellOptions(maps=(Mapped(("x",), "[1,2]"),)),
    "--map 'x=[1, 2]'": CellOptions(maps=(Mapped(("x",), "[1, 2]"),)),
    "--map x=[1, 2] -c 4": CellOptions(Resources(cpus=4), maps=(Mapped(("x",), "[1, 2]"),)),
    "--map x=['a', \"b c\"]": CellOptions(maps=(Mapped(("x",), "['a', \"b c\"]"),)),
    "--map=x=f('a)', 1)": CellOptions(maps=(Mapped(("x",), "f('a)', 1)"),)),
    "--map x='range( 4 )'": CellOptions(maps=(Mapped(("x",), "range( 4 )"),)),
    "--map \"x=['a']\"": CellOptions(maps=(Mapped(("x",), "['a']"),)),
    "--map x={'a': 1}": CellOptions(maps=(Mapped(("x",), "{'a': 1}"),)),
    "--map a,b=zip(u,v)": CellOptions(maps=(Mapped(("a", "b"), "zip(u,v)"),)),
    "--map 'x=[y==1 for y in z]'": CellOptions(maps=(Mapped(("x",), "[y==1 for y in z]"),)),
    "--map x=a --map y=b --product": CellOptions(
        maps=(Mapped(("x",), "a"), Mapped(("y",), "b")), product=True
    ),
    "--map x=a --array %4": CellOptions(maps=(Mapped(("x",), "a"),), parallel=4),
    "--array 0-3": CellOptions(indices=(0, 1, 2, 3)),
    "-a 0-3": CellOptions(indices=(0, 1, 2, 3)),
    "-a1,3,5-7": CellOptions(indices=(1, 3, 5, 6, 7)),
    "--array=0-15:4": CellOptions(indices=(0, 4, 8, 12)),
    "--array 7": CellOptions(indices=(7,)),
    "--array 3,1,2-3": CellOptions(indices=(1, 2, 3)),
    "--array 0-9:5%2": CellOptions(indices=(0, 5), parallel=2),
    "--map x=a --pack 50": CellOptions(maps=(Mapped(("x",), "a"),), pack=50),
    "--pack=2 --array 0-2%4": CellOptions(indices=(0, 1, 2), parallel=4, pack=2),
    "--array 0-1 --pack 1 -n 4": CellOptions(Resources(extra={"ntasks": "4"}), indices=(0, 1)),
}


@pytest.mark.parametrize("line", ARRAYS)
def test_many_tasks_are_asked_for_by_elements_or_by_indices(line: str) -> None:
    assert parse(line) == ARRAYS[line]


NO_ARRAYS = {
    "--map x": "'x' is not NAME=EXPR",
    "--map x==1": "'x==1' is not NAME=EXPR",
    "--map x=": "what stands behind x= is empty",
    "--map 'x=  '": "what stands behind x= is empty",
    "--map =[1]": "'=[1]' is not NAME=EXPR",
    "--map 1x=[1]": "'1x' is not a name",
    "--map for=[1]": "'for' is not a name",
    "--map x.y=[1]": "'x.y' is not a name",
    "--map x=[1,": "no expression of Python",
    "--map x=a + b": "what is '+'?",
    "--map x=['a": "No closing quotation",
    "--map": "expected one argument",
    "--map x=a --map x=b": "x is given twice",
    "--map x,x=a": "x is given twice",
    "--map x=a --array 0-3": "both say how many tasks there are",
    "--product": "there is none",
    "--array %4": "of how many tasks",
    "--array ''": "it is empty",
    "--array 5-3": "ends before it begins",
    "--array 0-8:0": "the step of '0-8:0' is 0",
    "--array a": "'a' is no index",
    "--array 1,": "'' is no index",
    "--array -1": "'-1' is no index",
    "--array 0-3%0": "from 1 up",
    "--array 0-3%x": "from 1 up",
    "--array 0-99999999": "more than 1000000 tasks",
    "--map x=a --pack 0": "'0' is not a whole number from 1 up",
    "--map x=a --pack -3": "'-3' is not a whole number from 1 up",
    "--map x=a --pack 2.5": "'2.5' is not a whole number from 1 up",
    "--map x=a --pack": "expected one argument",
    "--pack 50": "of many tasks run in one allocation. Add --map, or --array",
    "--map x=a --pack 50 -n 4": "and --ntasks 4 asks for several. Leave out one of the two",
    "--map x=a --pack 50 --ntasks-per-node=2": "--ntasks-per-node 2 asks for several",
}


@pytest.mark.parametrize("line", NO_ARRAYS)
def test_what_is_no_array_is_told(line: str) -> None:
    assert NO_ARRAYS[line] in complaint(line)


def test_words_that_are_to_be_added_to_others_need_not_be_all() -> None:
    assert GRAMMAR.parse("", [["--pack", "3"]], whole=False).pack == 3
    assert GRAMMAR.parse("", [["--map", "x=a"], ["--pack", "3"]]).pack == 3
    with pytest.raises(OptionError, match="Add --map, or --array"):
        GRAMMAR.parse("", [["--pack", "3"]])


SHORT_OWNED = {"-o": "output", "-e": "error", "-D": "chdir", "-i": "input"}


@pytest.mark.parametrize("short", SHORT_OWNED)
def test_the_short_form_of_such_an_option_is_refused_with_the_same_words(short: str) -> None:
    assert OWNED[SHORT_OWNED[short]] in complaint(f"{short} x")


def test_the_value_of_another_option_is_not_taken_for_one() -> None:
    assert parse("--setup='--wrap is a word'").setup == ("--wrap is a word",)


UNKNOWN = {
    "--partitoin gpu": "--partition",
    "--cpu-per-task 3": "--cpus-per-task",
    "--gpu 1": "--gpus",
    "--memory=4G": "--mem",
    "--excluded n1": "--exclude",
    "--jobname x": "--job-name",
    "--dryrun": "--dry-run",
    "-exclusive": "--exclusive",
}


@pytest.mark.parametrize("line", UNKNOWN)
def test_an_unknown_option_is_answered_with_the_nearest(line: str) -> None:
    said = complaint(line)
    flag = re.split("[ =]", line)[0]
    assert said.startswith(f"%%slurm: there is no option {flag}. Did you mean ")
    assert UNKNOWN[line] in said


def test_an_option_is_never_completed_silently() -> None:
    said = complaint("--cpus 4")
    assert "there is no option --cpus. Did you mean --cpus-per-task or " in said
    assert complaint("--gpus-per 1").count(" --gpus-per-") == 3


@pytest.mark.parametrize("line", ["--zzzzzzzz", "-Z", "--"])
def test_an_option_unlike_any_is_answered_with_how_to_see_all(line: str) -> None:
    said = complaint(line)
    assert f"there is no option {line}" in said
    assert "?" in said


@pytest.mark.parametrize(
    ("line", "word"),
    [("x = 1", "x"), ("-c 4 --wait fit()", "fit()"), ("--wait yes", "yes"), ("4", "4")],
)
def test_a_stray_word_is_named_and_sent_below_the_line(line: str, word: str) -> None:
    assert complaint(line) == (
        f"%%slurm: what is {word!r}? Only options stand on this line; the code goes below it."
    )


BROKEN = {
    "-t 2 hours": "-t",
    "--mem 8 GB": "--mem",
    "--setup module load cuda": "--setup",
    "--setup=module load cuda": "--setup",
    "-c 4 model.fit()": "-c",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_word_behind_a_value_may_belong_to_it(line: str) -> None:
    said = complaint(line)
    assert "Only options stand on this line" in said
    assert f"What belongs to {BROKEN[line]} is written without spaces, or in quotes" in said


BAD_VALUES = {
    "-c x": ("-c/--cpus-per-task", "'x'", "a whole number from 1 up"),
    "-c 0": ("-c/--cpus-per-task", "'0'", "a whole number from 1 up"),
    "-c 1.5": ("-c/--cpus-per-task", "'1.5'", "a whole number from 1 up"),
    "--cpus-per-task=": ("-c/--cpus-per-task", "''", "a whole number from 1 up"),
    "-c -4": ("-c/--cpus-per-task", "'-4'", "a whole number from 1 up"),
    "-G 1.5": ("-G/--gpus", "'1.5'", "none of NUMBER, TYPE and TYPE:NUMBER"),
    "-G a100:": ("-G/--gpus", "'a100:'", "none of NUMBER, TYPE and TYPE:NUMBER"),
    "-G a100:x": ("-G/--gpus", "'a100:x'", "none of NUMBER, TYPE and TYPE:NUMBER"),
    "--mem lots": ("--mem", "'lots'", "write 4G, 500M or 1.5T"),
    "-t soon": ("-t/--time", "'soon'", "write 90m, 2h, 1d12h"),
    "-t 0": ("-t/--time", "'0'", "write 90m, 2h, 1d12h"),
    "--in a-b": ("--in", "'a-b'", "is not a name"),
    "--in a,*": ("--in", "'*'", "is not a name"),
    "--without 1st": ("--without", "'1st'", "is not a name"),
    "--out x.y": ("--out", "'x.y'", "is not a name"),
    "--as my job": ("%%slurm", "'job'", "Only options"),
    "--as 'my job'": ("--as", "'my job'", "is not a name"),
    "--as class": ("--as", "'class'", "is not a name"),
    "--by-value mine.py:": ("--by-value", "'py:'", "not a name"),
    "--by-value ./mine": ("--by-value", "not a name"),
    "--env A": ("--env", "'A'", "NAME=VALUE"),
    "--env 1A=2": ("--env", "'1A=2'", "NAME=VALUE"),
    "--env =2": ("--env", "'=2'", "NAME=VALUE"),
}


@pytest.mark.parametrize("line", BAD_VALUES)
def test_a_wrong_value_is_refused_with_what_which_and_what_next(line: str) -> None:
    said = complaint(line)
    for part in BAD_VALUES[line]:
        assert part in said


@pytest.mark.parametrize("line", ["-c", "--mem", "-p", "--in", "--as", "--env", "-p --wait"])
def test_a_value_that_is_missing_is_said_to_be(line: str) -> None:
    assert "expected one argument" in complaint(line)


@pytest.mark.parametrize("line", ["--wait=yes", "--requeue=1", "--debug=3"])
def test_a_value_too_many_is_said_to_be(line: str) -> None:
    flag, _, value = line.partition("=")
    said = complaint(line)
    assert flag in said
    assert repr(value) in said


@pytest.mark.parametrize("line", ["-J 'open", '-J "open', "--env A=it's", "-J back\\"])
def test_quotes_that_do_not_close_are_shown_with_the_line(line: str) -> None:
    said = complaint(line)
    assert said.startswith("%%slurm: No ")
    assert said.endswith(f"in: {line}")


def test_the_manual_lists_our_options_and_the_schedulers_with_what_they_do() -> None:
    page = GRAMMAR.help()
    listed = [option for option in OPTIONS if option.help]
    assert len(listed) > 20
    for option in listed:
        assert f"--{option.long}" in page
        assert option.help.split()[0] in page
    for ours in ("--in", "--without", "--out", "--as", "--wait", "--dry-run", "--mem", "--env"):
        assert ours in page
    assert page.startswith("usage: %%slurm [options]")


def test_the_manual_leaves_out_what_hardly_anybody_needs() -> None:
    assert "--thread-spec" not in GRAMMAR.help()
    assert parse("--thread-spec=1").resources.extra == {"thread-spec": "1"}


def test_completion_knows_every_flag_and_which_ones_want_a_value() -> None:
    flags = GRAMMAR.flags
    assert flags == sorted(set(flags))
    assert {"-c", "--cpus-per-task", "-p", "--partition", "--in", "--wait"} <= set(flags)
    wants = {"-c", "--mem", "-p", "--in", "--env", "--gres"}
    does_not = {"--wait", "--requeue", "--exclusive", "--no-panel", "--unheard-of", ""}
    assert {flag for flag in wants | does_not if GRAMMAR.takes_value(flag)} == wants


def test_a_grammar_without_a_scheduler_knows_the_common_options_only() -> None:
    plain = Grammar("%%local")
    assert plain.parse("-c 2 --wait") == CellOptions(Resources(cpus=2), wait=True)
    with pytest.raises(OptionError, match="%%local: there is no option --partition"):
        plain.parse("--partition gpu")


# Every long option in the manual of sbatch 22.05.
MANUAL = """
account acctg-freq array batch bb bbf begin chdir cluster-constraint clusters comment constraint
container contiguous core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline
delay-boot dependency distribution error exclude exclusive export export-file extra-node-info
get-user-env gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags
help hint hold ignore-pbs input job-name kill-on-invalid-dep licenses mail-type mail-user mcs-label
mem mem-bind mem-per-cpu mem-per-gpu mincpus network nice no-kill no-requeue nodefile nodelist
nodes ntasks ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket open-mode output
overcommit oversubscribe parsable partition power prefer priority profile propagate qos quiet
reboot requeue reservation signal sockets-per-node spread-job switches test-only thread-spec
threads-per-core time time-min tmp uid usage use-min-nodes verbose version wait wait-all-nodes
wckey wrap
"""


@pytest.mark.parametrize("name", re.findall(r"\S+", MANUAL))
def test_every_option_in_sbatchs_manual_is_taken_or_has_an_answer(name: str) -> None:
    assert f"--{name}" in GRAMMAR.flags or name in OWNED


def test_of_names_with_commas_between_them_empty_ones_are_none() -> None:
    assert listed(" a, b.c ,,") == ("a", "b.c")
    assert listed("") == ()
