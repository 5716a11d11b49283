"""What the user sees in a notebook; the only room that knows IPython and widgets.

extension   loading and unloading
doorway     what stands where no job is, and leads to the rest
magics      the lines and cells that come in
matcher     TAB, where it is on a magic's line
own_imports  whether the user's own modules have been imported
workings    all that is behind the doorway, put together
cell_commands  what %%slurm, %%local and %%submit do
line        what stands behind a magic, with variables in it replaced
config      %config NbSubmit
source      the cell as the shell has it → Cell
analysis    what a cell does with names, by all that the kernel knows
preparing   a cell and its options → all that is to be sent
mapping     what each task of an array has for itself
session     one per shell: sends cells, finds their jobs
arrivals    the jobs whose results are brought home, and the bringing
arrays      lists that arrays bring, and what fills their places
along       what comes along with what a job brings
expected    what a job is to bring, and what it did not
pending     cells that read what jobs are still to bring
following   what a sent cell starts after
sameness    the same cell with the same inputs
notebook    the notebook's jobs, wherever it lies
marks       what the notebook remembers of them
whereabouts where the notebook is, by what the front end says
moved       notebooks that were moved or copied
standing    how a job stands, by its folder alone
news        what is said of jobs when the extension is loaded
completion  what TAB offers on a magic's line
comm        the line to a front end that draws more than panels
talk        what is said on it
job_commands  what %jobs does
attach      %jobs attach
clean       %jobs clean
panels      one panel for each job, wherever it is shown
panel       a job as widgets, and as a record when it has ended
buttons     what can be done with a job by a click
record      a job as markup: the parts of panel and record
grid        an array's tasks as a grid
tasks       the tasks of an array where no panel shows them
colours     a terminal's colours as markup
markup      plain values → HTML, all text escaped
place       where a cell's output stands, also later
replay      a job's output as the cell's own
plain       what is said of a job where no panel shows it
status_line  a line that is written over while a terminal waits
raised      a job's error as the cell's own
debugger    IPython's debugger on a job's frames
waiting     whether a cell waits for its job
space       a disk that will be full soon
module_state  what is kept in the globals of the user's modules
local_modules  the user's own modules, and whether they changed
unread      requests that a kernel has received and does not read
own_magics  magics that the user or an extension has made
"""
