"""A tiny job that goes the way of every other, and tells what it finds on its node.

It needs neither its log nor the store to tell the worst: what it cannot write is in its exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbsubmit.worker
from nbsubmit.backends import script
from nbsubmit.backends.slurm import answers, commands
from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.backends.slurm.commands import CommandFailed
from nbsubmit.core.errors import BackendMissing, SubmitError
from nbsubmit.core.folder import PRIVATE_FOLDER
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState

# Exit codes of the probe.
NOT_THERE, ANOTHER, NOT_WRITABLE = 81, 82, 83
VARIABLE = "NBSUBMIT_DOCTOR"
# What was written on a node may be seen here only after a while: file systems have caches.
VISIBLE_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_ASK_SECONDS = 2.0
# Its arguments: the folder, what is written in it here, where a job is to run, and the command that
# starts Python.
_PROBE = f"""
folder=$1 token=$2 here=$3
shift 3
[ -d "$folder" ] || exit {NOT_THERE}
[ "$(cat "$folder/question" 2>/dev/null)" = "$token" ] || exit {ANOTHER}
{{
    echo "now=$(date +%s)"
    echo "node=$(hostname)"
    echo "folder=$(pwd)"
    echo "is_here=$([ . -ef "$here" ] && echo yes)"
    echo "token=${{{VARIABLE}}}"
    echo "module=$(type module >/dev/null 2>&1 && echo yes)"
    echo "command=$(command -v "$1")"
}} > "$folder/shell.part" 2>/dev/null || exit {NOT_WRITABLE}
mv "$folder/shell.part" "$folder/shell" || exit {NOT_WRITABLE}
"$@" -V > "$folder/version" 2>&1
run='import sys; exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))'
"$@" -c "$run" "$folder/on_node.py" "$folder/python" > "$folder/said" 2>&1
echo "$?" > "$folder/code"
if command -v bash timeout >/dev/null 2>&1; then
    timeout 10 bash -lc : > "$folder/login" 2>&1 < /dev/null
    echo "$?" > "$folder/login_code"
