"""What cannot travel: what it is in words, and what to do instead.

Some of it pickles without complaint and is broken where it is loaded. So all of it is refused by
its type, before anybody looks inside: it is the running process that is named, and no lock in it.
The types are known by their names, so that no module has to be loaded for them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of things that belong to the process that they are in.

    Attributes
    ----------
    words : str
        What it is.
    cure : str
        What to do instead; empty if there is nothing better than to make it inside the cell.
    """

    words: str
    cure: str


_OPEN = "open it inside the cell"
_MAKE = ""  # inside the cell, which is what is said in any case
_START = "start it inside the cell"
_READ = "read what is needed and send that"
_LIST = "send list(...) of it, or make it inside the cell"
_RESULT = "send its result"

FILE = Kind("an open file", _OPEN)
_ARCHIVE = Kind("an open archive", _OPEN)
_SHELF = Kind("an open shelf", "open it inside the cell, or send dict(...) of it")
_DATABASE = Kind("a connection to a database", "connect inside the cell")
_PROCESS = Kind("a running process", _START)
_LOCK = Kind("a lock", _MAKE)
_SIGNAL = Kind("a signal between threads", _MAKE)
_QUEUE = Kind("a queue between threads", "send a list of what is in it")
_BETWEEN = Kind("shared between the processes of this machine", _MAKE)
_POOL = Kind("a pool of processes", _MAKE)
_FUTURE = Kind("a future", _RESULT)
_POINTER = Kind("a pointer into the memory of this process", "send what it points to")
_WAITING = Kind("a list of open files to wait for", _MAKE)
_CONTEXT = Kind("a context of variables", "set the variables inside the cell")

