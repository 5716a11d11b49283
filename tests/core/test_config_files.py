"""Configuration files: who says what, who has the last word, and what is said of mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbsubmit.core import config_files
from nbsubmit.core.config_files import Configuration, load
from nbsubmit.core.errors import ConfigError, OptionError
from nbsubmit.core.profiles import Options
from nbsubmit.core.settings import Settings


class Place:
    """A site, a user and a project, each with a file or none."""

    def __init__(self, path: Path) -> None:
        self.site = path / "site.toml"
        self.user = path / "xdg" / "nbsubmit" / "config.toml"
        self.project = path / "project" / ".nbsubmit.toml"
        self.notebooks = path / "project" / "notebooks" / "deep"
        self.user.parent.mkdir(parents=True)
        self.notebooks.mkdir(parents=True)

    def write(self, **texts: str) -> None:
        for kind, text in texts.items():
            file: Path = getattr(self, kind)
            file.write_text(text)
            file.chmod(0o644)

    def load(self, **environ: str) -> Configuration:
        ours = {
            "NBSUBMIT_SITE_CONFIG": str(self.site),
            "XDG_CONFIG_HOME": str(self.user.parents[1]),
        }
        return load(self.notebooks, {**ours, **environ})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def values(options: Options) -> dict[str, object]:
    return {name: said.value for name, said in options.items()}


def test_without_files_the_defaults_hold(place: Place) -> None:
    found = place.load()
    assert found.settings == Settings()
    assert set(found.origins.values()) == {"built-in"}
    assert [(file.kind, file.is_there) for file in found.files] == [
        ("site", False),
        ("user", False),
        ("project", False),
    ]


def test_each_has_the_last_word_over_the_one_before(place: Place) -> None:
    said = {
        "site": "poll_seconds = 20",
        "user": "poll_seconds = 21",
        "project": "poll_seconds = 22",
    }
    for count in range(1, 4):
        place.write(**dict(list(said.items())[:count]))
        found = place.load()
        assert found.settings.poll_seconds == 19 + count
        file = [place.site, place.user, place.project][count - 1]
        assert found.origins["poll_seconds"] == f"{file}, line 1"
    found = place.load(NBSUBMIT_POLL_SECONDS="23")
    assert found.settings.poll_seconds == 23
    assert found.origins["poll_seconds"] == "NBSUBMIT_POLL_SECONDS"


def test_options_of_several_files_are_put_together_key_by_key(place: Place) -> None:
    place.write(
        site='[defaults]\naccount = "all"\npartition = "main"\nenv = {A = 1, B = 2}\n'
        '[profiles.big]\nmem = "64G"\ntime = "1d"',
        user='[defaults]\naccount = "mine"\nenv = {B = 3}\n[profiles.big]\ntime = "2d"\n'
        "[profiles.small]\nmem_per_cpu = 500",
    )
    found = place.load()
    assert values(found.defaults) == {
        "partition": "main",
        "account": "mine",
        "env": {"A": 1, "B": 3},
    }
    assert values(found.profiles["big"]) == {"mem": "64G", "time": "2d"}
    assert values(found.profiles["small"]) == {"mem-per-cpu": 500}
    assert found.profiles["big"]["mem"].where == f"{place.site}, line 6"


def test_the_projects_file_is_the_nearest_one_upwards(place: Place) -> None:
    place.write(project='wait = "always"')
    assert place.load().settings.wait == "always"
    (place.notebooks / ".nbsubmit.toml").write_text('wait = "headless"')
    assert place.load().settings.wait == "headless"


def test_a_sites_floor_is_kept_whoever_says_less(place: Place) -> None:
    place.write(site="poll_seconds = 60\n[floors]\nmin_poll_seconds = 30", user="poll_seconds = 5")
    found = place.load()
    assert found.settings.poll_seconds == 30
    assert found.origins["poll_seconds"] == (
        f"{place.site}, line 3, above 5 ({place.user}, line 1)"
    )
    assert place.load(NBSUBMIT_POLL_SECONDS="1").settings.poll_seconds == 30
    assert place.load(NBSUBMIT_POLL_SECONDS="45").settings.poll_seconds == 45


def test_another_site_file_does_not_lower_the_first_ones_floors(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "etc.toml"
    first.write_text("wait = true\n[floors]\nmin_beat_seconds = 20")
    monkeypatch.setattr(config_files, "SITE_FILE", first)
    place.write(site="[floors]\nmin_beat_seconds = 3")
    found = place.load()
    assert found.settings.beat_seconds == 20
    assert found.settings.wait == "never"
    assert place.load(NBSUBMIT_SITE_CONFIG="").settings.beat_seconds == 20


def test_a_folder_may_be_named_with_variables(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    place.write(site='folder = "$SCRATCH/jobs"')
    assert place.load().settings.folder == "/scratch/me/jobs"
    place.write(site='folder = "$NO_SUCH_PLACE/jobs"')
    with pytest.raises(ConfigError, match="names a variable that is not set here"):
        place.load()


def test_modules_and_profiles_may_be_lists_and_a_limit_a_number(place: Place) -> None:
    place.write(user='by_value = ["a", "b.c"]\nsize_limit = 0\nprofile = ["x", "y"]')
    settings = place.load().settings
    assert (settings.by_value, settings.size_limit, settings.profile) == ("a,b.c", "0", "x,y")


@pytest.mark.parametrize("mode", [0o666, 0o646])
def test_a_file_that_others_can_write_to_is_passed_over_and_told(place: Place, mode: int) -> None:
    place.write(project='wait = "always"\n[defaults]\nsetup = "evil"')
    place.project.chmod(mode)
    found = place.load()
    assert found.settings.wait == "never"
    assert found.defaults == {}
    assert found.remarks == [
        f"{place.project} is not used: others may write to it (mode {mode:o}). "
        f"Make it yours alone:  chmod go-w {place.project}"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("as_link", [False, True])
def test_another_users_file_is_passed_over_and_told(
    place: Place, tmp_path: Path, as_link: bool
) -> None:
    theirs = tmp_path / "theirs.toml" if as_link else place.project
    theirs.write_text("this is not even TOML")
    os.chown(theirs, 12345, 12345)
    if as_link:
        place.project.symlink_to(theirs)
    found = place.load()
    assert found.remarks == [
        f"{place.project} is not used: it belongs to the user 12345. "
        f"Copy what you want of it to a file of yours"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_site_file_that_the_environment_names_may_be_an_admins(place: Place) -> None:
    place.write(site='wait = "always"')
    os.chown(place.site, 12345, 12345)
    place.site.chmod(0o664)
    assert place.load().settings.wait == "always"
    place.site.chmod(0o666)
    assert place.load().settings.wait == "never"


WRONG = {
    "pol_seconds = 3": "line 1: there is no setting 'pol_seconds'. Did you mean poll_seconds? ",
    '\npartition = "gpu"': "line 2: there is no setting 'partition'. There are folder, ",
    '# one\n\nwait = "perhaps"': "line 3: wait='perhaps' is none of never, headless, always",
    "poll_seconds = 0": "line 1: poll_seconds=0 must be seconds: more than zero",
    "poll_seconds = inf": "poll_seconds=inf must be seconds: more than zero, and 86400 at most",
    "beat_seconds = true": "line 1: beat_seconds=True must be seconds",
    "beat_seconds = 1e12": "line 1: beat_seconds=1000000000000.0 must be seconds",
    'size_limit = "much"': "line 1: size_limit: 'much' is not an amount of memory",
    "folder = /scratch": " is not TOML: Invalid value (at line 1, column 10)",
    'notebook = "x.ipynb"': "line 1: notebook is said by the environment, NBSUBMIT_NOTEBOOK",
    "[floors]\nmin_poll_seconds = 3": "line 1: only a site's file can have [floors]",
    "defaults = 3": "line 1: write  [defaults]  and what it has below",
    "[profiles.none]": "line 1: a profile cannot be called 'none'",
    '[profiles."a, b"]': "line 1: a profile cannot be called 'a, b'",
    "[profiles]\nbig = 3": "line 2: write  [profiles.big]  and what it has below",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_with_its_file_and_line(place: Place, text: str) -> None:
    place.write(user=text)
    with pytest.raises(ConfigError) as caught:
        place.load()
    assert str(caught.value).startswith(str(place.user))
    assert WRONG[text] in str(caught.value)


WRONG_FLOORS = {
    "[floors]\nmin_pol_seconds = 3": "line 2: there is no floor 'min_pol_seconds'. "
    "Did you mean min_poll_seconds? There are min_poll_seconds, min_beat_seconds",
    '[floors]\nmin_poll_seconds = "3"': "line 2: min_poll_seconds='3' is not a number of seconds",
}


@pytest.mark.parametrize("text", WRONG_FLOORS)
def test_a_mistake_in_a_sites_floors_is_told(place: Place, text: str) -> None:
    place.write(site=text)
    with pytest.raises(ConfigError) as caught:
        place.load()
    assert str(caught.value) == f"{place.site}, {WRONG_FLOORS[text]}"


def test_a_file_that_is_not_text_is_told(place: Place) -> None:
    place.user.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        place.load()


def test_a_wrong_variable_is_told_as_before(place: Place) -> None:
    with pytest.raises(OptionError, match="NBSUBMIT_WAIT='perhaps' is none of"):
        place.load(NBSUBMIT_WAIT="perhaps")


def test_a_users_file_lies_where_the_xdg_specification_has_it(tmp_path: Path) -> None:
    at_home = Path("~/.config/nbsubmit/config.toml").expanduser()
    assert config_files.user_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/nbsubmit/config.toml")
    assert config_files.user_file({}) == at_home
    assert config_files.user_file({"XDG_CONFIG_HOME": "relative"}) == at_home


def test_a_file_that_an_editor_has_marked_as_utf_8_is_read(place: Place) -> None:
    place.write(user="\ufeffpoll_seconds = 30")
    assert place.load().settings.poll_seconds == 30


def test_a_file_that_is_nested_without_end_is_a_mistake(place: Place) -> None:
    place.write(user="by_value = " + "[" * 100_000)
    with pytest.raises(ConfigError, match=r"config\.toml is nested too deeply"):
        place.load()


def test_a_folder_that_no_path_can_be_is_a_mistake(place: Place) -> None:
    place.write(user='folder = "a\\u0000b"')
    with pytest.raises(ConfigError, match=r"config\.toml, line 1: folder: .* holds a NUL"):
        place.load()
