"""The way itself: everything is written before the backend is asked to start anything.

So a job never waits for its own input, and whatever breaks off on the way leaves something that
can be found, or nothing.
"""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle

from nbsubmit.core import by_value, inputs, packages, tasks
from nbsubmit.core.backend import Backend, packs
from nbsubmit.core.call import Call
from nbsubmit.core.cell import Cell
from nbsubmit.core.errors import OptionError, SubmitError
from nbsubmit.core.folder import FORMAT, JobFolder, write_whole
from nbsubmit.core.home import Namespace
from nbsubmit.core.inputs import After
from nbsubmit.core.job import Job, Watches
from nbsubmit.core.limits import check_size, check_space
from nbsubmit.core.payload import Payload
from nbsubmit.core.sending import send, write_script
from nbsubmit.core.settings import Settings
from nbsubmit.core.slices import Slices
from nbsubmit.core.spec import CellOptions, Launch
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasked import Opens, open_job
from nbsubmit.core.tasks import SINGLE, Shape
from nbsubmit.core.usage import Limits


@dataclass(frozen=True)
class Request:
    """What is to be submitted.

    Attributes
    ----------
    what : Cell or Call
        A cell, or a call of a function.
    payload : Payload
        What it needs.
    options : CellOptions
        How to run it.
    line : str
        The magic's line, for people.
    origin : mapping
        Where it comes from: the notebook, its cell, the kernel; whatever is known.
    ambient : mapping
        What `nbsubmit.core.ambient.pack` gave.
    by_value : tuple of Source
        The modules whose source goes along.
    count : int or None
        The number of tasks of an array; None if it is none.
    slices : Slices or None
        What each of them is called with.
    more : mapping
        What else is to be known of the job from the start, as plain data.
    after : tuple of After
        Jobs that it is to start after.
    """

    what: Cell | Call
    payload: Payload
    options: CellOptions
    line: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)
    ambient: Mapping[str, str] = field(default_factory=dict)
    by_value: tuple[by_value.Source, ...] = ()
    count: int | None = None
    slices: Slices | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[After, ...] = ()


def submit(
    request: Request,
    backend: Backend,
    store: JobStore,
    watcher: Watches,
    settings: Settings,
    home: Namespace | None = None,
    opens: Opens = open_job,
) -> Job:
    """Send a job on its way and return it.

    Raises
    ------
    BackendMissing
        If the backend cannot run here; nothing is written.
    FolderError
        If the store is not safe or cannot be written to; nothing is sent.
    TooLarge
        If more would be sent than the settings allow; nothing is written.
    SubmitError
        If the backend does not take it; the folder stays, says why, and holds the script.
    InputFailed
        If a job that it is to start after has failed; nothing is written.
    OptionError
        If an environment variable cannot be set; nothing is written.
    """
    backend.check()
    check_variables(request.options.env)
    inputs.check(request.after)
    check_size(request.payload, request.options.include, settings.size_limit, request.slices)
    check_space(request.payload, store.path, request.slices)
    folder = store.new()
    shape = shape_for(backend, request.count, request.options)
    launch = launch_of(folder, request.options, shape=shape)
    launch = started_after(launch, request.after, backend)
    return started(
        folder,
        lambda: _write(folder, request, launch, backend, settings, shape),
        launch,
        backend,
        store,
        watcher,
        home,
        opens,
    )


def check_variables(env: Mapping[str, str]) -> None:
    """Make sure that a process can be given these variables.

    Raises
    ------
    OptionError
        Naming the first that no process can have.
    """
    for name, value in env.items():
        try:
            possible = b"\0" not in os.fsencode(value) and name.isidentifier()
        except UnicodeEncodeError:
            possible = False
        if not possible:
            raise OptionError(
                f"--env {name}: no process can have a variable like {value!r}. Use a name of "
                f"letters, digits and _, and a value without a zero byte"
            )


def started_after(launch: Launch, after: Sequence[After], backend: Backend) -> Launch:
    """Return a launch that the backend starts after these jobs, as far as it knows them."""
    return replace(
        launch,
        after=inputs.handles(after, backend, whatever=False),
        after_any=inputs.handles(after, backend, whatever=True),
    )


def shape_for(backend: Backend, count: int | None, options: CellOptions) -> Shape:
    """Return the shape of a job; the backend is asked what it takes only for an array."""
    if count is None:
        return Shape(ranks=options.ranks)
    pack = min(options.pack, count) if packs(backend) else 1
    return Shape(count, backend.largest_array(), options.ranks, pack)


def started(
    folder: JobFolder,
    fill: Callable[[], None],
    launch: Launch,
    backend: Backend,
    store: JobStore,
    watcher: Watches,
    home: Namespace | None,
    opens: Opens,
) -> Job:
    """Fill a new job's folder, then have the backend start it, and return the job.

    Raises
    ------
    SubmitError
        If the backend does not take it; the folder stays, says why, and holds the script.
    """
    try:
        fill()
        if Shape.of(folder.spec).has_tasks:
            tasks.prepare(folder)
        write_script(folder.script_file, first_part(launch), backend)
    except BaseException:
        shutil.rmtree(folder.path)
        raise
    try:
        if launch.count is None:
            _start(folder, launch, backend)
        else:
            send(folder, backend, launch)
    except SubmitError as error:
        folder.write_json(folder.refusal_file, {"reason": str(error), "at": time.time()})
        raise type(error)(f"{error}\nThe script is {folder.script_file}") from None
    except KeyboardInterrupt:
        # It may have been taken all the same: then it finds this, and ends.
        reason = "interrupted while it was being sent"
        folder.write_json(folder.refusal_file, {"reason": reason, "at": time.time()})
        raise
    job = opens(folder, backend, watcher, home)
    watcher.add(job)
    store.blobs.collect_now_and_then()
    return job