# Module, name → what it is.
_KINDS = {
    ("_io", "_IOBase"): FILE,
    ("gzip", "GzipFile"): FILE,
    ("bz2", "BZ2File"): FILE,
    ("lzma", "LZMAFile"): FILE,
    ("zipfile", "ZipFile"): _ARCHIVE,
    ("zipfile", "ZipExtFile"): FILE,
    ("tarfile", "TarFile"): _ARCHIVE,
    ("tempfile", "_TemporaryFileWrapper"): FILE,
    ("h5py._hl.base", "HLObject"): Kind("a part of an open file", _OPEN),
    ("numpy.lib._npyio_impl", "NpzFile"): Kind("an open archive", "send dict(...) of it"),
    ("numpy.lib.npyio", "NpzFile"): Kind("an open archive", "send dict(...) of it"),
    ("pandas.io.parsers.readers", "TextFileReader"): Kind("a reader of an open file", _READ),
    ("pandas.io.pytables", "HDFStore"): FILE,
    ("pandas.io.excel._base", "ExcelFile"): FILE,
    ("pandas.io.excel._base", "ExcelWriter"): FILE,
    ("pyarrow.lib", "NativeFile"): FILE,
    ("pyarrow.lib", "RecordBatchReader"): Kind("a reader of an open file", _READ),
    ("pyarrow.parquet.core", "ParquetFile"): FILE,
    ("pyarrow.parquet.core", "ParquetWriter"): FILE,
    ("_csv", "reader"): Kind("a reader of an open file", _READ),
    ("_csv", "writer"): Kind("a writer to an open file", _OPEN),
    ("mmap", "mmap"): Kind("a file that is mapped", "map it inside the cell, or send bytes(...)"),
    ("posix", "ScandirIterator"): Kind("an open folder", _LIST),
    ("posix", "DirEntry"): Kind("an entry of an open folder", "send its path"),
    ("shelve", "Shelf"): _SHELF,
    ("dbm.dumb", "_Database"): _SHELF,
    ("dbm.sqlite3", "_Database"): _SHELF,
    ("_dbm", "dbm"): _SHELF,
    ("_gdbm", "gdbm"): _SHELF,
    ("sqlite3", "Connection"): _DATABASE,
    ("sqlite3", "Cursor"): Kind("a cursor of a database", "send what fetchall() gives"),
    ("sqlite3", "Row"): Kind("a row of a database", "send tuple(...) or dict(...) of it"),
    ("sqlalchemy.engine.base", "Engine"): _DATABASE,
    ("sqlalchemy.engine.base", "Connection"): _DATABASE,
    ("_socket", "socket"): Kind("an open socket", "connect inside the cell"),
    ("_ssl", "_SSLContext"): Kind("a context of encryption", _MAKE),
    ("select", "epoll"): _WAITING,
    ("select", "poll"): _WAITING,
    ("selectors", "BaseSelector"): _WAITING,
    ("zmq.sugar.context", "Context"): Kind("a context of sockets", _MAKE),
    ("zmq.sugar.socket", "Socket"): Kind("an open socket", "connect inside the cell"),
    ("subprocess", "Popen"): _PROCESS,
    ("multiprocessing.process", "BaseProcess"): _PROCESS,
    ("multiprocessing.connection", "_ConnectionBase"): Kind("an open pipe", _MAKE),
    ("multiprocessing.pool", "Pool"): _POOL,
    ("multiprocessing.pool", "ApplyResult"): _FUTURE,
    ("multiprocessing.managers", "BaseManager"): _PROCESS,
    ("multiprocessing.managers", "BaseProxy"): _BETWEEN,
    ("multiprocessing.synchronize", "SemLock"): _LOCK,
    ("multiprocessing.synchronize", "Condition"): _LOCK,
    ("multiprocessing.synchronize", "Event"): _BETWEEN,
    ("multiprocessing.queues", "Queue"): _BETWEEN,
    ("multiprocessing.queues", "SimpleQueue"): _BETWEEN,
    ("multiprocessing.shared_memory", "SharedMemory"): _BETWEEN,
    ("multiprocessing.sharedctypes", "SynchronizedBase"): _BETWEEN,
    ("concurrent.futures._base", "Executor"): Kind("an executor", _MAKE),
    ("concurrent.futures._base", "Future"): _FUTURE,
    ("threading", "Thread"): Kind("a thread", _START),
    ("threading", "Condition"): _LOCK,
    ("threading", "Event"): _SIGNAL,
    ("threading", "Semaphore"): _LOCK,
    ("threading", "Barrier"): _SIGNAL,
    ("_thread", "lock"): _LOCK,
    ("_thread", "RLock"): _LOCK,
    ("_thread", "_local"): Kind("the values of one thread", "send the values"),
    ("queue", "Queue"): _QUEUE,
    ("_queue", "SimpleQueue"): _QUEUE,
    ("_asyncio", "Task"): Kind("a task of this event loop", "await it, and send its result"),
    ("_asyncio", "Future"): Kind("a future of this event loop", "await it, and send its result"),
    ("asyncio.events", "AbstractEventLoop"): Kind("an event loop", "await inside the cell"),
    ("builtins", "generator"): Kind("a generator", _LIST),
    ("builtins", "async_generator"): Kind("a generator", _MAKE),
    ("builtins", "coroutine"): Kind("a coroutine", "call the function inside the cell"),
    ("builtins", "frame"): Kind("a stack frame", "send the values in it"),
    ("builtins", "traceback"): Kind("a traceback", "send its text"),
    ("_contextvars", "ContextVar"): Kind("a context variable", "send its value"),
    ("_contextvars", "Context"): _CONTEXT,
    ("_contextvars", "Token"): _CONTEXT,
    ("weakref", "ReferenceType"): Kind("a weak reference", "send what it refers to"),
    ("re", "Match"): Kind("a match of a pattern", "send its groups"),
    ("_hashlib", "HASH"): Kind("a hash that is being computed", "send its digest()"),
    ("_ctypes", "_Pointer"): _POINTER,
    ("_ctypes", "CFuncPtr"): _POINTER,
    ("ctypes", "CDLL"): Kind("a library that is loaded here", "load it inside the cell"),
    ("nbsubmit.core.magics", "KernelsOwn"): Kind("a magic of the notebook's kernel", _MAKE),
    # Every widget has one.
    ("comm.base_comm", "BaseComm"): Kind(
        "a connection to the notebook's page", "send the values of the widget that has it"
    ),
    ("tqdm.std", "tqdm"): Kind("a progress bar of tqdm", _MAKE),
    ("torch.utils.data.dataloader", "_BaseDataLoaderIter"): Kind(
        "an iteration over a DataLoader", "send the DataLoader, and iterate inside the cell"
    ),
    ("torch.jit._script", "ScriptModule"): Kind(
        "a compiled model", "send the model, and compile it inside the cell"
    ),
}
# Not all of these are refused by their type: they say themselves which.
_SOME = {
    ("_io", "_IOBase"),
    ("weakref", "ReferenceType"),
    ("re", "Match"),
    ("nbsubmit.core.magics", "KernelsOwn"),
}
_OWN_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__")


def kind_of(kind: type) -> Kind | None:
    """Return what things of this type are, if they cannot travel."""
    return next((_KINDS[key] for key in map(_key, kind.__mro__) if key in _KINDS), None)


def is_refused(kind: type) -> bool:
    """Tell whether no thing of this type can travel.

    A class derived from one of them may know how to.
    """
    for base in kind.__mro__:
        key = _key(base)
        if key in _KINDS:
            return key not in _SOME
        if any(name in vars(base) for name in _OWN_WAYS):
            return False
    return False


def _key(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__name__


def words_of(obj: object) -> str | None:
    """Say in words what a thing is, if it is of a kind that cannot travel."""
    kind = type(obj)
    found = kind_of(kind)
    if found is FILE and issubclass(kind, io.IOBase):
        mode = getattr(obj, "mode", None)
        return f"{found.words} (mode {mode!r})" if isinstance(mode, str) else found.words
    return found.words if found else None
