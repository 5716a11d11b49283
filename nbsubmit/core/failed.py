"""An exception as what it is and as a failed job's, so that whoever expects either catches it.

``except KeyError`` and ``except FailedJobError`` both catch a `KeyError` of a job: it is of a class
made of the two, which looks like a `KeyError` in every other respect.
"""

from __future__ import annotations

import types
from abc import ABCMeta
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from nbsubmit.core.errors import FailedJobError

# By the id of the original class, which the combined one keeps alive.
_combined: WeakValueDictionary[int, type[FailedJobError]] = WeakValueDictionary()
_ORIGINAL = "_nbsubmit_original"
_OURS = [kind for kind in FailedJobError.__mro__ if kind.__module__ == FailedJobError.__module__]
_OUR_METHODS = {n for k in _OURS for n, v in vars(k).items() if isinstance(v, types.FunctionType)}
_METACLASSES = (type, ABCMeta)
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not of Python itself
_NOT_COPIED = ("__dict__", "__weakref__")
_MEMBERS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_ARGS = vars(BaseException)["args"]
_SUPPRESS_CONTEXT = vars(BaseException)["__suppress_context__"]


def failed_as(error: BaseException, job_id: str = "", folder: Path | None = None) -> BaseException:
    """Return an exception that is this one and a `FailedJobError`.

    Parameters
    ----------
    error : BaseException
        What a function has raised; it stays as it is.
    job_id : str
        The job's id, an attribute of what is returned unless the exception has one by that name.
    folder : Path or None
        Where the job's files are, likewise.

    Returns
    -------
    BaseException
        With the same arguments, attributes, cause and notes. The exception itself if it is a
        failed job's already, if it is none that ``except Exception`` would catch, or if its class
        cannot be combined with another.
    """
    if isinstance(error, FailedJobError) or not isinstance(error, Exception):
        return error
    try:
        made = _copied(error, _class_for(type(error)))
        for name, value in (("job_id", job_id), ("folder", folder)):
            if not hasattr(made, name):
                made.__dict__[name] = value
    except Exception:  # of the class's own code, or because Python cannot combine the two
        return error
    # There are classes that hide what they hold.
    return made if _text(made) == _text(error) else error


def _class_for(kind: type[Exception]) -> type[FailedJobError]:
    """Return the class that is made of this one and ours."""
    found = _combined.get(id(kind))
    if found is None:
        found = _combined[id(kind)] = _combine(kind)
    return found


class _Quiet:
    """Comes first, so that classes that keep account of their subclasses do not hear of this."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Nothing."""


def _combine(kind: type[Exception]) -> type[FailedJobError]:
    if type(kind) not in _METACLASSES:
        raise TypeError(f"what becomes of a subclass of {kind.__name__} is up to {type(kind)}")
    bases = (FailedJobError,) if issubclass(FailedJobError, kind) else (kind, FailedJobError)
    looks = _looks(kind)
    made: type[FailedJobError] = types.new_class(
        kind.__name__, (_Quiet, *bases), {}, lambda namespace: namespace.update(looks)
    )
    return made


def _looks(kind: type[Exception]) -> dict[str, Any]:
    """Return what gives the combined class the looks and ways of the original one."""
    looks: dict[str, Any] = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__new__": lambda _cls, *args, **kwargs: kind(*args, **kwargs),  # as in type(error)("more")
        "__reduce__": _reduce,
        "__reduce_ex__": lambda error, _protocol: _reduce(error),
        _ORIGINAL: kind,
    }
    # What the original has from far above would otherwise be ours.
    for name in _OUR_METHODS:
        looks[name] = getattr(kind, name) if hasattr(kind, name) else _Hidden(name)
    return looks


class _Hidden:
    """An attribute that is not there, unless an instance has it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, kind: type) -> Any:
        raise AttributeError(f"{kind.__name__!r} object has no attribute {self._name!r}")


def _copied(error: BaseException, kind: type[Any]) -> Any:
    """Return an exception of another class with all that this one holds; none of its code runs."""
    made = _native(kind).__new__(kind, *error.args)
    for base in type(error).__mro__[:-1]:  # all but object, whose member is the class
        for name, member in vars(base).items():
            if isinstance(member, _MEMBERS) and name not in _NOT_COPIED:
                _copy_member(member, error, made)
    _ARGS.__set__(made, error.args)
    made.__dict__.update(vars(error))
    # It was set along with the cause, and is a thing of its own.
    _SUPPRESS_CONTEXT.__set__(made, error.__suppress_context__)
    return made


def _native(kind: type[Any]) -> type[Any]:
    """Return the class of Python's own that makes exceptions of this one."""
    native: Any = kind
    while native.__flags__ & _HEAP_TYPE:
        native = native.__base__
    return native  # type: ignore[no-any-return]


def _copy_member(member: Any, error: BaseException, made: BaseException) -> None:
    # A slot may be empty; what can only be read was set when the exception was made.
    with suppress(AttributeError, TypeError):
        value = member.__get__(error, type(error))
        if not _holds(member, made, value):
            member.__set__(made, value)


def _holds(member: Any, made: BaseException, value: Any) -> bool:
    # To set what is not set to None is not nothing: an OSError would tell of a file None.
    try:
        return member.__get__(made, type(made)) is value
    except AttributeError:
        return False


def _reduce(error: Any) -> tuple[Any, ...]:
    """Pickle it as the original is, and combine the two again."""
    kind = getattr(error, _ORIGINAL)
    plain = _copied(error, kind)
    added = [plain.__dict__.pop(name, None) for name in ("job_id", "folder")]
    if isinstance(kind.__init__, types.FunctionType) and kind.__reduce__ is _REDUCE:
        # Its __init__ may not take its args.
        return _rebuilt, (kind, plain.args, plain.__dict__, *added)
    return failed_as, (plain, *added)


_REDUCE = BaseException.__reduce__


def _rebuilt(
    kind: type[Any], args: tuple[Any, ...], held: dict[str, Any], job_id: str, folder: Path | None
) -> BaseException:
    plain = _native(kind).__new__(kind, *args)
    plain.__dict__.update(held)
    return failed_as(plain, job_id, folder)


def _text(error: BaseException) -> str | None:
    try:
        return str(error)
    except Exception:
        return None
