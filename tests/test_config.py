"""The user's file, the environment, and the tree's file that nobody has vouched for."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksrcfind.config import DEFAULT_RELEASE_TAGS, FILE_LIMIT, Root, Settings, resolve, with_tree_file
from ksrcfind.errors import KsrcfindError


@pytest.fixture
def user_file(tmp_path, monkeypatch):
    """Write the user's configuration file, return the environment that names it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return {"KSRCFIND_CONFIG": str(path)}

    return write


def test_everything_has_a_default(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    expected = Settings(cache_dir=tmp_path / ".cache" / "ksrcfind", shared_indexes=(Path("/var/lib/ksrcfind"),))
    assert resolve({}) == expected


def test_the_users_file_is_found_in_its_usual_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ksrcfind").mkdir()
    (tmp_path / "ksrcfind" / "config.toml").write_text("jobs = 3")
    assert resolve({}).jobs == 3


def test_users_file_sets_everything(user_file, tmp_path):
    settings = resolve(
        user_file(
            """
            repo = "~/linux"
            cache_dir = "cache"
            release_tags = ["RELEASE-*"]
            jobs = 2
            color = "never"
            shared_indexes = ["indexes", "/srv/indexes"]
            [[roots]]
            name = "drbd_printk"
            format = 2
            level = "err"
            prefix = "drbd: "
            [trees]
            "v6.1" = "six"
            mine = "~/linux"
            """
        )
    )
    assert settings == Settings(
        cache_dir=tmp_path / "cache",
        fallback_repo=tmp_path / "home" / "linux",
        release_tags=("RELEASE-*",),
        jobs=2,
        color="never",
        roots=(Root("drbd_printk", 2, "err", "drbd: "),),
        trees={"v6.1": tmp_path / "six", "mine": tmp_path / "home" / "linux"},
        shared_indexes=(tmp_path / "indexes", Path("/srv/indexes")),
    )


def test_environment_goes_before_the_file(user_file):
    environment = user_file('repo = "/of/file"\ncache_dir = "/of/file"')
    settings = resolve(environment | {"KSRCFIND_REPO": "/of/env", "KSRCFIND_CACHE_DIR": "/env/cache"})
    assert settings.repo == Path("/of/env")
    assert settings.fallback_repo == Path("/of/file")
    assert settings.cache_dir == Path("/env/cache")


def test_empty_variables_count_as_unset(user_file):
    settings = resolve(user_file('cache_dir = "/of/file"') | {"KSRCFIND_REPO": "", "KSRCFIND_CACHE_DIR": ""})
    assert settings.repo is None
    assert settings.cache_dir == Path("/of/file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reop = 1", "unknown key reop"),
        ("jobs = '2'", "jobs: expected `int | null`, got `str`"),
        ("jobs = 0", "jobs: expected `int` >= 1"),
        ("color = 'blue'", "color: invalid enum value 'blue'"),
        ("release_tags = 'v*'", "release_tags: expected `array | null`, got `str`"),
        ("release_tags = []", "release_tags: expected `array` of length >= 1"),
        ("[[roots]]\nname = 'x'", "roots[0]: object missing required field `format`"),
        ("[[roots]]\nname = 'x'\nformat = 0\nfmt = 1", "unknown key fmt in roots[0]"),
        ("[[roots]]\nname = 'a b'\nformat = 0", "roots[0].name: expected `str` matching regex"),
        ("jobs = ", "not valid TOML: Invalid value (at end of document)"),
    ],
)
def test_mistakes_name_file_and_key(user_file, text, message):
    environment = user_file(text)
    with pytest.raises(KsrcfindError) as caught:
        resolve(environment)
    assert caught.value.title.startswith(f"{environment['KSRCFIND_CONFIG']}: {message}")
    assert caught.value.exit_code == 2


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(KsrcfindError, match=r"no configuration file .*nowhere\.toml"):
        resolve({"KSRCFIND_CONFIG": str(tmp_path / "nowhere.toml")})


def test_an_unreadable_file_is_an_error(tmp_path):
    with pytest.raises(KsrcfindError, match=r"cannot read the configuration file .*: Is a directory"):
        resolve({"KSRCFIND_CONFIG": str(tmp_path)})


USER = Settings(cache_dir=Path("/cache"), roots=(Root("own", 0),))


def test_tree_file_adds_roots_and_release_tags():
    content = b"release_tags = ['RELEASE-*']\n[[roots]]\nname = 'xen_printk'\nformat = 0"
    settings = with_tree_file(USER, content, "tree")
    assert settings.release_tags == ("RELEASE-*",)
    assert settings.roots == (Root("own", 0), Root("xen_printk", 0))


def test_tree_file_does_not_override_the_users_tags():
    own = Settings(cache_dir=Path("/cache"), release_tags=("mine-*",))
    assert with_tree_file(own, b"release_tags = ['theirs-*']", "tree").release_tags == ("mine-*",)


def test_an_empty_tree_file_changes_nothing():
    assert with_tree_file(USER, b"", "tree") == USER
    assert USER.release_tags == DEFAULT_RELEASE_TAGS


@pytest.mark.parametrize("key", ["repo", "cache_dir", "jobs", "color", "git", "pager"])
def test_tree_file_may_not_say_where_or_how_to_run(key):
    with pytest.raises(KsrcfindError, match=f"tree: unknown key {key}"):
        with_tree_file(USER, f"{key} = 'x'".encode(), "tree")


def test_a_long_tree_file_is_refused():
    with pytest.raises(KsrcfindError, match="longer than 256 KiB"):
        with_tree_file(USER, b"#" * (FILE_LIMIT + 1), "tree")


def test_a_deep_tree_file_is_refused():
    with pytest.raises(KsrcfindError, match="tree: "):
        with_tree_file(USER, b"release_tags = " + b"[" * 100_000, "tree")


@given(st.binary(max_size=300))
def test_any_bytes_as_tree_file_are_taken_or_refused(content):
    with contextlib.suppress(KsrcfindError):
        assert with_tree_file(USER, content, "tree").cache_dir == USER.cache_dir
