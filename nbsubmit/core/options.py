"""The line behind a magic → what was asked for. The same grammar prints the manual.

The five common resources and our own options stand here. A backend adds its further ones as
data, so that this page knows no scheduler.
"""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from nbsubmit.core.errors import OptionError
from nbsubmit.core.indices import Indices
from nbsubmit.core.spec import CellOptions, Mapped, Resources
from nbsubmit.core.splitting import listed, split
from nbsubmit.core.units import parse_limit, parse_memory

T = TypeVar("T")

# A number, a type and a number, or a type alone, which is one of it.
_GPU = r"(?:(?:[\w.-]+:)*\d+|[A-Za-z][\w.-]*)"
_GPUS = re.compile(rf"{_GPU}(?:,{_GPU})*$")


@dataclass(frozen=True)
class Option:
    """One option that a backend understands besides the common ones.

    Attributes
    ----------
    long : str
        Its long name without dashes.
    short : str
        One letter, or empty.
    metavar : str or None
        What its value is called; ``None`` for one that takes no value.
    help : str
        One line for the manual; an option without one is accepted and not listed.
    value_optional : bool
        It may stand alone or with ``=value``.
    rivals : tuple of str
        Options that it takes the place of where they were said before it, by long name.
    """

    long: str
    short: str = ""
    metavar: str | None = "VALUE"
    help: str = ""
    value_optional: bool = False
    rivals: tuple[str, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """The ways to write it, dashes included."""
        return (f"-{self.short}", f"--{self.long}") if self.short else (f"--{self.long}",)


@dataclass(frozen=True)
class Described:
    """An option as a form shows it.

    Attributes
    ----------
    long, short : str
        Its names without dashes; the short one is a letter or empty.
    metavar : str
        What its value is called; empty for one that takes none.
    help : str
        One line; empty for one that is accepted and not listed.
    takes : str
        How much stands behind it: ``none``, ``one``, or ``optional`` if that may be left out.
    """

    long: str
    short: str
    metavar: str
    help: str
    takes: str

    @property
    def kind(self) -> str:
        """What kind of value it has: ``flag``, ``number``, ``size``, ``time`` or ``text``."""
        return "flag" if self.takes == "none" else _KINDS.get(self.metavar, "text")


_KINDS = {"N": "number", "SIZE": "size", "TIME": "time"}


# What one cell alone can ask for, and no configuration file.
_OF_ONE_CELL = frozenset(
    ("in", "without", "out", "as", "map", "product", "array", "pack", "after", "fresh", "dry-run")
) | {"debug", "profile", "no-defaults"}
# Of these each task of an array may have several, that run together.
_PROCESSES = ("ntasks", "ntasks-per-node")
_RIVALS = {"wait": ("no-wait",), "cancel-on-interrupt": ("no-wait",)}


class _Parser(argparse.ArgumentParser):
    """argparse without its exits: a wrong line is an error of ours."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{self.prog}: {message}")


class Grammar:
    """All options that one magic takes.

    Parameters
    ----------
    magic : str
        The magic as the user writes it.
    extra : iterable of Option
        The backend's further options.
    owned : mapping
        Options that must not be given, by long name or letter, and what to use instead.
    """

    def __init__(
        self, magic: str, extra: Iterable[Option] = (), owned: Mapping[str, str] | None = None
    ) -> None:
        self._magic = magic
        self._owned = dict(owned or {})
        self._extra = tuple(extra)
        self._parser = _parser(magic, self._extra)
        self._rivals = _both_ways({**_RIVALS, **{each.long: each.rivals for each in self._extra}})

    @property
    def flags(self) -> list[str]:
        """Every way to write an option, for completion, sorted."""
        return sorted(self._parser._option_string_actions)

    @property
    def offered(self) -> list[str]:
        """Every way to write an option: first those of the manual, in its order."""
        actions = dict.fromkeys(self._parser._option_string_actions.values())
        ordered = sorted(actions, key=lambda action: action.help == argparse.SUPPRESS)
        return [flag for action in ordered for flag in reversed(action.option_strings)]

    def takes_value(self, flag: str) -> bool:
        """Tell whether something has to follow the flag."""
        action = self._parser._option_string_actions.get(flag)
        return action is not None and action.nargs is None

    @property
    def magic(self) -> str:
        """The magic as the user writes it."""
        return self._magic

    @property
    def configurable(self) -> list[str]:
        """The options that a configuration file may set, by their long names, sorted."""
        return sorted({self.long(flag) for flag in self.flags} - _OF_ONE_CELL)

    @property
    def described(self) -> list[Described]:
        """All options, in the order of the manual."""
        actions = dict.fromkeys(self._parser._option_string_actions.values())
        return [_described(action) for action in actions]

    def long(self, flag: str) -> str:
        """Return the long name of an option without its dashes."""
        return self._parser._option_string_actions[flag].option_strings[-1].lstrip("-")

    def owned(self, name: str) -> str:
        """Return what to use instead of an option that cannot be given; empty for another."""
        return self._owned.get(name, "")

    def rivals(self, name: str) -> frozenset[str]:
        """Return the options that cannot stand beside one, by their long names."""
        return self._rivals.get(name, frozenset())

    def needs_value(self, name: str) -> bool | None:
        """Tell whether an option needs a value; None if it may have one."""
        action = self._parser._option_string_actions[f"--{name}"]
        return None if action.nargs == "?" else action.nargs is None

    def repeats(self, name: str) -> bool:
        """Tell whether an option may be given several times, and each counts."""
        action = self._parser._option_string_actions[f"--{name}"]
        return isinstance(action, argparse._AppendAction)

    def help(self) -> str:
        """The manual page."""
        return self._parser.format_help()

    def parse(
        self, line: str, before: Sequence[Sequence[str]] = (), *, whole: bool = True
    ) -> CellOptions:
        """Return what the line asks for.

        Parameters
        ----------
        line : str
            The line.
        before : sequence of sequence of str
            Words of what was asked for elsewhere, the weightiest last; the line has the last word.
        whole : bool
            This is all; otherwise it is not asked whether one option goes with another.

        Raises
        ------
        OptionError
            Naming the option, what is wrong with it, and the nearest right ones.
        """
        found = argparse.Namespace()
        for words in (*before, self._split(line)):
            self._refuse_owned(words)
            self._forget_rivals(found, words)
            found, left = self._parser.parse_known_args(words, found)
            if left:
                raise OptionError(self._unknown(left[0], words))
        options = _cell_options(found, self._extra)
        wrong = _wrong_array(options, found.array) or _wrong_wait(options)
        if found.pack is not None:
            wrong = wrong or _wrong_pack(options)
        if wrong and whole:
            raise OptionError(f"{self._magic}: {wrong}")
        return options

    def _forget_rivals(self, found: argparse.Namespace, words: Sequence[str]) -> None:
        """Leave out of what was said before what cannot stand beside these words."""
        known = self._parser._option_string_actions
        said = (word.partition("=")[0] for word in words if word.startswith("-"))
        for flag in said:
            flag = flag if flag in known else flag[:2]
            for rival in self.rivals(self.long(flag)) if flag in known else ():
                action = known[f"--{rival}"]
                setattr(found, action.dest, action.default)

    def _split(self, line: str) -> list[str]:
        try:
            return split(line)
        except ValueError as error:
            raise OptionError(f"{self._magic}: {error} in: {line}") from None

    def _refuse_owned(self, words: Sequence[str]) -> None:
        for word in words:
            flag = word.partition("=")[0]
            if not word.startswith("--") and f"-{flag}" not in self.flags:
                flag = flag[:2]  # a letter with its value behind it, not a long name's wrong form
            answer = self._owned.get(flag.lstrip("-")) if flag.startswith("-") else None
            if answer is not None:
                raise OptionError(f"{self._magic}: {flag} cannot be set here. {answer}")

    def _unknown(self, word: str, words: Sequence[str]) -> str:
        if not word.startswith("-"):
            of = self._broken_at(words[: words.index(word)])
            cure = f" What belongs to {of} is written without spaces, or in quotes." if of else ""
            return (
                f"{self._magic}: what is {word!r}? Only options stand on this line; "
                f"the code goes below it.{cure}"
            )
        flag = word.partition("=")[0]
        near = self._near(flag)
        hint = (
            f"Did you mean {' or '.join(near)}?" if near else f"{self._magic}? lists the options."
        )
        return f"{self._magic}: there is no option {flag}. {hint}"

    def _broken_at(self, before: Sequence[str]) -> str:
        """Return the option whose value these words end with; empty if they do not."""
        *_, flag, value = ("", "", *before)
        if value.startswith("--") and "=" in value:
            return value.partition("=")[0]
        return flag if self.takes_value(flag) and not value.startswith("-") else ""

    def _near(self, flag: str) -> list[str]:
        """Return the options that may be meant: those that begin so, in the manual's order."""
        longer = [f for f in self.offered if flag.startswith("--") and f.startswith(flag)]
        close = difflib.get_close_matches(flag, self.flags, n=3, cutoff=0.6)
        return [*dict.fromkeys((*longer, *close))][:3]


def _described(action: argparse.Action) -> Described:
    long = action.option_strings[-1].lstrip("-")
    short = action.option_strings[0].lstrip("-")
    takes = "one" if action.nargs is None else "optional" if action.nargs == "?" else "none"
    told = "" if action.help in (None, argparse.SUPPRESS) else str(action.help) % {}
    metavar = "" if takes == "none" else str(action.metavar or "")
    return Described(long, short if len(short) == 1 else "", metavar, told, takes)


def _both_ways(rivals: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    pairs = [(name, other) for name, others in rivals.items() for other in others]
    found: dict[str, frozenset[str]] = {}
    for one, other in (*pairs, *((other, one) for one, other in pairs)):
        found[one] = found.get(one, frozenset()) | {other}
    return found


def _parser(magic: str, extra: tuple[Option, ...]) -> _Parser:
    parser = _Parser(
        prog=magic,
        add_help=False,
        allow_abbrev=False,
        usage=f"{magic} [options]\n<cell>".replace("%", "%%"),
    )
    _add_resources(parser.add_argument_group("resources"))
    _add_names(parser.add_argument_group("names"))
    _add_array(parser.add_argument_group("many tasks"))
    _add_way(parser.add_argument_group("waiting and seeing"))
    _add_configuration(parser.add_argument_group("from the configuration"))
    _add_environment(parser.add_argument_group("the job's environment"))
    if extra:
        _add_extra(parser.add_argument_group("the scheduler's own"), extra)
    return parser


_Group = argparse._ArgumentGroup


def _add_resources(group: _Group) -> None:
    group.add_argument(
        "-c", "--cpus-per-task", dest="cpus", metavar="N", type=_positive, help="processors"
    )
    group.add_argument(
        "-G", "--gpus", metavar="[TYPE:]N", type=_gpus, help="GPUs for the whole job"
    )
    group.add_argument(
        "--mem", dest="memory_mib", metavar="SIZE", type=_as_type(parse_memory),
        help="memory on each node: 4G, 500M, in steps of 1,024; a number alone is in M",
    )  # fmt: skip
    group.add_argument(
        "-t", "--time", dest="time_seconds", metavar="TIME", type=_as_type(parse_limit),
        help="time limit: 90m, 2h, 1d12h, minutes, days-hours:minutes:seconds, or UNLIMITED",
    )  # fmt: skip
    group.add_argument("-J", "--job-name", dest="name", metavar="NAME", help="the job's name")


def _add_names(group: _Group) -> None:
    add = group.add_argument
    add("--in", dest="include", metavar="NAMES", action="append", type=_names_or_all, default=[],
        help="send these too, separated by commas; * for all")  # fmt: skip
    add("--without", dest="exclude", metavar="NAMES", action="append", type=_names, default=[],
        help="do not send these")  # fmt: skip
    add("--out", dest="bring", metavar="NAMES", action="append", type=_names_or_none,
        help="bring back just these; none for nothing")  # fmt: skip
    add("--as", dest="bind", metavar="NAME", type=_name, help="bind the job to this name")


def _add_array(group: _Group) -> None:
    add = group.add_argument
    add("--map", metavar="NAME=EXPR", action="append", type=_mapped, default=[],
        help="a task for each element of EXPR, bound to NAME; may be repeated. Each name that the "
        "tasks bring becomes a list")  # fmt: skip
    add("--product", action="store_true",
        help="a task for each combination of what several --map give")  # fmt: skip
    add("-a", "--array", metavar="SPEC", type=_as_type(Indices.parse),
        help="a task for each index: 0-15, 1,3,5-7, 0-15:4; %%4 behind them, "
        "or alone beside --map, for at most 4 at once")  # fmt: skip
    add("--pack", metavar="N", type=_positive,
        help="run N tasks one after another in one allocation, each in a process of its own: for "
        "many tasks of seconds. --time is then for these N together, and %%4 is for 4 packs at "
        "once; without effect on this machine")  # fmt: skip


def _add_way(group: _Group) -> None:
    add = group.add_argument
    add("--wait", action="store_true",
        help="block until the job ends; an interrupt ends the waiting, not the job")  # fmt: skip
    add("--no-wait", action="store_true",
        help="do not wait, though the setting `wait` says so")  # fmt: skip
    add("--cancel-on-interrupt", action="store_true",
        help="with --wait: an interrupt cancels the job too")  # fmt: skip
    add("--after", metavar="JOBS", action="append", type=_jobs, default=[],
        help="start after these jobs have succeeded, by id or by the name of --as, separated by "
        "commas; any:JOB after one has ended in whatever way")  # fmt: skip
    add("--reuse", action="store_true", default=None,
        help="if the same cell with the same inputs has succeeded, take that result")  # fmt: skip
    add("--fresh", action="store_true",
        help="send it even if the same cell with the same inputs is still alive")  # fmt: skip
    add("--dry-run", action="store_true", help="show what would be sent; send nothing")
    add("--no-panel", dest="panel", action="store_false", help="text instead of the live panel")
    add("--quiet", action="store_true", help="say nothing but errors")
    add("--debug", action="store_true", help="run in this process, still through the whole path")


def _add_configuration(group: _Group) -> None:
    add = group.add_argument
    add("--profile", dest="profiles", metavar="NAMES", action="append", type=listed, default=[],
        help="the options that configuration files have under these names, separated by commas; "
        "none for none")  # fmt: skip
    add("--no-defaults", action="store_true",
        help="without the options that they have for every job")  # fmt: skip


def _add_environment(group: _Group) -> None:
    add = group.add_argument
    add("--python", metavar="COMMAND", help="the command that starts Python for the job")
    add("--setup", metavar="LINE", action="append", default=[],
        help="a shell line to run before Python; may be repeated")  # fmt: skip
    add("--env", metavar="NAME=VALUE", action="append", type=_assignment, default=[],
        help="set an environment variable; may be repeated")  # fmt: skip
    add("--by-value", metavar="MODULES", action="append", type=_modules, default=[],
        help="send the source of these modules or packages, separated by commas, for a node that "
        "cannot import them")  # fmt: skip


def _add_extra(group: _Group, extra: tuple[Option, ...]) -> None:
    for option in extra:
        settings: dict[str, Any] = {"dest": f"extra:{option.long}", "default": _UNSET}
        if option.metavar is None:
            settings |= {"action": "store_const", "const": None}
        else:
            settings |= {"metavar": option.metavar}
        if option.value_optional:
            settings |= {"nargs": "?", "const": None}
        group.add_argument(*option.flags, help=option.help or argparse.SUPPRESS, **settings)


_UNSET = object()


def _cell_options(found: argparse.Namespace, extra: tuple[Option, ...]) -> CellOptions:
    given = {option.long: getattr(found, f"extra:{option.long}") for option in extra}
    resources = Resources(
        name=found.name,
        cpus=found.cpus,
        gpus=found.gpus,
        memory_mib=found.memory_mib,
        time_seconds=found.time_seconds,
        extra={name: value for name, value in given.items() if value is not _UNSET},
    )
    return CellOptions(
        resources=resources,
        include=_joined(found.include),
        exclude=_joined(found.exclude),
        bring=None if found.bring is None else _joined(found.bring),
        bind=found.bind,
        wait=found.wait or found.cancel_on_interrupt,
        no_wait=found.no_wait,
        cancel_on_interrupt=found.cancel_on_interrupt,
        dry_run=found.dry_run,
        panel=found.panel,
        quiet=found.quiet,
        debug=found.debug,
        python=found.python,
        setup=tuple(found.setup),
        env=dict(found.env),
        by_value=_joined(found.by_value),
        after=_joined(found.after),
        fresh=found.fresh,
        reuse=False if found.fresh else found.reuse,
        parallel=found.array.parallel if found.array else None,
        pack=found.pack or 1,
        maps=tuple(found.map),
        product=found.product,
        indices=found.array.numbers if found.array else None,
        profiles=_joined(found.profiles),
        no_defaults=found.no_defaults,
    )


def _wrong_array(options: CellOptions, array: Indices | None) -> str:
    """Return what does not go together in the options of an array; empty if all does."""
    names = [name for one in options.maps for name in one.names]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"--map: {twice} is given twice"
    if options.maps and options.indices is not None:
        return (
            "--map and --array both say how many tasks there are. Beside --map, --array %N says "
            "how many may run at once"
        )
    if options.product and not options.maps:
        return "--product crosses what several --map give, and there is none"
    if array is not None and not options.is_array:
        return f"--array %{array.parallel} says how many of how many tasks? Add indices, or --map"
    return ""


def _wrong_pack(options: CellOptions) -> str:
    if not options.is_array:
        return "--pack says how many of many tasks run in one allocation. Add --map, or --array"
    for name in _PROCESSES:
        number = options.resources.extra.get(name) or "1"
        if options.pack > 1 and number != "1":
            return (
                f"--pack {options.pack} runs tasks one after another in one process of an "
                f"allocation, and --{name} {number} asks for several. Leave out one of the two"
            )
    return ""


def _wrong_wait(options: CellOptions) -> str:
    if options.wait and options.no_wait:
        return "--no-wait does not go together with what waits"
    return ""


def _joined(lists: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _as_type(parse: Callable[[str], T]) -> Callable[[str], T]:
    def typed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _gpus(text: str) -> str:
    if not _GPUS.match(text):
        raise argparse.ArgumentTypeError(f"{text!r} is none of NUMBER, TYPE and TYPE:NUMBER")
    return text


def _name(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(_name, listed(text)))


def _modules(text: str) -> tuple[str, ...]:
    names = listed(text)
    for name in names:
        for part in name.split("."):
            _name(part)
    return names


def _jobs(text: str) -> tuple[str, ...]:
    found = listed(text)
    for one in found:
        kind, colon, _ = one.partition(":")
        if colon and kind != "any":
            raise argparse.ArgumentTypeError(
                f"{one!r}: before the colon only any can stand; a job alone has to succeed"
            )
    return found


def _names_or_all(text: str) -> tuple[str, ...]:
    return ("*",) if text.strip() == "*" else _names(text)


def _names_or_none(text: str) -> tuple[str, ...]:
    return () if text.strip() == "none" else _names(text)


def _mapped(text: str) -> Mapped:
    names, equals, source = text.partition("=")
    if not equals or source.startswith("="):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=EXPR")
    if not source.strip():
        raise argparse.ArgumentTypeError(f"{text!r}: what stands behind {names}= is empty")
    found = _names(names)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=EXPR")
    try:
        compile(source.strip(), f"<--map {names}>", "eval")
    except SyntaxError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: {source!r} is no expression of Python ({error.msg}). One with spaces or "
            f'brackets stands in quotes:  --map "{names}=[1, 2]"'
        ) from None
    return Mapped(found, source.strip())


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
