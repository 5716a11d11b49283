"""The cells that still leave something else after a job, by notebook and number, with the reason.

Each is a fault that is known and not yet mended. One that is mended has to leave this list: the
test says so.
"""

from __future__ import annotations

_PROCESS = "variables of the environment, the folder and %precision are each process's own"
_DEFINITION = "an attribute that a decorator gives to a definition is not quite as it was"

KNOWN: dict[str, dict[int, str]] = {
    "ambient_state": {
        2: "the seed of a module that only the job has loaded",
        3: "the seed of a module that only the job has loaded",
        11: _PROCESS,
        13: _PROCESS,
        14: _PROCESS,
        15: _PROCESS,
        16: _PROCESS,
        22: "handlers of a logger that is not the root",
    },
    "classes": {1: _DEFINITION},
    "dates_and_numbers": {13: "a memoryview is bytes after a job"},
    "errors": {
        22: "an error of syntax is told by nbsubmit, for nothing was sent",
        23: "an exception that was raised keeps the job's traceback as its cause",
    },
    "files": {10: _DEFINITION},
    "functions": {
        5: "of two closures that share a variable only the one that was sent sees the change",
        7: _DEFINITION,
        8: _DEFINITION,
    },
    "logs": {2: _DEFINITION},
    "more_pandas": {
        12: "the bytes of a pickle tell which texts are one object",
        20: "a part that two frames share is changed in the one that was sent",
    },
    "optimisation": {9: "a frozen distribution has its own copy of numpy's source of chance"},
}
