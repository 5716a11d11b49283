"""One watcher for all jobs of this process that the library sends or finds again."""

from __future__ import annotations

import functools

from nbsubmit.core import config_files
from nbsubmit.core.watch import Watcher


@functools.cache
def watcher() -> Watcher:
    """Return it; its settings are those that held when it was first needed."""
    return Watcher(config_files.settings())
