"""The cells that still leave something else after a job, by notebook and number, with the reason.

Each is a fault that is known and not yet mended. One that is mended has to leave this list: the
test says so.
"""

from __future__ import annotations

_VIEW = "a view that the job makes of an array that it was sent comes home apart from it"
_WRITTEN = "a later write through such a view is not seen by the array"
_PROCESS = "variables of the environment, the folder and %precision are each process's own"

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
    "arrays_of_all_kinds": {
        2: _VIEW,
        3: _WRITTEN,
        4: _WRITTEN,
        10: _VIEW,
        11: _WRITTEN,
        12: _WRITTEN,
        14: "an array that was broadcast is an ordinary one after a job",
    },
    "classification": {13: _VIEW},
    "linear_algebra": {4: _VIEW, 5: _WRITTEN, 6: _WRITTEN, 9: _VIEW, 10: _WRITTEN},
    "more_pandas": {
        12: "the bytes of a pickle tell which texts are one object",
        20: "a part that two frames share is changed in the one that was sent",
    },
    "signals": {4: _VIEW, 11: _VIEW},
}
