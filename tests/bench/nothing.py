"""A function that does next to nothing, in a module that imports nothing.

A job imports the module of the function that it calls: what is measured is to be the job.
"""

from __future__ import annotations


def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b
