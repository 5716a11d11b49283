"""Where each name may point at one moment of a cell, and how several moments become one.

Every name has a set of possibilities, kept as bits: it may still hold what the kernel put there, or
what the cell bound, or be deleted; it may not have been read yet. A name without an entry holds the
kernel's value, unread. Joining two paths is the union of the possibilities, so what is certain
afterwards was certain on both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbsubmit.core.names.effects import Effects

KERNEL = 1  # the kernel's value can still be reached by this name
BOUND = 2  # the cell's own value is there
ABSENT = 4  # deleted
SEEN = 8  # some path up to here has bound it, whatever happened then
UNREAD = 16  # some path up to here has not read the kernel's value
NEW = BOUND | SEEN
UNTOUCHED = KERNEL | UNREAD

Bodies = frozenset[Effects]
NONE: Bodies = frozenset()


class State:
    """One moment: the possibilities of all names, and the function bodies they may stand for."""

    def __init__(self) -> None:
        self.live = True  # False behind a raise, return, break or continue
        self.starred = False  # an unknown star import may have bound anything
        self.flags: dict[str, int] = {}
        self.bodies: dict[str, Bodies] = {}
        # Bodies whose reads are charged on every path to here. Kernel values only ever get lost,
        # so the same body could not read more later on.
        self.done: Bodies = NONE

    def copy(self) -> State:
        """Return a state that goes its own way from here."""
        twin = State()
        twin.live = self.live
        twin.starred = self.starred
        twin.flags = self.flags.copy()
        twin.bodies = self.bodies.copy()
        twin.done = self.done
        return twin

    def get(self, key: str) -> int:
        """Return the possibilities of one name."""
        return self.flags.get(key, UNTOUCHED)

    def put(self, key: str, flags: int, bodies: Bodies) -> None:
        """Set what a name surely is now; whether it was read before stays as it is."""
        self.flags[key] = flags | (self.get(key) & UNREAD)
        if bodies:
            self.bodies[key] = bodies
        else:
            self.bodies.pop(key, None)

    def allow(self, key: str, flags: int, bodies: Bodies = NONE) -> None:
        """Add to what a name may be."""
        self.flags[key] = self.get(key) | flags
        self.offer(key, bodies)

    def offer(self, key: str, bodies: Bodies) -> None:
        """Add to the bodies that a name may stand for."""
        if bodies:
            self.bodies[key] = self.bodies.get(key, NONE) | bodies

    def read(self, key: str) -> None:
        """Note that the kernel's value has surely been read."""
        self.flags[key] = self.get(key) & ~UNREAD

    def read_like(self, other: State) -> None:
        """Count as read what another way has read: the one that is taken when nothing fails."""
        for key, flags in other.flags.items():
            if not flags & UNREAD:
                self.read(key)

    def absorb(self, other: State) -> None:
        """Become the join of both."""
        for key in self.flags.keys() - other.flags.keys():
            self.flags[key] |= UNTOUCHED
        for key, flags in other.flags.items():
            self.flags[key] = self.get(key) | flags
        for key, bodies in other.bodies.items():
            self.offer(key, bodies)
        self.done &= other.done
        self.starred |= other.starred

    def blurred(self, trail: Trail) -> State:
        """Return this state after any part of the trail: where an exception may leave us."""
        result = self.copy()
        result.live = True
        for key, flags in trail.flags.items():
            result.allow(key, flags, trail.bodies.get(key, NONE))
        result.starred |= trail.starred
        return result

    def recall(self, trail: Trail) -> None:
        """Let earlier rounds of a loop have happened before this state."""
        for key, flags in trail.flags.items():
            self.allow(key, flags & ~UNTOUCHED)

    def follow(self, result: State, trail: Trail) -> None:
        """Let a ``finally`` block run after this state.

        The block is walked once, for all ways that lead into it; `result` is where it ended and
        `trail` what it touched. Doing it anew for each way would cost twice per nesting.
        """
        if not result.live:
            self.live = False
            return
        for key in trail.flags:
            after = result.get(key)
            if after & KERNEL:  # touched on some paths only
                self.allow(key, after & ~UNTOUCHED, result.bodies.get(key, NONE))
            else:
                self.put(key, after & ~UNREAD, result.bodies.get(key, NONE))
        self.read_like(result)
        self.done |= result.done
        self.starred |= result.starred


class Trail:
    """All that happened to names during a block, in no order: what an exception may leave."""

    def __init__(self) -> None:
        self.flags: dict[str, int] = {}
        self.bodies: dict[str, Bodies] = {}
        self.starred = False

    def note(self, key: str, flags: int, bodies: Bodies) -> None:
        """Add one event."""
        self.flags[key] = self.flags.get(key, 0) | flags
        if bodies:
            self.bodies[key] = self.bodies.get(key, NONE) | bodies


@dataclass
class Loop:
    """The moments at which a loop's body was left or begun anew."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)


def join(states: Iterable[State]) -> State:
    """Return the state where these paths meet; paths that ended take no part if any goes on."""
    every = list(states)
    met = [state for state in every if state.live] or every
    result = met[0] if len(met) == 1 else met[0].copy()
    for state in met[1:]:
        result.absorb(state)
    return result
