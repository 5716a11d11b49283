"""Configuration files: built-in ← site ← user ← project ← environment; the later wins.

The files are TOML. What holds for every job, as `Settings` has it, stands at the top; options of
jobs stand below ``[defaults]`` and, for those that ask for them, below ``[profiles.NAME]``. A site
says below ``[floors]`` what nobody may undercut.

A file that somebody else could have written is passed over and told of: what it names is run.
"""

from __future__ import annotations

import functools
import grp
import logging
import os
import pwd
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nbsubmit.core import settings as settings_module
from nbsubmit.core.errors import ConfigError, OptionError
from nbsubmit.core.profiles import NONE, Options, Said, merged, nearest
from nbsubmit.core.settings import NAMES, Floors, Settings, floored, of_environment, variable_of

_log = logging.getLogger("nbsubmit")

SITE_FILE = Path("/etc/nbsubmit/config.toml")
# Names another site file, or with nothing in it none; the floors of the first hold all the same.
SITE_VARIABLE = "NBSUBMIT_SITE_CONFIG"
PROJECT_NAME = ".nbsubmit.toml"
SITE, USER, PROJECT = "site", "user", "project"
BUILT_IN = "built-in"
# What a file cannot say: of each notebook its own.
_OF_ONE_NOTEBOOK = ("notebook",)
_TABLES = ("defaults", "profiles", "floors")
_PROFILE = re.compile(r"[\w.-]+")
_PLACES = "; options of jobs stand below [defaults] or [profiles.NAME]"


@dataclass(frozen=True)
class ConfigFile:
    """A file that is looked for.

    Attributes
    ----------
    kind : str
        Whose it is: ``site``, ``user`` or ``project``.
    path : Path
        Where it is looked for.
    is_there : bool
        Whether there is one.
    distrust : str
        Why it is not read although it is there; else empty.
    """

    kind: str
    path: Path
    is_there: bool = False
    distrust: str = ""


@dataclass(frozen=True)
class Configuration:
    """All that the files and the environment say.

    Attributes
    ----------
    settings : Settings
        What holds for every job.
    origins : mapping
        Where each setting comes from.
    defaults : Options
        Options for every job.
    profiles : mapping
        Options for the jobs that ask for them, by the name of the set.
    floors : mapping
        What the site allows at least.
    files : tuple of ConfigFile
        Where it was looked for them, the weightiest last.
    """

    settings: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    defaults: Options = field(default_factory=dict)
    profiles: Mapping[str, Options] = field(default_factory=dict)
    floors: Options = field(default_factory=dict)
    files: tuple[ConfigFile, ...] = ()

    @property
    def remarks(self) -> list[str]:
        """What somebody should know who wonders why a file has no effect."""
        return [f"{each.path} is not used: {each.distrust}" for each in self.files if each.distrust]

    @property
    def user_file(self) -> Path:
        """Where a user writes."""
        return next((each.path for each in self.files if each.kind == USER), user_file())


def load(folder: Path | None = None, environ: Mapping[str, str] | None = None) -> Configuration:
    """Return what is configured for a notebook or a script in a folder.

    Parameters
    ----------
    folder : Path, optional
        From which upwards a project's file is looked for; by default the one of now.
    environ : mapping, optional
        The environment; by default that of this process.

    Raises
    ------
    OptionError
        If a file cannot be read or says what cannot be (`ConfigError`), or a variable does.
    """
    environ = os.environ if environ is None else environ
    files = tuple(_looked_for(folder or Path.cwd(), environ))
    told = _Told()
    for file in files:
        if file.is_there and not file.distrust:
            told.add(file, _read(file.path))
    if SITE_FILE not in (file.path for file in files):
        told.add_floors(SITE_FILE)
    for name, value in of_environment(environ).items():
        told.settings[name] = Said(value, variable_of(name))
    return told.configuration(files)


def settings(folder: Path | None = None) -> Settings:
    """Return the settings that hold for a script in a folder; what is passed over is logged."""
    found = load(folder)
    for remark in found.remarks:
        _warn_once(remark)
    return found.settings


