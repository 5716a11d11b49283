"""Function calls + the namespace of their functions → the payload, and a slice for each call."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbsubmit.core import culprit, lines
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.call import CALL, SHARED, Calls, name_of
from nbsubmit.core.capture import Collector, Want
from nbsubmit.core.contents import type_name
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import PAYLOAD_PACK
from nbsubmit.core.home import Namespace
from nbsubmit.core.met import Met
from nbsubmit.core.names import analyse
from nbsubmit.core.payload import Payload
from nbsubmit.core.slices import Slices
from nbsubmit.core.slicing import slice_up
from nbsubmit.core.unpicklable import Kind


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
    values = [{CALL: (call.function, tuple(call.args), dict(call.kwargs))} for call in calls]

    def refuse(number: int, _name: str, error: Exception) -> NotPicklable:
        kind = Kind(f"of type {type_name(values[number][CALL])}: {error}")
        culprits = str(culprit.Culprit("call", kind))
        return refusal([calls[number]], home, culprits, number)

    sliced = slice_up(values, lambda number: _objects(calls[number]), home, blobs, refuse)
    payload = _payload({SHARED: sliced.shared}, sliced.mentioned, home, blobs, calls)
    sliced.complete(payload)
    return payload, sliced.slices


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
    return NotPicklable(
        f"{otherwise}, and cannot be sent to the job. Nothing was submitted. Make it inside of the "
        f"function"
    )


def _parts(call: Calls) -> Iterator[tuple[str, Any]]:
    yield "function", call.function
    yield from ((f"args[{n}]", value) for n, value in enumerate(call.args))
    yield from ((f"kwargs[{name!r}]", value) for name, value in call.kwargs.items())


def _objects(call: Calls) -> Iterator[Any]:
    parts = [call.function, *call.args, *call.kwargs.values()]
    while parts:
        part = parts.pop(0)
        yield part
        if isinstance(part, functools.partial):
            parts += [part.func, *part.args, *part.keywords.values()]
        elif isinstance(part, types.MethodType):
            parts.append(part.__self__)
