"""What a question mark behind a magic shows: what it does, examples, and all that it takes."""

from __future__ import annotations

from nbsubmit.client.configured import grammar_of

_OF_A_CELL = """\
{first}

The names that the cell reads go along, and those that it binds come back, as if it had run here.
The cell returns at once and shows a panel; `%jobs?` tells what can be done with its job.

Examples
--------
{examples}

Options
-------
{options}"""
_FIRST = {
    "slurm": "Send the cell to a Slurm cluster and bring back what it makes.",
    "local": "Run the cell in a process on this machine and bring back what it makes.",
    "submit": "Send the cell to the best backend there is here: Slurm, else this machine.",
}
_EXAMPLES = """\
%%{magic} --gpus 1 --time 2h --as training         the job is bound to `training`
%%{magic} -c 4 --mem 16G --wait                    the cell ends when the job does
%%{magic} --map x=range(24) --time 10m             a task for each x, each with its own
%%{magic} --in table --without cache --out score   what travels, by name
%%{magic} --after training --dry-run               show all that would be sent, and send nothing"""
_MORE = """\
Further long options of sbatch's are handed on as they are."""

OF_JOBS = """\
See this notebook's jobs, look at one, send it again, debug it, or end it.

%jobs                          this notebook's jobs; --all for all in the store, --sizes
%jobs show [ID]                one job: state, names, output, error
%jobs logs [ID]                all that it printed
%jobs attach [ID...] [--all]   show panels here and bring in names; --all for all that run, that
                               have ended since, and that the last kernel had
%jobs resubmit ID [OPTIONS]    send it again; the options are added to those that it had
%jobs resubmit ID --failed     of an array, run the tasks again that failed
%jobs resubmit --failed [OPTIONS]
                               all that failed of this notebook and was not sent again since
%jobs debug [ID]               IPython's debugger where it failed, with the values as they were
%jobs cancel ID...             end jobs
%jobs forget ID                of one that failed: let cells read what is here by the names that it
                               did not bring
%jobs clean                    what jobs there are, and what each way to remove some would free
%jobs clean [--older 30d] [--keep N] [--state FAILED,…] [--all] [--dry-run] [ID...]
                               remove those that have ended and are all of this; --all is every
                               notebook's
%jobs doctor [OPTIONS]         check what jobs need, here and by a tiny job on a node; the options
                               are that job's, as --partition; --no-job sends none

ID is enough of an id's beginning or end, Slurm's own, or the name that --as gave it, and ID_7 is
task 7 of an array; without one it is the latest job, to debug the latest that failed.

Examples
--------
%jobs logs training
%jobs resubmit k7q2 --mem 16G
%jobs clean --older 30d --state FAILED,TIMEOUT"""


def page(magic: str) -> str:
    """Return the manual of a magic, which is named without its signs."""
    return OF_JOBS if magic == "jobs" else _of_cell(magic)


def _of_cell(magic: str) -> str:
    _usage, _, options = grammar_of(f"%%{magic}").help().partition("\n\n")
    return _OF_A_CELL.format(
        first=_FIRST[magic], examples=_EXAMPLES.format(magic=magic), options=f"{options}\n{_MORE}"
    )
