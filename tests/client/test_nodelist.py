"""Slurm's short form of a list of hosts, in all its forms."""

from __future__ import annotations

import subprocess

import pytest

from nbsubmit.client.nodelist import SlurmParseException, expand
from nbsubmit.sandbox.sandbox import Sandbox

LISTS = {
    "": [],
    "a": ["a"],
    "a,b-1,c.d": ["a", "b-1", "c.d"],
    "node[1-3]": ["node1", "node2", "node3"],
    "node[001-003,7]": ["node001", "node002", "node003", "node7"],
    "node[08-11]": ["node08", "node09", "node10", "node11"],
    "node[8-11]": ["node8", "node9", "node10", "node11"],
    "node[5]": ["node5"],
    "other[1-2]-ib": ["other1-ib", "other2-ib"],
    "r[1-2]n[01-02]": ["r1n01", "r1n02", "r2n01", "r2n02"],
    "node[001-002,7],other[1-2]-ib,a": [
        "node001", "node002", "node7", "other1-ib", "other2-ib", "a",
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", LISTS)
def test_a_list_is_written_out(text: str) -> None:
    assert expand(text) == LISTS[text]


def test_each_list_is_written_out_as_slurm_does(on_slurm: Sandbox) -> None:
    # What stands behind a bracket is only known to releases that number hosts so themselves.
    for text in (text for text in LISTS if text and "-ib" not in text):
        command = ["scontrol", "show", "hostnames", text]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert expand(text) == done.stdout.split(), text


WRONG = {
    "node[1-3": "cannot go on with '[1-3'",
    "node1-3]": "cannot go on with ']'",
    "[": "missing",
    "node[1-[2]]": "cannot go on",
    "node[]": "'' is neither",
    "node[a-b]": "'a-b' is neither",
    "node[1-2-3]": "'1-2-3' is neither",
    "node[3-1]": "'3-1' ends before it begins",
    "a,,b": "missing at ',b'",
    ",a": "missing",
    "a,": "cannot go on with ','",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_list_is_refused_and_it_is_said_why(text: str) -> None:
    with pytest.raises(SlurmParseException, match="is no list of hosts") as raised:
        expand(text)
    assert WRONG[text] in str(raised.value)
