"""The loggers: their levels, and those of their handlers that can be made anew elsewhere.

A handler that writes to standard error or output, or to a file, is described; one that writes
elsewhere stays where it is. What a module gives to its own logger comes with the module.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from nbsubmit.core.ambient.kind import Kind, Values, under

_STREAMS = ("stdout", "stderr")
Described = tuple[Any, ...]


class Logging(Kind):
    """Levels and handlers, by logger."""

    module = "logging"

    def get(self) -> Values:
        root = logging.getLogger()
        levels = {f"level {name}": logger.level for name, logger in _loggers() if logger.level}
        handlers = {
            f"handlers {name}": described
            for name, logger in [("", root), *_loggers()]
            if (described := tuple(_described(logger))) and not _is_of_module(name)
        }
        return levels | handlers | {"level": root.level}

    def put(self, values: Mapping[str, Any]) -> None:
        if "level" in values:
            logging.getLogger().setLevel(values["level"])
        for name, level in under("level ", values).items():
            logging.getLogger(name).setLevel(level)
        for name, handlers in under("handlers ", values).items():
            _give(logging.getLogger(name or None), handlers)

    def changes(self, before: Values, after: Values) -> Values:
        gone = {n: () for n in before if n.startswith("handlers ") and n not in after}
        return super().changes(before, after) | gone


def _loggers() -> Iterator[tuple[str, logging.Logger]]:
    for name, found in logging.getLogger().manager.loggerDict.items():
        if isinstance(found, logging.Logger):
            yield name, found


def _is_of_module(name: str) -> bool:
    return name.partition(".")[0] in sys.modules


def staying(values: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each handler that a logger among these values has and a job has not."""
    for name, logger in values:
        if not isinstance(logger, logging.Logger):
            continue
        for handler in logger.handlers:
            if _described_one(handler) is None and type(handler) is not logging.NullHandler:
                yield (
                    f"{name} is a logger with a handler that stays here ({handler!r}): what the "
                    f"job logs does not reach it; add one to it inside the cell"
                )


def _described(logger: logging.Logger) -> Iterator[Described]:
    for handler in logger.handlers:
        described = _described_one(handler)
        if described is not None:
            yield described


def _described_one(handler: logging.Handler) -> Described | None:
    form: Any = handler.formatter
    if handler.filters or getattr(type(form), "__module__", "") == "__main__":
        return None
    if type(form) is logging.Formatter:
        form = (form._fmt, form.datefmt, type(form._style))
    if type(handler) is logging.FileHandler:
        return "file", handler.baseFilename, handler.encoding, handler.level, form
    if type(handler) is logging.StreamHandler:
        name = _name_of(handler.stream)
        return ("stream", name, None, handler.level, form) if name else None
    return None


def _name_of(stream: Any) -> str:
    """Return which of the standard streams of cells a stream is; the process's own are not."""
    if stream in (sys.__stdout__, sys.__stderr__):
        return ""
    name = str(getattr(stream, "name", "")).strip("<>")
    return name if name in _STREAMS else ""


def _give(logger: logging.Logger, wanted: Sequence[Described]) -> None:
    here = {id(handler): _described_one(handler) for handler in logger.handlers}
    for handler in list(logger.handlers):
        if here[id(handler)] is not None and here[id(handler)] not in wanted:
            logger.removeHandler(handler)
    for described in wanted:
        if described not in here.values():
            with suppress(OSError):  # a file where there is no such folder
                logger.addHandler(_made(described))


def _made(described: Described) -> logging.Handler:
    kind, target, encoding, level, form = described
    handler: logging.Handler = (
        # What another process has written there is to stay.
        logging.FileHandler(target, "a", encoding)
        if kind == "file"
        else logging.StreamHandler(getattr(sys, target))
    )
    handler.setLevel(level)
    if isinstance(form, tuple):
        text, dates, style = form
        signs = [sign for sign, (known, _) in logging._STYLES.items() if known is style]
        form = logging.Formatter(text, dates, signs[0])  # type: ignore[arg-type]
    handler.setFormatter(form)
    return handler
