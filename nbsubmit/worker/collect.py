"""What the cell left in its namespace → what goes back: found by comparing, not by guessing."""

from __future__ import annotations

import ast
import copyreg
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.bundle import BundleWriter, type_name
from nbsubmit.core.cell import Cell
from nbsubmit.core.pickling import Namespace, fingerprint, known_classes
from nbsubmit.core.reserved import is_shells_own
from nbsubmit.core.result import EXCEPTION, IMPORTED, VALUE
from nbsubmit.core.units import format_bytes
from nbsubmit.worker.execute import Outcome

# A larger last expression is shown, and travels only if it has a name.
LARGEST_VALUE = 32_000_000

_IMMUTABLE = (
    int, float, complex, str, bytes, bool, type(None), range,
    types.ModuleType, types.BuiltinFunctionType,
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What was in the namespace before the cell ran."""

    values: dict[str, Any]
    prints: dict[str, bytes]
    classes: dict[type, str]

    @classmethod
    def take(cls, namespace: Namespace, payload: dict[str, Any], cell: Cell) -> Sent:
        """Remember what was sent, with a fingerprint of what the cell may change in place."""
        names = [entry["name"] for entry in payload["entries"]] + list(payload["modules"])
        values = {name: namespace[name] for name in names}
        classes = dict(known_classes())
        watched = values if cell.watched is None else cell.watched
        prints = {
            name: print_
            for name in watched
            if name in values
            and (print_ := _fingerprint(values[name], namespace, classes)) is not None
        }
        return cls(values, prints, classes)

    def changed(self, name: str, namespace: Namespace) -> bool:
        """Tell whether the value that was sent by this name has been changed in place."""
        before = self.prints.get(name)
        return before is not None and before != _fingerprint(
            self.values[name], namespace, self.classes
        )


def _fingerprint(value: Any, home: Namespace, classes: dict[type, str]) -> bytes | None:
    if isinstance(value, _IMMUTABLE):
        return None
    if isinstance(value, type):
        # Pickling the first instance leaves this cache in the class; it must be there both times.
        copyreg._slotnames(value)  # type: ignore[attr-defined]
        # By its id alone it would never have changed.
        classes = {known: tracker for known, tracker in classes.items() if known is not value}
    try:
        return fingerprint(value, home, classes)
    except Exception:
        # It was sent, so it could be pickled; what cannot be any more has changed.
        return b""


@dataclass
class Collection:
    """What goes back.

    Attributes
    ----------
    values : BundleWriter
        The pickled values.
    changed, deleted : list of str
        Names whose sent value was changed, and that were deleted.
    modules : dict
        Name → module that the cell imported under it.
    submodules : list of str
        Modules that the cell imported and that are reached through those.
    unsent : dict
        Name → why it stays.
    complaint : str
        What was asked for by name and is not there.
    """

    values: BundleWriter
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    submodules: list[str] = field(default_factory=list)
    unsent: dict[str, str] = field(default_factory=dict)
    complaint: str = ""


def collect(
    cell: Cell, namespace: Namespace, sent: Sent, outcome: Outcome, *, ignore: set[str]
) -> Collection:
    """Find what the cell bound, changed and deleted, and pickle it.

    Parameters
    ----------
    cell : Cell
        Says what to bring, if it says so.
    namespace : dict
        The cell's.
    sent : Sent
        What was in it before.
    outcome : Outcome
        The last value and the error; they travel too if they can.
    ignore : set of str
        Names that the shell made.
    """
    collection = Collection(BundleWriter(namespace, sent.classes))
    wanted: dict[str, Any] = {}
    for name, value in namespace.items():
        if not _goes_back(name, value, cell, ignore):
            continue
        if name in sent.values and sent.values[name] is value:
            if not sent.changed(name, namespace):
                continue
            collection.changed.append(name)
        if isinstance(value, types.ModuleType):
            collection.modules[name] = value.__name__
        else:
            wanted[name] = value
    if cell.bring is None:
        collection.deleted = [name for name in sent.values if name not in namespace]
    collection.submodules = _submodules(cell)
    _pickle(collection, wanted, outcome, namespace, sent)
    collection.complaint = _complaint(cell, namespace, collection)
    return collection


def _submodules(cell: Cell) -> list[str]:
    """Return the dotted modules of the cell's import statements: they bind their root alone."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Import):
            dotted = (alias.name for alias in node.names if "." in alias.name and not alias.asname)
            found |= {name: None for name in dotted if name in sys.modules}
    return list(found)


def _goes_back(name: str, value: object, cell: Cell, ignore: set[str]) -> bool:
    if cell.bring is not None:
        return name in cell.bring
    return not (name.startswith("_") or name in ignore or is_shells_own(name, value))


def _pickle(
    collection: Collection,
    wanted: dict[str, Any],
    outcome: Outcome,
    namespace: Namespace,
    sent: Sent,
) -> None:
    """Pickle all that can be; a failure spoils the memo, so it starts again without the name."""
    last: dict[str, Any] = {}
    if outcome.value is not None:
        last[VALUE] = outcome.value
    if outcome.error is not None:
        # Last, for it is the one that some class's __init__ may refuse to rebuild.
        last[EXCEPTION] = outcome.error
    # A class that was changed goes by value, so that the one in the notebook is changed too.
    changed = [wanted[name] for name in collection.changed if isinstance(wanted.get(name), type)]
    known = {kind: tracker for kind, tracker in sent.classes.items() if kind not in changed}
    while True:
        writer = BundleWriter(namespace, known)
        failure = _first_failure(writer, wanted | last)
        if failure is None:
            collection.values = writer
            return
        name, reason = failure
        wanted.pop(name, None)
        last.pop(name, None)
        if name != EXCEPTION:
            collection.unsent[name] = reason()
        if name in collection.changed:
            collection.changed.remove(name)


def _first_failure(
    writer: BundleWriter, values: dict[str, Any]
) -> tuple[str, Callable[[], str]] | None:
    home = writer.home
    for name, value in values.items():
        try:
            entry = writer.add(name, value, IMPORTED if _is_imported(value) else "")
        except Exception as error:
            return name, lambda n=name, v=value, e=error: _why_not(n, v, e, home)
        if name == VALUE and entry.size_bytes > LARGEST_VALUE:
            reason = f"it is {format_bytes(entry.size_bytes)}; give it a name to bring it back"
            return name, lambda text=reason: text
    return None


def _is_imported(value: Any) -> bool:
    """Tell whether a value is a class or function of a module: what ``from m import x`` binds."""
    is_definition = isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType))
    return is_definition and getattr(value, "__module__", None) not in (None, "__main__")


def _why_not(name: str, value: Any, error: Exception, home: Namespace) -> str:
    from nbsubmit.core import culprit  # every job would pay for it, and few need it

    shown = "the last expression" if name == VALUE else name
    found = culprit.find(shown, value, home)
    return "; ".join(map(str, found)) or f"{shown} is of type {type_name(value)}: {error}"


def _complaint(cell: Cell, namespace: Namespace, collection: Collection) -> str:
    asked = cell.bring or ()
    absent = [name for name in asked if name not in namespace]
    stuck = [collection.unsent[name] for name in asked if name in collection.unsent]
    parts = [f"--out asks for {', '.join(absent)}, which the cell did not make"] if absent else []
    return "; ".join(parts + stuck)
