"""Looks at the cluster that Slurm's commands here belong to, and says what is wrong with it.

Each question has its time; what is not answered is said, and the next is asked.
"""

from __future__ import annotations

import getpass
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from nbsubmit.backends.slurm import answers, commands
from nbsubmit.backends.slurm.commands import CommandFailed, NotInTime
from nbsubmit.backends.slurm.groups import groups
from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.finding import Finding, Grade, problem, warning
from nbsubmit.core.spec import Resources

_PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
_SECONDS = 15.0


class Examiner:
    """Asks Slurm's programs.

    Parameters
    ----------
    resources : Resources
        What jobs ask for, by what is configured.

    Attributes
    ----------
    takes_jobs : bool
        Whether there is a controller that could be sent one, as far as it was looked.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.takes_jobs = False

    def findings(self) -> Iterator[Finding]:
        """Yield what is found, one after another as it is."""
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if missing:
            yield self._no_slurm(missing)
            return
        yield from answers.environment(os.environ)
        conf = os.environ.get("SLURM_CONF", "")
        if conf and not Path(conf).exists():  # Slurm's programs would look for it for a minute
            yield problem(
                "controller", f"SLURM_CONF names {conf}, and there is no such file",
                "Unset it, or name the cluster's slurm.conf",
            )  # fmt: skip
            return
        controller = self._controller()
        yield controller
        if controller.grade is Grade.PROBLEM:
            return
        self.takes_jobs = True
        yield self._queue()
        config = answers.config(self._text("scontrol", "show", "config") or "")
        yield from self._partitions()
        yield from self._accounting(config)

    def _no_slurm(self, missing: list[str]) -> Finding:
        if len(missing) < len(_PROGRAMS):
            return problem(
                "Slurm",
                f"{', '.join(missing)} is not on the PATH, where others of Slurm's are",
                "Add the folder of all of them to the PATH",
            )
        return warning(
            "Slurm",
            "there is none here: no sbatch on the PATH",
            "Work on a login node of your cluster, or load its module; %%local runs cells on this "
            "machine, and  nbsubmit sandbox up  starts a Slurm to try",
        )

    def _controller(self) -> Finding:
        begun = time.monotonic()
        try:
            answer, _ = commands.run("scontrol", "ping", timeout=_SECONDS)
        except (CommandFailed, BackendMissing) as error:
            words = error.words if isinstance(error, CommandFailed) else str(error)
            # It says on the other stream that the controller is down.
            told = "it is DOWN" if words.startswith("exit code") else words
            return problem("controller", f"it does not answer ({told})", answers.cure(told))
        version = (self._text("sbatch", "--version") or "").strip().removeprefix("slurm ")
        version = version.removeprefix("slurm-wlm ")
        return answers.controller(answer, time.monotonic() - begun, version)

    def _queue(self) -> Finding:
        begun = time.monotonic()
        try:
            commands.run("squeue", "--me", "--noheader", "--format=%i", timeout=_SECONDS)
        except (CommandFailed, BackendMissing) as error:
            return problem("queue", f"squeue does not answer ({error})", answers.cure(str(error)))
        return answers.queue(time.monotonic() - begun)

    def _partitions(self) -> Iterator[Finding]:
        text = self._text("scontrol", "show", "partition", "--oneliner")
        if text is None:
            yield warning("partitions", "they are not told", "Ask the site's admins")
            return
        nodes = answers.with_nodes(self._text("sinfo", "--noheader", "--format=%R|%T") or "")
        named = str(self._resources.extra.get("partition") or "")
        time = self._resources.time_seconds
        yield from answers.judge_partitions(answers.partitions(text), groups(), nodes, named, time)

    def _accounting(self, config: dict[str, str]) -> Iterator[Finding]:
        seconds, words = None, ""
        tables = []
        if "slurmdbd" in config.get("AccountingStorageType", ""):
            begun = time.monotonic()
            try:
                commands.run("sacct", "--noheader", "--allocations", timeout=_SECONDS)
                seconds = time.monotonic() - begun
            except (CommandFailed, BackendMissing) as error:
                words = str(error)
            user = f"user={getpass.getuser()}"
            show = ("sacctmgr", "--parsable2", "show")
            mine = self._text(*show, "assoc", user, "format=Account,MaxSubmitJobs,GrpSubmitJobs")
            qos = self._text(*show, "qos", "format=Name,MaxSubmitJobsPerUser")
            tables = [text for text in (mine, qos) if text]
            account = None if mine is None else answers.associations(mine, config)
            if account is not None:
                yield account
        yield answers.accounting(config, seconds, words)
        queue = self._text("squeue", "--me", "--noheader", "--array", "--format=%i")
        yield answers.limits(config, tables, None if queue is None else len(queue.split()))

    def _text(self, *command: str) -> str | None:
        """Return what a program answers; None if it does not."""
        try:
            return commands.run(command[0], *command[1:], timeout=_SECONDS)[0]
        except (CommandFailed, NotInTime, BackendMissing):
            return None
