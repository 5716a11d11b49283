"""A value's content has the same hash in every process, and other content has another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core import content
from nbsubmit.core.keys import Key, Keys

DEFINED = """
import collections, dataclasses, enum
import numpy as np
class Plain:
    names = {"a", "b", "c"}
    def __init__(self, held):
        self.held = held
    def look(self):
        return self.held
@dataclasses.dataclass
class Data:
    a: int = 3
class Colour(enum.Enum):
    RED = 1
def outer(value, names={"p", "q"}):
    def inner():
        return value
    return inner
Pair = collections.namedtuple("Pair", "a b")
values = {
    "set": {"x", "y", ("z", 1)}, "frozen": frozenset("hello"), "array": np.arange(1000),
    "large": np.arange(300_000), "class": Plain, "instance": Plain({"u", "v"}), "data": Data(),
    "enum": Colour.RED, "function": outer, "closure": outer(3), "pair": Pair(1, 2),
    "lambda": lambda x: x + 1, "nested": [{"a": {("b", frozenset("cd"))}}],
}
"""
PROGRAM = f"""
import sys
from nbsubmit.core import content
home = sys.modules["__main__"].__dict__
exec(compile({DEFINED!r}, sys.argv[1], "exec"), home)
for name, value in values.items():
    print(name, content.digest(value, home))
"""


def digests(seed: str, file: str) -> str:
    environ = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", PROGRAM, file]
    return subprocess.run(command, env=environ, check=True, text=True, capture_output=True).stdout


def test_a_hash_is_the_same_in_another_process_and_from_another_file() -> None:
    first, second = digests("1", "/tmp/cell_1/2.py"), digests("2", "/tmp/cell_22/333.py")
    assert first == second
    assert len({line.split()[1] for line in first.splitlines()}) == len(first.splitlines())


def made(source: str) -> Any:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(source, home)
    return content.digest(home["x"], home)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = {1, 2}", "x = {1, 3}"),
        ("x = {1}", "x = frozenset({1})"),
        ("def x(): return 1", "def x(): return 2"),
        ("def x(a=1): return a", "def x(a=2): return a"),
        ("class x:\n    a = 1", "class x:\n    a = 2"),
        ("import numpy as np\nx = np.arange(4)", "import numpy as np\nx = np.arange(4.0)"),
        ("x = [1, 2]", "x = (1, 2)"),
    ],
)
def test_what_differs_has_another_hash(one: str, other: str) -> None:
    assert made(one) != made(other)
    assert made(one) == made("\n\n" + one)


def test_jobs_are_found_by_their_key_until_they_are_gone(tmp_path: Path) -> None:
    keys, key = Keys(tmp_path), Key("base", {"x": "1"})
    for job in ("first", "second"):
        (tmp_path / "jobs" / job).mkdir(parents=True)
        keys.note(key, job)
    assert keys.find(key) == ["second", "first"]
    assert keys.find(Key("base", {"x": "2"})) == []
    assert keys.find(Key("other", {"x": "1"})) == []
    (tmp_path / "jobs" / "second").rmdir()
    assert keys.find(key) == ["first"]
    (tmp_path / "jobs" / "first").rmdir()
    keys.tidy()
    assert list((tmp_path / "keys").iterdir()) == []
    assert Key.from_json(key.to_json()) == key
