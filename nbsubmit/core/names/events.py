"""What names go through while a cell is walked: looked up, bound, deleted, their objects changed.

Whoever walks the code says what happens in which order; here it becomes the state of the names and
the effects of the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from nbsubmit.core.names.aliases import roots
from nbsubmit.core.names.cell import Cell
from nbsubmit.core.names.effects import Effects
from nbsubmit.core.names.scopes import Kind, Scope
from nbsubmit.core.names.state import ABSENT, KERNEL, NEW, NONE, SEEN, Bodies, Loop, State, Trail


class Events:
    """The names of one block of code; `effects` holds what happened to them.

    Parameters
    ----------
    cell : Cell
        What the whole analysis shares.
    scope : Scope
        Where the block stands.
    """

    def __init__(self, cell: Cell, scope: Scope) -> None:
        self.cell = cell
        self.scope = scope
        self.state = State()
        self.effects = Effects()
        self.loops: list[Loop] = []
        self.trails: list[Trail] = []
        self.unsure = False  # inside code that may be expanded or not
        self.late = False  # inside code that may run later than it stands
        # A function's body keeps nothing for later: all that it defines counts as used in it.
        self.keeps = scope.kind is Kind.MODULE
        self._pending: list[tuple[str, Bodies, State]] = []

    # Reads

    def load(self, name: str, line: int) -> None:
        """Look a name up, and use whatever function it may stand for."""
        name = self.scope.mangle(name)
        owner = self.scope.owner(name)
        if owner is None:
            bodies = self._touch(name, line, sure=True, now=True)
        elif owner.kind is Kind.CLASS:
            key = owner.key(name)
            flags = self.state.get(key)
            bodies = self.state.bodies.get(key, NONE)
            if flags & KERNEL:  # not bound in the class so far: the global is meant
                bodies |= self._touch(name, line, sure=not flags & SEEN, now=True)
        else:
            return
        if bodies:
            self.release(bodies)

    def release(self, bodies: Iterable[Effects]) -> None:
        """Let functions' effects take place: from here on somebody may call them.

        Their names are looked up now, though the call may come later: fewer kernel values can be
        reached then, never more.
        """
        todo = [body for body in bodies if body not in self.state.done]
        released: set[Effects] = set()
        while todo:
            body = todo.pop()
            if body in released or body in self.state.done:
                continue
            released.add(body)
            self.cell.watched.update(body.reads)
            for name, sure in body.reads.items():
                todo.extend(self._touch(name, body.lines[name], sure, now=False))
        for body in released:
            self.effects.charge(body)
            self._allow(body.stores, NEW)
            self._allow(body.deletes, ABSENT)
        if not self.unsure:
            self.state.done |= released

    def _touch(self, name: str, line: int, sure: bool, now: bool) -> Bodies:
        """Look a global name up, now or in a function's body; return the functions it may be."""
        flags = self.state.get(name)
        if flags & KERNEL:
            certain = sure and not (self.unsure or self.state.starred or flags & SEEN)
            self.effects.read(name, line, certain)
            if certain and now:
                self.state.read(name)
        if self.late:
            self.cell.watched.add(name)
        return self.state.bodies.get(name, NONE)

    # Writes

    def store(self, name: str) -> None:
        """Bind a name; it loses whatever it stood for."""
        self._store(name, NONE)

    def bind(self, name: str, bodies: Bodies) -> None:
        """Bind a name to functions, whose effects wait until the name is used."""
        if not self.keeps:
            self.release(bodies)
            self.store(name)
            return
        self._store(name, bodies)
        name = self.scope.mangle(name)
        if self.scope.owner(name) is not None:
            return
        for body in bodies:
            self.cell.later.setdefault(name, set()).update(body.reads)
        if name in self.cell.watched:
            self.release(bodies)
        elif self.loops and bodies:
            self._pending.append((name, bodies, self.state.copy()))

    def expose(self, name: str, bodies: Bodies) -> None:
        """Use functions at once while a name is being bound to them: a decorator may call them.

        They may also be called after that, so a read of the very name is not sure.
        """
        name = self.scope.mangle(name)
        if self.scope.owner(name) is None:
            self._allow([name], NEW)
        self.release(bodies)
        self.store(name)

    def bind_for_a_while(self, name: str) -> None:
        """Bind the name of an ``except … as`` clause, which is gone again after it."""
        if self.scope.home.owner(self.scope.mangle(name)) is None:
            self.effects.handled.add(self.scope.mangle(name))
        self._put(name, NEW, NONE)

    def unbind(self, name: str) -> None:
        """Take the name of an ``except … as`` clause away."""
        self._put(name, ABSENT | SEEN, NONE)

    def delete(self, name: str, line: int) -> None:
        """Delete a name: it must exist, but no function that it stands for is used by that."""
        name = self.scope.mangle(name)
        if self.scope.owner(name) is None:
            self._touch(name, line, sure=True, now=True)
            if self.state.get(name) & KERNEL:
                self.effects.deletes.add(name)
        self._put(name, ABSENT | (self._flags(name) & SEEN), NONE)

    def settle_pending(self) -> None:
        """Use functions that a loop bound to a name before something came to watch that name.

        The watcher may look in the next round. Using one function may watch further names.
        """
        watched = self.cell.watched
        while due := [entry for entry in self._pending if entry[0] in watched]:
            self._pending = [entry for entry in self._pending if entry[0] not in watched]
            for _, bodies, moment in due:
                now, self.state = self.state, moment
                self.release(bodies)
                self.state = now
        self._pending.clear()

    def _store(self, name: str, bodies: Bodies) -> None:
        name = self.scope.mangle(name)
        if self.scope.home.owner(name) is None:
            self.effects.stores.add(name)
            if self.late:
                self.effects.loose.add(name)
        self._put(name, NEW, bodies)

    def _flags(self, name: str) -> int:
        owner = self.scope.home.owner(name)
        return self.state.get(name if owner is None else owner.key(name))

    def _put(self, name: str, flags: int, bodies: Bodies) -> None:
        name = self.scope.mangle(name)
        owner = self.scope.home.owner(name)
        if owner is not None:
            if owner.kind is not Kind.CLASS:
                return
            name = owner.key(name)
            if flags & ABSENT:  # once deleted from the class, the global is meant again
                flags = KERNEL | SEEN
        self.state.put(name, flags, bodies)
        for trail in self.trails:
            trail.note(name, flags, bodies)

    def _allow(self, names: Iterable[str], flags: int) -> None:
        for name in names:
            self.state.allow(name, flags)
            for trail in self.trails:
                trail.note(name, self.state.get(name), NONE)

    # Changes in place

    def keys(self, node: ast.AST) -> set[str]:
        """Return the alias keys of all names whose object an expression may be a part of."""
        return {self.key(name.id) for name in roots(node)}

    def key(self, name: str) -> str:
        """Return a name's alias key."""
        name = self.scope.mangle(name)
        owner = self.scope.owner(name)
        return name if owner is None else owner.key(name)

    def alias(self, name: str, sources: Iterable[str]) -> None:
        """Note that a name may stand for a part of the sources from now on."""
        self.cell.aliases.add(self.key(name), sources)

    def mutate(self, node: ast.AST) -> None:
        """Note that the object an expression gives is changed."""
        self.effects.mutates |= self.keys(node)

    def escape(self, nodes: Iterable[ast.AST]) -> None:
        """Note that objects are handed to code that we do not see."""
        for node in nodes:
            self.effects.escapes |= self.keys(node)

    def dynamic(self, reason: str) -> None:
        """Note why names may be used that the text does not show."""
        self.effects.dynamic[reason] = None
