"""What was in the namespace before the cell ran, and what of it the cell has changed since."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from nbsubmit.core.cell import Cell
from nbsubmit.core.contents import Contents
from nbsubmit.core.definitions.known import is_class, known_classes
from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.home import Namespace
from nbsubmit.core.met import Met
from nbsubmit.core.origin import is_made_by_hand
from nbsubmit.core.originals import PART_OF
from nbsubmit.core.record import dataclass
from nbsubmit.core.reducers.owners import Owners
from nbsubmit.core.revise import Content, content_of, content_of_part
from nbsubmit.core.writer import BundleWriter
from nbsubmit.worker.changes import Prints, changes_of, has_parts, prints_of

if TYPE_CHECKING:
    from nbsubmit.core.bundle import Parts
    from nbsubmit.core.mapped import Mappings

_IMMUTABLE = (
    int, float, complex, str, bytes, bool, type(None), range, types.BuiltinFunctionType,
)  # fmt: skip
# Whether it is this one or another like it makes no difference.
_NO_IDENTITY = (*_IMMUTABLE, tuple, frozenset, type, types.FunctionType, types.CodeType)
# What is in a stream of this size is asked about, object by object. To list what is in a large one
# takes longer: of 100,000 lists 330 ms.
_SMALL = 1 << 16


@dataclass(frozen=True)
class Sent:
    """What was in the namespace before the cell ran."""

    values: dict[str, Any]
    # Of what may be changed in place, its fingerprint and its class.
    prints: dict[str, bytes]
    kinds: dict[str, type]
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
    # What other jobs have brought: the sender does not have these objects.
    inputs: frozenset[str] = frozenset()

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
        inputs: frozenset[str] = frozenset(),
    ) -> Sent:
        """Remember what was sent, with a fingerprint of what may be changed in place.

        That is more than what the cell's text shows to be changed: a look at an object may change
        it too. Only large plain data, which nothing but an operation on it changes, is passed over.
        """
        names = (*(entry.name for entry in contents.entries), *modules, *inputs)
        values = {name: namespace[name] for name in names if name in namespace} | (magics or {})
        candidates = frozenset(values if cell.watched is None else cell.watched)
        inert = {entry.name for entry in contents.entries if entry.is_inert} - inputs
        classes = dict(known_classes())
        sent = cls(values, {}, {}, classes, candidates, mappings, parts, inputs=inputs)
        for name, value in values.items():
            if has_parts(value):
                sent.attributes[name] = prints_of(value, sent._part_print(namespace), namespace)
            if not is_class(value) and (name in candidates or name not in inert):
                print_ = sent._fingerprint(name, namespace)
                if print_ is not None:
                    sent.prints[name], sent.kinds[name] = print_, type(value)
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
        objects = {id(self.values[name]): name for name in names}
        by_id = {key: self._content(name) for key, name in objects.items()}
        contents = {name: by_id[id(self.values[name])] for name in names}
        return contents | {name: content for name, content in definitions.items() if content}

    def _content(self, name: str) -> Content | None:
        value = self.values[name]
        content, kind = content_of(value), type(value)
        if content is None or kind is self.kinds[name]:
            return content
        return replace(content, kind=kind)

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
            and name not in self.inputs
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
