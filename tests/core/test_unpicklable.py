"""What cannot travel is refused when it is sent, named itself and not by what is inside of it."""

# ruff: noqa: SIM115
# What is opened here is closed by the one test that gets it.

from __future__ import annotations

import asyncio
import bz2
import concurrent.futures
import contextvars
import csv
import ctypes
import dbm.dumb
import gzip
import hashlib
import lzma
import mmap
import multiprocessing
import os
import queue
import re
import select
import selectors
import shelve
import socket
import sqlite3
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tqdm import tqdm

from nbsubmit.core import culprit
from nbsubmit.core.writer import BundleWriter
from tests.shelf import Shelf


def numbers() -> Any:
    yield 1


async def wait() -> None: ...


async def several() -> Any:
    yield 1


def closed_at_once(coroutine: Any) -> Any:
    coroutine.close()
    return coroutine


def row() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    found = connection.execute("select 1 as a").fetchone()
    connection.close()
    return found


def shared() -> Any:
    made = shared_memory.SharedMemory(create=True, size=9)
    made.unlink()
    return made


def archive(file: Path) -> Any:
    np.savez(file, a=np.ones(3))
    return np.load(f"{file}.npz")


def table(file: Path) -> Path:
    pq.write_table(pa.table({"a": [1]}), file)
    return file


def lines(file: Path) -> Path:
    file.write_text("a\n1\n2\n")
    return file


