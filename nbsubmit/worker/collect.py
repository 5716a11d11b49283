"""What the cell left in its namespace → what goes back: found by comparing, not by guessing."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from nbsubmit.core.cell import Cell
from nbsubmit.core.contents import CHANGED, Contents, type_name
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.met import Met
from nbsubmit.core.origin import is_made_by_hand
from nbsubmit.core.originals import PART_OF
from nbsubmit.core.pickling import Namespace, Reference, fingerprint, known_classes
from nbsubmit.core.reducers.owners import Owners
from nbsubmit.core.reserved import is_shells_own
from nbsubmit.core.result import CLASSES, EXCEPTION, HELD, IMPORTED, VALUE
from nbsubmit.core.revise import Content, content_of, content_of_part
from nbsubmit.core.writer import MOST_TRIES, BundleWriter
from nbsubmit.worker.changes import Prints, changes_of, has_parts, prints_of
from nbsubmit.worker.execute import Outcome

if TYPE_CHECKING:
    from nbsubmit.core.bundle import Parts
    from nbsubmit.core.mapped import Mappings

# A larger last expression is shown, and travels only if it has a name.
LARGEST_VALUE = 32_000_000

_IMMUTABLE = (
    int, float, complex, str, bytes, bool, type(None), range, types.BuiltinFunctionType,
)  # fmt: skip
# Whether it is this one or another like it makes no difference.
_NO_IDENTITY = (*_IMMUTABLE, tuple, frozenset, type, types.FunctionType, types.CodeType)
# What is in a stream of this size is asked about, object by object.
_SMALL = 1 << 16


@dataclass(frozen=True)
class Sent:
    """What was in the namespace before the cell ran."""

    values: dict[str, Any]
    prints: dict[str, bytes]
    classes: dict[type, str]
    candidates: frozenset[str]
    mappings: Mappings | None = None
    # Holds all objects that were sent: an id is given out again when its object goes.
    parts: Parts | None = None
    # Name → what is in its object, which is as it was sent.
    inside: dict[str, Met] = field(default_factory=dict)
    # The same of an object that was changed, once that is asked for.
    inside_changed: dict[str, Met] = field(default_factory=dict)
    # What the parts were of classes that came along inside of something.
    hidden: dict[type, Prints] = field(default_factory=dict)
    # Name of a class or function → what its parts were.
    attributes: dict[str, Prints] = field(default_factory=dict)

    @classmethod
    def take(
        cls,
        namespace: Namespace,
        contents: Contents,
        modules: Iterable[str],
        cell: Cell,
        mappings: Mappings | None = None,
        parts: Parts | None = None,
        magics: Namespace | None = None,
    ) -> Sent:
        """Remember what was sent, with a fingerprint of what may be changed in place.

        That is more than what the cell's text shows to be changed: a look at an object may change
        it too. Only large plain data, which nothing but an operation on it changes, is passed over.
        """
        names = (*(entry.name for entry in contents.entries), *modules)
        values = {name: namespace[name] for name in names if name in namespace} | (magics or {})
        candidates = frozenset(values if cell.watched is None else cell.watched)
        inert = {entry.name for entry in contents.entries if entry.is_inert}
        sent = cls(values, {}, dict(known_classes()), candidates, mappings, parts)
        for name, value in values.items():
            if has_parts(value):
                sent.attributes[name] = prints_of(value, sent._part_print(namespace), namespace)
            if not is_class(value) and (name in candidates or name not in inert):
                print_ = sent._fingerprint(name, namespace)
                if print_ is not None:
                    sent.prints[name] = print_
        named = {id(value) for value in values.values()}
        for kind in sent.classes:
            if id(kind) not in named:
                sent.hidden[kind] = prints_of(kind, sent._part_print(namespace), namespace)
        return sent

    def changed_classes(self, namespace: Namespace) -> list[tuple[type, Content]]:
        """Return the classes without names that were changed, with what has changed in them."""
        print_ = self._part_print(namespace)
        found = ((k, changes_of(k, b, print_, namespace)) for k, b in self.hidden.items())
        return [(kind, content) for kind, content in found if content is not None]

    def changed(self, namespace: Namespace) -> dict[str, Content | None]:
        """Return the names whose value was changed in place, with what it holds now.

        None stands for what cannot be told apart from the value.
        """
        print_ = self._part_print(namespace)
        names = [name for name in self.prints if self._is_changed(name, namespace)]
        definitions = {
            name: changes_of(self.values[name], before, print_, namespace)
            for name, before in self.attributes.items()
            if name in names or name not in self.prints
        }
        names = [name for name in names if name not in definitions]
        # One content for each object, whatever names it has.
        objects = {id(self.values[name]): self.values[name] for name in names}
        by_id = {key: content_of(value) for key, value in objects.items()}
        contents = {name: by_id[id(self.values[name])] for name in names}
        return contents | {name: content for name, content in definitions.items() if content}

    def _part_print(self, home: Namespace) -> Callable[[Any], bytes]:
        def print_(part: Any) -> bytes:
            try:
                content = self.mappings.content if self.mappings else None
                return fingerprint(part, home, self.classes, content)
            except Exception:
                return b""

        return print_

    def _is_changed(self, name: str, namespace: Namespace) -> bool:
        before, found = self.prints[name], list[Met]()
        now = self._fingerprint(name, namespace, like=before, met=found.append)
        if now == before:
            if self.parts is not None and found:
                self.inside[name] = found[0]
            return False
        # What pickles differently each time may have changed or not; to bring it is never wrong.
        return True

    def _fingerprint(
        self,
        name: str,
        home: Namespace,
        *,
        like: bytes = b"",
        met: Callable[[Met], object] | None = None,
    ) -> bytes | None:
        value = self.values[name]
        if _is_fixed(value):
            return None
        content = self.mappings.content if self.mappings else None
        try:
            return fingerprint(value, home, self.classes, content, like=like, met=met)
        except Exception:
            # It was sent, so it could be pickled; what cannot be any more has changed.
            return b""

    def owners(self, known: Mapping[int, Any], contents: Iterable[Content]) -> Owners:
        """What finds the object, of those that go back by name, whose memory an array looks at."""

        def objects() -> Iterator[Any]:
            return (value for value in self._objects() if id(value) in known)

        return Owners(objects, _elements(contents))

    def revised_parts(
        self, names: Iterable[str], home: Namespace
    ) -> dict[int, tuple[str, Content]]:
        """The parts of changed objects that are changed in place at home, by `id`."""
        found: dict[int, tuple[str, Content]] = {}
        if "torch" not in sys.modules:  # which alone has such
            return found
        for name in names:
            for part in _parts(self._inside_changed(name, home)):
                number = self.numbers.get(id(part))
                content = None if number is None else content_of_part(part)
                if content is not None:
                    found.setdefault(id(part), (f"{name}{PART_OF}{number}", content))
        return found

    def _inside_changed(self, name: str, home: Namespace) -> Met:
        if name not in self.inside_changed:
            self.inside_changed[name] = Met()
            self._fingerprint(name, home, met=lambda m: self.inside_changed.update({name: m}))
        return self.inside_changed[name]

    def no_owners(self, contents: Iterable[Content]) -> Owners:
        """What refuses an array that looks at the memory of any object that was sent."""
        return _NoOwners(self._objects, _elements(contents))

    def _objects(self) -> Iterator[Any]:
        return chain(self.values.values(), self.parts().values() if self.parts else ())

    def whole(self, values: Iterable[str]) -> dict[str, Any]:
        """The objects that go back by name, by their names: all but those that go by value."""
        by_value = set(values)
        return {
            name: value
            for name, value in self.values.items()
            if not (name in by_value or _is_fixed(value) or isinstance(value, type))
        }

    def references(self, whole: Mapping[str, Any]) -> dict[int, str]:
        """The names of these objects, and of what is in those that are unchanged, by `id`."""
        found: dict[int, str] = {}
        for name, value in whole.items():
            found.setdefault(id(value), name)
        for name, inside in self.inside.items():
            for part in inside.parts().values():
                if id(part) in self.numbers:
                    found.setdefault(id(part), f"{name}{PART_OF}{self.numbers[id(part)]}")
        return found

    def are_in(self, writer: BundleWriter, whole: Mapping[str, Any]) -> bool:
        """Tell whether any of these objects was pickled, or of what is in those unchanged."""
        brought = writer.met()
        if any(value in brought for value in whole.values()):
            return True
        unchanged = self.inside.values()
        if writer.size_bytes <= _SMALL:
            return any(part in inside for part in _parts(brought) for inside in unchanged)
        return any(part in brought for inside in unchanged for part in _parts(inside))

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The numbers that the objects that were sent have in the stream, by `id`."""
        return {
            id(part): number
            for number, part in (self.parts() if self.parts else {}).items()
            if not isinstance(part, _NO_IDENTITY)
        }


