"""A private, real Slurm on this machine, in a folder, for an ordinary user.

    up ──► guard ──► supervisor ──► munged, slurmctld, slurmd -N n1, … ──► job steps
           sweeps    owns, obeys                                           orphans of theirs
                                                                           go to the supervisor
    config      what is asked for
    layout      which file is where
    conf        slurm.conf and its kin, as text
    programs    where Slurm's programs are, and their clean environment
    processes   a process by pid and birth; killing, waiting
    daemons     how each daemon is started
    children    the daemons that run, and orphans of theirs
    record      what outlives every process: who is who, and how far it came
    control     requests to a running supervisor
    supervisor  starts and stops; ends with its owner, with its guard, or when asked
    guard       the supervisor's parent; kills what is left, and takes the sockets away
    launch      starting and ending a supervisor from outside
    sandbox     what a caller holds: up, down, status, faults on demand
    command     one command run beside it

Nothing is left running: daemons die with the supervisor (the kernel sees to it), job steps with
the guard, and if both are killed at once, the next `up` or `down` ends what the record names.
"""
