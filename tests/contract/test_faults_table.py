"""README tells of the faults that are provoked, each in the words of the table that measures them.

Its times are those of a run of tests/cluster/faults, which prints the whole table; they decide
nothing here.
"""

from __future__ import annotations

import re

from tests.cluster.faults.table import HEAD, ROWS
from tests.modules import REPOSITORY


def test_readme_has_the_table_that_the_tests_print() -> None:
    text = (REPOSITORY / "README.md").read_text()
    table = text.partition("\n".join(HEAD) + "\n")[2].partition("\n\n")[0].splitlines()
    times = r"(?:under 1|\d+)?"
    for line, row in zip(table, ROWS, strict=True):
        assert re.fullmatch(rf"{re.escape(row.words)} {times} \| {times} \|", line), row.words
