"""The groups of the user, by which Slurm decides who may use a partition."""

from __future__ import annotations

import grp
import os


def groups() -> set[str]:
    """Return the names of the groups of this process; of one that has no name the number."""
    found = set()
    for gid in {os.getgid(), *os.getgroups()}:
        try:
            found.add(grp.getgrgid(gid).gr_name)
        except KeyError:
            found.add(str(gid))
    return found
