"""What TAB offers behind Slurm's options: asked for aside, remembered, never waited for long.

A key that is pressed is answered at once with what is known. Each option asks only the program that
knows its values, and a cluster changes seldom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from nbsubmit.backends.slurm import choices

# What Slurm has not said is asked for again sooner.
_KEPT_SECONDS, _TROUBLE_SECONDS = 600.0, 60.0
# So many of a resource are offered at most.
_MOST = 16


@dataclass
class _Said:
    """What was said of one option, and when it is to be asked for again."""

    words: list[str] = field(default_factory=list)
    until: float = float("-inf")
    asked: threading.Thread | None = None


class Offers:
    """Says what may stand behind an option of Slurm's.

    Parameters
    ----------
    patience : float
        Seconds that the first question is waited for. A later one waits for nothing.
    clock : callable
        The time in seconds.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._said: dict[str, _Said] = {}

    def of(self, option: str) -> list[str]:
        """Return values for an option by its long name; none where Slurm has not said any (yet)."""
        ask = _ASKED.get(option)
        if ask is None:
            return []
        said = self._said.setdefault(option, _Said())
        if said.asked is None and self._clock() >= said.until:
            asks = threading.Thread(
                target=self._ask, args=(ask, said), name="nbsubmit-tab", daemon=True
            )
            said.asked = asks
            asks.start()
            asks.join(0.0 if said.words else self._patience)
        return said.words

    def _ask(self, ask: Callable[[], list[str]], said: _Said) -> None:
        kept = _TROUBLE_SECONDS
        # As sacctmgr fails where no account is kept; TAB is not the place to tell of anything.
        with suppress(Exception):
            said.words, kept = ask(), _KEPT_SECONDS
        said.until, said.asked = self._clock() + kept, None


def _partitions() -> list[str]:
    return [partition.name for partition in choices.partitions()]


def _accounts() -> list[str]:
    return [*choices.accounts_and_qos()[0]]


def _qos() -> list[str]:
    return [*choices.accounts_and_qos()[1]]


def _gres() -> list[str]:
    return [*_amounts(choices.gres())]


def _gpus() -> list[str]:
    """Return them as ``--gpus`` has them: without the word that says what they are."""
    own = [each.partition(":")[2] for each in choices.gres() if each.split(":")[0] == "gpu"]
    plain = (each.rpartition(":")[2] for each in own)
    return [*dict.fromkeys((*_amounts(plain), *_amounts(own)))]


def _amounts(resources: Iterable[str]) -> Iterator[str]:
    """Return resources as they may be asked for: ``gpu:a100:4`` is one, two or four of them."""
    for resource in dict.fromkeys(resources):
        kind, colon, count = resource.rpartition(":")
        if not count.isdecimal():  # 4G of something, or one that is not counted
            yield resource
            continue
        most = min(int(count), _MOST)
        yield from (f"{kind}{colon}{n}" for n in (1, 2, 4, 8, 16) if n < most)
        yield f"{kind}{colon}{most}"


_ASKED: dict[str, Callable[[], list[str]]] = {
    "partition": _partitions,
    "account": _accounts,
    "qos": _qos,
    "gres": _gres,
    "gpus": _gpus,
    "gpus-per-node": _gpus,
    "gpus-per-task": _gpus,
    "gpus-per-socket": _gpus,
}
