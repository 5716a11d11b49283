"""A process that has imported what every worker needs, and forks one for each job of this machine.

To start Python and import the worker takes some hundred milliseconds of a processor, and a fork
takes two. The first job's worker leaves such a template behind before it looks at the job, so that
the template holds nothing of the user's. A template has one thread and no open file but its socket.
It serves processes of the same surroundings (see `nbsubmit.backends.queue.forks`), and it ends when
what it has loaded has changed on the disk, and when all that have asked it for something have ended
or nobody has asked for long.

What it forks for a job does what the job's script does, and forks the worker in turn, so that a
worker that is killed leaves an exit code. Everything of the job's own is set in between: folder,
environment, logs, session.

All workers of one template share the seed of `hash`; the generators of random numbers are seeded
anew by each.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from nbsubmit.core.folder import PRIVATE_FILE
from nbsubmit.worker.child import as_a_process, keep_shared, load_more, say_who

_PAUSE_SECONDS = 0.3
# How long it waits for another client when the last one has ended, and for another job at all.
_LINGER_SECONDS = 3.0
_IDLE_SECONDS = 600.0
# What has changed so short a while before may have been loaded as it was before that.
_SETTLED_SECONDS = 5.0
_MOST_BYTES = 64 << 20
_SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
_CREDENTIALS = struct.Struct("3i")

_Stamp = tuple[int, int, int]


def serve(name: str, client: int, began: float) -> None:
    """Be the template of this name, if there is none.

    Parameters
    ----------
    name : str
        Of its socket, which is in no folder: it is gone with the process.
    client : int
        The process on whose behalf it is there.
    began : float
        When this process began to load what it has, which a slow disk may have taken long for.
    """
    listening = _listening(name) if _can_be_one() else None
    if listening is not None:
        _Template(listening, client, began).serve()


def _listening(name: str) -> socket.socket | None:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(f"\0{name}")
        made.listen(64)
    except OSError:  # there is one
        made.close()
        return None
    return made


def _can_be_one() -> bool:
    """Tell whether a fork of this process, which has one thread, is as good as a new one."""
    traced = sys.gettrace() or sys.getprofile()
    return not traced and not _has_loaded_from_here() and not _has_another_environment()


def _has_loaded_from_here() -> bool:
    """Tell whether something was found in the job's own folder, where ``python -m`` looks first.

    An environment that lies below that folder is another place.
    """
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False) or sys.path[0] in sys.path[1:]:
        return False
    here = (os.path.join(sys.path[0], ""), os.path.join(sys.path[0], "{}", ""))  # noqa: PTH118
    return any(
        os.path.join(os.path.dirname(file), "") in (here[0], here[1].format(name))  # noqa: PTH118, PTH120
        for name, file in _files()
        if "." not in name
    )


def _has_another_environment() -> bool:
    """Tell whether Python's start has set variables, as a ``sitecustomize`` can.

    It would set others where it finds others, and a fork has those of its job.
    """
    begun_with = dict(
        variable.split(b"=", 1)
        for variable in Path("/proc/self/environ").read_bytes().split(b"\0")
        if b"=" in variable
    )
    begun_with.pop(b"NBSUBMIT_FORKS", None)
    return begun_with != dict(os.environb)


def _files() -> Iterator[tuple[str, str]]:
    """Return what is imported, by name, and the files of it."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file:
            yield name, file


class _Template:
    """Waits for jobs and forks.

    Parameters
    ----------
    listening : socket
        Where they come in.
    client, began : int, float
        As of `serve`.
    """

    def __init__(self, listening: socket.socket, client: int, began: float) -> None:
        self._listening = listening
        self._poller = select.poll()
        self._clients: dict[int, int] = {}
        self._idle_since = time.monotonic()
        self._settled_before = (began - _SETTLED_SECONDS) * 1e9
        _let_go_of_files(listening.fileno())
        say_who("template")
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # The system lets go of the children that have ended.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self._poller.register(listening, select.POLLIN)
        self._remember(client)

    def serve(self) -> None:
        """Go on until there is no need of it."""
        # Not beside the worker that has left it, which a user waits for.
        self._poller.poll(1000 * _PAUSE_SECONDS)
        load_more()
        stamps = dict(_stamps())
        if any(modified > self._settled_before for _, _, modified in stamps.values()):
            return  # what it has loaded may be older
        keep_shared()
        while not self._is_of_no_use():
            events = dict(self._poller.poll(1000 * _LINGER_SECONDS / 3))
            for descriptor in events.keys() & self._clients.keys():
                self._poller.unregister(descriptor)
                os.close(descriptor)
                del self._clients[descriptor]
            if self._listening.fileno() not in events:
                continue
            connection, _ = self._listening.accept()
            with connection:
                if stamps != dict(_stamps()):
                    return
                self._take(connection)

    def _is_of_no_use(self) -> bool:
        idle = time.monotonic() - self._idle_since
        return idle > (_IDLE_SECONDS if self._clients else _LINGER_SECONDS)

    def _take(self, connection: socket.socket) -> None:
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, user, _ = _CREDENTIALS.unpack(told)
        if user != os.geteuid():
            return
        self._remember(pid)
        if os.fork() == 0:
            self._listening.close()
            for descriptor in self._clients:
                os.close(descriptor)
            as_a_process(_Script(connection).run)

    def _remember(self, pid: int) -> None:
        self._idle_since = time.monotonic()
        if pid in self._clients.values():
            return
        with suppress(OSError):  # it went
            descriptor = os.pidfd_open(pid)
            self._clients[descriptor] = pid
            self._poller.register(descriptor, select.POLLIN)


