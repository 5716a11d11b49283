"""What cannot travel is refused when it is sent, in words that say what it is and what to do.

Promise 2 of README.
"""

from __future__ import annotations

import asyncio
import bz2
import concurrent.futures
import contextlib
import contextvars
import copyreg
import csv
import ctypes
import dbm.dumb
import fileinput
import gzip
import hashlib
import hmac
import io
import logging
import lzma
import mmap
import multiprocessing
import multiprocessing.pool
import multiprocessing.shared_memory
import os
import pathlib
import queue
import random
import re
import sched
import select
import selectors
import shelve
import socket
import socketserver
import sqlite3
import ssl
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import types
import urllib.request
import warnings
import weakref
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import comm
import fsspec
import ipywidgets
import joblib
import numpy as np
import pandas as pd
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet
import pytest
import scipy.io
import torch
import tqdm.auto
import zmq

from nbsubmit.core import culprit
from nbsubmit.core.unpicklable import kind_of, of_type
from nbsubmit.core.writer import BundleWriter
from tests.shelf import Shelf, writer_of

# What is closed or ended after the test, and a folder with files in it → the object.
Make = Callable[[ExitStack, Path], Any]

OPEN = "open it inside the cell"
MAKE = "make it inside the cell"
START = "start it inside the cell"
CONNECT = "connect inside the cell"
READ = f"{OPEN}, or send v['k'].read()"
FORK = multiprocessing.get_context("fork")


class Empty:
    """Nothing."""

    def method(self) -> None:
        """Do nothing."""


EMPTY = Empty()


def numbers() -> Iterator[int]:
    yield 1


async def later() -> None:
    """Do nothing."""


async def numbers_later() -> AsyncIterator[int]:
    yield 1


