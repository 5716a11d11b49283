"""Modules that load when they are first used: what a job imports costs the notebook no time.

A kernel that only shows what a job has made of pandas need not load that, which takes 730 ms.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType


def lazy_module(name: str) -> ModuleType:
    """Return a module that is loaded when something is first asked of it.

    Raises
    ------
    ImportError
        If there is no such module. One that is there and fails to load says so when it is used.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    if spec.loader is None or not hasattr(spec.loader, "exec_module"):
        return importlib.import_module(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    package, _, last = name.rpartition(".")
    if package:
        setattr(sys.modules[package], last, module)
    return module