fi
touch "$folder/end"
"""


@dataclass
class Evidence:
    """What a tiny job has shown.

    Attributes
    ----------
    refused : str
        Why it was not taken; empty if it was.
    handle, node : str
        Slurm's id of it, and where it ran.
    sent_at : tuple of float
        Before and after it was sent, by the clock here.
    waited : float
        So long it waited for its turn.
    reason : str
        Why it still waits, if it does.
    state : JobState or None
        How it ended; None if it has not been told.
    exit_code : int or None
        The code that the script has ended with.
    signal : int
        By which signal it ended; 0 if by none.
    visible_after : float or None
        So long after its end what it wrote was seen here; None if it was not.
    times : mapping
        What the controller says of it: ``SubmitTime``, ``StartTime``, in seconds.
    seen_at : float
        When its first file was seen here.
    shell : mapping
        What the shell on the node said.
    python : mapping
        What Python there said.
    python_code : int or None
        How it ended.
    said : str
        What it printed.
    version : str
        What it calls itself.
    login : str
        What a login shell prints there.
    login_code : int or None
        How that ended.
    """

    refused: str = ""
    handle: str = ""
    node: str = ""
    sent_at: tuple[float, float] = (0.0, 0.0)
    waited: float = 0.0
    reason: str = ""
    state: JobState | None = None
    exit_code: int | None = None
    signal: int = 0
    visible_after: float | None = None
    times: dict[str, float] = field(default_factory=dict)
    seen_at: float = 0.0
    shell: dict[str, str] = field(default_factory=dict)
    python: dict[str, Any] = field(default_factory=dict)
    python_code: int | None = None
    said: str = ""
    version: str = ""
    login: str = ""
    login_code: int | None = None


class Trial:
    """The tiny job.

    Parameters
    ----------
    launch : Launch
        How a job of the user's would be started; its folder is where the tiny one writes.
    patience : float
        So long it may wait for its turn, and then run.
    tell : callable
        Takes a line when something takes long.
    """

    def __init__(self, launch: Launch, patience: float, tell: Callable[[str], None]) -> None:
        self._folder = launch.folder
        self._token = secrets.token_hex(8)
        self._launch = _probing(launch, self._token)
        self._patience = patience
        self._tell = tell
        self._backend = SlurmBackend()
        self._found = Evidence()

    def run(self) -> Evidence:
        """Send it, wait for its end, and return what it has shown; it is gone afterwards."""
        self._prepare()
        try:
            if self._send():
                self._follow()
        finally:
            self._clear()
        return self._found

    def _prepare(self) -> None:
        self._folder.mkdir(mode=PRIVATE_FOLDER)
        (self._folder / "question").write_text(self._token)
        source = Path(nbsubmit.worker.__file__).with_name("on_node.py")
        shutil.copyfile(source, self._folder / "on_node.py")
        (self._folder / "script.sh").write_text(self._backend.script(self._launch))

    def _send(self) -> bool:
        begun = time.time()
        try:
            self._found.handle = self._backend.start(self._launch)
        except (SubmitError, OSError) as error:
            self._found.refused = str(error).removeprefix("sbatch refused the job: ")
            return False
        self._found.sent_at = (begun, time.time())
        return True

    def _follow(self) -> None:
        begun = time.monotonic()
        asked = begun
        has_told = False
        while not self._is_over():
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            self._note_sight()
            if now - asked >= _ASK_SECONDS:
                self._ask()
                asked = time.monotonic()
                if self._there("end") and self._found.state is None:
                    break  # the controller has forgotten it already
            if not has_told and now - begun > 10 and self._found.state is JobState.PENDING:
                self._tell(f"waiting for the tiny job: {self._found.reason or 'it is pending'}")
                has_told = True
            if now - begun > self._patience:
                break
        self._await_files(time.monotonic())
        self._read()

    def _is_over(self) -> bool:
        state = self._found.state
        return state is not None and state.ended

    def _note_sight(self) -> None:
        if not self._found.seen_at and self._there("shell"):
            self._found.seen_at = time.time()

    def _ask(self) -> None:
        """Take what the controller says of it."""
        found = self._found
        try:
            text, _ = commands.run("scontrol", "show", "job", "--oneliner", found.handle)
            report = self._backend.poll([found.handle])[found.handle]
        except (CommandFailed, BackendMissing):
            return
        told = answers.details(text)
        found.state, found.reason = report.state, report.reason
        found.node = report.node or found.node
        code, _, signal = told.get("ExitCode", "").partition(":")
        if report.state is not None and report.state.ended:
            found.exit_code = int(code) if code.isdecimal() else None
            found.signal = int(signal) if signal.isdecimal() else 0
        times = {name: answers.time_of(told.get(name, "")) for name in ("SubmitTime", "StartTime")}
        found.times |= {name: value for name, value in times.items() if value is not None}
        if {"SubmitTime", "StartTime"} <= found.times.keys():
            found.waited = max(found.times["StartTime"] - found.times["SubmitTime"], 0.0)

    def _await_files(self, ended: float) -> None:
        """Wait until what it wrote is seen here, if it says that it has."""
        while True:
            self._note_sight()
            if self._there("end"):
                self._found.visible_after = time.monotonic() - ended
                return
            wrote = self._found.state is JobState.COMPLETED
            if not wrote or time.monotonic() - ended > VISIBLE_SECONDS:
                return
            time.sleep(_LOOK_SECONDS)

    def _there(self, name: str) -> bool:
        with contextlib.suppress(OSError):
            next(self._folder.iterdir(), None)  # of a network's file system a listing is fresher
        return (self._folder / name).exists()

    def _read(self) -> None:
        found = self._found
        pairs = (line.partition("=") for line in self._text("shell").splitlines())
        found.shell = {name: value for name, _, value in pairs}
        with contextlib.suppress(ValueError):
            found.python = json.loads(self._text("python") or "{}")
        found.python_code = _number(self._text("code"))
        found.said, found.login = self._text("said").strip(), self._text("login").strip()
        found.version = self._text("version").strip()
        found.login_code = _number(self._text("login_code"))
        found.node = found.node or found.shell.get("node", "")

    def _text(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(errors="replace")
        except OSError:
            return ""

    def _clear(self) -> None:
        if self._found.handle and not self._is_over():
            with contextlib.suppress(OSError, SubmitError):
                self._backend.stop(self._found.handle)
        shutil.rmtree(self._folder, ignore_errors=True)


def _probing(launch: Launch, token: str) -> Launch:
    """Return a launch like that of a job, which looks around in the worker's place."""
    nowhere = Path(os.devnull)
    place, here = str(launch.folder), str(launch.working_directory)
    return replace(
        launch,
        command=(script.shell(), "-c", _PROBE, "doctor", place, token, here, *python_of(launch)),
        log_out=nowhere,
        log_err=nowhere,
        env={**launch.env, VARIABLE: token},
        script=launch.folder / "script.sh",
        signal_seconds=None,
    )


def python_of(launch: Launch) -> tuple[str, ...]:
    """Return the command that starts Python for a job."""
    return launch.command[:-3]  # without what it is to run:  -m MODULE FOLDER


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
