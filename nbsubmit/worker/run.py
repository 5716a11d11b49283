"""Run the job of one folder: read what was sent, run the cell, write what became of it.

Whatever happens, a result is written: of an unreadable payload, of `sys.exit`, of a value that
cannot be pickled, of a disk that is full.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbsubmit.core import ambient, packages
from nbsubmit.core.ambient import Around
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.call import SHARED
from nbsubmit.core.cell import Cell
from nbsubmit.core.checkpoint import Keeper, keeping
from nbsubmit.core.contents import Contents
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.imports import AfterImport
from nbsubmit.core.layout import Placed
from nbsubmit.core.reserved import is_magic
from nbsubmit.core.result import NOT_BROUGHT, NOT_WRITTEN, CellError, Result
from nbsubmit.core.shell import started_by
from nbsubmit.worker import handled, missing, surroundings, task
from nbsubmit.worker.collect import Collection, collect
from nbsubmit.worker.ended import leave_if_forked, spare_files
from nbsubmit.worker.execute import Outcome, execute
from nbsubmit.worker.interrupt import Uninterrupted, Work
from nbsubmit.worker.load import load, mappings_for
from nbsubmit.worker.sent import Sent
from nbsubmit.worker.shell import Shell
from nbsubmit.worker.streams import LogStream, Recorder
from nbsubmit.worker.surroundings import PYTHON, limits, node

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings

_UNINTERRUPTED = Uninterrupted()


def run(
    folder: JobFolder,
    *,
    stdout: int,
    stderr: int,
    after_cell: Callable[[], None] = lambda: None,
    interruptions: Uninterrupted = _UNINTERRUPTED,
) -> bool:
    """Run a job in this process.

    Parameters
    ----------
    folder : JobFolder
        The job's folder, complete.
    stdout, stderr : int
        Descriptors of the logs.
    after_cell : callable
        Called when the cell has ended and before its values are collected.
    interruptions : Uninterrupted
        Knows what to do when the process is told to end.

    Returns
    -------
    bool
        Whether the cell succeeded.
    """
    started = time.time()
    folder.write_json(
        folder.started_file,
        {"host": node(), "pid": os.getpid(), "at": started, "limits": limits().to_json()},
    )
    recorder = Recorder(folder.events_file, stdout, stderr)
    with _stage(recorder, stdout, stderr) as module:
        try:
            payload = folder.read_json(folder.payload_file) or {}
            surroundings.check_versions(payload)
            run_it = _run_cell if payload["cell"] else _run_call
            result, placed = run_it(folder, payload, module, recorder, after_cell, interruptions)
        except BaseException as error:
            result, placed = _failure(error), None
        if not interruptions.decides:
            _write(folder, replace(result, started=started, ended=time.time()), placed)
        surroundings.leave(folder)
    recorder.close()
    return result.error is None


def _run_call(*job: Any) -> tuple[Result, Placed]:
    from nbsubmit.worker.call import run_call  # 1 ms, which a cell does not need

    return run_call(*job)


def _run_cell(
    folder: JobFolder,
    payload: dict[str, Any],
    module: types.ModuleType,
    recorder: Recorder,
    after_cell: Callable[[], None],
    interruptions: Uninterrupted,
) -> tuple[Result, Placed]:
    owner = os.getpid()
    cell = Cell.from_json(payload["cell"])
    shell = Shell(cell, module, recorder)
    contents = Contents.from_json(payload["contents"])
    mappings = mappings_for(contents)
    task.set_variables(folder)
    around = Around(payload["ambient"], task.number(folder))
    shell.precision = around.sent(ambient.SHELL).get("float_precision", "")
    shell.when_started(lambda: around.apply_to(ambient.SHELL))
    sent = _prepare(folder, payload, cell, shell, contents, mappings)
    around.apply()
    keeper = Keeper.of(folder, module.__dict__)
    with AfterImport(ambient.MODULES, around.apply_to), shell, keeping(keeper):
        interruptions.begin(Work(keeper))
        with spare_files():
            outcome = execute(cell, module.__dict__, shell)
            leave_if_forked(owner, outcome)
        after_cell()
        shell.finish()
        changed_around = around.changes()
        around.restore()
        error = _error(outcome, shell, payload, module.__dict__)
        collection = collect(
            cell, module.__dict__, sent, outcome, shell.magics(), ignore=shell.names
        )
        if outcome.error is not None:
            _keep_frames(folder, outcome.error, shell, sent, collection, cell, payload)
    if error is None and collection.complaint:
        error = CellError(NOT_BROUGHT, collection.complaint, (collection.complaint,))
    blobs = BlobStore(folder.store_blobs)
    placed = collection.values.place(blobs, folder.result_pack.name, mappings)
    return (
        Result(
            started=0,
            ended=0,
            python=PYTHON,
            error=error,
            contents=placed.contents,
            changed=tuple(collection.changed),
            renewed=tuple(collection.renewed),
            deleted=tuple(collection.deleted),
            modules=collection.modules,
            submodules=tuple(collection.submodules),
            unsent=collection.unsent,
            ambient=changed_around,
            packages=packages.needed(collection.values.modules),
            signal=outcome.signal,
        ),
        placed,
    )


def _error(
    outcome: Outcome, shell: Shell, payload: dict[str, Any], namespace: dict[str, Any]
) -> CellError | None:
    error = outcome.error
    if error is None:
        return None
    # Before it is shown: that may start IPython, which binds names of its own. And noted after it,
    # for not every IPython shows notes.
    sentences = missing.explain(error, namespace, payload)
    shown = shell.format_error(error)
    missing.note(error, sentences)
    try:
        message = str(error)
    except Exception as failure:
        message = f"<its message cannot be shown: {type(failure).__name__}>"
    return CellError(type(error).__name__, message, (*shown, *sentences))


def _keep_frames(
    folder: JobFolder,
    error: BaseException,
    shell: Shell,
    sent: Sent,
    collection: Collection,
    cell: Cell,
    payload: dict[str, Any],
) -> None:
    from nbsubmit.worker import frames  # 6 ms, which only a cell that fails needs

    here = shell.namespace
    unchanged = {name for name, value in sent.values.items() if here.get(name) is value}
    if cell.bring is not None:  # what was changed in place may not go back
        unchanged -= sent.changed(here).keys()
    around = frames.Surroundings(
        namespace=here,
        classes=sent.classes,
        at_home=(unchanged | set(collection.values.names)) - set(collection.unsent),
        ignore=shell.names,
        texts={*payload["sources"], cell.file_name},
    )
    with suppress(OSError):  # a full disk must not stand in the place of the cell's own error
        frames.keep(error, around, folder)


def _prepare(
    folder: JobFolder,
    payload: dict[str, Any],
    cell: Cell,
    shell: Shell,
    contents: Contents,
    mappings: Mappings | None,
) -> Sent:
    """Make the process look like the notebook's and load what was sent."""
    namespace = shell.namespace
    magics: dict[str, Any] = {}
    shared: list[Any] = []

    def arrived(name: str, value: Any) -> None:
        if name == SHARED:
            shared.extend(value)
        else:
            (magics if is_magic(name) else namespace)[name] = value

    texts = {cell.file_name: cell.text}
    with started_by(shell.start):
        parts = load(folder, payload, texts, namespace, arrived, contents, mappings)
        own = task.own_values(folder, namespace, shared, mappings)
        brought = _inputs(folder, namespace)
    namespace.update(own)
    shell.take_magics(magics)
    handled.put(cell, namespace)
    return Sent.take(
        namespace, contents, [*payload["modules"], *own], cell, mappings, parts, magics, brought
    )


