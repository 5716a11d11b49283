"""What Slurm's programs answer → what is to be said of a cluster. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from nbsubmit.backends.slurm.options import OPTIONS
from nbsubmit.core.finding import Finding, problem, warning, well
from nbsubmit.core.units import format_whole, parse_duration

_SLOW_SECONDS = 2.0
# Of a job that has ended the controller forgets all after so long.
_SOON_FORGOTTEN_SECONDS = 60
_SHORT_SECONDS = 300
_UNLIMITED = ("", "UNLIMITED", "NONE", "INFINITE", "N/A", "(null)", "-1")
# Variables of sbatch's that are not called as their options are.
_OTHERWISE_NAMED = {"TIMELIMIT": "time", "MEM_PER_NODE": "mem", "JOB_NAME": "job-name"}
_SUBMIT_LIMITS = ("MaxSubmitJobs", "GrpSubmitJobs", "MaxSubmitJobsPerUser", "MaxSubmitPU")

# What a program of Slurm's says → what to do about it; the first that fits.
_CURES = (
    (r"munge|authentication|credential", "Munge does not vouch for you here: ask the site's admins "
     "whether munged runs on this machine and has the cluster's key, and whether its clock is "
     "right"),
    (r"configuration source|slurm\.conf|DNS SRV", "This machine does not know its cluster: set "
     "SLURM_CONF to the cluster's slurm.conf, or work on a login node"),
    (r"unable to contact|connect|timed out|no answer|zero bytes|is DOWN|resolve", "Its controller "
     "cannot be reached from here: try again in a while, and ask the site's admins if it stays so; "
     "%%local runs cells on this machine meanwhile"),
    (r"invalid account|account or account/partition|association", "Name an account that you may "
     'use, account = "…" below [defaults] or --account; sacctmgr show assoc user=$USER lists them'),
    (r"invalid qos|qos", 'Name a QOS that you may use, qos = "…" below [defaults] or --qos'),
    (r"partition", 'Name a partition that you may use, partition = "…" below [defaults] or '
     "--partition; sinfo lists them"),
    (r"time limit", 'Ask for less time, time = "1h" below [defaults] or --time, or for a partition '
     "that allows more"),
    (r"memory|mem", "Ask for the memory in the way that this site wants it, as --mem-per-cpu in "
     "the place of --mem, or for less"),
    (r"node configuration|not available|gres|generic resource|CPU count", "No node has what was "
     "asked for: ask for less, or for another partition"),
    (r"limit", "A limit of this site is reached: wait until some jobs have ended, or cancel some"),
)  # fmt: skip


def cure(words: str) -> str:
    """Return what to do where a program of Slurm's has said this."""
    for pattern, answer in _CURES:
        if re.search(pattern, words, re.IGNORECASE):
            return answer
    return "Ask the site's admins what it means"


def controller(answer: str, seconds: float, version: str = "") -> Finding:
    """Judge what ``scontrol ping`` answered, and how soon."""
    which = f"Slurm {version}: " if version else ""
    answering = [line for line in answer.splitlines() if line.rstrip().endswith("is UP")]
    if not answering:
        words = "; ".join(line for line in answer.splitlines() if line.strip("* "))
        return problem(
            "controller",
            f"{which}it does not answer ({words or 'it says nothing'})",
            cure(words or "is DOWN"),
        )
    down = [line for line in answer.splitlines() if line.rstrip().endswith("is DOWN")]
    name = answering[0].partition(" is UP")[0].strip()
    told = f"{which}{name} answers in {_milliseconds(seconds)}"
    if down:
        return warning("controller", f"{told}; {down[0].strip()}", "Nothing, but it may be slower")
    return _if_slow("controller", told, seconds)


def queue(seconds: float) -> Finding:
    """Judge how long it takes to ask for one's jobs."""
    return _if_slow("queue", f"squeue answers in {_milliseconds(seconds)}", seconds)


def _if_slow(subject: str, told: str, seconds: float) -> Finding:
    if seconds <= _SLOW_SECONDS:
        return well(subject, told)
    return warning(
        subject,
        f"{told}, which is slow",
        "Ask it less often: poll_seconds = 60 in a configuration file",
    )


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


@dataclass(frozen=True)
class Partition:
    """What ``scontrol show partition`` says of one."""

    name: str
    fields: Mapping[str, str]

    @property
    def is_default(self) -> bool:
        return self.fields.get("Default") == "YES"

    @property
    def is_up(self) -> bool:
        return self.fields.get("State", "UP") == "UP"

    def is_for(self, groups: Collection[str]) -> bool:
        """Tell whether somebody of these groups may use it, as far as groups decide that."""
        allowed = self.fields.get("AllowGroups", "ALL")
        is_closed = self.fields.get("RootOnly") == "YES" and "root" not in groups
        return not is_closed and (
            allowed == "ALL" or not set(allowed.split(",")).isdisjoint(groups)
        )

    @property
    def limit(self) -> str:
        """How long a job may run, for reading."""
        return _limit(self.fields.get("MaxTime", ""))

    def __str__(self) -> str:
        return f"{self.name} ({self.limit})" if self.limit else self.name


