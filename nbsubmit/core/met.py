"""What a pickler has met: asked about one object at a time, or listed by number.

To list all objects of a stream takes longer than to pickle them, 330 ms and 60 for 100,000 lists,
and most jobs end without anybody asking for one. To ask about one takes 3 µs.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from nbsubmit.core.everywhere import BUILTINS
from nbsubmit.core.garbage import uncollected

# What is no part worth a number, or merely holds another one for pickling.
_NO_PART = (str, bytes, int, float, tuple, frozenset, pickle.PickleBuffer)
# How an older stream says that an object is one that was there before.
_GET = (b"h", b"j")


class _LooksInside(Exception):
    """The pickler does not know the object."""


class Met(pickle.Pickler):
    """The objects that a pickler has met so far, with the numbers that they have in its stream.

    It holds them. It is a pickler itself: what another one has met can be handed over whole, and
    one that knows an object writes its number without looking at anything in it.

    Parameters
    ----------
    pickler : pickle.Pickler, optional
        The pickler; nothing is known if there is none.
    """

    def __init__(self, pickler: pickle.Pickler | None = None) -> None:
        self._answer = io.BytesIO()
        super().__init__(self._answer, protocol=2)
        if pickler is not None:
            self.memo = pickler.memo
        self.fast = True  # what is asked about is not added
        self._begun = False

    def __contains__(self, obj: Any) -> bool:
        self._begun = False
        self._answer.seek(0)
        self._answer.truncate()
        try:
            self.dump(obj)
        except Exception:
            return False
        return self._answer.getvalue()[2:3] in _GET

    def persistent_id(self, _obj: Any) -> None:
        """Let the object itself pass, and nothing in it."""
        if self._begun:
            raise _LooksInside
        self._begun = True

    def reducer_override(self, _obj: Any) -> Any:
        """Do not ask an object how it is to be pickled."""
        raise _LooksInside

    def parts(self) -> dict[int, Any]:
        """The objects by their numbers; they have the same numbers where they are loaded."""
        with uncollected():
            found = self.memo.copy().values()
            return {
                number: part
                for number, part in found
                if not isinstance(part, _NO_PART) and part is not BUILTINS
            }
