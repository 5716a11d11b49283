"""What an executor may be told: one table of parameters for each kind of executor.

The names and meanings are submitit's. What a parameter becomes is an option of sbatch or one of our
own; nothing is sent that the user has not asked for.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.errors import OptionError
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.units import parse_limit, parse_memory

# Understood by every executor, with the types that they take.
SHARED: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "timeout_min": (int, float),
    "mem_gb": (int, float),
    "nodes": (int,),
    "cpus_per_task": (int,),
    "gpus_per_node": (int, str),
    "tasks_per_node": (int,),
    "pack": (int,),
    "stderr_to_stdout": (bool,),
}

# Parameters of sbatch's whose name and value pass as they are.
_PASSED = (
    "partition", "qos", "account", "constraint", "exclude", "nodelist", "gres", "comment",
    "dependency", "mail_type", "mail_user", "wckey", "nodes", "ntasks_per_node", "cpus_per_gpu",
    "gpus_per_node", "gpus_per_task", "mem_per_gpu", "mem_per_cpu", "reservation",
)  # fmt: skip

SLURM: dict[str, Any] = {
    "job_name": None,
    "time": None,
    "cpus_per_task": None,
    "mem": None,
    "num_gpus": None,
    "exclusive": None,
    "signal_delay_s": 90,
    "array_parallelism": 256,
    "pack": None,
    "setup": None,
    "teardown": None,
    "stderr_to_stdout": False,
    "srun_args": None,
    "use_srun": True,
    "additional_parameters": None,
    **dict.fromkeys(_PASSED),
}

LOCAL: dict[str, Any] = {
    "job_name": None,
    "timeout_min": None,
    "mem_gb": None,
    "nodes": 1,
    "cpus_per_task": None,
    "gpus_per_node": None,
    "visible_gpus": None,
    "tasks_per_node": 1,
    "signal_delay_s": 30,
    "array_parallelism": None,
    "pack": None,
    "setup": None,
    "teardown": None,
    "stderr_to_stdout": False,
}

DEBUG: dict[str, Any] = dict(LOCAL)


@dataclass(frozen=True)
class Asked:
    """What parameters come to.

    Attributes
    ----------
    options : CellOptions
        How to run each job.
    one_stream : bool
        Both streams go into one log.
    """

    options: CellOptions
    one_stream: bool = False


@dataclass
class _Parts:
    resources: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str | None] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def check_names(given: Iterable[str], known: Mapping[str, Any], who: str) -> None:
    """Make sure that all parameters are known.

    Raises
    ------
    OptionError
        Listing those that are not, and all that are with their defaults.
    """
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    near = {n: difflib.get_close_matches(n, known, n=1) for n in unknown}
    told = ", ".join(
        f"{n!r}" + (f" (did you mean {m[0]!r}?)" if m else "") for n, m in near.items()
    )
    listed = "\n".join(f"  - {name} (default: {known[name]!r})" for name in sorted(known))
    raise UnknownParameter(f"{who} has no parameter {told}. It has:\n{listed}")


class UnknownParameter(OptionError, ValueError, NameError):
    """An executor does not know a parameter; of the types that submitit raises for it, too."""


class WrongValue(OptionError, ValueError, AssertionError):
    """A parameter's value is not of its kind; of the types that submitit raises for it, too."""


def check_shared(given: Mapping[str, Any]) -> None:
    """Make sure that shared parameters have values of their kinds.

    Raises
    ------
    WrongValue
        Saying which, and what it takes.
    """
    for name, value in given.items():
        kinds = SHARED[name]
        is_right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if not is_right:
            takes = " or ".join(kind.__name__ for kind in kinds)
            raise WrongValue(f"{name}={value!r}: it takes {takes}, not {type(value).__name__}")