def first_part(launch: Launch) -> Launch:
    """Return what is started first: of an array as many tasks as the backend takes at once."""
    if launch.count is None or launch.part is None:
        return launch
    return replace(launch, count=min(launch.count, launch.part))


def _start(folder: JobFolder, launch: Launch, backend: Backend) -> None:
    handle = backend.start(launch)
    folder.write_json(
        folder.handle_file, {"backend": backend.name, "handle": handle, "at": time.time()}
    )


def launch_of(
    folder: JobFolder,
    options: CellOptions,
    working_directory: Path | None = None,
    shape: Shape = SINGLE,
) -> Launch:
    """Return what the backend is to start; in the folder of now if no other is named."""
    python = tuple(options.python.split()) if options.python else (sys.executable,)
    return Launch(
        id=folder.id,
        folder=folder.path,
        command=(*python, "-m", "nbsubmit.worker", str(folder.path)),
        resources=options.resources,
        working_directory=working_directory or Path.cwd(),
        log_out=folder.log_out,
        log_err=folder.log_err,
        exit_file=folder.exit_file,
        setup=options.setup,
        env=options.env,
        teardown=options.teardown,
        script=folder.script_file,
        count=shape.elements,
        part=shape.part,
        pack=shape.pack,
        parallel=options.parallel,
        ranks=shape.ranks,
        launcher=options.launcher,
        signal_seconds=options.signal_seconds,
    )


def _write(
    folder: JobFolder,
    request: Request,
    launch: Launch,
    backend: Backend,
    settings: Settings,
    shape: Shape,
) -> None:
    placed = request.payload.placed
    placed.write_blobs(folder.blobs)
    write_whole(folder.payload_stream, placed.write_stream)
    write_whole(folder.payload_pack, placed.write_pack)
    if request.slices is not None:
        request.slices.write(folder)
    by_value.write(request.by_value, folder.modules)
    folder.write_json(folder.payload_file, _contents(request))
    folder.write_json(folder.spec_file, _spec(request, launch, backend, settings, shape))


def _contents(request: Request) -> dict[str, Any]:
    payload, what = request.payload, request.what
    needed = packages.needed(payload.looked_up)
    return {
        "format": FORMAT,
        "python": sys.version_info[:2],
        "cloudpickle": cloudpickle.__version__,
        "working_directory": str(Path.cwd()),
        "umask": _umask(),
        "path": [*sys.path, *packages.folders(needed)],
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "cell": what.to_json() if isinstance(what, Cell) else None,
        "call": what.to_json() if isinstance(what, Call) else None,
        "contents": payload.placed.contents.to_json(),
        "modules": payload.modules,
        "submodules": payload.submodules,
        "packages": [asdict(package) for package in needed],
        "by_value": [source.to_json() for source in request.by_value],
        "left_out": {item.name: item.reason for item in payload.left_out},
        "missing": payload.missing,
        "excluded": payload.excluded,
        "others": payload.others,
        "warnings": payload.warnings,
        "ambient": dict(request.ambient),
        "sources": payload.sources,
    }


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _spec(
    request: Request, launch: Launch, backend: Backend, settings: Settings, shape: Shape
) -> dict[str, Any]:
    what = request.what
    return {
        **request.more,
        **inputs.as_json(request.after, (*launch.after, *launch.after_any)),
        "format": FORMAT,
        "id": launch.id,
        "name": request.options.resources.name or "",
        "backend": backend.name,
        "created": time.time(),
        "line": request.line,
        "source": what.source if isinstance(what, Cell) else "",
        "function": what.name if isinstance(what, Call) else "",
        "host": platform.node(),
        "user": user_here(),
        "kernel_pid": os.getpid(),
        "beat_seconds": settings.beat_seconds,
        "origin": dict(request.origin),
        "limits": asked(launch, backend).to_json(),
        "signal_seconds": launch.signal_seconds,
        **shape.to_json(),
    }


def user_here() -> str:
    """Return the user's name; the number of one who has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def asked(launch: Launch, backend: Backend) -> Limits:
    """Return what a job asks for and its backend sees to."""
    wanted = launch.resources
    ignored = backend.ignored(launch)
    known = {
        "--cpus-per-task": Limits(cpus=wanted.cpus),
        "--gpus": Limits(gpus=_number(wanted.gpus)),
        "--mem": Limits(memory=(wanted.memory_mib or 0) << 20 or None),
        "--time": Limits(seconds=wanted.time_seconds or None),
    }
    limits = Limits()
    for option, limit in known.items():
        if option not in ignored:
            limits = limits.over(limit)
    return limits


def _number(gpus: str | None) -> int | None:
    """The number in ``2`` or ``type:2``; of a type alone it is one."""
    number = (gpus or "").rpartition(":")[2]
    return int(number) if number.isdecimal() else 1 if number else None
