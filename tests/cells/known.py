"""The cells that still leave something else after a job, by notebook and number, with the reason.

Each is a fault that is known and not yet mended. One that is mended has to leave this list: the
test says so.
"""

from __future__ import annotations

_VIEW = "a view that the job makes of an array that it was sent comes home apart from it"
_WRITTEN = "a later write through such a view is not seen by the array"

KNOWN: dict[str, dict[int, str]] = {
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
        # pickle writes a text once if it is one object. pandas interns the names of an index with
        # those of the columns in one process, and nobody can tell that from two equal texts.
        12: "the bytes of a pickle tell which texts are one object",
        # The index of one frame is that of another, which the cell does not name. A frame comes
        # back as another one; to give the old one's index another content would go past pandas,
        # which keeps hashes and views of it.
        20: "a part that two frames share is changed in the one that was sent",
    },
    "signals": {4: _VIEW, 11: _VIEW},
}
