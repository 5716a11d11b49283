"""The library's face, for a script, a shell or a notebook.

environment  what a function knows of the job that it runs in
nodelist    Slurm's short form of a list of hosts
environ     the variables of this process, changed for a while
commands    programs as functions
checkpoints  what can be stopped and go on later
sequence    several calls in one job
snapshot    a copy of a repository as it is now
distributed  what torch has to know of the processes of a job
waiting     for several jobs at once
jobs        all jobs of a store, or one by its id
rows        a job as plain data, for whoever draws it
meters      how a job goes: its samples and its progress bars
bars        progress bars in what a job has printed
words       a row as text
width       how many columns a character takes
screen      a job's text as a terminal would show it
progress    a bar for a loop of the user's
"""
