"""What code changes in place, for all that its text and the kinds of its objects show.

The analysis in `nbsubmit.core.names` finds what a cell *may* change: a name too many costs time on
the way. Who waits for a job needs another answer, for each name too many has cells run one after
another that could run side by side: what a cell changes as far as can be seen, in its own text and
in the notebook's functions that it calls.

within     what a value leads to: what it holds, wraps, encloses or looks at
functions  the notebook's functions that a value brings along
text       what a stretch of code does to the objects of names
kinds      what changes objects of well-known kinds, and what gives parts of them
judge      whether an object is changed
"""
