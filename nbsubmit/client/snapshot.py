"""A copy of a repository as it is now, for jobs that start later."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nbsubmit.client.commands import run_cmd

_SUBMODULE = b"160000 "


class RsyncSnapshot:
    """Copies the files that git knows, as they are now, and works in the copy inside of ``with``.

    Jobs that are sent inside of it run in the copy, whatever becomes of the files meanwhile.

    Parameters
    ----------
    snapshot_dir : path
        Where the copy is made; one that is there is brought up to date.
    root_dir : path, optional
        The repository; by default the one that this folder is in.
    with_submodules : bool
        Copy the files of its submodules too; by default they stay.
    exclude : sequence of str
        Patterns of rsync's for files to leave out; for a whole folder ``folder/**``.
    include : sequence of str
        Files that git does not know, relative to the repository, to copy too.

    Raises
    ------
    RuntimeError
        If there is no rsync.
    subprocess.CalledProcessError
        If this folder is in no repository and none is named; or if git or rsync fails.

    Examples
    --------
    >>> print(subprocess.run(["git", "init", "-q", "mine"]).returncode)
    0
    >>> written = Path("mine", "text").write_text("as it was")
    >>> added = subprocess.run(["git", "-C", "mine", "add", "text"])
    >>> with nbsubmit.helpers.RsyncSnapshot("copy", root_dir="mine"):
    ...     written = Path("text").exists()
    >>> Path("copy", "text").read_text()
    'as it was'
    """

    def __init__(
        self,
        snapshot_dir: Path | str,
        root_dir: Path | str | None = None,
        with_submodules: bool = False,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
    ) -> None:
        self.available(throw=True)
        self.snapshot_dir = Path(snapshot_dir).expanduser().absolute()
        self.root_dir = Path(
            root_dir or run_cmd(["git", "rev-parse", "--show-toplevel"])
        ).absolute()
        self.with_submodules = with_submodules
        self.exclude = list(exclude)
        self.include = list(include)
        self._before = Path.cwd()

    @staticmethod
    def available(throw: bool = False) -> bool:
        """Tell whether there is an rsync here.

        Parameters
        ----------
        throw : bool
            Raise an error if there is none; by default it does not.

        Raises
        ------
        RuntimeError
            If there is none, and that is asked for.
        """
        found = shutil.which("rsync") is not None
        if throw and not found:
            raise RuntimeError("RsyncSnapshot needs rsync, and there is none on the PATH")
        return found

    def __enter__(self) -> RsyncSnapshot:
        if not self.snapshot_dir.exists():
            self._clone()
        names = [*self._known(), *(os.fsencode(name) for name in self.include)]
        excluded = [f"--exclude={pattern}" for pattern in self.exclude]
        places = ["--", f"{self.root_dir}/", f"{self.snapshot_dir}/"]
        # A file may have been deleted and git not told yet.
        options = ["--archive", "--ignore-missing-args", "--from0", "--files-from=-"]
        subprocess.run(["rsync", *options, *excluded, *places], input=b"\0".join(names), check=True)
        self._before = Path.cwd()
        os.chdir(self.snapshot_dir)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        os.chdir(self._before)

    def _clone(self) -> None:
        """Make the copy a repository of its own, so that what runs in it can ask git; no files."""
        self.snapshot_dir.parent.mkdir(parents=True, exist_ok=True)
        places = ["--", str(self.root_dir), str(self.snapshot_dir)]
        options = ["--quiet", "--depth=2", "--no-local", "--no-checkout"]
        subprocess.run(["git", "clone", *options, *places], check=True)
        # So that git compares what is copied with what was committed.
        subprocess.run(["git", "reset", "--quiet"], cwd=self.snapshot_dir, check=False)

    def _known(self) -> list[bytes]:
        """Return the files that git knows."""
        if self.with_submodules:
            return self._listed("--recurse-submodules")
        entries = self._listed("--stage")
        return [e.partition(b"\t")[2] for e in entries if not e.startswith(_SUBMODULE)]

    def _listed(self, option: str) -> list[bytes]:
        printed = subprocess.check_output(["git", "ls-files", "-z", option], cwd=self.root_dir)
        return printed.split(b"\0")[:-1]