def _limit(words: str) -> str:
    if words in _UNLIMITED:
        return ""
    try:
        return format_whole(parse_duration(words))
    except ValueError:
        return words


def partitions(text: str) -> list[Partition]:
    """Read what ``scontrol show partition --oneliner`` says."""
    found = []
    for line in text.splitlines():
        given = dict(re.findall(r"(\S+?)=(\S*)", line))
        if "PartitionName" in given:
            found.append(Partition(given["PartitionName"], given))
    return found


def judge_partitions(
    found: Iterable[Partition],
    groups: Collection[str],
    free: Mapping[str, bool],
    named: str = "",
    seconds: int | None = None,
) -> Iterator[Finding]:
    """Judge which partitions there are for somebody.

    Parameters
    ----------
    found : iterable of Partition
        All of them.
    groups : collection of str
        The groups that the user belongs to.
    free : mapping
        Partition → whether any node of it is up.
    named : str
        Partitions that jobs ask for, as an option or a configuration file names them.
    seconds : int or None
        The time that they ask for.
    """
    every = {each.name: each for each in found}
    mine = [each for each in every.values() if each.is_for(groups) and each.is_up]
    names = ", ".join(map(str, mine))
    if not mine:
        yield problem(
            "partitions", "there is none that is up and that you may use", cure("account")
        )
        return
    yield well("partitions", f"you may use {names}")
    default = next((each for each in every.values() if each.is_default), None)
    wanted = [name for name in named.split(",") if name]
    unknown = [name for name in wanted if name not in every]
    if unknown:
        yield problem(
            "partition",
            f"jobs ask for {unknown[0]}, and there is none by that name",
            f"Correct it: there are {', '.join(every)}",
        )
        return
    chosen = [every[name] for name in wanted] or ([default] if default else [])
    if not chosen:
        yield problem(
            "partition",
            "this cluster has no default partition, so each job has to name one",
            f'Write  partition = "{mine[0].name}"  below [defaults] in a configuration file',
        )
        return
    for each in chosen:
        what = f"{each.name}, which jobs ask for," if wanted else f"the default, {each.name},"
        yield _partition(each, what, groups, free, seconds)


def _partition(
    one: Partition,
    what: str,
    groups: Collection[str],
    free: Mapping[str, bool],
    seconds: int | None,
) -> Finding:
    if not one.is_for(groups):
        return problem("partition", f"{what} is not for you", cure("partition"))
    if not one.is_up:
        return problem(
            "partition",
            f"{what} is {one.fields['State'].lower()}: jobs wait there",
            "Name another one, or wait",
        )
    if not free.get(one.name, True):
        return problem("partition", f"{what} has no node that is up", "Name another one, or wait")
    most = _seconds(one.fields.get("MaxTime", ""))
    if seconds and most and seconds > most:
        return problem(
            "partition",
            f"{what} lets a job run {one.limit}, and jobs ask for {format_whole(seconds)}",
            f'Ask for less, time = "{one.limit.replace(" ", "")}" below [defaults] or --time, or '
            f"name another partition",
        )
    default = one.fields.get("DefaultTime", "NONE")
    time = _limit(default) or one.limit
    told = (
        f"{what} ends a job without --time after {time}" if time else f"{what} sets no time limit"
    )
    if not seconds and 0 < _seconds(default) <= _SHORT_SECONDS:
        return warning(
            "partition", told, 'Say how long jobs run: time = "1h" below [defaults], or --time'
        )
    return well("partition", told)


def _seconds(words: str) -> int:
    try:
        return parse_duration(words)
    except ValueError:
        return 0


def with_nodes(text: str) -> dict[str, bool]:
    """Read from ``sinfo --format=%R|%T`` which partitions have a node that is up."""
    found: dict[str, bool] = {}
    for line in text.splitlines():
        name, _, state = line.strip().partition("|")
        is_up = not re.match(r"(down|drain|fail|maint|boot|unk|no_respond|future|power)", state)
        found[name] = found.get(name, False) or (is_up and not state.endswith("*"))
    return found