class _NoOwners(Owners):
    """Has what is pickled end at the first array that has an owner."""

    def of(self, array: Any, start: int, end: int) -> Any:
        if super().of(array, start, end) is not None:
            raise LookupError("it looks at the memory of what was sent")


def _elements(contents: Iterable[Content]) -> list[Any]:
    """The arrays and tensors that stand for the contents of objects."""
    found = (part for content in contents for part in (content.array, content.tensor))
    return [part for part in found if part is not None]


def _parts(met: Met) -> Iterator[Any]:
    """The objects of which it matters which they are."""
    return (part for part in met.parts().values() if not isinstance(part, _NO_IDENTITY))


def _is_fixed(value: object) -> bool:
    """Tell whether a value cannot be changed, or is a module that each side imports."""
    if isinstance(value, types.ModuleType):
        return not is_made_by_hand(value)
    return isinstance(value, _IMMUTABLE)


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
    changed = sent.changed(namespace)
    everything = namespace | (magics or {})
    for name, value in everything.items():
        is_sent = name in sent.values and sent.values[name] is value
        if not _goes_back(name, value, cell, ignore, is_sent=is_sent):
            continue
        if is_sent:
            if name not in changed:
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
        gone = [*sent.values, *(cell.deletes if outcome.error is None else ())]
        collection.deleted = [name for name in dict.fromkeys(gone) if name not in everything]
    collection.submodules = _submodules(cell)
    # An object whose content goes back is the very object that was sent; so is an unchanged one.
    by_value = changed.keys() - {n for n in collection.changed if changed[n] is not None}
    _pickle(collection, _arrays_first(wanted), outcome, sent, sent.whole(by_value))
    collection.complaint = _complaint(cell, namespace, collection)
    return collection


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


def _goes_back(name: str, value: object, cell: Cell, ignore: set[str], *, is_sent: bool) -> bool:
    if cell.bring is not None:
        return name in cell.bring
    # What is bound to such a name stays there; an object of the notebook's that is changed is
    # changed, whatever it is called.
    is_private = name.startswith("_") and not is_sent
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
        if name in collection.changed:
            collection.changed.remove(name)


def _first_failure(
    writer: BundleWriter, values: dict[str, Any], sent: Sent, references: Mapping[int, str]
) -> tuple[str, Callable[[], str]] | None:
    home = writer.home
    for name, value in values.items():
        try:
            held = name == EXCEPTION and (id(value) in references or value in writer.met())
            size = writer.add(name, value, HELD if held else _why(value))
        except Exception as error:
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
