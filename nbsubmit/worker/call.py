"""Run the call of a function: what was sent is called, and what it returns goes back."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from typing import Any

from nbsubmit.core import packages
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.call import CALL, SHARED
from nbsubmit.core.cell import Cell
from nbsubmit.core.checkpoint import Keeper, keeping
from nbsubmit.core.contents import Contents
from nbsubmit.core.definitions.known import known_classes
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.layout import Placed
from nbsubmit.core.result import CAUSE, EXCEPTION, NOT_BROUGHT, VALUE, CellError, Result
from nbsubmit.core.slices import load as load_slice
from nbsubmit.core.slices import read
from nbsubmit.core.tasks import TaskFolder
from nbsubmit.core.writer import BundleWriter, write_one
from nbsubmit.worker import task
from nbsubmit.worker.ended import leave_if_forked, spare_files
from nbsubmit.worker.execute import Outcome, call
from nbsubmit.worker.interrupt import Uninterrupted, Work
from nbsubmit.worker.load import load, mappings_for
from nbsubmit.worker.shell import Shell
from nbsubmit.worker.streams import Recorder
from nbsubmit.worker.surroundings import PYTHON

# What a call needs of a cell: it has no text and no number in a prompt.
_NO_CELL = Cell("", "", "<call>", colors="nocolor")


def run_call(
    folder: JobFolder,
    payload: dict[str, Any],
    module: types.ModuleType,
    recorder: Recorder,
    after_call: Callable[[], None],
    interruptions: Uninterrupted,
) -> tuple[Result, Placed]:
    """Call what was sent, and return the outcome with what is to be written of it."""
    shell = Shell(_NO_CELL, module, recorder)
    namespace, sent = module.__dict__, dict[str, Any]()

    def arrived(name: str, value: Any) -> None:
        (sent if name in (CALL, SHARED) else namespace)[name] = value

    contents = Contents.from_json(payload["contents"])
    mappings = mappings_for(contents)
    task.set_variables_in_pack(folder)
    load(folder, payload, {}, namespace, arrived, contents, mappings)
    keeper = Keeper.of(folder, namespace)
    saved = keeper.load(keeper.folder.checkpoint_file)
    function, args, kwargs = saved or _call(folder, namespace, sent)
    if saved is None and folder.spec.get("after"):
        args, kwargs = _with_values(folder, namespace, args, kwargs)
    with shell, keeping(keeper):
        interruptions.begin(Work(keeper, (function, args, kwargs)))
        owner = os.getpid()
        with spare_files():
            outcome = call(function, args, kwargs)
            leave_if_forked(owner, outcome)
        after_call()
        shell.finish()
        error = None if outcome.error is None else _error(outcome.error, shell)
    unsent: dict[str, str] = {}
    writer = _pickle(namespace, outcome, unsent)
    if error is None and VALUE in unsent:
        error = CellError(NOT_BROUGHT, unsent[VALUE], (unsent[VALUE],))
    placed = writer.place(BlobStore(folder.store_blobs), folder.result_pack.name)
    result = Result(
        started=0,
        ended=0,
        python=PYTHON,
        error=error,
        contents=placed.contents,
        unsent=unsent,
        packages=packages.needed(writer.modules),
        signal=outcome.signal,
    )
    return result, placed


def _call(folder: JobFolder, namespace: dict[str, Any], sent: dict[str, Any]) -> Any:
    """Return function, arguments and keyword arguments."""
    if not isinstance(folder, TaskFolder) or folder.key.index is None:
        return sent[CALL]
    bundle = read(folder)
    return load_slice(bundle, namespace, sent[SHARED], mappings_for(bundle.contents))[CALL]


def _with_values(
    folder: JobFolder, home: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Wait for the jobs that this one starts after, and put their values where they stand."""
    from nbsubmit.core.inputs import Input, replaced  # 100 ms, and few need it

    after = [Input.from_json(data) for data in folder.spec["after"]]
    for one in after:
        one.ended(home)
    latest = {one.stands_for: one for one in after}

    def value(argument: Any) -> Any:
        if not isinstance(argument, Input):
            return argument
        return latest.get(argument.place, argument).value(home)

    with_values = {name: replaced(argument, value) for name, argument in kwargs.items()}
    return tuple(replaced(argument, value) for argument in args), with_values


def _error(error: BaseException, shell: Shell) -> CellError:
    shown = shell.format_error(error)
    try:
        message = str(error)
    except Exception as failure:
        message = f"<its message cannot be shown: {type(failure).__name__}>"
    return CellError(type(error).__name__, message, tuple(shown))


def _pickle(home: dict[str, Any], outcome: Outcome, unsent: dict[str, str]) -> BundleWriter:
    """Pickle what was returned or raised; what cannot be is said."""
    name, value = (VALUE, outcome.value) if outcome.error is None else (EXCEPTION, outcome.error)
    try:
        return _with_cause(home, outcome.error) or write_one(name, value, home, known_classes())
    except Exception as error:
        from nbsubmit.core import culprit  # 2 ms, and few jobs need it

        told = culprit.in_words("the returned value", value, error, home)
        unsent[name] = f"{told}, and cannot be brought back"
        return BundleWriter(home)


def _with_cause(home: dict[str, Any], error: BaseException | None) -> BundleWriter | None:
    """Pickle what was raised with what it was raised from; None if it was not, or cannot be."""
    if error is None or error.__cause__ is None:
        return None
    writer = BundleWriter(home, known_classes())
    try:
        writer.add(EXCEPTION, error)
        writer.add(CAUSE, error.__cause__)
    except Exception:
        return None  # the traceback tells of it all the same
    return writer if writer.overlaps() is None else None
