"""What a tiny job has shown → what is to be said of the cluster. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbsubmit.backends.slurm import answers
from nbsubmit.backends.slurm.trial import (
    ANOTHER,
    NOT_THERE,
    NOT_WRITABLE,
    VARIABLE,
    Evidence,
    python_of,
)
from nbsubmit.client.doctor.here import Facts
from nbsubmit.core.finding import Finding, problem, warning, well
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.units import format_bytes, format_elapsed

_SLOWLY_VISIBLE_SECONDS = 5.0
_SLOW_IMPORT_SECONDS = 5.0
# Times of Slurm's are whole seconds, and a job is started a moment after its start.
_CLOCK_SECONDS = 3.0
_LITTLE_ROOM = 1 << 30
_ANOTHER_STORE = (
    'Name a folder that the nodes see, as in your home or on scratch: folder = "…" in '
    "~/.config/nbsubmit/config.toml, or NBSUBMIT_FOLDER"
)
_ANOTHER_PYTHON = (
    "Install nbsubmit where the nodes see it, as in an environment in your home, and start the "
    "notebook from there; or name a command for jobs: --python, python below [defaults]"
)


def of(evidence: Evidence, launch: Launch, here: Facts) -> Iterator[Finding]:
    """Yield what a tiny job has shown.

    Parameters
    ----------
    evidence : Evidence
        What it has shown.
    launch : Launch
        How a job of the user's is started.
    here : Facts
        What has to fit on both sides.
    """
    job = _job(evidence)
    yield job
    if evidence.refused or not evidence.shell:
        yield from _store(evidence, launch)
        return
    yield from _store(evidence, launch)
    yield from _folder(evidence, launch)
    yield from _clock(evidence)
    yield from _environment(evidence)
    yield from _python(evidence, launch, here)
    yield from _login(evidence)


def _job(found: Evidence) -> Finding:
    if found.refused:
        words = found.refused.partition("\n")[0]
        return problem("a tiny job", f"it was refused: {words}", answers.cure(words))
    where = f"job {found.handle}" + (f" on {found.node}" if found.node else "")
    if found.shell:
        return well("a tiny job", f"{where} started after {format_elapsed(found.waited)}")
    if found.state is None:
        return problem(
            "a tiny job", f"{where}: nobody tells what came of it", answers.cure("is DOWN")
        )
    if not found.state.ended:
        why = found.reason or "it is pending"
        if found.node:
            return problem(
                "a tiny job",
                f"{where} runs and writes nothing",
                "Ask the site's admins whether that node is well, or exclude it: --exclude",
            )
        return warning(
            "a tiny job",
            f"{where} still waits ({why}), so nothing was seen of the nodes",
            "Wait longer, --patience 600, or name a partition for short jobs, --partition",
        )
    told = found.exit_code in (NOT_THERE, ANOTHER, NOT_WRITABLE)
    if told or found.state is JobState.COMPLETED:
        return well("a tiny job", f"{where} started after {format_elapsed(found.waited)}")
    if found.signal:
        return problem(
            "a tiny job",
            f"{where} was ended by signal {found.signal} before it did anything",
            "Ask the site's admins whether that node is well, or exclude it: --exclude",
        )
    if found.exit_code:
        return problem(
            "a tiny job",
            f"{where} ended with code {found.exit_code} before anything was looked at",
            "The lines of --setup, or of setup below [defaults], fail there: try them by hand in  "
            "srun --pty bash",
        )
    return problem("a tiny job", f"{where} is {found.state} and has left nothing", answers.cure(""))


def _store(found: Evidence, launch: Launch) -> Iterator[Finding]:
    store, node = launch.folder.parent, found.node or "the node"
    subject = "store there"
    if found.exit_code == NOT_THERE:
        yield problem(subject, f"{node} does not see {store}", _ANOTHER_STORE)
    elif found.exit_code == ANOTHER:
        yield problem(subject, f"{node} sees another folder by the name {store}", _ANOTHER_STORE)
    elif found.exit_code == NOT_WRITABLE:
        yield problem(subject, f"{node} sees {store} and cannot write to it", _ANOTHER_STORE)
    elif found.visible_after is None and found.state is JobState.COMPLETED:
        yield problem(
            subject, f"what {node} writes to {store} is not seen here", _ANOTHER_STORE
        )  # fmt: skip
    elif found.visible_after is not None and found.visible_after > _SLOWLY_VISIBLE_SECONDS:
        yield warning(
            subject,
            f"what {node} writes is seen here after {format_elapsed(found.visible_after)}",
            "Results come that much later; a folder on another file system may be quicker",
        )
    elif found.shell:
        yield well(subject, f"{node} reads and writes it, and what it writes is seen here")


def _folder(found: Evidence, launch: Launch) -> Iterator[Finding]:
    if not found.shell.get("is_here"):
        there = found.shell.get("folder", "another")
        yield problem(
            "folder there",
            f"{found.node} does not have {launch.working_directory}: the job ran in {there}",
            "Keep notebooks where the nodes see them, or cells find neither files nor modules",
        )


def _clock(found: Evidence) -> Iterator[Finding]:
    controller = _off(found.times.get("SubmitTime"), found.sent_at)
    node = _number(found.shell.get("now", ""))
    if controller is not None and abs(controller) > _CLOCK_SECONDS:
        yield _clock_of("the controller", controller)
    if node is None:
        return
    late = found.times.get("StartTime", found.sent_at[0]) - (controller or 0.0)
    off = _off(node, (late, found.seen_at or node))
    if off is not None and abs(off) > _CLOCK_SECONDS:
        yield _clock_of(found.node, off)
    elif controller is None or abs(controller) <= _CLOCK_SECONDS:
        yield well("clock", f"that of {found.node} is right to some {_CLOCK_SECONDS:.0f} s")


def _clock_of(whose: str, off: float) -> Finding:
    which = "before" if off > 0 else "behind"
    return warning(
        "clock", f"that of {whose} is {format_elapsed(abs(off))} {which} the one here",
        "Times that are shown are wrong by that, and Munge refuses what is some minutes old: tell "
        "the site's admins",
    )  # fmt: skip


def _off(time: float | None, between: tuple[float, float]) -> float | None:
    """Return by how much a time is surely off that lies between two others; None if not known."""
    if time is None:
        return None
    first, last = between
    return min(time - first, 0.0) or max(time - last, 0.0)


def _number(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def _environment(found: Evidence) -> Iterator[Finding]:
    if not found.shell.get("token"):
        yield problem(
            "environment",
            f"jobs do not get the variables that are set here ({VARIABLE} was not there)",
            "A filter of the site's takes them away: name what jobs need with --env or --setup, or "
            "ask the site's admins",
        )
        return
    has = "a" if found.shell.get("module") else "no"
    yield well(
        "environment", f"jobs get the variables that are set here; there is {has} module command"
    )


def _python(found: Evidence, launch: Launch, here: Facts) -> Iterator[Finding]:
    command = _command(launch)
    subject = "Python there"
    if found.python_code == 127 or (found.python_code and not found.shell.get("command")):
        yield problem(subject, f"{found.node} does not have {command}", _ANOTHER_PYTHON)
        return
    own = re.match(r"Python (\d+)\.(\d+)\S*$", found.version)
    if own and (int(own[1]), int(own[2])) != here.python[:2]:
        mine = ".".join(map(str, here.python))
        yield problem(
            subject, f"{command} is {own[0]} on {found.node}, and {mine} here", _ANOTHER_PYTHON
        )
        return
    if found.python_code or not found.python:
        last = (found.said.splitlines() or ["it says nothing"])[-1]
        yield problem(subject, f"{command} fails on {found.node}: {last}", _ANOTHER_PYTHON)
        return
    told = found.python
    shown = ".".join(map(str, told["version"]))
    yield from _packages(found, told, here, shown)
    yield from _temporary(found, told["temporary"])


def _packages(found: Evidence, told: dict[str, Any], here: Facts, shown: str) -> Iterator[Finding]:
    worker, pickle = told["worker"], told["modules"]["cloudpickle"]
    subject = "Python there"
    wrong = worker.get("error") or pickle.get("error")
    if wrong:
        yield problem(
            subject, f"{told['executable']} on {found.node} runs no job: {wrong}", _ANOTHER_PYTHON
        )  # fmt: skip
        return
    if worker.get("format") != here.format:
        yield problem(
            subject,
            f"{found.node} has another nbsubmit in {worker['file']}, which reads other files",
            f"Install nbsubmit {here.packages['nbsubmit']} there too",
        )
        return
    mine = here.packages["cloudpickle"]
    if pickle["version"].split(".")[:2] != mine.split(".")[:2]:
        yield warning(
            subject, f"cloudpickle is {pickle['version']} on {found.node} and {mine} here",
            "Install the same in both",
        )  # fmt: skip
    if worker["seconds"] > _SLOW_IMPORT_SECONDS:
        yield warning(
            subject, f"it takes {format_elapsed(worker['seconds'])} to import nbsubmit there",
            "Each job begins that much later: an environment on a quicker file system helps",
        )  # fmt: skip
        return
    yield well(
        subject, f"{shown} in {told['prefix']}; nbsubmit is imported in {worker['seconds']:.2f} s"
    )


def _temporary(found: Evidence, told: dict[str, Any]) -> Iterator[Finding]:
    if "error" in told:
        yield problem(
            "temporary files", f"{found.node} has no folder for them: {told['error']}",
            "Name one for jobs: --env TMPDIR=…",
        )  # fmt: skip
    elif told["free"] < _LITTLE_ROOM:
        yield warning(
            "temporary files",
            f"{told['path']} on {found.node} has {format_bytes(told['free'])} free",
            "Name another folder for jobs: --env TMPDIR=…",
        )
    else:
        free = format_bytes(told["free"])
        yield well("temporary files", f"{told['path']} on {found.node}, {free} free")


def _login(found: Evidence) -> Iterator[Finding]:
    if found.login_code == 124:
        yield warning(
            "login shell", f"bash -l does not start within 10 s on {found.node}",
            "Look what ~/.bash_profile and ~/.bashrc do; nbsubmit's jobs do not run them, but "
            "--setup may",
        )  # fmt: skip
    elif found.login:
        line = found.login.splitlines()[0][:80]
        yield warning(
            "login shell", f"it prints something on {found.node}: {line!r}",
            "Programs that read what a remote shell says stumble over it; in ~/.bashrc print only "
            "where [[ $- == *i* ]]. nbsubmit's jobs do not mind",
        )  # fmt: skip


def _command(launch: Launch) -> str:
    return " ".join(python_of(launch))
