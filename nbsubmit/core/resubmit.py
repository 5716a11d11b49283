"""A job once more: the same payload in a new folder, with other resources if wanted."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbsubmit.core import inputs
from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import SubmitError
from nbsubmit.core.folder import check_format
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job, Watches
from nbsubmit.core.later import inputs_again
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import asked, launch_of, shape_for, started, started_after, user_here
from nbsubmit.core.tasked import Opens, open_job
from nbsubmit.core.tasks import Shape


def resubmit(
    job: Job,
    options: CellOptions,
    line: str,
    backend: Backend,
    store: JobStore,
    watcher: Watches,
    settings: Settings,
    home: Namespace | None = None,
    opens: Opens = open_job,
    only: Sequence[int] | None = None,
    words: Sequence[Sequence[str]] = (),
) -> Job:
    """Send what a job was sent with as another job, and return that.

    Parameters
    ----------
    job : Job
        The earlier one; it stays as it is, in whatever state.
    options : CellOptions
        How to run the new one.
    line : str
        The magic's line with these options, for people.
    backend, store, watcher, settings, home
        As for `nbsubmit.core.submit.submit`.
    only : sequence of int, optional
        Of an array, the places of the tasks that are to be run; by default all.
    words : sequence of sequence of str
        What the options were read from, the weightiest last; for who sends it once more.

    Raises
    ------
    SubmitError
        If what it was sent with is not there any more, or the backend does not take it.
    OtherFormat
        If another nbsubmit has sent it.
    InputFailed
        If a job that it is to start after has failed and was not sent again.
    """
    old = job.folder
    payload = old.read_json(old.payload_file)
    if payload is None or not old.payload_stream.exists():
        raise SubmitError(
            f"what job {job.id} was sent with is no longer in {old.path}. Send it from where it "
            f"came"
        )
    check_format(payload, f"what job {job.id} was sent with")
    where = Path(payload["working_directory"])
    if not where.is_dir():
        raise SubmitError(
            f"job {job.id} ran in {where}, and there is no such folder any more. Make it, or send "
            f"it from where you are now"
        )
    backend.check()
    after = inputs_again(job.id, job.spec)
    old_shape = Shape.of(job.spec)
    count = old_shape.count if only is None else len(only)
    options = replace(options, ranks=old_shape.ranks)
    shape = shape_for(backend, count, options)
    folder = store.new()
    launch = launch_of(folder, options, where, shape)
    launch = started_after(launch, after, backend)

    def fill() -> None:
        files = [old.payload_file, old.payload_stream, old.payload_pack]
        if old.slices_file.exists():
            files += [old.slices_file, old.slices_pack]
        for name in (file.name for file in files):
            shutil.copyfile(old.path / name, folder.path / name)
            (folder.path / name).chmod(0o600)
        if old.modules.is_dir():
            shutil.copytree(old.modules, folder.modules)
        for blob in old.blobs.iterdir() if old.blobs.is_dir() else ():
            store.blobs.hold(blob.name, folder.blobs)
        spec = {
            **job.spec,
            **inputs.as_json(after, (*launch.after, *launch.after_any)),
            "id": folder.id,
            "name": options.resources.name or "",
            "backend": backend.name,
            "created": time.time(),
            "line": line,
            "host": platform.node(),
            "user": user_here(),
            "kernel_pid": os.getpid(),
            "beat_seconds": settings.beat_seconds,
            "limits": asked(launch, backend).to_json(),
            "signal_seconds": launch.signal_seconds,
            "again": job.id,
            **shape.to_json(),
        }
        if words:
            spec["words"] = words
        if only is not None:
            earlier = job.spec.get("picked")
            spec["picked"] = [earlier[place] if earlier else place for place in only]
            spec["first"] = job.spec.get("first") or job.id
        folder.write_json(folder.spec_file, spec)

    return started(folder, fill, launch, backend, store, watcher, home, opens)
