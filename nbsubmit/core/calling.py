"""Function calls + the namespace of their functions → the payload, and a slice for each call.

What several calls share by identity, and the classes of the user's own that are met in any of
them, travel once, in the payload; a slice refers to them by number.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core import culprit, lines
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.call import CALL, SHARED, Calls, name_of
from nbsubmit.core.capture import Collector, Want
from nbsubmit.core.contents import type_name
from nbsubmit.core.definitions.known import is_importable, known_classes
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import PAYLOAD_PACK, SLICES_PACK
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Placed
from nbsubmit.core.met import Met
from nbsubmit.core.names import analyse
from nbsubmit.core.payload import Payload
from nbsubmit.core.slices import Slices
from nbsubmit.core.unpicklable import Kind
from nbsubmit.core.writer import BundleWriter

_SMALL = (int, float, complex, str, bytes, bool, type(None), type, types.BuiltinFunctionType)
# Text and bytes beyond this are worth sending once.
_SHORT = 100


def capture_call(call: Calls, home: Namespace, blobs: BlobStore) -> Payload:
    """Collect what one call needs.

    Parameters
    ----------
    call : Calls
        The function and its arguments.
    home : dict
        The namespace whose functions are bound to that of the job.
    blobs : BlobStore
        Has what was sent before; nothing is written to it.

    Raises
    ------
    NotPicklable
        Naming the function or each argument that cannot be sent.
    """
    value = (call.function, tuple(call.args), dict(call.kwargs))
    return _payload({CALL: value}, {}, home, blobs, [call])


def capture_calls(
    calls: Sequence[Calls], home: Namespace, blobs: BlobStore
) -> tuple[Payload, Slices]:
    """Collect what many calls need: what they share, and a slice for each.

    Raises
    ------
    NotPicklable
        Naming the call and what of it cannot be sent.
    """
    shared = _shared(calls)
    sliced = _slice(calls, shared, {}, home, blobs)
    if sliced.classes:
        shared += sliced.classes
        known = {kind: known_classes()[kind] for kind in sliced.classes}
        sliced = _slice(calls, shared, known, home, blobs)
    payload = _payload({SHARED: shared}, sliced.mentioned, home, blobs, calls)
    payload.sources.update(lines.known(sliced.files))
    for module, name in sliced.modules.items():
        payload.looked_up.setdefault(module, name)
    return payload, Slices(sliced.placed)


@dataclass
class _Sliced:
    """The slices of several calls, and what was met on the way."""

    placed: list[Placed] = field(default_factory=list)
    classes: dict[type, None] = field(default_factory=dict)
    mentioned: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


def _slice(
    calls: Sequence[Calls],
    shared: Sequence[Any],
    known: Mapping[type, str],
    home: Namespace,
    blobs: BlobStore,
) -> _Sliced:
    sliced = _Sliced()
    sent = {id(value): str(place) for place, value in enumerate(shared)}
    for number, call in enumerate(calls):
        writer = _write(number, call, sent, known, home)
        sliced.classes.update(dict.fromkeys(writer.classes))
        sliced.mentioned.update(writer.mentioned)
        sliced.modules.update(writer.modules)
        sliced.files.update(writer.files)
        sliced.placed.append(writer.place(blobs, SLICES_PACK).alone())
    return sliced


def _payload(
    values: Namespace,
    mentioned: Mapping[str, str],
    home: Namespace,
    blobs: BlobStore,
    calls: Sequence[Calls],
) -> Payload:
    function = name_of(calls[0].function)
    wanted = {name: Want(f"the call of {function}", must=True) for name in values}
    wanted |= {
        name: Want(f"used by {user}", must=False)
        for name, user in mentioned.items()
        if name in home
    }
    collector = _Collector(home, wanted, values, calls)
    found = collector.collect()
    return Payload(
        found.writer.place(blobs, PAYLOAD_PACK),
        found.names,
        Met(),
        found.writer.classes,
        {},
        found.shared,
        found.modules,
        left_out=collector.left_out(),
        sources=lines.known(found.writer.files),
        looked_up=found.writer.modules | {m: n for n, m in found.modules.items()},
    )


class _Collector(Collector):
    """Says which argument it is that cannot be sent."""

    def __init__(
        self,
        home: Namespace,
        wanted: Mapping[str, Want],
        values: Namespace,
        calls: Sequence[Calls],
    ) -> None:
        super().__init__(home, wanted, set(), analyse(""), values, with_parts=False)
        self._home = home
        self._calls = calls

    def _refuse(self) -> None:
        fatal = [name for name, found in self._failed.items() if found[0].must]
        if fatal:
            raise refusal(self._calls, self._home, str(self._failed[fatal[0]][1][0]))


def refusal(
    calls: Sequence[Calls], home: Namespace, otherwise: str, number: int | None = None
) -> NotPicklable:
    """Return the error that names what of some calls cannot be sent."""
    for call in calls:
        found = [part for name, value in _parts(call) for part in culprit.find(name, value, home)]
        if found:
            where = "" if number is None else f"call {number} of {name_of(call.function)}: "
            told = [
                # The cures are those of a cell.
                f"{where}{part}, and cannot be sent to the job: {part.cure}.".replace(
                    "the cell", "the function"
                )
                for part in found
            ]
            return NotPicklable("\n".join([*told, "Nothing was submitted."]))
    return NotPicklable(f"{otherwise}, and cannot be sent to the job. Nothing was submitted.")


def _parts(call: Calls) -> Iterator[tuple[str, Any]]:
    yield "function", call.function
    yield from ((f"args[{n}]", value) for n, value in enumerate(call.args))
    yield from ((f"kwargs[{name!r}]", value) for name, value in call.kwargs.items())


def _write(
    number: int, call: Calls, sent: Mapping[int, str], known: Mapping[type, str], home: Namespace
) -> BundleWriter:
    writer = BundleWriter(home, known, sent=sent)
    value = (call.function, tuple(call.args), dict(call.kwargs))
    try:
        writer.add(CALL, value, f"call {number}")
    except Exception as error:
        kind = Kind(f"of type {type_name(value)}: {error}")
        raise refusal([call], home, str(culprit.Culprit("call", kind)), number) from None
    return writer


def _shared(calls: Sequence[Calls]) -> list[Any]:
    """Return the objects that occur in more than one call and are worth sending once."""
    met: dict[int, Any] = {}
    again: dict[int, Any] = {}
    for call in calls:
        own = {id(part): part for part in _objects(call) if not _is_small(part)}
        again |= {key: part for key, part in own.items() if key in met}
        met |= own
    return list(again.values())


def _objects(call: Calls) -> Iterator[Any]:
    parts = [call.function, *call.args, *call.kwargs.values()]
    while parts:
        part = parts.pop(0)
        yield part
        if isinstance(part, functools.partial):
            parts += [part.func, *part.args, *part.keywords.values()]
        elif isinstance(part, types.MethodType):
            parts.append(part.__self__)


def _is_small(part: Any) -> bool:
    if isinstance(part, (str, bytes)):
        return len(part) <= _SHORT
    if isinstance(part, types.FunctionType):
        return is_importable(part)
    return isinstance(part, _SMALL)
