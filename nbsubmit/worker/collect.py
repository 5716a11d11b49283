"""What the cell left in its namespace → what goes back: found by comparing, not by guessing."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from nbsubmit.core.cell import Cell
from nbsubmit.core.contents import CHANGED, type_name
from nbsubmit.core.home import Namespace
from nbsubmit.core.origin import is_made_by_hand
from nbsubmit.core.pickling import Reference
from nbsubmit.core.record import dataclass
from nbsubmit.core.reserved import is_passing, is_shells_own
from nbsubmit.core.result import CLASSES, EXCEPTION, HELD, IMPORTED, VALUE
from nbsubmit.core.revise import Content
from nbsubmit.core.writer import MOST_TRIES, BundleWriter
from nbsubmit.worker import handled
from nbsubmit.worker.execute import Outcome
from nbsubmit.worker.interrupt import Terminated
from nbsubmit.worker.sent import Sent

# A larger last expression is shown, and travels only if it has a name.
LARGEST_VALUE = 32_000_000


@dataclass
class Collection:
    """What goes back.

    Attributes
    ----------
    values : BundleWriter
        The pickled values.
    changed, deleted : list of str
        Names whose sent value was changed, and that were deleted.
    renewed : list of str
        Names whose value another job had brought, and that was changed.
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
    renewed: list[str] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    submodules: list[str] = field(default_factory=list)
    unsent: dict[str, str] = field(default_factory=dict)
    complaint: str = ""


