"""A cell's way there and back as a text: what the notebook ran, what the job runs, what then holds.

The parts of a story stand under headings::

    offset = 1                      what the notebook has run before
    def shifted(x): return x + offset
    -- job
    y = shifted(1)                  what the job runs
    -- there
    y == 2                          what holds in the job, a fact a line
    -- here
    y == 2                          what holds in the notebook afterwards

Under ``-- then`` the notebook runs something more; parts may follow each other in any number.
"""

from __future__ import annotations

import re
from textwrap import dedent

from tests.journeys.kernel import Kernel


def play(text: str, kernel: Kernel, magic: str) -> None:
    """Run a story in a kernel that is swept before, and check each fact."""
    before, *parts = re.split(r"^-- (\w+)\n", dedent(text), flags=re.MULTILINE)
    kernel.run("%reset -f")
    kernel.run(before)
    steps = list(zip(parts[::2], parts[1::2], strict=True))
    for number, (heading, code) in enumerate(steps):
        if heading == "job":
            there = steps[number + 1][1] if steps[number + 1][0] == "there" else ""
            ran = kernel.run(f"{magic} --wait --quiet\n{code}\n{_tell(there)}")
            _check(ran.stdout, there)
        elif heading == "then":
            kernel.run(code)
        elif heading == "here":
            _check(kernel.run(_tell(code)).stdout, code)


def _tell(text: str) -> str:
    """Code that prints of each fact whether it holds."""
    return "\n".join(f"print({f!r}, bool({f}), sep=': ')" for f in _facts(text))


def _facts(text: str) -> list[str]:
    """The facts; a line that is indented belongs to the one before it."""
    return re.sub(r"\n +", " ", text).splitlines()


def _check(told: str, text: str) -> None:
    wrong = [line for line in told.splitlines() if not line.endswith(": True")]
    assert not wrong, "\n".join(wrong)
    assert len(told.splitlines()) == len(_facts(text)), told
