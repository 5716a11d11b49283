"""Load what can be loaded of a stream in which some value cannot be rebuilt.

One stream has one memo, so a value that fails cannot be passed over by the quick unpickler. This
one is written in Python: where something cannot be rebuilt it goes on with a stand-in, and says
of each value whether a stand-in is in it. It runs only after the quick one has failed.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, ClassVar

from nbsubmit.core.pickling import Lookup, Reference


class Broken:
    """Stands in for what could not be rebuilt, and bears whatever is done to it."""

    def __call__(self, *_args: object, **_options: object) -> Broken:
        return self

    def _ignore(self, *_args: object, **_options: object) -> None:
        return None

    append = extend = update = add = __setitem__ = __setstate__ = _ignore


BROKEN = Broken()


# Its inner parts are not in the type stubs.
_Unpickler: Any = pickle._Unpickler


class Salvager(_Unpickler):  # type: ignore[misc]
    """Unpickles values one after another, the broken ones too.

    Parameters
    ----------
    file : file
        The stream.
    buffers : iterable
        Its buffers.
    reference : callable
        Name → the object that was sent by this name.

    Attributes
    ----------
    complaint : str
        What went wrong in the value that was loaded last; empty if nothing did.
    """

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(_Unpickler.dispatch)
    complaint = ""

    def __init__(self, file: BinaryIO, buffers: Iterable[Any], reference: Lookup) -> None:
        super().__init__(file, buffers=buffers)
        self._reference = reference

    def persistent_load(self, name: Reference) -> Any:
        return self._reference(name)

    def load(self) -> Any:
        self.complaint = ""
        return super().load()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except Exception as error:
            return self.broken(error)

    def broken(self, error: Exception) -> Broken:
        """Note what went wrong first, and return the stand-in."""
        self.complaint = self.complaint or f"{type(error).__name__}: {error}"
        return BROKEN

    def reduce(self) -> None:
        stack: list[Any] = self.stack
        arguments = stack.pop()
        try:
            stack[-1] = stack[-1](*arguments)
        except Exception as error:
            stack[-1] = self.broken(error)

    def newobj(self) -> None:
        stack: list[Any] = self.stack
        arguments, kind = stack.pop(), stack.pop()
        try:
            stack.append(kind.__new__(kind, *arguments))
        except Exception as error:
            stack.append(self.broken(error))

    def newobj_ex(self) -> None:
        stack: list[Any] = self.stack
        options, arguments, kind = stack.pop(), stack.pop(), stack.pop()
        try:
            stack.append(kind.__new__(kind, *arguments, **options))
        except Exception as error:
            stack.append(self.broken(error))

    def build(self) -> None:
        instance = self.stack[-2]
        try:
            self.load_build()
        except Exception as error:
            # Whoever refers to it later must not get it half built.
            for key, value in self.memo.items():
                if value is instance:
                    self.memo[key] = BROKEN
            self.stack[-1] = self.broken(error)


def _checked(load: Callable[..., None]) -> Callable[..., None]:
    """Have a step that takes something from the memo notice when that is a stand-in."""

    def step(self: Salvager) -> None:
        load(self)
        if self.stack[-1] is BROKEN:
            self.broken(ValueError("it shares a part that could not be rebuilt"))

    return step


for _code in (pickle.GET, pickle.BINGET, pickle.LONG_BINGET):
    Salvager.dispatch[_code[0]] = _checked(Salvager.dispatch[_code[0]])
Salvager.dispatch |= {
    pickle.REDUCE[0]: Salvager.reduce,
    pickle.NEWOBJ[0]: Salvager.newobj,
    pickle.NEWOBJ_EX[0]: Salvager.newobj_ex,
    pickle.BUILD[0]: Salvager.build,
}