@functools.cache
def _warn_once(remark: str) -> None:
    _log.warning("%s", remark)


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the user's own file is looked for."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_CONFIG_HOME") or ""
    # As the XDG specification has it, one that is not absolute does not count.
    place = Path(base) if Path(base).is_absolute() else Path("~/.config").expanduser()
    return place / "nbsubmit" / "config.toml"


def _looked_for(folder: Path, environ: Mapping[str, str]) -> Iterator[ConfigFile]:
    site = environ.get(SITE_VARIABLE)
    if site != "":
        named = None if site is None else Path(site).expanduser()
        yield _file(SITE, named or SITE_FILE, is_named=named is not None)
    yield _file(USER, user_file(environ))
    places = [place / PROJECT_NAME for place in (folder, *folder.parents)]
    yield next((found for path in places if (found := _file(PROJECT, path)).is_there),
               ConfigFile(PROJECT, places[0]))  # fmt: skip


def _file(kind: str, path: Path, *, is_named: bool = False) -> ConfigFile:
    try:
        is_there = path.is_file()
    except OSError:  # in a folder that is closed to us
        is_there = False
    return ConfigFile(kind, path, is_there, _distrust(path, is_named) if is_there else "")


def _distrust(path: Path, is_named: bool) -> str:
    """Return why a file may be somebody else's words; empty if it cannot.

    One that the environment names is whoever's it names, as the programs on the PATH are; but not
    everybody's.
    """
    for found in (path.lstat(), path.stat()):
        if found.st_uid not in (os.geteuid(), 0) and not is_named:
            return (
                f"it belongs to {_user(found.st_uid)}. Copy what you want of it to a file of yours"
            )
    shared = found.st_mode & stat.S_IWGRP and not (is_named or _is_alone(found.st_gid))
    if shared or found.st_mode & stat.S_IWOTH:
        mode = stat.S_IMODE(found.st_mode)
        return f"others may write to it (mode {mode:o}). Make it yours alone:  chmod go-w {path}"
    return ""


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"


def _is_alone(gid: int) -> bool:
    """Tell whether a group is that of this user alone, as many systems give each one."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    same = group.gr_name == user.pw_name and gid == user.pw_gid
    return same and set(group.gr_mem) <= {user.pw_name}


@dataclass(frozen=True)
class _Text:
    """A file's content, and where in it something is."""

    path: Path
    text: str
    data: Mapping[str, Any]

    def where(self, *keys: str) -> str:
        """Return the file, and the line of a key where that can be told."""
        line = _line_of(self.text, keys)
        return f"{self.path}, line {line}" if line else str(self.path)


def _read(path: Path) -> _Text:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors mark it so
        return _Text(path, text, tomllib.loads(text))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8, as TOML is. Save it so") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f'{path} is not TOML: {error}. Text stands in quotes there:  folder = "/scratch/me"'
        ) from None
    except RecursionError:
        raise ConfigError(
            f"{path} is nested too deeply: it takes no tables but those of settings and profiles"
        ) from None


def _line_of(text: str, keys: Sequence[str]) -> int:
    """Return the number of the line on which a key stands; 0 if it is written in another way."""
    *table, key = keys
    found: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            found = _keys(line.strip("[]").partition("]")[0])
            if found == [*keys]:
                return number
        elif found == table and _keys(line.partition("=")[0]) == [key]:
            return number
    return 0