def written(folder: Path) -> dict[str, Path]:
    """Files of every kind."""
    files = {kind: folder / f"file.{kind}" for kind in ("txt", "gz", "bz2", "xz", "zip", "tar")}
    files["txt"].write_text("a,b\n1,2\n")
    for kind, opened in (("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)):
        with opened(files[kind], "wb") as file:
            file.write(b"text")
    with zipfile.ZipFile(files["zip"], "w") as archive:
        archive.write(files["txt"], "member")
    with tarfile.open(files["tar"], "w") as tar:
        tar.add(files["txt"], "member")
    return files


def file(kind: str, mode: str = "r", opened: Callable[..., Any] = open) -> Make:
    return lambda stack, folder: stack.enter_context(opened(written(folder)[kind], mode))


def text(folder: Path) -> Any:
    return written(folder)["txt"].open()


def ended(stack: ExitStack, made: Any, end: str) -> Any:
    stack.callback(getattr(made, end))
    return made


def in_loop(stack: ExitStack, make: Callable[[asyncio.AbstractEventLoop], Any]) -> Any:
    loop = stack.enter_context(closing(asyncio.new_event_loop()))
    return make(loop)


async def stream() -> asyncio.StreamReader:
    return asyncio.StreamReader()


async def server() -> asyncio.AbstractServer:
    return await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)


def a_traceback() -> types.TracebackType | None:
    try:
        raise ValueError
    except ValueError as error:
        return error.__traceback__


def database(stack: ExitStack) -> sqlite3.Connection:
    connection = stack.enter_context(closing(sqlite3.connect(":memory:")))
    connection.row_factory = sqlite3.Row
    return connection


def pool_result(stack: ExitStack) -> Any:
    return stack.enter_context(multiprocessing.pool.ThreadPool(1))


def manager(stack: ExitStack) -> Any:
    return stack.enter_context(FORK.Manager())


def parquet(folder: Path) -> Path:
    pyarrow.parquet.write_table(pa.table({"a": [1]}), folder / "file.parquet")
    return folder / "file.parquet"


def popen(stack: ExitStack) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return stack.enter_context(process)


def pipe(stack: ExitStack) -> Any:
    one, other = multiprocessing.Pipe()
    stack.enter_context(other)
    return stack.enter_context(one)


def hdf(stack: ExitStack, folder: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    file = stack.enter_context(h5py.File(folder / "file.h5", "w"))
    file["table"] = [1, 2]
    return file


def excel(folder: Path) -> Any:
    pytest.importorskip("openpyxl")
    writer = pd.ExcelWriter(folder / "file.xlsx")
    pd.DataFrame({"a": [1]}).to_excel(writer)
    return writer


def engine() -> Any:
    return pytest.importorskip("sqlalchemy").create_engine("sqlite://")


def selected(stack: ExitStack) -> Any:
    made = ended(stack, engine(), "dispose")
    sql = pytest.importorskip("sqlalchemy").text("select 1")
    return ended(stack, stack.enter_context(made.connect()).execute(sql), "close")


def npz(stack: ExitStack, folder: Path) -> Any:
    np.savez(folder / "file.npz", a=np.zeros(3))
    return stack.enter_context(np.load(folder / "file.npz"))


KINDS: dict[str, tuple[Make, str, str]] = {
    # Files
    "a text that is read": (file("txt"), "an open file (mode 'r')", READ),
    "a text that is written": (file("txt", "w"), "an open file (mode 'w')", OPEN),
    "a text that is added to": (file("txt", "a"), "an open file (mode 'a')", OPEN),
    "a text for both": (file("txt", "r+"), "an open file (mode 'r+')", READ),
    "bytes that are read": (file("txt", "rb"), "an open file (mode 'rb')", READ),
    "bytes that are written": (file("txt", "wb"), "an open file (mode 'wb')", OPEN),
    "a closed file": (
        lambda s, f: ended(s, (lambda t: (t.close(), t)[1])(text(f)), "close"),
        "a closed file", OPEN,
    ),
    "gzip": (file("gz", "rb", gzip.open), "an open file", READ),
    "gzip as text": (file("gz", "rt", gzip.open), "an open file", READ),
    "gzip that is written": (file("gz", "wb", gzip.open), "an open file", OPEN),
    "bzip": (file("bz2", "rb", bz2.open), "an open file", READ),
    "xz": (file("xz", "rb", lzma.open), "an open file", READ),
    "an archive": (file("zip", "r", zipfile.ZipFile), "an open archive", OPEN),
    "a tar": (file("tar", "r", tarfile.open), "an open archive", OPEN),
    "a member": (
        lambda s, f: s.enter_context(
            s.enter_context(zipfile.ZipFile(written(f)["zip"])).open("member")
        ),
        "an open file", READ,
    ),
    "a temporary file": (
        lambda s, f: s.enter_context(tempfile.NamedTemporaryFile(dir=f)),  # noqa: SIM115
        "an open file", READ,
    ),
    "a file of fileinput": (
        lambda s, f: s.enter_context(fileinput.input(written(f)["txt"])),  # noqa: SIM115
        "a reader of an open file", f"{OPEN}, or send list(v['k'])",
    ),
    "a web page": (
        lambda s, f: s.enter_context(urllib.request.urlopen(written(f)["txt"].as_uri())),
        "an open file", READ,
    ),
    "a command's output": (
        lambda s, f: ended(s, os.popen("true"), "close"),
        "a pipe from a command", "run it inside the cell, or send v['k'].read()",
    ),
    "an entry": (
        lambda s, f: next(s.enter_context(os.scandir(written(f)["txt"].parent))),
        "an entry of a folder", "ask for it inside the cell, or send v['k'].path",
    ),
    "a listing": (
        lambda s, f: s.enter_context(os.scandir(f)), "a folder that is being listed",
        "ask for it inside the cell, or send [e.path for e in v['k']]",
    ),
    "rows of a table": (
        lambda s, f: csv.reader(s.enter_context(text(f))), "a reader of an open file",
        f"{OPEN}, or send list(v['k'])",
    ),
    "rows as dictionaries": (
        lambda s, f: csv.DictReader(s.enter_context(text(f))), "a reader of an open file",
        f"{OPEN}, or send list(v['k'])",
    ),
    "a writer of rows": (
        lambda s, f: csv.DictWriter(s.enter_context(text(f)), []), "a writer to an open file", OPEN,
    ),
    "a mapping": (
        lambda s, f: s.enter_context(mmap.mmap(-1, 8)), "a mapped piece of a file",
        "map it inside the cell, or send v['k'][:]",
    ),
    # Databases
    "a database": (lambda s, f: database(s), "a connection to a database", CONNECT),
    "a cursor": (
        lambda s, f: database(s).cursor(), "a cursor of a database",
        f"{CONNECT}, or send v['k'].fetchall()",
    ),
    "a row": (
        lambda s, f: database(s).execute("select 1 as a").fetchone(), "a row of a database",
        "ask for it inside the cell, or send dict(v['k'])",
    ),
    "a shelf": (
        lambda s, f: s.enter_context(shelve.open(str(f / "shelf"))),  # noqa: SIM115
        "an open shelf", f"{OPEN}, or send dict(v['k'])",
    ),
    "a file of keys": (
        lambda s, f: s.enter_context(dbm.dumb.open(str(f / "keys"), "c")),  # noqa: SIM115
        "a connection to a database", CONNECT,
    ),
    # Connections
    "a socket": (lambda s, f: s.enter_context(socket.socket()), "an open socket", CONNECT),
    "encryption": (
        lambda s, f: ssl.create_default_context(), "a context of encryption", MAKE,
    ),
    "a selector": (
        lambda s, f: s.enter_context(selectors.DefaultSelector()), "a selector of open files", MAKE,
    ),
    "a poll": (lambda s, f: select.poll(), "a selector of open files", MAKE),
    "a server": (
        lambda s, f: s.enter_context(
            socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        ),
        "a running server", START,
    ),
    "a pipe": (
        lambda s, f: pipe(s),
        "an end of a pipe", MAKE,
    ),
    # Processes and threads
    "a process": (lambda s, f: popen(s), "a running process", START),
    "a process's output": (lambda s, f: popen(s).stdout, "an open file (mode 'rb')", READ),
    "another process": (lambda s, f: FORK.Process(target=print), "a running process", START),
    "a pool of threads": (lambda s, f: pool_result(s), "a pool of workers", MAKE),
    "a pool's result": (
        lambda s, f: pool_result(s).apply_async(int), "a result that a pool computes",
        f"{START}, or send v['k'].get()",
    ),
    "a pool's results": (
        lambda s, f: pool_result(s).imap(int, "12"), "a series of results that a pool computes",
        f"{START}, or send list(v['k'])",
    ),
    "an executor": (
        lambda s, f: s.enter_context(concurrent.futures.ThreadPoolExecutor(1)),
        "a pool of workers", MAKE,
    ),
    "an executor of processes": (
        lambda s, f: s.enter_context(concurrent.futures.ProcessPoolExecutor(1)),
        "a pool of workers", MAKE,
    ),
    "a future": (
        lambda s, f: concurrent.futures.Future(), "a future", f"{START}, or send v['k'].result()",
    ),
    "workers of joblib": (lambda s, f: joblib.Parallel(2), "a pool of workers", MAKE),
    "a queue of processes": (
        lambda s, f: ended(s, FORK.Queue(), "close"), "a queue between processes", MAKE,
    ),
    "a lock of processes": (lambda s, f: FORK.Lock(), "a lock", MAKE),
    "an event of processes": (lambda s, f: FORK.Event(), "a signal between threads", MAKE),
    "a shared number": (
        lambda s, f: FORK.Value("i", 1), "a piece of memory that processes of this machine share",
        f"{MAKE}, or send v['k'].value",
    ),
    "shared numbers": (
        lambda s, f: FORK.Array("i", 3), "a piece of memory that processes of this machine share",
        f"{MAKE}, or send v['k'][:]",
    ),
    "shared memory": (
        lambda s, f: shared(s), "a piece of memory that processes of this machine share",
        f"{MAKE}, or send bytes(v['k'].buf)",
    ),
    "a manager": (lambda s, f: manager(s), "a running process", START),
    "a dictionary of a manager": (
        lambda s, f: manager(s).dict(), "a proxy of an object in another process",
        f"{MAKE}, or send v['k'].copy()",
    ),
    "a list of a manager": (
        lambda s, f: manager(s).list(), "a proxy of an object in another process",
        f"{MAKE}, or send list(v['k'])",
    ),
    "a thread": (lambda s, f: threading.Thread(), "a thread", START),
    "a timer": (lambda s, f: threading.Timer(9, print), "a thread", START),
    "a lock": (lambda s, f: threading.Lock(), "a lock", MAKE),
    "a lock to take twice": (lambda s, f: threading.RLock(), "a lock", MAKE),
    "a condition": (lambda s, f: threading.Condition(), "a lock", MAKE),
    "an event": (lambda s, f: threading.Event(), "a signal between threads", MAKE),
    "a semaphore": (lambda s, f: threading.BoundedSemaphore(), "a lock", MAKE),
    "a barrier": (lambda s, f: threading.Barrier(2), "a signal between threads", MAKE),
    "data of a thread": (
        lambda s, f: threading.local(), "the data of one thread", f"{MAKE}, or send vars(v['k'])",
    ),
    "a queue": (
        lambda s, f: queue.PriorityQueue(), "a queue between threads",
        f"{MAKE}, or send list(v['k'].queue)",
    ),
    "a simple queue": (lambda s, f: queue.SimpleQueue(), "a queue between threads", MAKE),
    "a schedule": (lambda s, f: sched.scheduler(), "a schedule of calls", MAKE),
    # What waits to go on
    "a generator": (lambda s, f: numbers(), "a generator", f"{MAKE}, or send list(v['k'])"),
    "a search for files": (
        lambda s, f: pathlib.Path(f).rglob("*"), "a generator", f"{MAKE}, or send list(v['k'])",
    ),
    "a later generator": (
        lambda s, f: numbers_later(), "a generator", f"{MAKE}, or send [x async for x in v['k']]",
    ),
    "a coroutine": (
        lambda s, f: ended(s, later(), "close"), "a coroutine",
        "await it inside the cell where it is made",
    ),
    "a context": (
        lambda s, f: contextlib.contextmanager(numbers)(), "a context that can be entered once",
        MAKE,
    ),
    "a loop": (
        lambda s, f: in_loop(s, lambda loop: loop), "an event loop",
        "await inside the cell: it has a loop of its own",
    ),
    "a call in a loop": (
        lambda s, f: in_loop(s, lambda loop: loop.call_later(9, print)),
        "a call that waits in an event loop", MAKE,
    ),
    "a future of a loop": (
        lambda s, f: in_loop(s, lambda loop: loop.create_future()),
        "a future of this event loop", f"{START}, or send what `await v['k']` gives",
    ),
    "a stream": (
        lambda s, f: in_loop(s, lambda loop: loop.run_until_complete(stream())),
        "a connection of an event loop", CONNECT,
    ),
    "a server of a loop": (
        lambda s, f: in_loop(s, lambda loop: ended(s, loop.run_until_complete(server()), "close")),
        "a running server", START,
    ),
    "a variable of contexts": (
        lambda s, f: contextvars.ContextVar("v"), "a context variable",
        f"{MAKE}, or send v['k'].get()",
    ),
    "a frame": (lambda s, f: sys._getframe(), "a stack frame", "ask for it inside the cell"),
    "a traceback": (
        lambda s, f: a_traceback(), "a traceback",
        "ask for it inside the cell, or send traceback.format_tb(v['k'])",
    ),
    # Parts of this process
    "a pointer": (
        lambda s, f: ctypes.pointer(ctypes.c_int(1)), "a pointer into the memory of this process",
        MAKE,
    ),
    "an address": (
        lambda s, f: ctypes.c_void_p(8), "a pointer into the memory of this process", MAKE,
    ),
    "a function in C": (
        lambda s, f: ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1), "a function in C", MAKE,
    ),
    "a library": (
        lambda s, f: ctypes.CDLL(None), "a library that is loaded into this process",
        "load it inside the cell",
    ),
    "a capsule": (
        lambda s, f: np.zeros(1).__array_struct__, "a pointer into the memory of this process",
        MAKE,
    ),
    "a handler": (
        lambda s, f: logging.StreamHandler(), "a handler of logged lines",
        "set it up inside the cell",
    ),
    "a proxy": (
        lambda s, f: weakref.proxy(EMPTY), "a weak proxy", f"{MAKE}, or send the object itself",
    ),
    "a weak method": (
        lambda s, f: weakref.WeakMethod(EMPTY.method), "a weak reference to a method",
        f"{MAKE}, or send v['k']()",
    ),
    "a match": (
        lambda s, f: re.match("a", "a"), "a match of a pattern",
        "match inside the cell, or send v['k'].groups()",
    ),
    "a hash": (
        lambda s, f: hashlib.sha256(), "a hash that is being computed",
        f"{MAKE}, or send v['k'].digest()",
    ),
    "a hash with a key": (
        lambda s, f: hmac.new(b"k", b"", "sha256"), "a hash that is being computed",
        f"{MAKE}, or send v['k'].digest()",
    ),
    "a compressor": (lambda s, f: zlib.compressobj(), "a compressor at work", MAKE),
    "a parser": (lambda s, f: ET.XMLParser(), "a parser at work", MAKE),
    "chance": (lambda s, f: random.SystemRandom(), "the system's source of chance", MAKE),
    "a format": (
        lambda s, f: struct.Struct("i"), "a compiled format", f"{MAKE}, or send v['k'].format",
    ),
    # Other packages
    "a bar": (lambda s, f: tqdm.auto.tqdm([1], disable=True), "a progress bar of tqdm", MAKE),
    "a slider": (
        lambda s, f: ended(s, ipywidgets.IntSlider(), "close"),
        "a widget, which lives in the notebook's page",
        "ask for it inside the cell, or send v['k'].value",
    ),
    "a channel": (
        lambda s, f: ended(s, comm.create_comm(target_name="t"), "close"),
        "a channel to the notebook's page", MAKE,
    ),
    "files in memory": (
        lambda s, f: fsspec.filesystem("memory"), "a file system in this process",
        "write its files to a disk",
    ),
    "arrays in a file": (npz, "an open file of arrays", f"{OPEN}, or send dict(v['k'])"),
    "an iterator over an array": (
        lambda s, f: np.zeros(3).flat, "an iterator over an array", MAKE,
    ),
    "a table in pieces": (
        lambda s, f: s.enter_context(pd.read_csv(written(f)["txt"], chunksize=1)),
        "a reader of an open file", f"{OPEN}, or send pandas.concat(v['k'])",
    ),
    "a writer of sheets": (
        lambda s, f: s.enter_context(excel(f)), "a writer to an open file", OPEN,
    ),
    "a part of a file of HDF": (
        lambda s, f: hdf(s, f)["table"], "a part of an open file", f"{OPEN}, or send v['k'][()]",
    ),
    "attributes in a file of HDF": (
        lambda s, f: hdf(s, f)["table"].attrs, "a part of an open file",
        f"{OPEN}, or send dict(v['k'])",
    ),
    "an engine": (
        lambda s, f: ended(s, engine(), "dispose"), "a connection to a database", CONNECT,
    ),
    "a result": (
        lambda s, f: selected(s), "a result of a database",
        "ask for it inside the cell, or send v['k'].all()",
    ),
    "queries": (lambda s, f: pl.SQLContext(), "a context of queries", MAKE),
    "a process of psutil": (
        lambda s, f: psutil.Process(), "a process of this machine",
        "ask for it inside the cell, or send v['k'].as_dict()",
    ),
    "a table of Arrow in pieces": (
        lambda s, f: pyarrow.csv.open_csv(written(f)["txt"]), "a reader of an open file",
        f"{OPEN}, or send v['k'].read_all()",
    ),
    "batches": (
        lambda s, f: pa.table({"a": [1]}).to_reader(), "a reader of an open file",
        f"{OPEN}, or send v['k'].read_all()",
    ),
    "a scan": (
        lambda s, f: pyarrow.dataset.dataset(parquet(f)).scanner(), "a reader of an open file",
        f"{OPEN}, or send v['k'].to_table()",
    ),
    "a file of Parquet": (
        lambda s, f: s.enter_context(pyarrow.parquet.ParquetFile(parquet(f))),
        "an open file", READ,
    ),
    "a writer of Arrow": (
        lambda s, f: s.enter_context(
            pyarrow.ipc.new_stream(str(f / "out"), pa.schema([("a", pa.int64())]))
        ),
        "a writer to an open file", OPEN,
    ),
    "a file of NetCDF": (
        lambda s, f: s.enter_context(scipy.io.netcdf_file(str(f / "file.nc"), "w")),
        "an open file", OPEN,
    ),
    "a compiled model": (
        lambda s, f: compiled(), "a compiled model",
        "save it with torch.jit.save and load it inside the cell",
    ),
    "batches of torch": (
        lambda s, f: iter(torch.utils.data.DataLoader([1, 2])),  # type: ignore[arg-type]
        "an iterator over a DataLoader", f"{MAKE}, or send the DataLoader",
    ),
    "a socket of zmq": (
        lambda s, f: s.enter_context(s.enter_context(zmq.Context()).socket(zmq.PUB)),
        "an open socket", CONNECT,
    ),
}  # fmt: skip


def compiled() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to be replaced, and still is everywhere
        return torch.jit.script(torch.nn.Linear(1, 1))


def shared(stack: ExitStack) -> Any:
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=8)
    stack.callback(memory.unlink)
    stack.callback(memory.close)
    return memory


