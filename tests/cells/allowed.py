"""All that may differ between a cell that ran here and one that ran in a job, with the reasons.

Everything else that differs is a bug.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import types
from typing import Any

# The shell's own names. `display` is a builtin of every notebook, imported or not. Names that begin
# with an underscore, which stay on the node as the manual says, are not looked at either.
UNCOUNTED = {"In", "Out", "exit", "quit", "get_ipython", "open", "display"}

# Open or closed, a handle of the operating system or a frozen frame means nothing elsewhere, and
# stays on the node: ``with open(...) as file`` leaves a closed file behind in a plain notebook.
# A match of a regular expression cannot be made but by matching.
_HANDLES = (
    io.TextIOWrapper,
    io.BufferedIOBase,
    io.FileIO,
    sqlite3.Connection,
    sqlite3.Cursor,
    types.GeneratorType,
    re.Match,
    type(csv.reader(())),
    type(csv.writer(io.StringIO())),
)


def stays_on_the_node(value: Any) -> bool:
    """Tell whether a name with this value may be missing after a job."""
    return isinstance(value, _HANDLES) and not isinstance(value, io.BytesIO)


# Attributes, and keys of the results of a search, that are not the same in two plain kernels.
NOT_COMPARED = {
    "_stop_words_id",  # scikit-learn's vectorizers keep the address of an object
    "refit_time_", "mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time",
    "_deprecated_key_to_warnings",  # scikit-learn's Bunch leaves it out of its own pickle
}  # fmt: skip


# What is in an output only because of where and when it was made.
_WHERE_AND_WHEN = (
    (r"\b0x[0-9a-f]{6,}", "0x…"),  # an address
    (r"ipykernel_\d+/\d+\.py", "ipykernel/cell.py"),  # the process, and a hash of magic and cell
    (r"\(\d+\.py, line", "(cell.py, line"),
    (r"(CPU times: ).*|(Wall time: ).*", r"\1\2…"),  # %time
    (r"[\d.]+ \S+ ± [\d.]+ \S+ per loop \(mean", "… per loop (mean"),  # %timeit
    (r"\[\d\d:\d\d<[^\]]*\]", "[…]"),  # a progress bar's clock
    (r"(sk-(?:container|estimator)-id-)[\w-]+", r"\1…"),  # scikit-learn counts its displays
    (r"\bT_[0-9a-f]{5}", "T_…"),  # pandas gives each styled table a random name
)
_PATTERNS = [(re.compile(pattern), instead) for pattern, instead in _WHERE_AND_WHEN]

# A bar is redrawn when enough time has passed: only its last state counts.
_OLD_BAR = re.compile(r"\r[^\r\n]*\d+/\d+ \[[^\]]*\] *(?=\r)")


def without_where_and_when(text: str) -> str:
    """Take out of an output what can never be the same twice."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return _OLD_BAR.sub("", text)


# In a traceback the expression that was running is marked if it can be found in the bytecode, and
# that depends on how often the code has run in this process: a library's line is marked at the
# first error and not at the tenth.
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def without_colours(text: str) -> str:
    """Take the colours out of a traceback."""
    return _COLOUR.sub("", text)
