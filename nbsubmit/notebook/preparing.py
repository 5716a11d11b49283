"""What a cell needs, collected: nothing is written, and nothing is sent yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client import checkpoint
from nbsubmit.core import by_value, credentials
from nbsubmit.core.ambient import chance
from nbsubmit.core.ambient.logs import staying
from nbsubmit.core.capture import capture
from nbsubmit.core.cell import Cell
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Key
from nbsubmit.core.names import NameUse
from nbsubmit.core.payload import PART, Payload
from nbsubmit.core.pending import Outlook, outlook
from nbsubmit.core.slices import Slices
from nbsubmit.core.slicing import Sliced, slice_names
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.splitting import listed
from nbsubmit.core.submit import Request
from nbsubmit.notebook import following, mapping, sameness
from nbsubmit.notebook.analysis import use_of
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.notebook import Notebook
from nbsubmit.notebook.own_magics import OwnMagics
from nbsubmit.notebook.pending import Pending, Reads
from nbsubmit.notebook.source import numbers, read_cell


@dataclass(frozen=True)
class Prepared:
    """A cell that could be submitted now.

    Attributes
    ----------
    request : Request
        All that is to be sent.
    cell : Cell
        The cell in it.
    use : NameUse
        What the cell does with names.
    key : Key or None
        By what it is known to be the same as another, wherever it runs; None if by nothing.
    along : frozenset of str
        Names that code reads which may come along with what other jobs bring to it.
    """

    request: Request
    cell: Cell
    use: NameUse
    key: Key | None
    along: frozenset[str]

    @property
    def touched(self) -> Iterator[str]:
        """Yield the names that the job may bring or whose objects it may change."""
        use, payload = self.use, self.request.payload
        yield from use.writes | use.deletes | use.sure_deletes | use.handled | use.mutates
        yield from (entry.name for entry in payload.entries)
        yield from payload.modules
        yield from self.request.options.bring or ()

    def noting(self, **more: Any) -> Prepared:
        """Return the same, of which more is kept with the job."""
        request = replace(self.request, more={**self.request.more, **more})
        return replace(self, request=request)

    def outlook(self, namespace: Namespace) -> Outlook:
        """Return what the job is taken to bring for all that can be seen now."""
        request = self.request
        awaited = {
            name: str(after.job.spec.get("source", ""))
            for after in request.after
            for name in after.names
        }
        found = outlook(self.use, self.cell.source, namespace, request.options.bring, awaited)
        if request.count is not None:  # what tasks change in place stays with each
            binds = found.names - (found.changes.keys() - self.use.writes)
            found = replace(found, names=binds, changes={})
        return replace(found, along=found.along | self.along)


class Preparer:
    """Collects what cells need.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that runs the notebook.
    notebook : Notebook
        Knows where the jobs go and what holds for all of them.
    magics : OwnMagics
        The notebook's own.
    pending : Pending
        Knows what other jobs are to bring.
    find : callable
        Returns a job by its id.
    local_modules : LocalModules
        The user's own modules, as they were imported.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        notebook: Notebook,
        magics: OwnMagics,
        pending: Pending,
        find: Callable[[str], Job],
        local_modules: LocalModules,
    ) -> None:
        self._shell = shell
        self._notebook = notebook
        self._magics = magics
        self._pending = pending
        self._find = find
        self._local_modules = local_modules

    def prepare(self, magic: str, line: str, body: str, options: CellOptions) -> Prepared:
        """Read the cell and collect what it needs; nothing is written.

        Raises
        ------
        CaptureError
            If the cell cannot be sent.
        OptionError
            If there is no source of a module that is to go by value.
        """
        cell = read_cell(self._shell, magic, line, body)
        self._pending.wait_for_names(mapping.names(options))
        namespace = self._shell.user_ns
        own = mapping.tasks(options, namespace)
        use = use_of(cell.source, self._shell, self._magics)
        here = self._runs_here(magic, options)
        reads = self._reads(use, options, here=here)
        blobs = self._notebook.store.blobs
        sliced = slice_names(own, namespace, blobs) if own and options.maps else None
        payload = self._collect(cell, use, options, reads, own, sliced)
        self._warn(payload, cell, is_array=own is not None, here=here)
        cell = replace(
            cell,
            numbers=numbers(self._shell, payload.sources),
            bring=options.bring,
            watched=_watched(use, payload),
            binds=tuple(sorted(use.writes)) if own else (),
            deletes=tuple(sorted(use.sure_deletes)),
            handled=tuple(sorted((use.handled & namespace.keys()) - use.reads)),
        )
        if checkpoint.is_used(cell.source, payload.names):
            options = checkpoint.warned(options)
        inputs = following.of_names(reads.due)
        asked = following.asked(options.after, namespace, self._find)
        request = Request(
            cell,
            payload,
            options,
            f"%%{magic} {line}".strip(),
            self._notebook.origin(cell.execution_count),
            by_value=self._by_value(options),
            count=len(own) if own else None,
            slices=sliced.slices if sliced else None,
            more=_of_array(options, len(own), sliced.slices if sliced else None) if own else {},
            after=following.together(inputs, asked),
        )
        in_case = reads.besides.keys() - use.reads
        key = sameness.key_of(request, cell, own, namespace, in_case)
        return Prepared(request, cell, use, key, reads.along)

    def _collect(
        self,
        cell: Cell,
        use: NameUse,
        options: CellOptions,
        reads: Reads,
        own: Sequence[Namespace] | None,
        sliced: Sliced | None,
    ) -> Payload:
        payload = capture(
            use,
            self._shell.user_ns,
            self._notebook.store.blobs,
            include=options.include,
            exclude=options.exclude,
            first_line=cell.first_line,
            source=cell.source,
            magics=self._magics.found(),
            bound=own[0] if own else (),
            sliced=sliced,
            later=dict.fromkeys(reads.due, "brought by another job") | reads.besides,
        )
        payload.missing += self._magics.unknown(use, cell.source)
        return payload

    def _warn(self, payload: Payload, cell: Cell, *, is_array: bool, here: bool) -> None:
        """Have the payload say what users should know before they wait for the job."""
        payload.warnings += staying(payload.names.items())
        payload.warnings += [_credential(path) for path in credentials.find(payload.names)]
        if is_array:
            payload.warnings += [_same_numbers(name) for name in chance.generators(payload.names)]
        if not here:
            modules = (*payload.looked_up, *payload.submodules)
            payload.warnings += self._local_modules.warnings(modules, cell.source)

    def _by_value(self, options: CellOptions) -> tuple[by_value.Source, ...]:
        names = (*listed(self._notebook.settings.by_value), *options.by_value)
        return by_value.find(names, self._notebook.store.path)

    def _reads(self, use: NameUse, options: CellOptions, *, here: bool) -> Reads:
        """Return what a cell needs of what other jobs bring; what runs here waits for that."""
        names = (use.reads | {*options.include}) - {*options.exclude}
        if here:
            self._pending.wait_for_names(names)
            return Reads()
        return self._pending.inputs(names, options.exclude)

    def _runs_here(self, magic: str, options: CellOptions) -> bool:
        """Tell whether the job will run in this process, with the modules as they are here."""
        return options.debug or (magic == "submit" and self._notebook.settings.backend == "debug")


