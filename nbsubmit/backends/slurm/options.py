"""sbatch's options: those that pass, and those that nbsubmit sets itself.

Source: the manual of sbatch, releases 22.05 to 25.05. The common five (cpus, gpus, memory, time,
name) stand in `nbsubmit.core.options`.
"""

from __future__ import annotations

from nbsubmit.core.options import Option

_LISTED = (
    Option("partition", "p", "NAME", "partition, or several separated by commas"),
    Option("account", "A", "NAME", "account to charge"),
    Option("qos", "q", "NAME", "quality of service"),
    Option("nodes", "N", "N", "nodes; the cell itself runs on the first"),
    Option("ntasks", "n", "N", "tasks that an srun inside the cell may start"),
    Option("ntasks-per-node", "", "N", "the same for each node"),
    Option("gpus-per-node", "", "[TYPE:]N", "GPUs on each node"),
    Option("gpus-per-task", "", "[TYPE:]N", "GPUs for each task"),
    Option("gres", "", "LIST", "generic resources"),
    Option("mem-per-cpu", "", "SIZE", "memory for each processor", rivals=("mem", "mem-per-gpu")),
    Option("mem-per-gpu", "", "SIZE", "memory for each GPU", rivals=("mem",)),
    Option("constraint", "C", "FEATURES", "features that the nodes must have"),
    Option("nodelist", "w", "NODES", "nodes that must be among them"),
    Option("exclude", "x", "NODES", "nodes that must not"),
    Option(
        "exclusive",
        "",
        "MODE",
        "no other job on the node",
        value_optional=True,
        rivals=("oversubscribe",),
    ),
    Option("reservation", "", "NAME", "reservation to use"),
    Option("dependency", "d", "LIST", "start after other jobs, as in afterok:123"),
    Option("begin", "b", "WHEN", "do not start before"),
    Option("nice", "", "N", "lower priority", value_optional=True),
    Option("licenses", "L", "LIST", "licences"),
    Option("mail-type", "", "EVENTS", "when Slurm is to write an e-mail"),
    Option("mail-user", "", "ADDRESS", "to whom"),
    Option("requeue", "", None, "run again after its node failed or it was preempted"),
    Option("no-requeue", "", None, "do not", rivals=("requeue",)),
)

_WITH_VALUE = [
    "acctg-freq",
    "batch",
    "bb",
    "bbf",
    "burst-buffer",
    "cluster-constraint",
    "clusters",
    "container",
    "container-id",
    "context",
    "core-spec",
    "cores-per-socket",
    "cpu-freq",
    "cpus-per-gpu",
    "deadline",
    "delay-boot",
    "distribution",
    "extra",
    "extra-node-info",
    "gid",
    "gpu-bind",
    "gpu-freq",
    "gpus-per-socket",
    "gres-flags",
    "hint",
    "ignore-pbs",
    "kill-on-invalid-dep",
    "mcs-label",
    "mem-bind",
    "mincpus",
    "network",
    "no-kill",
    "nodefile",
    "ntasks-per-core",
    "ntasks-per-gpu",
    "ntasks-per-socket",
    "oom-kill-step",
    "power",
    "prefer",
    "priority",
    "propagate",
    "segment",
    "signal",
    "sockets-per-node",
    "spread-job",
    "stepmgr",
    "switches",
    "thread-spec",
    "threads-per-core",
    "time-min",
    "tmp",
    "tres-bind",
    "tres-per-task",
    "uid",
    "use-min-nodes",
    "wckey",
    "resv-ports",
]
_BARE = ("contiguous", "hold", "ignore-pbs", "overcommit", "oversubscribe", "reboot",
         "spread-job", "stepmgr", "use-min-nodes")  # fmt: skip
_SHORT = {
    "batch": "", "clusters": "M", "core-spec": "S", "distribution": "m", "extra-node-info": "B",
    "no-kill": "k",
    "nodefile": "F", "hold": "H", "overcommit": "O", "oversubscribe": "s",
}  # fmt: skip
_VALUE_OPTIONAL = {"no-kill", "propagate", "resv-ports", "oom-kill-step"}

OPTIONS: tuple[Option, ...] = (
    *_LISTED,
    *(
        Option(name, _SHORT.get(name, ""), "VALUE", "", name in _VALUE_OPTIONAL)
        for name in _WITH_VALUE
        if name not in _BARE
    ),
    *(Option(name, _SHORT.get(name, ""), None) for name in _BARE),
)

_LOGS = "The output goes to the job's folder: see %jobs logs."
_CELL = "The job is the cell."
OWNED: dict[str, str] = {
    "chdir": "The job runs where the notebook does; os.chdir in the cell changes that.",
    "comment": "nbsubmit finds its jobs by it; use --job-name.",
    "error": _LOGS,
    "export": "The job has the notebook's environment; --env NAME=VALUE adds to it.",
    "export-file": "The job has the notebook's environment; --env NAME=VALUE adds to it.",
    "get-user-env": "The job has the notebook's environment; --setup LINE runs a line before it.",
    "help": "Put a question mark after the magic's name for the manual.",
    "input": "A job has no input; read files in the cell.",
    "open-mode": _LOGS,
    "output": _LOGS,
    "parsable": "The job's id is in the panel.",
    "test-only": "Use --dry-run.",
    "usage": "Put a question mark after the magic's name for the manual.",
    "verbose": "Use --dry-run to see what is sent.",
    "version": "Run !sbatch --version.",
    "wrap": _CELL,
    "wait-all-nodes": "Not for a cell.",
}
# The same by letter.
OWNED |= {
    letter: OWNED[name]
    for letter, name in {
        "D": "chdir",
        "V": "version",
        "e": "error",
        "h": "help",
        "i": "input",
        "o": "output",
        "v": "verbose",
    }.items()
}
OWNED |= {"Q": "Use --quiet.", "W": "Use --wait."}
