"""Kinds of values that cannot travel: what they are in plain words, and what to do instead.

Most of them refuse by themselves, with a word about some part of theirs that nobody knows. Some
pickle without complaint and arrive broken: a pipe whose number means another file there, a library
at an address where none is. So what is listed here is not even tried, unless its class says itself
how it is pickled.

Kinds are known by their names, for a job should not have to load their modules.
"""

from __future__ import annotations

import copyreg
import io
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A kind of values that cannot travel.

    Attributes
    ----------
    what : str
        What it is: it stands behind "is".
    cure : str
        What to do inside the cell.
    instead : str
        What can travel in its place, with ``{}`` for the way to the value; empty if nothing can.
    """

    what: str
    cure: str = "make it inside the cell"
    instead: str = ""


_OPEN = "open it inside the cell"
_CONNECT = "connect inside the cell"
_START = "start it inside the cell"
_ASK = "ask for it inside the cell"

_FILE = Kind("an open file", _OPEN, "{}.read()")
_ARCHIVE = Kind("an open archive", _OPEN)
_READER = Kind("a reader of an open file", _OPEN, "list({})")
_WRITER = Kind("a writer to an open file", _OPEN)
_EXCEL = Kind("an open file", _OPEN, "{}.parse(None)")
_STORE = Kind("an open file", _OPEN)
_PART = Kind("a part of an open file", _OPEN)
_DATABASE = Kind("a connection to a database", _CONNECT)
_CURSOR = Kind("a cursor of a database", _CONNECT, "{}.fetchall()")
_SOCKET = Kind("an open socket", _CONNECT)
_PROCESS = Kind("a running process", _START)
_POOL = Kind("a pool of workers")
_LOCK = Kind("a lock")
_SIGNAL = Kind("a signal between threads")
_QUEUE = Kind("a queue between threads", instead="list({}.queue)")
_QUEUE_OF_PROCESSES = Kind("a queue between processes")
_SHARED = Kind("a piece of memory that processes of this machine share")
_PROXY = Kind("a proxy of an object in another process", instead="a copy of what it holds")
_FUTURE = Kind("a future", _START, "{}.result()")
_TASK = Kind("a task of this event loop", _START, "what `await {}` gives")
_LOOP = Kind("an event loop", "await inside the cell: it has a loop of its own")
_STREAM = Kind("a connection of an event loop", _CONNECT)
_GENERATOR = Kind("a generator", instead="list({})")
_COROUTINE = Kind("a coroutine", "await it inside the cell where it is made")
_POINTER = Kind("a pointer into the memory of this process")
_LIBRARY = Kind("a library that is loaded into this process", "load it inside the cell")
_SELECTOR = Kind("a selector of open files")
_HASH = Kind("a hash that is being computed", instead="{}.digest()")
_COMPRESSOR = Kind("a compressor at work")
_PARSER = Kind("a parser at work")
_OVER_ARRAY = Kind("an iterator over an array")
_FRAME = Kind("a stack frame", _ASK)

_KINDS: dict[str, dict[str, Kind]] = {
    # Files. Of one with text cloudpickle would silently send the text.
    "_io": {"TextIOWrapper": _FILE},
    "gzip": {"GzipFile": _FILE},
    "bz2": {"BZ2File": _FILE},
    "lzma": {"LZMAFile": _FILE},
    "zipfile": {"ZipFile": _ARCHIVE, "ZipExtFile": _FILE, "_ZipWriteFile": _FILE},
    "tarfile": {"TarFile": _ARCHIVE},
    "tempfile": {"_TemporaryFileWrapper": _FILE},
    "codecs": {"StreamReaderWriter": _FILE, "StreamReader": _FILE, "StreamWriter": _FILE},
    "fileinput": {"FileInput": _READER},
    "os": {"_wrap_close": Kind("a pipe from a command", "run it inside the cell", "{}.read()")},
    "posix": {
        "DirEntry": Kind("an entry of a folder", _ASK, "{}.path"),
        "ScandirIterator": Kind("a folder that is being listed", _ASK, "[e.path for e in {}]"),
    },
    "_csv": {"reader": _READER, "writer": _WRITER, "Reader": _READER, "Writer": _WRITER},
    "csv": {"DictReader": _READER, "DictWriter": _WRITER},
    "mmap": {"mmap": Kind("a mapped piece of a file", "map it inside the cell", "{}[:]")},
    # Databases
    "sqlite3": {
        "Connection": _DATABASE,
        "Cursor": _CURSOR,
        "Blob": Kind("an open value of a database", _OPEN, "{}.read()"),
        "Row": Kind("a row of a database", _ASK, "dict({})"),
    },
    "shelve": {"DbfilenameShelf": Kind("an open shelf", _OPEN, "dict({})")},
    "dbm.dumb": {"_Database": _DATABASE},
    "dbm.sqlite3": {"_Database": _DATABASE},
    "_dbm": {"dbm": _DATABASE},
    "_gdbm": {"gdbm": _DATABASE},
    # Connections
    "socket": {"socket": _SOCKET},
    "_socket": {"socket": _SOCKET},
    "ssl": {"SSLContext": Kind("a context of encryption")},
    "_ssl": {"_SSLContext": Kind("a context of encryption")},
    "selectors": {"BaseSelector": _SELECTOR},
    "select": {"epoll": _SELECTOR, "poll": _SELECTOR, "kqueue": _SELECTOR},
    "socketserver": {"BaseServer": Kind("a running server", _START)},
    "multiprocessing.connection": {
        "_ConnectionBase": Kind("an end of a pipe"),
        "Listener": Kind("a running server", _START),
    },
    # Processes and threads
    "subprocess": {"Popen": _PROCESS},
    "multiprocessing.process": {"BaseProcess": _PROCESS},
    "multiprocessing.pool": {
        "Pool": _POOL,
        "ApplyResult": Kind("a result that a pool computes", _START, "{}.get()"),
        "IMapIterator": Kind("a series of results that a pool computes", _START, "list({})"),
    },
    "multiprocessing.queues": {"Queue": _QUEUE_OF_PROCESSES, "SimpleQueue": _QUEUE_OF_PROCESSES},
    "multiprocessing.synchronize": {
        "SemLock": _LOCK, "Condition": _LOCK, "Event": _SIGNAL, "Barrier": _SIGNAL,
    },
    "multiprocessing.sharedctypes": {
        "Synchronized": _SHARED._replace(instead="{}.value"),
        "SynchronizedArray": _SHARED._replace(instead="{}[:]"),
        "SynchronizedBase": _SHARED,
    },
    "multiprocessing.heap": {"BufferWrapper": _SHARED},
    "multiprocessing.shared_memory": {
        "SharedMemory": _SHARED._replace(instead="bytes({}.buf)"),
        "ShareableList": _SHARED._replace(instead="list({})"),
    },
    "multiprocessing.managers": {
        "BaseManager": _PROCESS,
        "DictProxy": _PROXY._replace(instead="{}.copy()"),
        "BaseListProxy": _PROXY._replace(instead="list({})"),
        "ValueProxy": _PROXY._replace(instead="{}.value"),
        "BaseProxy": _PROXY,
    },
    "concurrent.futures._base": {"Executor": _POOL, "Future": _FUTURE},
    "threading": {
        "Thread": Kind("a thread", _START),
        "_RLock": _LOCK, "Condition": _LOCK, "Event": _SIGNAL, "Semaphore": _LOCK,
        "Barrier": _SIGNAL,
        "local": Kind("the data of one thread", instead="vars({})"),
    },
    "_thread": {
        "lock": _LOCK, "RLock": _LOCK,
        "_local": Kind("the data of one thread", instead="vars({})"),
    },
    "queue": {"Queue": _QUEUE},
    "_queue": {"SimpleQueue": _QUEUE._replace(instead="")},
    "sched": {"scheduler": Kind("a schedule of calls")},
    # What waits to go on
    "builtins": {
        "generator": _GENERATOR,
        "async_generator": _GENERATOR._replace(instead="[x async for x in {}]"),
        "async_generator_asend": _COROUTINE, "async_generator_athrow": _COROUTINE,
        "coroutine": _COROUTINE, "coroutine_wrapper": _COROUTINE,
        "frame": _FRAME,
        "traceback": Kind("a traceback", _ASK, "traceback.format_tb({})"),
        "CArgObject": _POINTER,
        "PyCapsule": _POINTER,
    },
    "contextlib": {"_GeneratorContextManagerBase": Kind("a context that can be entered once")},
    "_asyncio": {"Task": _TASK, "Future": _TASK._replace(what="a future of this event loop")},
    "asyncio.events": {
        "AbstractEventLoop": _LOOP, "Handle": Kind("a call that waits in an event loop"),
        "AbstractServer": Kind("a running server", _START),
    },
    "asyncio.streams": {"StreamReader": _STREAM, "StreamWriter": _STREAM},
    "asyncio.subprocess": {"Process": _PROCESS},
    "asyncio.transports": {"BaseTransport": _STREAM},
    "_contextvars": {
        "ContextVar": Kind("a context variable", instead="{}.get()"),
        "Context": Kind("a set of context variables", instead="dict({})"),
        "Token": Kind("a token of a context variable"),
    },
    # Parts of this process
    "_ctypes": {"_Pointer": _POINTER, "CFuncPtr": _POINTER._replace(what="a function in C")},
    "ctypes": {
        "c_void_p": _POINTER, "c_char_p": _POINTER._replace(instead="{}.value"),
        "c_wchar_p": _POINTER._replace(instead="{}.value"), "py_object": _POINTER,
        "CDLL": _LIBRARY,
    },
    "logging": {"Handler": Kind("a handler of logged lines", "set it up inside the cell")},
    "weakref": {
        "ProxyType": Kind("a weak proxy", instead="the object itself"),
        "CallableProxyType": Kind("a weak proxy", instead="the object itself"),
        "WeakMethod": Kind("a weak reference to a method", instead="{}()"),
    },
    "re": {"Match": Kind("a match of a pattern", "match inside the cell", "{}.groups()")},
    "_hashlib": {"HASH": _HASH, "HASHXOF": _HASH._replace(instead=""), "HMAC": _HASH},
    "hmac": {"HMAC": _HASH},
    "zlib": {"Compress": _COMPRESSOR, "Decompress": _COMPRESSOR},
    "_bz2": {"BZ2Compressor": _COMPRESSOR, "BZ2Decompressor": _COMPRESSOR},
    "_lzma": {"LZMACompressor": _COMPRESSOR, "LZMADecompressor": _COMPRESSOR},
    "pyexpat": {"xmlparser": _PARSER},
    "xml.etree.ElementTree": {"XMLParser": _PARSER},
    "random": {"SystemRandom": Kind("the system's source of chance")},
    "_struct": {"Struct": Kind("a compiled format", instead="{}.format")},
    "_lsprof": {"Profiler": Kind("a profile", "profile inside the cell")},
    # Other packages
    "nbsubmit.core.job": {
        "Job": Kind(
            "a job of this notebook",
            "read the names that it brings, and the cell starts after it with them",
            "{}.value",
        ),
    },
    "nbsubmit.core.magics": {
        "KernelsOwn": Kind("a magic of the notebook's kernel", "call it in a cell that runs here"),
    },
    "comm.base_comm": {"BaseComm": Kind("a channel to the notebook's page")},
    "filelock._api": {"BaseFileLock": _LOCK},
    "filelock._core._lock": {"BaseFileLock": _LOCK},
    "duckdb._relation": {"DuckDBPyRelation": Kind("a query of a database", _CONNECT, "{}.df()")},
    "fsspec.implementations.memory": {
        "MemoryFileSystem": Kind("a file system in this process", "write its files to a disk"),
    },
    "h5py._hl.attrs": {"AttributeManager": _PART._replace(instead="dict({})")},
    "h5py._hl.base": {"HLObject": _PART},
    "h5py._hl.dataset": {"Dataset": _PART._replace(instead="{}[()]")},
    "jinja2.environment": {
        "Template": Kind("a compiled template", "make it inside the cell from its text"),
    },
    "ipykernel.iostream": {"OutStream": Kind("the notebook's output", "print inside the cell")},
    "joblib.parallel": {"Parallel": _POOL},
    "numpy": {"flatiter": _OVER_ARRAY, "nditer": _OVER_ARRAY, "broadcast": _OVER_ARRAY},
    "numpy.lib.npyio": {"NpzFile": Kind("an open file of arrays", _OPEN, "dict({})")},
    "pandas": {"ExcelFile": _EXCEL, "ExcelWriter": _WRITER, "HDFStore": _STORE},
    "pandas.io.excel._base": {"ExcelFile": _EXCEL, "ExcelWriter": _WRITER},
    "pandas.io.parsers.readers": {
        "TextFileReader": _READER._replace(instead="pandas.concat({})"),
    },
    "pandas.io.pytables": {"HDFStore": _STORE},
    "PIL.ImageDraw": {"ImageDraw": Kind("a pen on an image", instead="the image")},
    "polars.sql.context": {"SQLContext": Kind("a context of queries")},
    "psutil": {"Process": Kind("a process of this machine", _ASK, "{}.as_dict()")},
    "pyarrow._csv": {"CSVStreamingReader": _READER._replace(instead="{}.read_all()")},
    "pyarrow._dataset": {"Scanner": _READER._replace(instead="{}.to_table()")},
    "pyarrow._parquet": {"ParquetReader": _READER._replace(instead="")},
    "pyarrow.lib": {
        "_CRecordBatchWriter": _WRITER,
        "NativeFile": _FILE._replace(instead=""),
        "RecordBatchReader": _READER._replace(instead="{}.read_all()"),
    },
    "pyarrow.parquet.core": {"ParquetFile": _FILE, "ParquetWriter": _WRITER},
    "scipy.io._netcdf": {"netcdf_file": _STORE},
    "torch.jit._script": {
        "ScriptModule": Kind(
            "a compiled model", "save it with torch.jit.save and load it inside the cell"
        ),
    },
    "torch.utils.data.dataloader": {
        "_BaseDataLoaderIter": Kind("an iterator over a DataLoader", instead="the DataLoader"),
    },
    "sqlalchemy.engine.base": {"Engine": _DATABASE, "Connection": _DATABASE},
    "sqlalchemy.engine.result": {"Result": Kind("a result of a database", _ASK, "{}.all()")},
    "sqlalchemy.orm.session": {"Session": _DATABASE},
    "sqlalchemy.pool.base": {"Pool": _DATABASE},
    "tornado.ioloop": {"IOLoop": _LOOP},
    "tqdm.std": {"tqdm": Kind("a progress bar of tqdm")},
    "zmq.sugar.context": {"Context": _SOCKET},
    "zmq.sugar.socket": {"Socket": _SOCKET},
}  # fmt: skip

_WIDGET = Kind("a widget, which lives in the notebook's page", _ASK, "{}.value")
# What every widget says about its other half in the page, by the protocol between the two.
_OF_WIDGETS = {"_model_name", "_model_module", "_view_name", "_view_module", "comm"}
# Of io.IOBase anybody can say that he is one.
_OF_FILES: type = io.IOBase.__mro__[1]
_OWN_WAYS = {"__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__"}
_DATABASE_METHODS = {"cursor", "commit", "rollback", "close"}
_CURSOR_METHODS = {"execute", "executemany", "fetchone", "fetchall", "close"}


def of_type(kind: type) -> Kind | None:
    """Return what no value of a type can travel as; None if they may be tried."""
    if kind in copyreg.dispatch_table:
        return None
    for base in kind.__mro__:
        listed = _listed(base)
        if listed is not None:
            return listed
        if _OWN_WAYS & vars(base).keys():
            return None
    return None


def _listed(base: type) -> Kind | None:
    module = getattr(base, "__module__", None)
    found = _KINDS.get(module, {}).get(base.__qualname__) if isinstance(module, str) else None
    return found or (_WIDGET if vars(base).keys() >= _OF_WIDGETS else None)


def kind_of(value: Any) -> Kind | None:
    """Return what is known of a value that could not be pickled."""
    kind = type(value)  # what it says itself may be anything
    if issubclass(kind, _OF_FILES):
        return _file(value)
    for base in kind.__mro__:
        listed = _listed(base)
        if listed is not None:
            return listed
    return _like_a_database(kind)


def _file(file: io.IOBase) -> Kind:
    if file.closed:
        return Kind("a closed file", _OPEN)
    if getattr(file, "name", None) == "<stdin>":
        return Kind("the notebook's own input", "ask before, and send the answer")
    # Others say their modes in ways of their own.
    mode = getattr(file, "mode", None) if type(file).__module__ == "_io" else None
    what = f"an open file (mode {mode!r})" if isinstance(mode, str) else "an open file"
    return Kind(what, _OPEN, "{}.read()" if _is_read(file) else "")


def _is_read(file: io.IOBase) -> bool:
    try:
        return file.readable()
    except Exception:  # its own code runs
        return False


def _like_a_database(kind: type) -> Kind | None:
    """Know connections and cursors of any database by the methods that all of them have."""
    methods = set(dir(kind))
    if methods >= _DATABASE_METHODS:
        return _DATABASE
    return _CURSOR if methods >= _CURSOR_METHODS else None
