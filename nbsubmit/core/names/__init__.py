"""Which of the notebook's names a cell uses: decided by reading its text, never by running it.

The question is not which names the text mentions, but which values of the kernel the cell can still
reach when it runs. ``x = 1; print(x)`` reads nothing; ``if flag: x = 1`` and then ``print(x)`` may
read ``x``; a function's body reads its names when somebody uses the function. So the cell is walked
in execution order, with the set of names whose kernel value is surely gone.

Where the text leaves room, a name is rather read, bound or changed too often than too seldom: what
is sent needlessly costs time, what is missing costs the job.
"""

from nbsubmit.core.names.analysis import analyse
from nbsubmit.core.names.cell import Magics
from nbsubmit.core.names.use import NameUse

__all__ = ["Magics", "NameUse", "analyse"]
