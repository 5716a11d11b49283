"""Views of bytes and numpy's own source of chance: what they are of, they are of afterwards."""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.stories import play

pytestmark = pytest.mark.kernel

STORIES = {
    "a view of bytes is a view": """
        data = b'abcdef'
        view = memoryview(data)[2:4]
        -- job
        mine = memoryview(data)[1:]
        grid = memoryview(bytearray(8)).cast('h', (2, 2))
        -- there
        bytes(view) == b'cd'
        view.readonly
        -- here
        bytes(mine) == b'bcdef'
        grid.shape == (2, 2) and not grid.readonly
        """,
    "what is written through a view is in what it looks at": """
        data = bytearray(b'abcdef')
        view = memoryview(data)[2:4]
        -- job
        view[0] = 0
        -- there
        data[2] == 0
        -- here
        data[2] == view[0] == 0
        view.obj is data
        -- then
        view[1] = 7
        -- here
        data[3] == 7
        """,
    "a view that skips bytes has them": """
        view = memoryview(b'abcdef')[::2]
        -- job
        told = bytes(view)
        -- here
        told == b'ace'
        """,
    "numpy's own source of chance is whichever is there": """
        import numpy as np
        source = np.random.mtrand._rand
        np.random.seed(3)
        first = np.random.rand()
        np.random.seed(3)
        -- job
        drawn, mine = source.rand(), np.random.mtrand._rand
        -- here
        drawn == first
        mine is source is np.random.mtrand._rand
        """,
}


@pytest.mark.parametrize("story", STORIES)
def test_as_if_it_had_run_here(swept: Kernel, magic: str, story: str) -> None:
    play(STORIES[story], swept, magic)
