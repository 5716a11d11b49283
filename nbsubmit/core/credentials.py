"""Values that look like passwords or keys: they are sent, and it is said.

A job's folder can be read by its owner alone, and yet a password that is written to a disk, and so
to its backups, should be there on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NAME = re.compile(
    r"(?:^|_)(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|"
    r"auth_?key|credentials?)(?:$|_|\d)",
    re.IGNORECASE,
)
# The prefixes that the services themselves document, so that scanners find leaked keys.
_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22,}"
    r"|\bglpat-[A-Za-z0-9_-]{20}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\bxox[abpr]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."
    r"|\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"
)
_LONGEST = 10_000
_MOST = 200


def find(values: Mapping[str, Any]) -> list[str]:
    """Return where something looks like a credential, as Python: ``cfg['password']``."""
    return [path for name, value in values.items() for path in _inside(name, name, value)]


def _inside(path: str, name: str, value: Any) -> Iterator[str]:
    """Look at a text, and at those directly inside a dictionary or an object."""
    if isinstance(value, (str, bytes)):
        if _is_credential(name, value):
            yield path
        return
    if isinstance(value, Mapping):
        parts = [(f"{path}[{key!r}]", str(key), part) for key, part in _first(value)]
    elif isinstance(value, type) or not hasattr(value, "__dict__"):
        return
    else:
        parts = [(f"{path}.{key}", key, part) for key, part in _first(vars(value))]
    for where, key, part in parts:
        if isinstance(part, (str, bytes)) and _is_credential(key, part):
            yield where


def _first(values: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return [item for item, _ in zip(list(values.items()), range(_MOST), strict=False)]


def _is_credential(name: str, value: str | bytes) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    text = text[:_LONGEST]
    named = bool(_NAME.search(name)) and len(text) >= 4 and not re.search(r"\s", text.strip())
    return named or bool(_TEXT.search(text))
