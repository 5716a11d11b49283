"""Exceptions ↔ what they hold, without a call of their ``__init__``."""

from __future__ import annotations

import copy
import types
from typing import Any


def has_own_init(kind: type[BaseException]) -> bool:
    """Tell whether pickling would call an ``__init__`` that may not take the exception's args."""
    if kind.__reduce__ is not BaseException.__reduce__ or kind.__reduce_ex__ is not _REDUCE_EX:
        return False
    return isinstance(kind.__init__, types.FunctionType)


_REDUCE_EX = BaseException.__reduce_ex__


def make_exception(
    kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> BaseException:
    """Build an exception as it is, not as it was made."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


def copy_of_exception(error: BaseException) -> BaseException:
    """Return an exception like this one, without running code of its own.

    Raises
    ------
    Exception
        Whatever its class raises.
    """
    if has_own_init(type(error)):
        return make_exception(type(error), error.args, vars(error))
    return copy.copy(error)