@pytest.mark.parametrize("name", KINDS)
def test_what_cannot_travel_is_refused_in_words_and_with_a_cure(tmp_path: Path, name: str) -> None:
    make, what, cure = KINDS[name]
    with ExitStack() as stack:
        value = {"k": make(stack, tmp_path), "innocent": [1, "text"]}
        with pytest.raises(Exception):  # noqa: B017 (each kind has its own)
            BundleWriter({}).add("v", value)
        found = culprit.find("v", value, {"__name__": "__main__"})
        assert [(str(part), part.cure) for part in found] == [(f"v['k'] is {what}", cure)]
        del value


# What is not refused


class Counter(threading.Thread):
    """Says itself how it is pickled."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def __reduce__(self) -> Any:
        return Counter, (self.count,)


LIKE_THEM: dict[str, Any] = {
    "text in memory": io.StringIO("text"),
    "bytes in memory": io.BytesIO(b"bytes"),
    "a logger": logging.getLogger("tests.some"),
    "an iterator": iter([1, 2]),
    "a pattern": re.compile("a"),
    "a number of C": ctypes.c_int(3),
    "numbers of C": (ctypes.c_int * 3)(1, 2, 3),
    "a shelf in memory": shelve.Shelf({}),
    "a lock of asyncio": asyncio.Lock(),
    "a thread with ways of its own": Counter(3),
    "a class": threading.Thread,
    "a function": threading.Lock,
    "a table of text": io.StringIO("a,b"),
    "a temporary folder": tempfile.gettempdir(),
}


@pytest.mark.parametrize("name", LIKE_THEM)
def test_what_is_only_like_them_travels(tmp_path: Path, name: str) -> None:
    value = LIKE_THEM[name]
    assert type(Shelf(tmp_path).round(v=value)["v"]) is type(value)
    assert of_type(type(value)) is None


def test_what_the_user_has_taught_to_travel_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Line(threading.Thread):
        """Taught below."""

    monkeypatch.setitem(copyreg.dispatch_table, Line, lambda _line: (str, ("line",)))
    assert Shelf(tmp_path).round(v=Line())["v"] == "line"


def test_a_database_of_whatever_maker_is_known_by_its_methods() -> None:
    class Base:
        def close(self) -> None: ...
        def __reduce__(self) -> Any:
            raise TypeError

    class Session(Base):
        def cursor(self) -> None: ...
        def commit(self) -> None: ...
        def rollback(self) -> None: ...

    class Rows(Base):
        def execute(self) -> None: ...
        def executemany(self) -> None: ...
        def fetchone(self) -> None: ...
        def fetchall(self) -> None: ...

    kinds = [kind_of(value) for value in (Session(), Rows(), Base())]
    assert [kind and kind.what for kind in kinds] == [
        "a connection to a database", "a cursor of a database", None,
    ]  # fmt: skip


def test_nobody_is_told_to_reach_for_what_is_private() -> None:
    (found,) = culprit.find("v", types.SimpleNamespace(_rows=numbers()), {})
    assert found.instead == ""


def test_a_part_of_an_object_can_be_left_out_by_its_class() -> None:
    (found,) = culprit.find("v", types.SimpleNamespace(lock=threading.Lock()), {})
    assert str(found) == "v.lock is a lock"
    assert found.cure == f"{MAKE}, or have __getstate__ of its class leave it out"


# What every process has of its own


def test_the_streams_and_the_environment_are_those_of_the_other_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path)

    def log(line: str, file: Any = sys.stdout) -> None:
        print(line, file=file)

    contents = shelf.put(writer_of({"log": log, "env": os.environ, "err": [sys.__stderr__]}))
    there = io.StringIO()
    monkeypatch.setattr(sys, "stdout", there)
    back = shelf.get(contents)
    back["log"]("line")
    assert there.getvalue() == "line\n"
    assert back["env"] is os.environ
    assert back["err"] == [sys.stderr]


def test_text_that_prints_are_led_to_is_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = io.StringIO()
    monkeypatch.setattr(sys, "stdout", collected)
    collected.write("text")
    assert Shelf(tmp_path).round(v=collected)["v"].getvalue() == "text"
