"""What the notebook has put away is not held for the sake of jobs that have ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

BEGIN = """\
import gc, weakref
class Large:
    def __init__(self): self.content = bytearray(1 << 20)
replaced, used = Large(), Large()
held = [weakref.ref(each) for each in (replaced, used)]
"""
ALIVE = "gc.collect(); [ref() is not None for ref in held]"


def test_what_was_sent_and_what_a_job_has_replaced_can_go(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(BEGIN)
    kernel.run("%%local --wait\nreplaced = Large()\nlength = len(used.content)")
    assert kernel.run("length").result == str(1 << 20)
    assert kernel.run(ALIVE).result == "[False, True]"
    kernel.run("del used")
    assert kernel.run(ALIVE).result == "[False, False]"


def test_what_a_job_has_brought_is_as_it_was_when_the_notebook_names_it_anew(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("x = [1]")
    kernel.run("%%local --wait\nx.append(2)")
    kernel.run("%%local --wait --as job\nx.append(3)\ny = x")
    assert kernel.run("x, y, y is x").result == "([1, 2, 3], [1, 2, 3], True)"
    kernel.run("%jobs resubmit job")
    assert kernel.run("x, y").result == "([1, 2, 3], [1, 2, 3])"