def _inputs(folder: JobFolder, namespace: dict[str, Any]) -> frozenset[str]:
    """Return the names that other jobs have brought into the namespace."""
    if not folder.spec.get("after"):
        return frozenset()
    from nbsubmit.worker.inputs import bring  # 100 ms, and few need it

    return bring(folder, namespace)


def _failure(error: BaseException) -> Result:
    """What is reported when not even the cell could be run."""
    lines = (
        [f"{type(error).__name__}: {error}"]
        if isinstance(error, NbsubmitError)
        else traceback.format_exception(error)
    )
    text = CellError(type(error).__name__, str(error), tuple(lines))
    # It may have been told to end before the cell began: then there may be another run.
    told = getattr(error, "signal", "")
    return Result(started=0, ended=0, python=PYTHON, error=text, signal=told)


def _write(folder: JobFolder, result: Result, placed: Placed | None) -> None:
    """Write the values, then the result that names them; without values if they do not fit."""
    try:
        _write_all(folder, result, placed)
    except OSError:
        folder.reserve_file.unlink(missing_ok=True)
        try:
            _write_all(folder, result, placed)  # what is small has room now
        except OSError as error:
            folder.write_json(folder.result_file, _without_values(folder, result, error).to_json())
    folder.reserve_file.unlink(missing_ok=True)


def _write_all(folder: JobFolder, result: Result, placed: Placed | None) -> None:
    try:
        if placed is not None and result.entries:
            placed.write_blobs(folder.blobs, durable=True)
            write_whole(folder.result_stream, placed.write_stream, durable=True)
            # Of an empty one nothing can be lost, and a disk takes its time for that too.
            write_whole(folder.result_pack, placed.write_pack, durable=bool(placed.parts))
        folder.write_json(folder.result_file, result.to_json())
    except OSError:
        # It takes up the room that the report needs.
        folder.result_stream.unlink(missing_ok=True)
        folder.result_pack.unlink(missing_ok=True)
        raise


def _without_values(folder: JobFolder, result: Result, error: OSError) -> Result:
    reason = f"could not be written to {folder.path}: {error.strerror}"
    unsent = dict(result.unsent) | dict.fromkeys(result.names, reason)
    lost = replace(result, contents=Contents(), changed=(), renewed=(), unsent=unsent)
    if result.error is None:
        told = f"the result {reason}"
        lost = replace(lost, error=CellError(NOT_WRITTEN, told, (told,)))
    return lost


@contextmanager
def _stage(recorder: Recorder, stdout: int, stderr: int) -> Iterator[types.ModuleType]:
    """A ``__main__`` of its own and the cell's streams; all is put back afterwards.

    The namespace is a real module's, so that pickle and process pools inside the cell find it.
    """
    module = types.ModuleType("__main__")
    out = LogStream(recorder, "stdout", stdout)
    err = LogStream(recorder, "stderr", stderr)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # As every shell does; the notebook's own filters follow.
        warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
        for holder, name in ((sys, "stdout"), (sys, "stderr"), (sys, "path"), (sys, "argv")):
            stack.callback(setattr, holder, name, getattr(holder, name))
        stack.callback(sys.modules.__setitem__, "__main__", sys.modules["__main__"])
        stack.callback(os.chdir, Path.cwd())
        sys.stdout, sys.stderr = out, err
        sys.path, sys.argv = list(sys.path), [""]
        sys.modules["__main__"] = module
        yield module