def collect(
    cell: Cell,
    namespace: Namespace,
    sent: Sent,
    outcome: Outcome,
    magics: Namespace | None = None,
    *,
    ignore: set[str],
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
    magics : dict, optional
        The shell's magics that came along or are new.
    ignore : set of str
        Names that the shell made.
    """
    collection = Collection(BundleWriter(namespace, sent.classes))
    wanted: dict[str, Any] = {}
    taken_away = handled.take_away(cell, namespace)
    changed = sent.changed(namespace)
    everything = namespace | (magics or {})
    for name, value in everything.items():
        is_sent = name in sent.values and sent.values[name] is value
        is_known = is_sent or (name in sent.values and not is_passing(name))
        if not _goes_back(name, value, cell, ignore, is_known=is_known):
            continue
        if is_sent:
            if name not in changed:
                if name in cell.binds and not isinstance(value, types.ModuleType):
                    wanted[name] = value
                continue
            if name in sent.inputs:  # whole: what it was before is not at home
                collection.renewed.append(name)
                wanted[name] = value
                continue
            collection.changed.append(name)
            wanted[name] = changed[name] or value
        elif isinstance(value, types.ModuleType) and not is_made_by_hand(value):
            collection.modules[name] = value.__name__
        else:
            wanted[name] = value
    classes = sent.changed_classes(namespace)
    if classes:
        wanted[CLASSES] = classes
    if cell.bring is None:
        sure = cell.deletes if outcome.error is None else ()
        gone = [*sent.values, *taken_away, *sure]
        collection.deleted = [name for name in dict.fromkeys(gone) if name not in everything]
    collection.submodules = _submodules(cell)
    # An object whose content goes back is the very object that was sent; so is an unchanged one.
    by_value = changed.keys() - {n for n in collection.changed if changed[n] is not None}
    whole = sent.whole(by_value)
    _pickle(collection, _arrays_first(wanted), outcome, sent, whole)
    while cell.bring is None and (helpers := _helpers(collection, wanted, sent)):
        wanted |= helpers
        _pickle(collection, _arrays_first(wanted), outcome, sent, whole)
    collection.complaint = _complaint(cell, namespace, collection)
    return collection


def _helpers(collection: Collection, wanted: dict[str, Any], sent: Sent) -> dict[str, Any]:
    """What stays there by its name, and is needed by a function that goes back."""
    home, found = collection.values.home, dict[str, Any]()
    for name in collection.values.mentioned:
        here = name in wanted or name in collection.modules or name in sent.values
        if here or name not in home or not name.startswith("_") or is_passing(name):
            continue
        value = home[name]
        if is_shells_own(name, value):
            continue
        if isinstance(value, types.ModuleType) and not is_made_by_hand(value):
            collection.modules[name] = value.__name__
        else:
            found[name] = value
    return found


def _arrays_first(wanted: dict[str, Any]) -> dict[str, Any]:
    """Put the contents of arrays first: at home a large one may take the place of the old array."""
    arrays = [n for n, v in wanted.items() if isinstance(v, Content) and v.array is not None]
    return {name: wanted[name] for name in dict.fromkeys([*arrays, *wanted])}


def _submodules(cell: Cell) -> list[str]:
    """Return the dotted modules of the cell's import statements: they bind their root alone."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Import):
            dotted = (alias.name for alias in node.names if "." in alias.name and not alias.asname)
            found |= {name: None for name in dotted if name in sys.modules}
    return list(found)


def _goes_back(name: str, value: object, cell: Cell, ignore: set[str], *, is_known: bool) -> bool:
    if cell.bring is not None:
        return name in cell.bring
    # A new name of this kind stays there; what the notebook has is changed, whatever it is called.
    is_private = name.startswith("_") and not is_known
    return not (is_private or name in ignore or is_shells_own(name, value))


def _pickle(
    collection: Collection,
    wanted: dict[str, Any],
    outcome: Outcome,
    sent: Sent,
    whole: dict[str, Any],
) -> None:
    """Pickle all that can be; a failure spoils the memo, so it starts again without the name.

    Few results refer to what was sent, and to ask about each object takes as long as to pickle it.
    So first it is tried without.
    """
    last: dict[str, Any] = {}
    if outcome.value is not None:
        last[VALUE] = outcome.value
    if outcome.error is not None:
        # Last, for it is the one that some class's __init__ may refuse to rebuild.
        last[EXCEPTION] = outcome.error
    home, shared, tries = collection.values.home, None, 0
    values = wanted | last
    contents = [value for value in wanted.values() if isinstance(value, Content)]
    references: dict[int, str] | None = None
    ids = set(map(id, whole.values()))
    # Tensors are changed in place wherever they are.
    must_refer = "torch" in sys.modules or any(id(value) in ids for value in values.values())
    while True:
        known: dict[int, Reference] = {}
        if must_refer:
            references = sent.references(whole) if references is None else references
            revised = sent.revised_parts(collection.changed, home)
            known = revised | references
            owners = sent.owners(known, contents + [content for _, content in revised.values()])
        else:
            owners = sent.no_owners(contents)
        writer = BundleWriter(home, sent.classes, shared=shared, sent=known, owners=owners)
        failure = _first_failure(writer, values, sent, references or {})
        if not must_refer and (failure or sent.are_in(writer, whole)):
            must_refer = True
            continue
        if failure is None:
            collection.values = writer
            overlaps, order = writer.overlaps(), writer.order()
            if (overlaps is None and order is None) or tries == MOST_TRIES:
                return
            if order is not None:
                values = {name: values[name] for name in order}
            if overlaps is not None:
                shared = overlaps if shared is None else shared | overlaps
            tries += 1
            continue
        name, reason = failure
        del values[name]
        if name != EXCEPTION:
            collection.unsent[name] = reason()
        for names in (collection.changed, collection.renewed):
            if name in names:
                names.remove(name)


def _first_failure(
    writer: BundleWriter, values: dict[str, Any], sent: Sent, references: Mapping[int, str]
) -> tuple[str, Callable[[], str]] | None:
    home = writer.home
    for name, value in values.items():
        try:
            held = name == EXCEPTION and (id(value) in references or value in writer.met())
            size = writer.add(name, value, HELD if held else _why(value))
        except (KeyboardInterrupt, Terminated):
            raise
        except BaseException as error:  # of the value's own code, as a panic of a library in Rust
            whole = sent.values[name] if isinstance(value, Content) else value
            return name, lambda n=name, v=whole, e=error: _why_not(n, v, e, home)
        if name == VALUE and size > LARGEST_VALUE:
            from nbsubmit.core.units import format_bytes

            reason = f"it is {format_bytes(size)}; give it a name to bring it back"
            return name, lambda text=reason: text
    return None


def _why(value: Any) -> str:
    if isinstance(value, Content):
        return CHANGED
    return IMPORTED if _is_imported(value) else ""


def _is_imported(value: Any) -> bool:
    """Tell whether a value is a class or function of a module: what ``from m import x`` binds."""
    is_definition = isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType))
    return is_definition and getattr(value, "__module__", None) not in (None, "__main__")


def _why_not(name: str, value: Any, error: BaseException, home: Namespace) -> str:
    from nbsubmit.core import culprit  # 2 ms, and few jobs need it

    shown = "the last expression" if name == VALUE else name
    found = [
        f"{part}: bring {part.instead} instead" if part.instead and name != VALUE else str(part)
        for part in culprit.find(shown, value, home)
    ]
    return "; ".join(found) or f"{shown} is of type {type_name(value)}: {error}"


def _complaint(cell: Cell, namespace: Namespace, collection: Collection) -> str:
    asked = cell.bring or ()
    absent = [name for name in asked if name not in namespace]
    stuck = [collection.unsent[name] for name in asked if name in collection.unsent]
    parts = [f"--out asks for {', '.join(absent)}, which the cell did not make"] if absent else []
    return "; ".join(parts + stuck)
