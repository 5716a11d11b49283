"""The sandbox's memory: which processes are its own, and how far it has come.

It outlives them all, so a later start can clean up after a `kill -9` of everything.
Writes land whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.layout import Layout, record_file, write_private
from nbsubmit.sandbox.processes import Identity


class Phase(str, Enum):
    """How far the sandbox has come."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    DOWN = "down"
    FAILED = "failed"


@dataclass
class Record:
    """What is known about one sandbox.

    Parameters
    ----------
    config : SandboxConfig
        What was asked for.
    short : Path
        The short folder of the latest start.
    generation : int
        Which start in this folder it is; job ids of different starts do not meet.
    owner : Identity or None
        Whose end ends the sandbox.
    guard, supervisor : Identity or None
        The two outer processes; None until they are there.
    phase : Phase
        How far it has come.
    message : str
        Why it failed, in words for the user.
    daemons : dict of str to Identity
        The daemons that the supervisor started.
    strays : list of Identity
        Job steps and their processes, as last seen.
    """

    config: SandboxConfig
    short: Path
    generation: int = 0
    owner: Identity | None = None
    guard: Identity | None = None
    supervisor: Identity | None = None
    phase: Phase = Phase.STARTING
    message: str = ""
    daemons: dict[str, Identity] = field(default_factory=dict)
    strays: list[Identity] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.config.folder, self.short)

    @property
    def supervised(self) -> bool:
        """Whether someone still looks after it."""
        return any(one is not None and one.alive for one in (self.guard, self.supervisor))

    def processes(self) -> list[Identity]:
        """Every process of the sandbox that is known of, alive or not."""
        outer = [one for one in (self.guard, self.supervisor) if one is not None]
        return [*outer, *self.daemons.values(), *self.strays]

    def save(self) -> None:
        """Put it in the place of what was written before."""
        text = json.dumps(self._plain(), indent=1)
        write_private(record_file(self.config.folder), text.encode())

    def close(self, keep_folder: bool = False) -> None:
        """Take the sockets away and write down that nothing runs; the processes are gone."""
        shutil.rmtree(self.short, ignore_errors=True)
        failed = self.phase in (Phase.FAILED, Phase.STARTING)
        if self.config.ephemeral and not failed and not keep_folder:
            shutil.rmtree(self.config.folder, ignore_errors=True)
            return
        self.phase = Phase.FAILED if failed else Phase.DOWN
        self.guard, self.supervisor, self.daemons, self.strays = None, None, {}, []
        with contextlib.suppress(OSError):  # the folder may have been removed under us
            self.save()

    def _plain(self) -> dict[str, object]:
        return {
            "config": self.config.to_json(),
            "short": str(self.short),
            "generation": self.generation,
            "owner": _pack(self.owner),
            "guard": _pack(self.guard),
            "supervisor": _pack(self.supervisor),
            "phase": self.phase.value,
            "message": self.message,
            "daemons": {name: _pack(one) for name, one in self.daemons.items()},
            "strays": [_pack(one) for one in self.strays],
        }


def load(folder: Path) -> Record | None:
    """Read the record in a folder; None when there is none that can be read."""
    try:
        plain = json.loads(record_file(folder).read_text())
        return _rebuild(plain, folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rebuild(plain: dict[str, Any], folder: Path) -> Record:
    # The folder may have been moved while it was down: its place now counts.
    config = SandboxConfig.from_json(plain["config"] | {"folder": str(folder)})
    people = {key: _unpack(plain[key]) for key in ("owner", "guard", "supervisor")}
    return Record(
        config=config,
        short=Path(plain["short"]),
        generation=plain["generation"],
        phase=Phase(plain["phase"]),
        message=plain["message"],
        daemons={name: Identity(*pair) for name, pair in plain["daemons"].items()},
        strays=[Identity(*pair) for pair in plain["strays"]],
        **people,
    )


def _pack(identity: Identity | None) -> tuple[int, str] | None:
    return None if identity is None else (identity.pid, identity.birth)


def _unpack(pair: list[Any] | None) -> Identity | None:
    return None if pair is None else Identity(*pair)
