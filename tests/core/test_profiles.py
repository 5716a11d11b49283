"""Options of configuration files are those of a cell's line, and checked as those are."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.errors import ConfigError
from nbsubmit.core.options import Grammar
from nbsubmit.core.profiles import Said, chosen, merged, words

GRAMMAR = Grammar("%%slurm", OPTIONS, OWNED)


def said(**options: Any) -> dict[str, Said]:
    return {
        name.replace("_", "-"): Said(value, "f.toml, line 3") for name, value in options.items()
    }


WORDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text": ({"partition": "gpu"}, ["--partition=gpu"]),
    "a number": ({"cpus_per_task": 4}, ["--cpus-per-task=4"]),
    "true": ({"hold": True}, ["--hold"]),
    "true, of what may have a value": ({"exclusive": True}, ["--exclusive"]),
    "a value of what may have one": ({"exclusive": "user"}, ["--exclusive=user"]),
    "false": ({"hold": False, "partition": False}, []),
    "a list": ({"setup": ["a b", "c"]}, ["--setup=a b", "--setup=c"]),
    "a table": ({"env": {"A": 1, "B": "x y"}}, ["--env=A=1", "--env=B=x y"]),
    "a time of TOML": ({"time": datetime.time(2, 30)}, ["--time=02:30:00"]),
    "what excludes another, the later": ({"mem": "4G", "mem_per_cpu": "1G"}, ["--mem-per-cpu=1G"]),
    "what is taken back excludes nothing": ({"mem": "4G", "mem_per_cpu": False}, ["--mem=4G"]),
}


@pytest.mark.parametrize("case", WORDS)
def test_options_are_words_of_a_line(case: str) -> None:
    given, expected = WORDS[case]
    assert words(said(**given), GRAMMAR) == expected


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is nearly one": (
        {"partion": "x"},
        "there is no option 'partion'. Did you mean partition? Options are named",
    ),
    "a letter": ({"p": "x"}, "write partition for p"),
    "what nbsubmit sets": ({"output": "x"}, "output cannot be set. The output goes to the job's"),
    "what one cell asks for": ({"map": "x=y"}, "map is for the line of a cell, not for all jobs"),
    "a profile in a profile": ({"profile": "x"}, "profile is for the line of a cell"),
    "a wrong value": ({"mem": "much"}, "argument --mem: 'much' is not an amount of memory"),
    "no value": ({"mem": True}, "mem needs a value, and true is none"),
    "a value too many": ({"hold": "yes"}, "hold takes true or false, not 'yes'"),
    "a list of what is one": ({"partition": ["a", "b"]}, 'are written partition = "a,b"'),
    "a table of what is none": ({"mem": {"a": 1}}, "mem is no table; only env is"),
    "a table in a list": (
        {"setup": [{"a": 1}]},
        "setup cannot be {'a': 1}; write text or a number",
    ),
    "a wrong name even if it is taken back": ({"partion": False}, "there is no option 'partion'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_with_where_it_stands(case: str) -> None:
    given, expected = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        words(said(**given), GRAMMAR)
    assert str(caught.value).startswith("f.toml, line 3: ")
    assert expected in str(caught.value)


def test_the_line_has_the_last_word_and_what_repeats_adds_up() -> None:
    before = [["--mem=4G", "--env=A=1", "--partition=a"], ["--mem=8G", "--setup=x"]]
    found = GRAMMAR.parse("--partition b --env B=2 --setup y", before)
    assert found.resources.memory_mib == 8192
    assert found.resources.extra == {"partition": "b"}
    assert found.env == {"A": "1", "B": "2"}
    assert found.setup == ("x", "y")


LAST_WORD = {
    "--mem-per-cpu 1G": (["--mem=4G"], {"mem-per-cpu": "1G"}),
    "--mem 1G": (["--mem-per-gpu=4G"], {}),
    "--no-requeue": (["--requeue"], {"no-requeue": None}),
    "-s": (["--exclusive"], {"oversubscribe": None}),
}


@pytest.mark.parametrize("line", LAST_WORD)
def test_what_the_line_says_excludes_what_cannot_stand_beside_it(line: str) -> None:
    before, extra = LAST_WORD[line]
    assert GRAMMAR.parse(line, [before]).resources.extra == extra


def test_a_cell_may_not_wait_though_all_others_do() -> None:
    assert GRAMMAR.parse("--no-wait", [["--wait"]]).no_wait
    assert not GRAMMAR.parse("--no-wait", [["--cancel-on-interrupt"]]).wait


def test_every_option_that_a_file_may_set_is_one() -> None:
    assert {"partition", "mem", "setup", "env", "wait", "python"} <= {*GRAMMAR.configurable}
    assert {"output", "map", "as", "profile"}.isdisjoint(GRAMMAR.configurable)


def test_what_the_upper_set_says_stands_behind() -> None:
    lower, upper = said(mem="1G", partition="a"), said(mem_per_cpu="1G", partition="b")
    assert [*merged(lower, upper)] == ["mem", "mem-per-cpu", "partition"]
    assert [*words(merged(lower, upper), GRAMMAR)] == ["--mem-per-cpu=1G", "--partition=b"]


def test_profiles_are_chosen_in_their_order_and_none_is_none() -> None:
    profiles = {"a": said(mem="1G"), "b": said(mem="2G")}
    assert [name for name, _ in chosen(["b", "none", "a"], profiles, "f.toml")] == ["b", "a"]
    with pytest.raises(ConfigError, match=r"no profile 'c'. There are: a, b"):
        chosen(["c"], profiles, "f.toml")
    with pytest.raises(ConfigError, match=r"no profile 'bigg'. Did you mean big\? There are: big"):
        chosen(["bigg"], {"big": {}}, "f.toml")
    with pytest.raises(ConfigError, match=r'write one below  .profiles."c".  in f.toml'):
        chosen(["c"], {}, "f.toml")
