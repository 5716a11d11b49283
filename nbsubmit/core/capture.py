"""The names a cell needs + the notebook's namespace → the payload: what goes, what stays, why.

A value that the cell surely reads and that cannot be pickled stops the sending. One that is read
only in code that may not run, or that only a function of the notebook mentions, is left out and
remembered, so that the job can say so if it is missed.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core import culprit, history, lines, tests
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.call import SHARED
from nbsubmit.core.contents import type_name
from nbsubmit.core.definitions.known import is_class, is_known
from nbsubmit.core.errors import CaptureError, NotPicklable
from nbsubmit.core.folder import PAYLOAD_PACK
from nbsubmit.core.home import Namespace
from nbsubmit.core.magics import Extension
from nbsubmit.core.memory import Spans
from nbsubmit.core.met import Met
from nbsubmit.core.names import NameUse
from nbsubmit.core.names.calls import TESTING
from nbsubmit.core.origin import attributes, is_made_by_hand
from nbsubmit.core.payload import PART, LeftOut, Payload
from nbsubmit.core.reserved import is_magic, is_passing, is_shells_own, users_own
from nbsubmit.core.slicing import Sliced
from nbsubmit.core.unpicklable import Kind
from nbsubmit.core.writer import MOST_NUMBERED, MOST_TRIES, BundleWriter

# What cannot be changed, and what is not changed through what holds it. Modules come first: asked
# whether it is anything else, one that waits to be used would be loaded.
_NO_PARTS = (
    types.ModuleType, int, float, complex, str, bytes, bool, type(None), types.BuiltinFunctionType,
)  # fmt: skip
_CONTAINERS = (list, dict, tuple, set, frozenset)
_MANY = 1000


def capture(
    use: NameUse,
    namespace: Namespace,
    blobs: BlobStore,
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    first_line: int = 1,
    source: str = "",
    magics: Mapping[str, Any] | None = None,
    bound: Iterable[str] = (),
    sliced: Sliced | None = None,
    later: Mapping[str, str] | None = None,
) -> Payload:
    """Collect what a cell needs from the namespace.

    Parameters
    ----------
    use : NameUse
        What the cell reads.
    namespace : dict
        The notebook's.
    blobs : BlobStore
        Has what was sent before; nothing is written to it.
    include, exclude : iterable of str
        Names to send besides, and names not to send; ``*`` includes all.
    first_line : int
        Where in the notebook's cell the analysed text begins, for messages.
    source : str
        The cell as Python, for the submodules that it reaches.
    magics : mapping, optional
        Sign and name → what goes for a magic, of all that the cell or its functions may call.
    bound : iterable of str
        Names that each task of an array has for itself; what the notebook has by them stays.
    sliced : Sliced, optional
        What they are bound to.
    later : mapping, optional
        Names that other jobs bring, each with what reads it; what the notebook has by them goes
        along if it can, for a job may not bring what it seems to.

    Raises
    ------
    NotPicklable
        Naming each value that the cell surely reads and that cannot be sent.
    CaptureError
        If a name to include does not exist.
    """
    unwanted = {*exclude, *bound}
    magics, later = magics or {}, later or {}
    here = tuple(name for name in include if name in namespace or name not in later)
    wanted = _wanted(use, namespace, here, unwanted, first_line)
    for name, why in later.items():
        if name in namespace and name not in unwanted and not is_shells_own(name, namespace[name]):
            wanted[name] = Want(wanted[name].why if name in wanted else why, must=False)
    for name in use.magics.keys() & magics.keys() - unwanted:
        wanted[name] = Want(f"called in line {use.lines[name] + first_line - 1}", use.magics[name])
    results, staying = history.part(use.reads - unwanted, namespace, source)
    if results:
        why = f"read in line {use.lines[history.RESULTS] + first_line - 1}"
        wanted[history.RESULTS] = Want(why, must=history.RESULTS in use.sure_reads)
    instead = {history.RESULTS: results, **magics}
    if sliced is not None:
        wanted |= _of_tasks(sliced, namespace, unwanted, wanted)
        instead[SHARED] = sliced.shared
    collector = Collector(namespace, wanted, unwanted, use, instead)
    found = collector.collect()
    extensions = {v.name: n for n, v in found.names.items() if isinstance(v, Extension)}
    payload = Payload(
        found.writer.place(blobs, PAYLOAD_PACK),
        found.names,
        found.writer.met() if found.writer.size_bytes <= MOST_NUMBERED else Met(),
        found.writer.classes,
        found.writer.prints(),
        found.shared,
        found.modules,
        left_out=[
            *(item for item in collector.left_out() if item.name not in later),
            *(LeftOut(*item) for item in staying.items()),
        ],
        submodules=_submodules(source, found.modules),
        sources=lines.known(found.writer.files),
        looked_up=found.writer.modules | {m: n for n, m in found.modules.items()} | extensions,
    )
    if sliced is not None:
        sliced.complete(payload)
    _note_absent(payload, use, namespace, unwanted, magics)
    payload.excluded = [name for name in payload.excluded if name not in set(bound)]
    payload.missing = [name for name in payload.missing if name not in later]
    if use.dynamic and not tuple(include):
        payload.warnings.append(
            f"cannot see all names that the cell reads ({', '.join(use.dynamic)}); "
            f"name them with --in"
        )
    return payload


def _note_absent(
    payload: Payload,
    use: NameUse,
    namespace: Namespace,
    unwanted: set[str],
    magics: Mapping[str, Any],
) -> None:
    """Note the names that the job will not have, so that it can say why if it misses one."""
    payload.missing = sorted(
        name
        for name in use.reads - use.maybe_reads - unwanted
        if name not in namespace and not hasattr(builtins, name) and not is_shells_own(name)
    )
    payload.excluded = sorted(unwanted & namespace.keys())
    told = {*payload.names, *payload.modules, *unwanted, *(item.name for item in payload.left_out)}
    # What becomes of these is the cell's own doing.
    told |= use.writes | use.deletes | use.sure_deletes | use.handled
    payload.others = sorted({*users_own(namespace), *magics} - told)


@dataclass(frozen=True)
class Want:
    """Why a name goes, and whether nothing is sent without it."""

    why: str
    must: bool


def _wanted(
    use: NameUse,
    namespace: Namespace,
    include: tuple[str, ...],
    exclude: set[str],
    first_line: int,
) -> dict[str, Want]:
    wanted: dict[str, Want] = {}
    for name in sorted(use.reads, key=lambda name: (use.lines.get(name, 0), name)):
        line = use.lines.get(name)
        why = f"read in line {line + first_line - 1}" if line else "read"
        wanted[name] = Want(why, must=name in use.sure_reads)
    for name in sorted(use.strings) if use.dynamic else ():
        wanted.setdefault(name, Want("named in a string", must=False))
    for name in tests.names(namespace) if TESTING.intersection(use.dynamic) else ():
        wanted.setdefault(name, Want("looked for by tests", must=False))
    for name in _included(namespace, include):
        must = name in include or (name in wanted and wanted[name].must)
        wanted[name] = Want("asked for by --in", must)
    return {
        name: want
        for name, want in wanted.items()
        if name in namespace and name not in exclude and not is_shells_own(name, namespace[name])
    }


def _of_tasks(
    sliced: Sliced, namespace: Namespace, unwanted: set[str], wanted: Mapping[str, Want]
) -> dict[str, Want]:
    """Return what the values of the tasks need besides."""
    found = {
        name: Want(f"used by {user}", must=False)
        for name, user in sliced.mentioned.items()
        if name in namespace
        and name not in unwanted
        and name not in wanted
        and not is_shells_own(name, namespace[name])
    }
    if sliced.shared:
        found[SHARED] = Want("several tasks have it", must=True)
    return found


def _included(namespace: Namespace, include: tuple[str, ...]) -> list[str]:
    unknown = [name for name in include if name != "*" and name not in namespace]
    if unknown:
        raise CaptureError(f"--in: there is no {', '.join(unknown)} in the notebook")
    if "*" in include:
        return [name for name in namespace if not name.startswith("_")]
    return list(include)


@dataclass
class _Collected:
    """What one attempt has pickled."""

    writer: BundleWriter
    shared: Spans | None = None
    names: Namespace = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, Want] = field(default_factory=dict)


class Collector:
    """Pickles names until nothing new appears.

    It starts again without a name that fails, for a failed dump spoils the memo; with the memory
    that several values turn out to share; and in the order in which each value finds what it needs
    when it is loaded.
    """

    def __init__(
        self,
        namespace: Namespace,
        wanted: Mapping[str, Want],
        exclude: set[str],
        use: NameUse,
        instead: Namespace,
        *,
        with_parts: bool = True,
    ) -> None:
        self._with_parts = with_parts
        self._later = use.later
        self._bound = use.writes
        self._instead = instead  # of what the namespace holds by these names
        self._namespace = namespace
        # What comes first needs not be pickled once more for its fingerprint, which for 100,000
        # lists takes 64 ms.
        self._wanted = dict(sorted(wanted.items(), key=self._length, reverse=True))
        self._exclude = exclude
        self._failed: dict[str, tuple[Want, list[culprit.Culprit]]] = {}

    def collect(self) -> _Collected:
        collected = self._complete(None)
        self._refuse()
        for _ in range(MOST_TRIES):
            overlaps, order = collected.writer.overlaps(), collected.writer.order()
            if overlaps is None and order is None:
                break
            if order is not None:
                self._wanted = {name: collected.wanted[name] for name in order} | self._wanted
            shared = collected.shared
            if overlaps is not None:
                shared = overlaps if shared is None else shared | overlaps
            collected = self._complete(shared)
        return collected

    def left_out(self) -> list[LeftOut]:
        """What failed, and why."""
        return [
            LeftOut(name, f"{'; '.join(map(str, culprits))} ({want.why}); {culprits[0].cure}")
            for name, (want, culprits) in self._failed.items()
        ]

    def _complete(self, shared: Spans | None) -> _Collected:
        collected = self._attempt(shared)
        while collected is None:
            collected = self._attempt(shared)
        return collected

    def _attempt(self, shared: Spans | None) -> _Collected | None:
        """Collect all, or note one failure and give up."""
        collected = _Collected(BundleWriter(self._namespace, shared=shared), shared)
        queue = deque(self._wanted.items())
        seen = set(self._wanted)
        while queue:
            name, want = queue.popleft()
            if name in self._failed:
                continue
            value = self._instead[name] if name in self._instead else self._namespace[name]
            if isinstance(value, types.ModuleType) and not is_made_by_hand(value):
                collected.modules[name] = str(attributes(value)["__name__"])
                continue
            try:
                collected.writer.add(name, value, want.why)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # of the value's own code
                self._note(name, value, want, error)
                return None
            collected.names[name], collected.wanted[name] = value, want
            for needed, function in self._needed(collected.writer.mentioned):
                if needed not in seen and self._can_follow(needed):
                    seen.add(needed)
                    queue.append((needed, Want(f"used by {function}", must=False)))
        if self._with_parts:
            self._add_parts(collected, seen)
        return collected

    def _length(self, item: tuple[str, Want]) -> int:
        """Return how long a large container is; all else is equally short."""
        value: Any = self._instead.get(item[0], self._namespace.get(item[0]))
        return len(value) if type(value) in _CONTAINERS and len(value) >= _MANY else 0

    def _add_parts(self, collected: _Collected, seen: set[str]) -> None:
        """Name the parts of what goes that have names of their own in the notebook.

        The cell may change one through what holds it: ``ax`` changes ``fig``.
        """
        for name, value in self._namespace.items():
            if name in seen or name in self._bound:
                continue
            if is_passing(name) and not self._is_result(name):
                continue
            if isinstance(value, _NO_PARTS) or not self._can_follow(name):
                continue
            if isinstance(value, types.FunctionType) and not value.__closure__:
                continue
            if is_class(value) and not is_known(value):
                continue
            if value in collected.writer.met():
                want = Want(PART, must=False)
                collected.writer.add(name, value, want.why)
                collected.names[name], collected.wanted[name] = value, want

    def _is_result(self, name: str) -> bool:
        """Tell whether a name is that of a result that the cell names otherwise: ``Out[3]``."""
        number = name[1:]
        return number.isdecimal() and int(number) in self._instead[history.RESULTS]

    def _needed(self, mentioned: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What functions mention, and what a function that the cell binds anew would read."""
        for name, function in list(mentioned.items()):
            yield name, function
            for read in sorted(self._later.get(name, ())):
                yield read, name

    def _can_follow(self, name: str) -> bool:
        if is_magic(name):
            return name in self._instead and name not in self._exclude
        if name not in self._namespace or name in self._exclude:
            return False
        return not is_shells_own(name, self._namespace[name])

    def _note(self, name: str, value: Any, want: Want, error: BaseException) -> None:
        found = culprit.find(name, value, self._namespace)
        if not found:  # what failed the quick pickler and not the tracing one
            found = [culprit.Culprit(name, Kind(f"of type {type_name(value)}: {error}"))]
        self._failed[name] = (want, found)

    def _refuse(self) -> None:
        fatal = {name: found for name, found in self._failed.items() if found[0].must}
        if not fatal:
            return
        told = [
            f"{part}, and cannot be sent to the job: {part.cure}. {name} is {want.why}."
            for name, (want, culprits) in fatal.items()
            for part in culprits
        ]
        names = tuple(fatal)
        told.append(f"Nothing was submitted.{_without(names)}")
        raise NotPicklable("\n".join(told), names)


def _without(names: tuple[str, ...]) -> str:
    others = [name for name in names if not is_magic(name)]
    return f" To send the cell without:  --without {','.join(others)}" if others else ""


def _submodules(source: str, modules: Mapping[str, str]) -> list[str]:
    """Return the loaded modules that the source names through others: importing one is not enough.

    ``import xml.dom`` binds ``xml``, and ``xml.dom`` is there only because it was imported.
    """
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        chain: list[str] = []
        while isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in modules:
            path = modules[node.id]
            for part in chain:
                path = f"{path}.{part}"
                if path not in sys.modules:
                    break
                found[path] = None
    return list(found)
