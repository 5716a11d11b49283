"""How many columns of a terminal a character takes."""

from __future__ import annotations


def width_of(character: str) -> int:
    """Return the columns: 2 for a wide one, 0 for one that is put on top, -1 for one of control."""
    if character.isascii() and character.isprintable():
        return 1
    # Its tables are 30 modules and 19 ms, an eighth of what the first job of a kernel loads; most
    # text that is shown is ASCII.
    from wcwidth import wcwidth

    return wcwidth(character)
