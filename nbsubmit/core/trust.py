"""Whether only the user, or a job of theirs, can have written what lies in a folder.

What lies in a store is unpickled and run, here and on the nodes. So each folder from the store down
to a file has to be the user's own and writable by nobody else, and so has the file: it is opened
first, and what was opened is looked at, so that nobody can exchange it in between. What stands
above the store may be anybody's: whoever puts another folder in its place cannot make it the
user's own.

Of an access control list the mode shows in its group's place the most that anybody on it may do
(acl(5)), so a list that lets others write is refused as well.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from nbsubmit.core.errors import FolderError

_OTHERS_MAY_WRITE = 0o022


def is_own(found: os.stat_result) -> bool:
    """Tell whether nobody but the user can have written what was looked at."""
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY_WRITE


def check_private(path: Path) -> None:
    """Make sure that a folder is the user's own, and writable by nobody else.

    Raises
    ------
    FolderError
        If it is missing, a symbolic link, somebody else's, or others may write to it.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        raise FolderError(f"there is no folder {path}") from None
    except OSError as error:
        raise FolderError(f"{path} cannot be looked at: {error.strerror}") from None
    if stat.S_ISLNK(found.st_mode):
        raise FolderError(f"{path} is a symbolic link; name the folder itself (NBSUBMIT_FOLDER)")
    if not stat.S_ISDIR(found.st_mode):
        raise FolderError(f"{path} is not a folder")
    _check(path, found, "Set NBSUBMIT_FOLDER to a folder of yours")


def check_if_there(path: Path) -> None:
    """Make sure of the same, if there is such a folder.

    Raises
    ------
    FolderError
        As `check_private`; not if it is missing.
    """
    if os.path.lexists(path):
        check_private(path)


def check_all_below(folder: Path) -> None:
    """Make sure that a folder and all that is in it is the user's own.

    Raises
    ------
    FolderError
        Naming the first that is not, or that is neither a file nor a folder.
    """
    check_private(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                check_all_below(Path(entry.path))
            else:
                _check_file(Path(entry.path), entry.stat(follow_symlinks=False))


def open_own(file: Path) -> BinaryIO:
    """Open a file of which it is certain that nobody but the user can have written it.

    Raises
    ------
    FolderError
        If it is a symbolic link, no ordinary file, somebody else's, or others may write to it.
    OSError
        If it cannot be opened.
    """
    try:
        # Whoever opens a pipe would wait for somebody who writes to it.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _is_a_link(file) from None
        raise
    try:
        _check_file(file, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_own(file: Path) -> bytes:
    """Return what is in a file that nobody but the user can have written.

    Raises
    ------
    FolderError
        If that is not certain.
    OSError
        If it cannot be read.
    """
    with open_own(file) as opened:
        return opened.read()


def _check_file(file: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if stat.S_ISLNK(found.st_mode):
        raise _is_a_link(file)
    if not stat.S_ISREG(found.st_mode):
        raise FolderError(f"{file} is not an ordinary file, so it is not read. Delete it")
    _check(file, found, "Find out how it came there, and delete it")


def _is_a_link(file: Path) -> FolderError:
    return FolderError(
        f"{file} is a symbolic link, and what it leads to may be somebody else's, so it is not "
        f"read. Put the file itself there"
    )


def _check(path: Path, found: os.stat_result, advice: str) -> None:
    if found.st_uid != os.geteuid():
        raise FolderError(
            f"{path} belongs to another user (uid {found.st_uid}); "
            f"what it holds could be theirs, so it is not used. {advice}"
        )
    if found.st_mode & _OTHERS_MAY_WRITE:
        import shlex

        raise FolderError(
            f"others may write to {path} (mode {stat.S_IMODE(found.st_mode):o}), "
            f"so it is not used. Make it yours alone:  chmod go-w {shlex.quote(str(path))}"
        )