def _keys(text: str) -> list[str]:
    return [
        part.strip().strip("\"'") for part in re.split(r"\.(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)
    ]


@dataclass
class _Told:
    """What was read so far."""

    settings: dict[str, Said] = field(default_factory=dict)
    defaults: dict[str, Said] = field(default_factory=dict)
    profiles: dict[str, dict[str, Said]] = field(default_factory=dict)
    floors: dict[str, Said] = field(default_factory=dict)

    def add(self, file: ConfigFile, told: _Text) -> None:
        for name, value in told.data.items():
            if name not in _TABLES:
                self.settings[name] = _setting(name, value, told)
        self.defaults = merged(self.defaults, _options(told, "defaults"))
        for name in _table(told, "profiles"):
            if name == NONE or not _PROFILE.fullmatch(name):
                raise ConfigError(
                    f"{told.where('profiles', name)}: a profile cannot be called {name!r}; its "
                    f"name is of letters, digits, dots and dashes, and not {NONE}"
                )
            options = _options(told, "profiles", name)
            self.profiles[name] = merged(self.profiles.get(name, {}), options)
        if "floors" in told.data and file.kind != SITE:
            raise ConfigError(f"{told.where('floors')}: only a site's file can have [floors]")
        self._raise_floors(told)

    def add_floors(self, path: Path) -> None:
        """Heed what the site allows where a user reads another file in its place."""
        file = _file(SITE, path)
        if file.is_there and not file.distrust:
            self._raise_floors(_read(path))

    def _raise_floors(self, told: _Text) -> None:
        for name, value in _table(told, "floors").items():
            where = told.where("floors", name)
            least = _floor(name, value, where)
            if name not in self.floors or self.floors[name].value < least:
                self.floors[name] = Said(least, where)

    def configuration(self, files: tuple[ConfigFile, ...]) -> Configuration:
        floors = Floors(**{name: said.value for name, said in self.floors.items()})
        given = replace(
            Settings(), floors=floors, **{name: said.value for name, said in self.settings.items()}
        )
        found = floored(given)
        origins = dict.fromkeys(NAMES, BUILT_IN)
        origins |= {name: said.where for name, said in self.settings.items()}
        for name in NAMES:
            if getattr(found, name) != getattr(given, name):
                floor = self.floors[f"min_{name}"].where
                origins[name] = f"{floor}, above {getattr(given, name):g} ({origins[name]})"
        return Configuration(found, origins, self.defaults, self.profiles, self.floors, files)


def _setting(name: str, value: Any, told: _Text) -> Said:
    where = told.where(name)
    known = [each for each in NAMES if each not in _OF_ONE_NOTEBOOK]
    if name in _OF_ONE_NOTEBOOK:
        raise ConfigError(f"{where}: {name} is said by the environment, {variable_of(name)}")
    if name not in known:
        near = nearest(name, [*known, *_TABLES])
        raise ConfigError(
            f"{where}: there is no setting {name!r}. {near}There are {', '.join(known)}{_PLACES}"
        )
    try:
        return Said(
            settings_module.read(name, _plain(name, value, where), f"{where}: {name}"), where
        )
    except ConfigError:
        raise
    except OptionError as error:
        raise ConfigError(str(error)) from None


def _plain(name: str, value: Any, where: str) -> Any:
    """Return a value as the environment would have it: text, of several values with commas."""
    if isinstance(getattr(Settings(), name), str):
        if isinstance(value, list) and name in ("by_value", "profile"):
            return ",".join(str(each) for each in value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    if name == "folder" and isinstance(value, str):
        return _expanded(value, where)
    return value


def _expanded(path: str, where: str) -> str:
    """Return a path with the values of variables in their places, as ``/scratch/$USER/jobs``."""
    found = os.path.expandvars(path)
    if "$" in found:
        raise ConfigError(
            f"{where}: folder = {path!r} names a variable that is not set here. Set it, or write "
            f"what it stands for"
        )
    return found


def _table(told: _Text, *keys: str) -> Mapping[str, Any]:
    found: Any = told.data
    for key in keys:
        found = found.get(key, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{told.where(*keys)}: write  [{'.'.join(keys)}]  and what it has below")
    return found


def _options(told: _Text, *keys: str) -> dict[str, Said]:
    return {
        name.replace("_", "-"): Said(value, told.where(*keys, name))
        for name, value in _table(told, *keys).items()
    }


def _floor(name: str, value: Any, where: str) -> float:
    known = [each.name for each in fields(Floors)]
    if name not in known:
        near = nearest(name, known)
        raise ConfigError(
            f"{where}: there is no floor {name!r}. {near}There are {', '.join(known)}"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ConfigError(f"{where}: {name}={value!r} is not a number of seconds")
    return float(value)
