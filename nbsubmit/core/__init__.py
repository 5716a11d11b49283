"""The way of a job, in the order in which a job goes it.

record    classes of values, without compiling code for each
harmless  text from a job, as a terminal may be shown it
errors    what can go wrong, as a tree
failed    an exception that is also that of a failed job
groups    exceptions that are several
state     the states of a job, and a status: state, reason, advice
finding   what somebody who looked has found, and what to do about it
units     durations and memory as people write them
spec      what was asked for and what is started, as frozen values
indices   the indices of an array, as people write them
splitting  the magic's line → its words
options   the magic's line → what was asked for
settings  where the store is, how often to look
profiles  sets of options that the configuration names → words of a line
config_files  built-in ← site ← user ← project ← environment
reserved  the names that are the shell's own
lines     the text of code that lies in no file
cell      the cell itself, on its way
call      a function call on its way
names     cell text → the names it reads, writes, changes
history   the shell's results that a cell names
origin    where a module comes from: Python, a package, the user's files, nowhere
packages  the packages whose objects travel, and whether they are here
garbage   Python's collector of garbage, kept waiting
trust     whether only the user can have written what lies in a folder
memory    where buffers lie, and which of them overlap
mapped    buffers as pieces of files, and whether they were written to
everywhere  objects that every process has of its own
unpicklable  kinds of values that cannot travel, and what to do instead
shell     the shell of this process
reducers  types of other packages that travel better than by themselves
home      the namespace that the functions which arrive are bound to
definitions  classes and functions of the notebook ↔ the parts they are built again from
magics    the shell's magics that do not come with IPython
met       the objects that a pickler has met, by number
pickling  one value ↔ bytes, functions bound to the namespace they arrive in
fingerprint  one value → hashes of its content
culprit   where inside a value the part is that cannot be pickled
salvage   the rest of a stream in which one value cannot be rebuilt
folder    one job's files
held      which jobs a living process has open
sizes     how much room jobs take, and share
delayed   a function and what it is to be called with
utils     the place where scripts for submitit look for some of these
parts     in which parts an array was handed over, and what is left of it
packs     tasks that run one after another in one job of the backend's
tasks     the tasks of a job, which share what is sent
patterns  a folder whose name depends on the job
usage     what a running job uses, sample by sample, and what it was given
by_value  the source of modules that the node cannot import
blobs     large buffers, kept once each, named by their content
own_modules  the user's own modules, and which of them a source uses
content   one value → a hash that is the same in every process
contents  the list of contents of a bundle: values, and where their buffers lie
layout    buffers → regions → files
writer    several named values → a stream and buffers
bundle    a bundle that was written → the values in it
slices    what each task of an array has for itself
checkpoint  what a job that is run again goes on from
result    what a job brings back, as plain data
kept      the frames of a cell that failed, as plain data
revise    an object ↔ its content, which the object at home takes on
originals  the objects that a result refers to by the names under which they were sent
payload   what travels to a job, what stays behind, and why
tests     what doctest and unittest find in a notebook
slicing   values for each task → slices, and what several of them share
capture   names + namespace → payload: what goes, what stays behind and why
calling   function calls → payload, and a slice for each
limits    how much may be sent, and whether the disk can take it
credentials  values that look like passwords or keys
imports   what is to happen as soon as a module is loaded
ambient   settings and chance, which lie in modules and not in names
changes   what code changes in place, for all that can be seen
pending   what a job that has not ended yet will bring
handed    what was sent: whether it is here still as it was
lazy      modules that load when they are first used
lending   what a job brings, at hand while it is loaded
missing   what stands in the place of a value that a task did not bring
inject    result → namespace: what comes back, what the user changed meanwhile
output    one job's printed text and displays, in order
stores    which folders of folders the user has sent jobs to
store     the folder of folders
keys      by what a job is the same as an earlier one
cleaning  which jobs are no longer needed
removal   how their folders go
backend   what a backend is: start, poll, stop
answers   what one has said, in a file that the user's processes share
asking    asking one without standing still until it answers
sending   an array → as many parts as the backend takes
rest      what is left of it, sent when there is room
recover   the handle of a job whose sender ended before noting it
ends      what folders alone tell of a job's end and of those that it starts after
found     what the folder says
settle    what the folder says + what the backend says → the one status
sent      what went with a job
loading   what lies in a job's folder → values here
raising   how a job ended → the exception of who asks for its result
job       a job as a user holds it
gathered  what tasks have brought → a list for each name
tasked    a job that has tasks
awaited   a job that another one waits for, seen from a node
inputs    the value of one job as an argument of another
stopped   frames that stand still, and their lines
postmortem  the frames that were kept, for a debugger
submit    the way itself
later     what a job that is sent again starts after
resubmit  a job once more, with other resources
watched   a live job as it was last seen, and looking at its folder
questions  when a backend is asked about live jobs, and what its answers change
watch     looking at live jobs until they end

Nothing here knows a scheduler, a shell or a widget. What few jobs need is imported inside of
functions: `nbsubmit.worker` tells what that saves.
"""
