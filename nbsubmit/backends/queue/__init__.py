"""The queue of the local backend: first come, first served, for one user on one machine.

There is no server to ask. What waits and what runs stands in one file, and whoever holds the lock
brings it up to date: a client that sends a job, looks at one or ends one. A job for which there
is room is started by the client that sends it. Only while something may have to happen without
a client, because jobs wait or have a time limit, a process of the queue's own sees to it.

machine     what there is to hand out: processors, GPUs, the level of a job within a job
processes   starting processes so that each runs once or not at all, and finding them again
forks       having workers forked by a template of theirs, which takes a fraction of a start
ending      ending them with all that they started
entries     one launch in the queue and what runs of it, as plain values
ticket      what is needed to start it
place       the folder: lock, state, tickets, ends
order       whose turn it is (pure)
turn        one turn: note what has ended, start what there is room for
daemon      takes turns while there is need of it; ``python -m nbsubmit.backends.queue``
handles     by what a launch is found again
reports     what is said of it
"""