Make = Callable[[Path], Any]
FORK = multiprocessing.get_context("spawn")
# What is made in a file's place → what it is called, and a word of the cure.
THINGS: dict[str, tuple[Make, str, str]] = {
    "text": (lambda f: f.open("w"), "an open file (mode 'w')", "open it"),
    "read": (lambda f: lines(f).open(), "an open file (mode 'r')", "open it"),
    "bytes": (lambda f: f.open("wb"), "an open file (mode 'wb')", "open it"),
    "unbuffered": (lambda f: f.open("wb", buffering=0), "an open file (mode 'wb')", "open it"),
    "gzip": (lambda f: gzip.open(f, "wb"), "an open file", "open it"),
    "bz2": (lambda f: bz2.open(f, "wb"), "an open file", "open it"),
    "lzma": (lambda f: lzma.open(f, "wb"), "an open file", "open it"),
    "zip": (lambda f: zipfile.ZipFile(f, "w"), "an open archive", "open it"),
    "tar": (lambda f: tarfile.open(f, "w"), "an open archive", "open it"),
    "npz": (archive, "an open archive", "dict(...)"),
    "temporary": (lambda _: tempfile.NamedTemporaryFile(), "an open file", "open it"),
    "pieces of a table": (
        lambda f: pd.read_csv(lines(f), chunksize=1), "a reader of an open file", "read what",
    ),
    "parquet": (lambda f: pq.ParquetFile(table(f)), "an open file", "open it"),
    "a file of Arrow": (lambda f: pa.OSFile(str(table(f))), "an open file (mode 'rb')", "open it"),
    "csv": (lambda _: csv.reader(["a"]), "a reader of an open file", "read what"),
    "mmap": (lambda _: mmap.mmap(-1, 10), "a file that is mapped", "bytes(...)"),
    "folder": (lambda f: os.scandir(f.parent), "an open folder", "list(...)"),
    "shelf": (lambda f: shelve.open(str(f)), "an open shelf", "dict(...)"),
    "dbm": (lambda f: dbm.dumb.open(str(f)), "an open shelf", "dict(...)"),
    "sqlite": (
        lambda _: sqlite3.connect(":memory:"), "a connection to a database", "connect inside",
    ),
    "row": (lambda _: row(), "a row of a database", "tuple(...)"),
    "socket": (lambda _: socket.socket(), "an open socket", "connect inside"),
    "encryption": (lambda _: ssl.create_default_context(), "a context of encryption", ""),
    "epoll": (lambda _: select.epoll(), "a list of open files to wait for", ""),
    "selector": (
        lambda _: selectors.DefaultSelector(), "a list of open files to wait for", "",
    ),
    "pipe": (lambda _: multiprocessing.Pipe()[0], "an open pipe", ""),
    "process": (
        lambda _: subprocess.Popen(["true"]), "a running process", "start it inside",
    ),
    "worker": (lambda _: FORK.Process(), "a running process", "start it inside"),
    "lock between processes": (lambda _: FORK.Lock(), "a lock", ""),
    "queue between processes": (
        lambda _: FORK.SimpleQueue(), "shared between the processes of this machine", "",
    ),
    "value between processes": (
        lambda _: FORK.Value("i", 1), "shared between the processes of this machine", "",
    ),
    "shared memory": (lambda _: shared(), "shared between the processes of this machine", ""),
    "executor": (lambda _: concurrent.futures.ThreadPoolExecutor(), "an executor", ""),
    "future": (lambda _: concurrent.futures.Future(), "a future", "send its result"),
    "thread": (lambda _: threading.Thread(), "a thread", "start it inside"),
    "timer": (lambda _: threading.Timer(1, print), "a thread", "start it inside"),
    "lock": (lambda _: threading.Lock(), "a lock", ""),
    "lock of one thread": (lambda _: threading.RLock(), "a lock", ""),
    "condition": (lambda _: threading.Condition(), "a lock", ""),
    "event": (lambda _: threading.Event(), "a signal between threads", ""),
    "local": (lambda _: threading.local(), "the values of one thread", "send the values"),
    "queue": (lambda _: queue.Queue(), "a queue between threads", "send a list"),
    "simple queue": (lambda _: queue.SimpleQueue(), "a queue between threads", "send a list"),
    "generator": (lambda _: numbers(), "a generator", "list(...)"),
    "generator to await": (lambda _: several(), "a generator", ""),
    "coroutine": (
        lambda _: closed_at_once(wait()), "a coroutine", "call the function inside",
    ),
    "loop": (lambda _: asyncio.new_event_loop(), "an event loop", "await inside"),
    "frame": (lambda _: sys._getframe(), "a stack frame", "the values in it"),
    "context": (lambda _: contextvars.copy_context(), "a context of variables", "set the"),
    "variable": (lambda _: contextvars.ContextVar("c"), "a context variable", "send its value"),
    "match": (lambda _: re.match("a", "a"), "a match of a pattern", "its groups"),
    "hash": (lambda _: hashlib.md5(), "a hash that is being computed", "digest()"),
    "pointer": (
        lambda _: ctypes.pointer(ctypes.c_int(1)), "a pointer into the memory of this process",
        "what it points to",
    ),
    "library": (lambda _: ctypes.CDLL(None), "a library that is loaded here", "load it inside"),
    "bar": (lambda _: tqdm(total=3, disable=True), "a progress bar of tqdm", ""),
    "iteration": (
        lambda _: iter(torch.utils.data.DataLoader([1])),  # type: ignore[arg-type]
        "an iteration over a DataLoader", "iterate inside",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", THINGS)
def test_what_belongs_to_its_process_is_refused_with_its_path_and_a_cure(
    kind: str, tmp_path: Path
) -> None:
    make, words, cure = THINGS[kind]
    thing = make(tmp_path / "file")
    try:
        with pytest.raises(Exception, match=r"pickle|serialize|reduce"):
            BundleWriter({}).add("job", {"part": thing})
        (found,) = culprit.find("job", {"part": thing}, {})
    finally:
        for close in ("close", "wait", "shutdown"):
            if isinstance(thing, (threading.Event, threading.Condition)):
                break
            if hasattr(thing, close):
                getattr(thing, close)()
                break
    assert str(found) == f"job['part'] is {words}"
    assert cure in found.cure
    assert bool(cure) == bool(found.cure)


class Resumed(threading.Thread):
    """A thread that knows what to be where it is loaded."""

    def __reduce__(self) -> Any:
        return str, ("resumed",)


def test_a_widget_is_refused_with_what_to_send_instead() -> None:
    from ipywidgets import IntSlider

    (found,) = culprit.find("job", {"part": IntSlider()}, {})
    assert "job['part']" in str(found)
    assert "a connection to the notebook's page" in str(found)
    assert found.cure == "send the values of the widget that has it"


def test_a_class_that_knows_how_to_travel_may(tmp_path: Path) -> None:
    assert Shelf(tmp_path).round(v=Resumed())["v"] == "resumed"