def _credential(path: str) -> str:
    name = re.split(r"\W", path, maxsplit=1)[0]
    return (
        f"{path} looks like a credential and is written to the job's folder, which you alone can "
        f"read; leave it out (--without {name}) and have the job read it from where it is kept"
    )


def _same_numbers(name: str) -> str:
    return (
        f"each task has a copy of {name} as it is now and draws the same numbers from it; "
        f"to have others in each, map it:  --map {name}={name}.spawn(N)"
    )


def _of_array(options: CellOptions, count: int, slices: Slices | None) -> dict[str, Any]:
    """Return what is to be known of an array from the start."""
    return {
        "tasks": count,
        "indices": options.indices,
        "maps": [{"names": one.names, "source": one.source} for one in options.maps],
        "own_bytes": slices.size_bytes if slices else 0,
    }


def _watched(use: NameUse, payload: Payload) -> tuple[str, ...] | None:
    """Return the names whose values the cell may change in place; None for all."""
    if use.dynamic:
        return None
    by_functions = {e.name for e in payload.entries if e.why.startswith("used by")}
    by_functions |= {e.name for e in payload.entries if e.why == PART}
    # `x += y` reads x, binds x, and may leave the very same object, changed.
    in_place = use.reads & use.writes
    return tuple(sorted(use.mutates | use.escapes | use.calls | in_place | by_functions))