def config(text: str) -> dict[str, str]:
    """Read what ``scontrol show config`` says."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def accounting(found: Mapping[str, str], seconds: float | None, words: str = "") -> Finding:
    """Judge whether the cluster remembers jobs.

    Parameters
    ----------
    found : mapping
        The controller's configuration.
    seconds : float or None
        How long ``sacct`` took; None if it did not answer.
    words : str
        What it said then.
    """
    if "slurmdbd" not in found.get("AccountingStorageType", ""):
        age = _first_number(found.get("MinJobAge", ""))
        told = "there is none; nbsubmit does without, but cannot tell who cancelled a job"
        if age is not None and age < _SOON_FORGOTTEN_SECONDS:
            return warning(
                "accounting",
                f"there is none, and the controller forgets a job {age} s after its end "
                f"(MinJobAge): why a job was killed is then known only if it was asked in time",
                f"Ask more often than that: poll_seconds = {max(age // 2, 1)}",
            )
        return well("accounting", told)
    if seconds is None:
        return warning(
            "accounting",
            f"it is there and sacct does not answer ({words})",
            "nbsubmit goes by what the controller says. The site's admins may want to know",
        )
    return _if_slow("accounting", f"sacct answers in {_milliseconds(seconds)}", seconds)


def associations(text: str, found: Mapping[str, str]) -> Finding | None:
    """Judge which accounts somebody has, from ``sacctmgr --parsable2 show assoc``."""
    accounts = list(dict.fromkeys(row.get("Account", "") for row in rows(text)))
    accounts = [name for name in accounts if name]
    if accounts:
        return well("account", f"you have {', '.join(accounts)}")
    if "associations" in found.get("AccountingStorageEnforce", ""):
        return problem(
            "account",
            "you have none, and this cluster takes no jobs without",
            "Ask the site's admins for an account",
        )
    return None


def rows(text: str) -> list[dict[str, str]]:
    """Read a table whose first line names its columns."""
    lines = [line.split("|") for line in text.splitlines() if "|" in line]
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def limits(found: Mapping[str, str], tables: Iterable[str], now: int | None) -> Finding:
    """Judge how many jobs and tasks the cluster takes.

    Parameters
    ----------
    found : mapping
        The controller's configuration.
    tables : iterable of str
        What ``sacctmgr`` says of associations and of QOS.
    now : int or None
        How many jobs there are of the user's.
    """
    told = []
    largest = _first_number(found.get("MaxArraySize", ""))
    if largest is not None:
        told.append(f"arrays of up to {largest - 1:,} tasks at once; larger ones are sent in parts")
    most = [
        int(row[name])
        for text in tables
        for row in rows(text)
        for name in _SUBMIT_LIMITS
        if row.get(name, "").isdecimal()
    ]
    if most:
        told.append(f"{min(most):,} jobs at a time")
        if now is not None and now >= 0.9 * min(most):
            return warning(
                "limits",
                f"{now:,} of {min(most):,} jobs are there already",
                "Of an array the rest is sent as tasks end; other jobs are refused until then",
            )
    return well("limits", "; ".join(told) or "none that is told")


def _first_number(text: str) -> int | None:
    match = re.match(r"\d+", text)
    return int(match.group()) if match else None


def environment(environ: Mapping[str, str]) -> list[Finding]:
    """Judge the variables that would change what sbatch does."""
    found = []
    set_ = {name: environ[name] for name in sorted(environ) if name.startswith("SBATCH_")}
    if set_:
        listed = ", ".join(f"{name}={value}" for name, value in set_.items())
        found.append(
            warning(
                "variables",
                f"sbatch by hand heeds {listed}; nbsubmit's jobs do not",
                _as_lines({_option_of(name): value for name, value in set_.items()}),
            )
        )
    if "SLURM_JOB_ID" in environ:
        job = environ["SLURM_JOB_ID"]
        found.append(well("variables", f"this is inside of job {job}; jobs inherit nothing of it"))
    return found


def _option_of(variable: str) -> str:
    """Return the option that a variable of sbatch's sets."""
    name = variable.removeprefix("SBATCH_")
    return _OTHERWISE_NAMED.get(name, name.lower().replace("_", "-"))


def _as_lines(options: Mapping[str, str]) -> str:
    known = {option.long for option in OPTIONS} | {*_OTHERWISE_NAMED.values(), "gpus"}
    lines = [f'{name} = "{value}"' for name, value in options.items() if name in known]
    if not lines:
        return "Unset what you do not need"
    return f"For them too it stands below [defaults] in a configuration file:  {'  '.join(lines)}"


def time_of(text: str) -> float | None:
    """Seconds since the epoch in a time of Slurm's, which is this host's local time."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:  # Unknown
        return None


def details(text: str) -> dict[str, str]:
    """Read what ``scontrol show job --oneliner`` says of a job."""
    return dict(re.findall(r"(\S+?)=(\S*)", text))
