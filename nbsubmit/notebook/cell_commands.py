"""What ``%%slurm``, ``%%local`` and ``%%submit`` do: a line and a cell in, a job out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from IPython.core.pylabtools import select_figure_formats
from IPython.display import publish_display_data

from nbsubmit.backends import registry
from nbsubmit.client import cells, configured, words
from nbsubmit.client.configured import grammar_of
from nbsubmit.client.rows import sent_rows
from nbsubmit.core import inputs
from nbsubmit.core.backend import Backend, packs
from nbsubmit.core.errors import OptionError
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.missing import Missing
from nbsubmit.core.raising import say_below
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.splitting import split
from nbsubmit.core.submit import launch_of
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.units import format_bytes
from nbsubmit.notebook.line import expanded, without
from nbsubmit.notebook.panels import Panels
from nbsubmit.notebook.pending import WaitingEnded
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.plain import tell
from nbsubmit.notebook.preparing import Prepared
from nbsubmit.notebook.raised import as_raised
from nbsubmit.notebook.replay import Replay, shown
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.space import Space
from nbsubmit.notebook.status_line import StatusLine
from nbsubmit.notebook.tasks import failures, first_failed, print_output
from nbsubmit.notebook.waiting import hint, with_wait

_LOOK_SECONDS = 0.1


class CellCommands:
    """Sends cells, for the first time and again.

    Parameters
    ----------
    session : Session
        Does the work.
    """

    def __init__(self, session: Session) -> None:
        self.shell = session.shell
        self._session = session
        self._has_hinted = False
        self._space = Space(session.store)
        session.arrivals.tell = partial(tell, session)
        session.arrivals.again = self.again_with
        self.panels = Panels(session, partial(self._again, tell=False))
        self.grammars = {magic: grammar_of(f"%%{magic}") for magic in cells.MAGICS}

    def run(self, magic: str, line: str, cell: str) -> Any:
        """Send a cell as its magic's line asks for, and return its job, or what it has made."""
        # A debugger goes from the job's frames past ours.
        __tracebackhide__ = True
        line = expanded(line, self.shell.user_ns)
        options, backend, asked = self._asked(magic, line)
        options = with_wait(options, self._session.settings, self.shell)
        prepared = self._session.preparer.prepare(magic, line, cell, options)
        prepared = prepared.noting(words=asked)
        if options.dry_run:
            self._show_plan(prepared, backend)
            return None
        panel = self._has_panel(options)
        tell = not (options.wait or options.quiet or panel)
        same = self._session.same(prepared, backend)
        if same is None:
            job = self._session.send(prepared, backend, tell=tell)
        else:
            job = same
            self._session.join(job, prepared, tell=tell and not job.done())
        if not panel:
            self._session.without_panel.add(job.id)
        if options.bind:
            self.shell.user_ns[options.bind] = job
        if same is not None:
            self._announce_same(job, options)
        else:
            self._announce(job, prepared, backend)
        low = "" if options.quiet else self._space.warning()
        if low:
            print(low)
        return self._wait(job, options) if options.wait else job

    def _asked(self, magic: str, line: str) -> tuple[CellOptions, Backend, list[list[str]]]:
        """Return what a line asks for over what is configured, of which backend, and its words."""
        grammar = self.grammars[magic]
        said = grammar.parse(line)
        backend = self._backend(magic, said)
        before = configured.layers(said, self._session.configuration(), grammar, backend.name)
        return grammar.parse(line, before), backend, [*before, split(line)]

    def _backend(self, magic: str, options: CellOptions) -> Backend:
        if options.debug:
            return registry.get("debug")
        name = self._session.settings.backend if magic == "submit" else magic
        backend = registry.best() if name == "auto" else registry.get(name)
        backend.check()
        return backend

    def _announce(self, job: Job, prepared: Prepared, backend: Backend) -> None:
        options = prepared.request.options
        if options.quiet:
            return
        ignored = [*backend.ignored(launch_of(job.folder, options))]
        if options.pack > 1 and not packs(backend):
            ignored.append("--pack")
        if ignored:
            print(f"the {backend.name} backend does not use {', '.join(ignored)}")
        if self._has_panel(options):
            if options.wait:
                self.panels.show(job, Place(self.shell), brief=True)
            return
        row = self._session.arrivals.row(job)
        print(f"{words.name(row)}: {words.sends(row)}")
        print("\n".join(words.warnings(row)), end="\n" if row.warnings else "")
        if not self._has_hinted and (told := hint(options, self.shell)):
            self._has_hinted = True
            print(told)

    def _announce_same(self, job: Job, options: CellOptions) -> None:
        """Say that a cell was not sent, for it has been before."""
        if options.quiet:
            return
        row = self._session.arrivals.row(job)
        print(words.same(row))
        if self._has_panel(options) and options.wait:
            self.panels.show(job, Place(self.shell), brief=True)

    def _has_panel(self, options: CellOptions) -> bool:
        return options.panel and not options.quiet and self._session.has_widgets

    def _wait(self, job: Job, options: CellOptions) -> Any:
        __tracebackhide__ = True
        replay = Replay(job)
        line = StatusLine()
        tells = line.is_possible and not options.quiet
        try:
            while not _ended(job):
                replay.more(line.clear)
                if tells and replay.at_line_start:
                    line.show(self._session.arrivals.row(job))
            replay.more(line.clear)
        except KeyboardInterrupt:
            becomes = "the job goes on"
            if options.cancel_on_interrupt:
                job.cancel()
                becomes = "the job is being cancelled"
            which = self._session.arrivals.describe(job)
            raise WaitingEnded(f"the waiting for {which} was ended; {becomes}") from None
        finally:
            line.clear()
        if isinstance(job, TaskedJob):
            return self._after_tasks(job, options)
        self._when_the_cell_has_ended(replay.finish)
        error = job.exception()
        if error is not None:
            raise as_raised(error, job, self.shell.user_ns)
        value = job.value
        if not options.quiet and not self._has_panel(options):
            row = self._session.arrivals.row(job)
            print(words.ended(row))
        if replay.result is None:
            return None
        if value is None or isinstance(value, Missing):  # what it looks like could travel
            publish_display_data(shown(replay.result["data"]), replay.result["metadata"])
            return None
        if "image/png" in replay.result["data"]:
            self._show_figures(value)
        return value

    def _after_tasks(self, job: TaskedJob, options: CellOptions) -> Any:
        """Show what is to be seen of an array that was waited for, and return its values."""
        __tracebackhide__ = True
        if not options.quiet:
            print_output(job)
        failed = first_failed(job)
        error = failed.exception()
        if error is not None:
            raised = as_raised(error, failed, self.shell.user_ns)
            say_below(raised, failures(job))
            raise raised
        if not options.quiet and not self._has_panel(options):
            row = self._session.arrivals.row(job)
            print(words.ended(row))
        value = job.value
        return None if all(one is None for one in value) else value

    def _show_figures(self, value: Any) -> None:
        """Have the shell draw a figure that a job has made: nothing here has been told how to."""
        if type(value).__module__ == "matplotlib.figure":
            formatter = self.shell.display_formatter.formatters["image/png"]
            if type(value) not in formatter:
                select_figure_formats(self.shell, {"png"}, bbox_inches="tight")

    def _when_the_cell_has_ended(self, function: Callable[[], None]) -> None:
        """Call a function once the shell has shown the cell's result or its error."""
        events = self.shell.events

        def once() -> None:
            events.unregister("post_execute", once)
            function()

        events.register("post_execute", once)

    def _show_plan(self, prepared: Prepared, backend: Backend) -> None:
        script, start = self._session.script(prepared, backend)
        payload = prepared.request.payload
        slices = prepared.request.slices
        size = payload.size_bytes + (slices.size_bytes if slices else 0)
        sources = [source.to_json() for source in prepared.request.by_value]
        request = prepared.request
        more = {**request.more, **inputs.as_json(request.after)}
        names = sent_rows(payload.entries, payload.modules, sources, more)
        print(f"sends {format_bytes(size)}:" if names else "sends no names")
        print(plain(words.table([("  " + n[0], *n[1:]) for n in names])))
        for item in payload.left_out:
            print(plain(f"leaves out {item.name}: {item.reason}"))
        if payload.missing:
            print(f"not defined here: {', '.join(payload.missing)}")
        for text in payload.warnings:
            print(plain(f"warning: {text}"))
        if prepared.request.count is not None:
            print(f"tasks: {prepared.request.count}")
        if start:
            print(plain(f"would start: {start}"))
        print(f"nothing was sent; the script would be\n\n{plain(script)}".rstrip())

    # Once more

    def _again(self, job: Job, line: str, *, tell: bool, only: Sequence[int] | None = None) -> Job:
        """Send a job again with these options; say when its result comes, if nothing else does."""
        magic = cells.magic_of(job)
        line, failed = without(line, "--failed")
        options, backend, asked = self._asked(magic, line)
        whole, places = (job, only) if only else cells.part_again(job, failed=failed)
        return self._send_again(whole, line, options, backend, asked, places, tell=tell)

    def again_with(self, job: Job, more: str, only: Sequence[int] | None = None) -> Job:
        """Send a job again with the options that it had, and more."""
        magic = cells.magic_of(job)
        more, failed = without(more, "--failed")
        grammar, configuration = self.grammars[magic], self._session.configuration()
        options, asked = cells.options_again(job, split(more), grammar, configuration)
        backend, line = self._backend(magic, options), cells.with_more(job, more)
        whole, places = (job, only) if only else cells.part_again(job, failed=failed)
        tell = not self._session.has_widgets
        return self._send_again(whole, line, options, backend, asked, places, tell=tell)

    def _send_again(
        self,
        job: Job,
        line: str,
        options: CellOptions,
        backend: Backend,
        asked: list[list[str]],
        only: Sequence[int] | None,
        *,
        tell: bool,
    ) -> Job:
        if options.dry_run:
            raise OptionError("--dry-run: a job is sent again, or it is not. Leave it out")
        line = f"%%{cells.magic_of(job)} {line}".strip()
        return self._session.send_again(
            job, options, line, backend, tell=tell, only=only, words=asked
        )


def _ended(job: Job) -> bool:
    try:
        job.wait(_LOOK_SECONDS)
    except TimeoutError:
        return False
    return True
