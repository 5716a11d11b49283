"""What there is to choose from on the cluster: partitions, accounts, QOS and generic resources."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbsubmit.backends.slurm import answers, commands
from nbsubmit.backends.slurm.answers import Partition
from nbsubmit.backends.slurm.commands import CommandFailed
from nbsubmit.backends.slurm.groups import groups
from nbsubmit.core.errors import BackendMissing

_SECONDS = 10.0
_NODES_FORMAT = "%R|%c|%m|%G"
# What a resource is bound to stands behind it.
_BOUND = re.compile(r"\([^)]*\)")


@dataclass(frozen=True)
class Nodes:
    """The largest of a partition's nodes: processors, memory in MiB, and the resources of all."""

    cpus: int = 0
    memory: int = 0
    gres: tuple[str, ...] = ()

    def and_(self, other: Nodes) -> Nodes:
        """Return what there is on these and others."""
        gres = tuple(dict.fromkeys((*self.gres, *other.gres)))
        return Nodes(max(self.cpus, other.cpus), max(self.memory, other.memory), gres)


@dataclass(frozen=True)
class Choices:
    """What a job can be asked to run on, by whoever asks.

    Attributes
    ----------
    partitions : tuple of (Partition, Nodes)
        Those that the user's groups may use.
    accounts, qos, gres : tuple of str
        By their names; empty where the cluster keeps none, or does not tell.
    trouble : str
        Why not all of it is known; empty if it is.
    """

    partitions: tuple[tuple[Partition, Nodes], ...] = ()
    accounts: tuple[str, ...] = ()
    qos: tuple[str, ...] = ()
    gres: tuple[str, ...] = ()
    trouble: str = ""


def choices() -> Choices:
    """Ask Slurm's programs; where one does not answer, the trouble is said and no other is asked.

    A program that knows nothing of what it is asked is no trouble.
    """
    found = Choices()
    try:
        pairs = _partitions_and_nodes()
        found = Choices(pairs, gres=_gres(pairs))
        config = answers.config(_text("scontrol", "show", "config"))
        if "slurmdbd" in config.get("AccountingStorageType", ""):
            accounts, qos = accounts_and_qos()
            found = Choices(pairs, accounts, qos, found.gres)
    except (CommandFailed, BackendMissing) as error:
        return Choices(
            found.partitions, found.accounts, found.qos, found.gres, f"Slurm is not asked: {error}"
        )
    return found


def partitions() -> list[Partition]:
    """Ask which partitions the user's groups may use."""
    told = answers.partitions(_text("scontrol", "show", "partition", "--oneliner"))
    return [each for each in told if each.is_for(groups())]


def gres() -> tuple[str, ...]:
    """Ask which resources the nodes of these partitions have."""
    return _gres(_partitions_and_nodes())


def accounts_and_qos() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask for the user's accounts, and for the QOS that go with them; else for all QOS there are.

    Raises
    ------
    CommandFailed
        Where no account is kept.
    """
    accounts, qos = associations(_associations())
    return accounts, qos or _unique(_sacctmgr("qos", "format=Name").split())


def nodes_of(text: str) -> dict[str, Nodes]:
    """Read what ``sinfo`` says of nodes: partition → the largest of them."""
    found: dict[str, Nodes] = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|", 3)]
        if len(fields) == 4:
            name, cpus, memory, gres = fields
            nodes = Nodes(_number(cpus), _number(memory), tuple(_resources(gres)))
            found[name] = found.get(name, Nodes()).and_(nodes)
    return found


def associations(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a user's accounts and QOS from what ``sacctmgr`` says."""
    pairs = [line.split("|", 1) for line in text.splitlines() if "|" in line]
    accounts = _unique(account for account, _ in pairs)
    return accounts, _unique(name for _, names in pairs for name in names.split(","))


def _partitions_and_nodes() -> tuple[tuple[Partition, Nodes], ...]:
    mine = partitions()
    nodes = nodes_of(_text("sinfo", "--noheader", f"--format={_NODES_FORMAT}"))
    return tuple((each, nodes.get(each.name, Nodes())) for each in mine)


def _gres(pairs: Iterable[tuple[Partition, Nodes]]) -> tuple[str, ...]:
    return _unique(each for _, nodes in pairs for each in nodes.gres)


def _associations() -> str:
    return _sacctmgr("assoc", f"user={getpass.getuser()}", "format=Account,QOS")


def _sacctmgr(*asked: str) -> str:
    return _text("sacctmgr", "--noheader", "--parsable2", "show", *asked)


def _text(program: str, *arguments: str) -> str:
    return commands.run(program, *arguments, timeout=_SECONDS)[0]


def _resources(text: str) -> Iterator[str]:
    for each in _BOUND.sub("", text).split(","):
        if each.strip() not in ("", "N/A"):
            yield each.strip()


def _number(text: str) -> int:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else 0


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