def for_slurm(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return shared parameters by the names that sbatch has for them."""
    names = {
        "name": "job_name",
        "timeout_min": "time",
        "mem_gb": "mem",
        "tasks_per_node": "ntasks_per_node",
    }
    found = {names.get(name, name): value for name, value in given.items()}
    if "mem" in found and not isinstance(found["mem"], str):
        found["mem"] = f"{-int(-found['mem'] * 1024 // 1)}M"
    return found


def for_local(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return shared parameters by the names that the local executor has for them."""
    return {("job_name" if name == "name" else name): value for name, value in given.items()}


def of_slurm(given: Mapping[str, Any], python: str | None) -> Asked:
    """Return what the parameters of a Slurm executor come to.

    Raises
    ------
    OptionError
        If a value is not of its kind.
    """
    values = {**SLURM, **given}
    parts = _Parts()
    for name in _PASSED:
        if values[name] is not None:
            parts.extra[name.replace("_", "-")] = _text(name, values[name])
    if values["num_gpus"] is not None:
        parts.extra.setdefault("gpus-per-node", str(values["num_gpus"]))
    if values["exclusive"]:
        parts.extra["exclusive"] = None if values["exclusive"] is True else values["exclusive"]
    ranks = _number("nodes", values["nodes"]) * _number(
        "ntasks_per_node", values["ntasks_per_node"]
    )
    if values["time"] is not None:
        parts.resources["time_seconds"] = _seconds("time", values["time"])
    if values["mem"] is not None:
        parts.resources["memory_mib"] = _mib(values["mem"])
    for name, value in (values["additional_parameters"] or {}).items():
        _add(parts, name.lstrip("-").replace("_", "-"), value)
    launcher = tuple(_lines("srun_args", values["srun_args"]))
    if not values["use_srun"]:
        if launcher or ranks > 1:
            raise WrongValue(
                "use_srun=False: without srun a job is a single process, and srun_args mean "
                "nothing. Leave out use_srun, or tasks_per_node and srun_args"
            )
        launched: tuple[str, ...] | None = None
    else:
        launched = launcher if launcher or ranks > 1 else None
    return _asked(values, parts, python, ranks=ranks, launcher=launched)


def of_local(given: Mapping[str, Any], python: str | None) -> Asked:
    """Return what the parameters of a local executor come to.

    Raises
    ------
    OptionError
        If a value is not of its kind.
    """
    values = {**LOCAL, **given}
    parts = _Parts()
    if _number("nodes", values["nodes"]) > 1:
        raise WrongValue(f"nodes={values['nodes']}: this machine is one node. Use cluster='slurm'")
    if values["timeout_min"] is not None:
        parts.resources["time_seconds"] = _seconds("timeout_min", values["timeout_min"])
    if values["gpus_per_node"] is not None:
        parts.resources["gpus"] = str(values["gpus_per_node"])
    if values["visible_gpus"] is not None:
        shown = ",".join(str(number) for number in values["visible_gpus"])
        parts.options["env"] = {"CUDA_VISIBLE_DEVICES": shown}
    ranks = _number("tasks_per_node", values["tasks_per_node"])
    return _asked(values, parts, python, ranks=ranks, launcher=None)


def _asked(
    values: Mapping[str, Any],
    parts: _Parts,
    python: str | None,
    *,
    ranks: int,
    launcher: tuple[str, ...] | None,
) -> Asked:
    resources = Resources(
        **{
            "name": _name(values["job_name"]),
            "cpus": values["cpus_per_task"],
            "extra": parts.extra,
            **parts.resources,
        }
    )
    delay, pack = values["signal_delay_s"], _pack(values["pack"])
    many = max(ranks, _count(parts.extra.get("ntasks")))
    if pack > 1 and many > 1:
        raise WrongValue(
            f"pack={pack} runs the calls of an array one after another in one process of an "
            f"allocation, and {many} processes are asked for. Leave out one of the two"
        )
    options = CellOptions(
        resources=resources,
        python=python,
        setup=tuple(_lines("setup", values["setup"])),
        teardown=tuple(_lines("teardown", values["teardown"])),
        parallel=values["array_parallelism"],
        pack=pack,
        ranks=ranks,
        launcher=launcher,
        signal_seconds=None if delay is None else int(delay),
        **parts.options,
    )
    return Asked(options, bool(values["stderr_to_stdout"]))


# What sbatch's own option says, wherever it was said before.
_COMMON = {
    "job-name": ("name", str),
    "cpus-per-task": ("cpus", int),
    "gpus": ("gpus", str),
    "mem": ("memory_mib", None),
    "time": ("time_seconds", None),
}


def _add(parts: _Parts, option: str, value: Any) -> None:
    """Take one of sbatch's options, which has the last word."""
    if value is None or value is False:
        parts.extra.pop(option, None)
    elif option == "mem":
        parts.resources["memory_mib"] = _mib(value)
    elif option == "time":
        parts.resources["time_seconds"] = _seconds(option, value)
    elif option in _COMMON:
        name, kind = _COMMON[option]
        parts.resources[name] = kind(value) if kind else value
    else:
        parts.extra[option] = None if value is True else _text(option, value)


def _text(name: str, value: Any) -> str:
    text = str(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise WrongValue(
            f"{name}={value!r} holds a line break or a control character. Leave that out"
        )
    return text


def _name(value: Any) -> str | None:
    return None if value is None else _text("job_name", value)


def _number(name: str, value: Any) -> int:
    """A whole number from 1 up; 1 if none is given."""
    if value is None:
        return 1
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise WrongValue(f"{name}={value!r} is not a whole number") from None
    if number < 1:
        raise WrongValue(f"{name}={value!r} is less than 1")
    return number


def _pack(value: Any) -> int:
    """How many calls of an array run in one allocation; 1 if that is not said."""
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise WrongValue(
            f"pack={value!r}: it takes a whole number from 1 up, so many calls of an array run one "
            f"after another in one allocation"
        )
    return value


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 1


def _seconds(name: str, value: Any) -> int:
    """Seconds in a number of minutes, or in what sbatch understands."""
    try:
        if isinstance(value, str):
            return parse_limit(value)
        if float(value) <= 0:
            raise ValueError("it has to be more than zero")
        return max(int(float(value) * 60), 1)
    except (TypeError, ValueError) as error:
        raise WrongValue(f"{name}={value!r}: {error}") from None


def _mib(value: Any) -> int:
    try:
        return parse_memory(str(value))
    except ValueError as error:
        raise WrongValue(f"mem={value!r}: {error}") from None


def _lines(name: str, value: Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise WrongValue(f"{name}={value!r}: it takes a list of texts")
    return [os.fspath(line) for line in value]
