"""What the user sees in a notebook; the only room that knows IPython and widgets.

extension   loading and unloading
magics      the lines and cells that come in
source      the cell as the shell has it → Cell
session     one per shell: sends cells, keeps jobs, brings results home
completion  TAB on a magic's line
job_commands  what %jobs does
panels      one panel for each job, wherever it is shown
panel       a job as widgets, and as a record when it has ended
buttons     what can be done with a job by a click
record      a job as markup: the parts of panel and record
markup      plain values → HTML, all text escaped
place       where a cell's output stands, also later
replay      a job's output as the cell's own
plain       what is said of a job where no panel shows it
status_line  a line that is written over while a terminal waits
raised      a job's error as the cell's own
debugger    IPython's debugger on a job's frames
local_modules  the user's own modules, and whether they changed
unread      requests that a kernel has received and does not read
own_magics  magics that the user or an extension has made
"""