def _stamps() -> Iterator[tuple[str, _Stamp]]:
    """Return by what it is seen that something has changed that a new process would find changed.

    What is installed besides is seen in the time of its folder; what is not loaded is read anew by
    each worker.
    """
    places = [place for place in sys.path if place.endswith(("-packages", ".zip"))]
    places += [os.path.join(sys.prefix, "pyvenv.cfg"), sys.executable]  # noqa: PTH118
    places += [file for _, file in _files()]
    for file in places:
        try:
            found = os.stat(file)  # noqa: PTH116  # a Path takes three times as long
        except OSError:
            yield file, (0, 0, 0)
        else:
            yield file, (found.st_ino, found.st_size, found.st_mtime_ns)


class _Script:
    """Does for one job what `nbsubmit.backends.script` writes in a shell's words.

    Parameters
    ----------
    connection : socket
        The request comes through it, and later the word that the job is to run.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._worker = 0

    def run(self) -> int:
        """Run the job and return the exit code of its worker."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job = _received(self._connection)
        try:
            self._enter(job)
        except OSError as error:
            told = {"errno": error.errno, "strerror": error.strerror, "filename": error.filename}
            self._connection.sendall(json.dumps(told).encode() + b"\n")
            return 1
        self._connection.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
        if not self._may_run(job):
            return 1
        return self._run(job)

    def _enter(self, job: Mapping[str, Any]) -> None:
        os.setsid()
        os.umask(0o077)
        _print_to(job["out"], 1)
        _print_to(job["err"], 2)
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["env"])
        say_who(job["folder"])
        os.environ["PWD"] = job["cwd"]  # as a shell has it
        sys.argv[1:] = [job["folder"]]
        sys.orig_argv[-1:] = [job["folder"]]
        if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
            sys.path[0] = os.getcwd()  # noqa: PTH109  # as a text

    def _may_run(self, job: Mapping[str, Any]) -> bool:
        """Wait until who started it has written down that it runs, or is gone."""
        with self._connection:
            self._connection.settimeout(None)
            with suppress(OSError):
                self._connection.recv(1)
        try:
            state = json.loads(Path(job["state"]).read_bytes())
        except FileNotFoundError:  # nothing was ever written
            return False
        mine = (
            process[0]
            for entry in state["entries"].values()
            for run in entry.get("runs", {}).values()
            if run["token"] == job["token"]
            for process in run["processes"]
        )
        return os.getpid() in mine

    def _run(self, job: Mapping[str, Any]) -> int:
        place = Path(job["exit"])
        place.parent.mkdir(parents=True, exist_ok=True)
        for stale in (place, place.parent / "requeued"):
            stale.unlink(missing_ok=True)
        # Until both know what to do about them, signals wait.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_SIGNALS, signal.SIGINT))
        self._worker = os.fork()
        if not self._worker:
            early: list[int] = []
            signal.signal(signal.SIGUSR2, lambda number, _frame: early.append(number))
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _work(job["folder"], early)
        for number in _SIGNALS:
            signal.signal(number, self._pass_on)
        # A cell may interrupt all that is in its session, and go on. What is ignored would be
        # ignored by the server too, and by jobs that it starts.
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _, status = os.waitpid(self._worker, 0)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        part = place.with_name(f"{place.name}.part")
        part.write_text(str(code))
        part.replace(place)
        if any(Path(file).exists() for file in job["asks_again"]):
            _start(job["server"], job["server_log"], job["server_env"])
        return code

    def _pass_on(self, number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._worker, number)


def _received(connection: socket.socket) -> Any:
    """Return a request: a number of bytes, and so many of JSON."""
    connection.settimeout(_LINGER_SECONDS)
    with connection.makefile("rb") as stream:
        size = int(stream.readline(20))
        if size > _MOST_BYTES:
            raise ValueError(f"{size} bytes are no request")
        return json.loads(stream.read(size))


def _work(folder: str, early: list[int]) -> NoReturn:
    """Be the worker."""
    from nbsubmit.worker.process import main

    importlib.invalidate_caches()
    as_a_process(lambda: main(folder, early))


def _start(command: list[str], log: str, env: dict[str, str]) -> None:
    import subprocess  # 6 ms, and hardly any job needs it here

    with open(log, "ab") as out:  # noqa: PTH123
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)


def _print_to(log: str, descriptor: int) -> None:
    """Have what is printed go to this file; one that is new is the user's alone."""
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    os.dup2(opened, descriptor)
    os.close(opened)


def _let_go_of_files(kept: int) -> None:
    """Keep no file open but one, and be in no folder: a template is nobody's."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  # no Path is needed
        if int(name) > 2 and int(name) != kept:
            with suppress(OSError):
                os.close(int(name))
