"""Settings from the user's file, the tree's file and the environment, resolved once.

The user's file may set everything. The tree's file (`.ksrcfind.toml` at its root) is untrusted: it may define log
functions and release tags, but never what to read, write or run. Nothing here reads the environment; the command line
passes it in.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import LEVELS, level_named

TREE_FILE = ".ksrcfind.toml"
"""Name of the tree's file, at the root of the tree."""

FILE_LIMIT = 256 * 1024
"""Bytes of a configuration file, at most."""

DEFAULT_RELEASE_TAGS = ("v[0-9]*",)
"""Linux: `v5.9`, `v5.9-rc1`, `v5.9.2`."""

SHARED_INDEXES = (Path("/var/lib/ksrcfind"),)
"""Where an administrator keeps indexes for all users of a machine, unless the settings say otherwise."""

FIX = "Correct {name}, or remove it."
"""The hint for an invalid configuration file."""

Color = Literal["auto", "always", "never"]
Links = Literal["auto", "always", "never"]


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log function or macro that the linker cannot find by itself."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
    """Name of the log function: `xen_printk`."""
    format: Annotated[int, msgspec.Meta(ge=0, le=30)]
    """The position of the format argument, counted from 0."""
    level: str | int | None = None
    """Level of its messages, `cont` if they continue a line; None if the format or the run time decides."""
    prefix: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    """Text that it prints before the format, in printf syntax: `(XEN) `."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a level that does not exist."""
        if self.level is not None and self.level_name is None:
            raise ValueError(f"{self.level!r} is not a level; levels are {', '.join((*LEVELS, 'cont'))}")

    @property
    def level_name(self) -> str | None:
        """The normalised name of the level."""
        return "cont" if self.level == "cont" else level_named(str(self.level))


class Settings(Struct, frozen=True):
    """All settings, resolved."""

    cache_dir: Path
    """The directory of indexes; it need not exist yet."""
    repo: Path | None = None
    """The tree named by an option or the environment; no other tree is searched for."""
    index: Path | None = None
    """A bundle to answer from instead of a tree."""
    fallback_repo: Path | None = None
    """The tree named by the user's file, for a current directory outside of any tree."""
    release_tags: tuple[str, ...] = DEFAULT_RELEASE_TAGS
    """Shell patterns of the tags that are releases."""
    jobs: int | None = None
    """Worker processes; None: one for each available core."""
    follow: bool = True
    """Whether to follow earlier wordings through history; False: plain git blame."""
    color: Color = "auto"
    hyperlinks: Links = "auto"
    """Whether source locations and commits are links on a terminal."""
    place_link: str = "file://{file}"
    """Template of the address of a source location."""
    commit_link: str | None = None
    """Template of the address of a commit."""
    editor: str = "vi"
    """The command that starts an editor."""
    roots: tuple[Root, ...] = ()
    """Log functions in addition to the built-in ones."""
    trees: Mapping[str, Path] = msgspec.field(default_factory=dict)
    """Name → the kernel tree or bundle that the user gave this name."""
    shared_indexes: tuple[Path, ...] = ()
    """Directories of indexes that others made, which are read and never written. They need not exist."""


Patterns = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], ...], msgspec.Meta(min_length=1, max_length=100)
]
Roots = Annotated[tuple[Root, ...], msgspec.Meta(max_length=1000)]


PlaceLink = Annotated[str, msgspec.Meta(pattern=r"^(?:[!-z|~]|\{(?:path|file|line|rev)\})+$", max_length=1000)]
CommitLink = Annotated[str, msgspec.Meta(pattern=r"^(?:[!-z|~]|\{commit\})+$", max_length=1000)]


TREE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
"""A name of a tree: nothing that a shell or a path gives another meaning."""
TREE_NAME_LENGTH = 100
"""Characters of a name of a tree, at most."""
TreeName = Annotated[str, msgspec.Meta(pattern=TREE_NAME, max_length=TREE_NAME_LENGTH)]
TreePath = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class TreeFile(msgspec.Struct, forbid_unknown_fields=True):
    """The tree's file. The docstrings of its keys are the text of the manual page ksrcfind.toml(5)."""

    release_tags: Patterns | None = None
    """Shell patterns of the tags that are releases. Default: `v[0-9]*`. Those of the user's file take precedence."""
    roots: Roots = ()
    """Log functions and macros that ksrcfind cannot find by itself, in addition to those of the user's file."""


class UserFile(msgspec.Struct, forbid_unknown_fields=True):
    """The user's file. The docstrings of its keys are the text of the manual page ksrcfind.toml(5)."""

    repo: str | None = None
    """The kernel tree to use when the current directory is outside of any tree. A relative path starts at this file."""
    cache_dir: str | None = None
    """The directory of the indexes. Default: `ksrcfind` in the user's cache directory, `~/.cache/ksrcfind` on Linux."""
    release_tags: Patterns | None = None
    """Shell patterns of the tags that are releases. Default: `v[0-9]*`."""
    jobs: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    """Number of worker processes. Default: one for each core."""
    color: Color = "auto"
    """When to colour text. `auto`: on a terminal, unless NO_COLOR is set."""
    hyperlinks: Links = "auto"
    """When source lines and commits are links. `auto`: on a terminal with colours."""
    place_link: PlaceLink = "file://{file}"
    """Address of the link of a source line, with `{file}`, its absolute path; `{path}`, its path in the tree; `{line}`;
    and `{rev}`, the revision of the answer."""
    commit_link: CommitLink | None = None
    """Address of the link of a commit, with `{commit}`. Without it, commits are not links."""
    editor: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None
    """The editor of `--open`, called with `+LINE FILE`; or a command with `{file}` and `{line}`, as in
    `code --goto {file}:{line}`. Default: VISUAL, EDITOR, `vi`."""
    roots: Roots = ()
    """Log functions and macros that ksrcfind cannot find by itself."""
    trees: dict[TreeName, TreePath] = {}
    """A table: name → directory of a kernel tree, or a bundle. `ksrcfind tree add` writes it; `-C NAME` uses it."""
    shared_indexes: Annotated[tuple[TreePath, ...], msgspec.Meta(max_length=100)] | None = None
    """Directories of indexes that others made; they are only read. Default: `/var/lib/ksrcfind`."""


_File = TypeVar("_File", TreeFile, UserFile)


def resolve(environment: Mapping[str, str]) -> Settings:
    """Return the settings of the user's file, overridden by those of the environment.

    The file is the one that `KSRCFIND_CONFIG` names, else `ksrcfind/config.toml` in the user's configuration directory,
    where it may be missing. Raises `KsrcfindError` for a file that cannot be read or is invalid.
    """
    import platformdirs

    path = user_file(environment)
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        if environment.get("KSRCFIND_CONFIG"):
            raise KsrcfindError(f"no configuration file {path}", "Correct or unset KSRCFIND_CONFIG.") from None
        content = b""
    except OSError as error:
        raise KsrcfindError(
            f"cannot read the configuration file {path}: {error.strerror}", "Name another file with KSRCFIND_CONFIG."
        ) from error
    given = _parse(content, UserFile, str(path))
    repo, cache_dir = environment.get("KSRCFIND_REPO"), environment.get("KSRCFIND_CACHE_DIR")
    index = environment.get("KSRCFIND_INDEX")
    shared = environment.get("KSRCFIND_SHARED_INDEXES")
    return Settings(
        index=Path(index).expanduser() if index else None,
        repo=Path(repo).expanduser() if repo else None,
        fallback_repo=_beside(path, given.repo),
        cache_dir=(Path(cache_dir).expanduser() if cache_dir else None)
        or _beside(path, given.cache_dir)
        or platformdirs.user_cache_path("ksrcfind"),
        release_tags=given.release_tags or DEFAULT_RELEASE_TAGS,
        jobs=given.jobs,
        color=given.color,
        hyperlinks=given.hyperlinks,
        place_link=given.place_link,
        commit_link=given.commit_link,
        editor=given.editor or environment.get("VISUAL") or environment.get("EDITOR") or "vi",
        roots=given.roots,
        trees={name: path.parent / Path(value).expanduser() for name, value in given.trees.items()},
        shared_indexes=(
            tuple(Path(one).expanduser() for one in shared.split(os.pathsep) if one)
            if shared is not None
            else tuple(path.parent / Path(one).expanduser() for one in given.shared_indexes)
            if given.shared_indexes is not None
            else SHARED_INDEXES
        ),
    )


def user_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the user's file, which need not exist."""
    import platformdirs

    variable = environment.get("KSRCFIND_CONFIG")
    return Path(variable).expanduser() if variable else platformdirs.user_config_path("ksrcfind") / "config.toml"


def check_user_file(content: bytes, name: str) -> None:
    """Raise `KsrcfindError` if the content of a user's file is not valid. `name` is the file's name in errors."""
    _parse(content, UserFile, name)


def with_tree_file(settings: Settings, content: bytes, name: str) -> Settings:
    """Return the settings with those of the tree's file; the release tags of the user's file take precedence.

    `name` is the file's name in errors. Raises `KsrcfindError` for a file that is too long or invalid.
    """
    given = _parse(content, TreeFile, name)
    by_user = settings.release_tags != DEFAULT_RELEASE_TAGS
    return replace(
        settings,
        release_tags=settings.release_tags if by_user else given.release_tags or DEFAULT_RELEASE_TAGS,
        roots=settings.roots + given.roots,
    )


def _beside(path: Path, value: str | None) -> Path | None:
    """Return a path from a configuration file: `~` is the home directory; a relative path starts at the file."""
    return path.parent / Path(value).expanduser() if value else None


def _parse(content: bytes, kind: type[_File], name: str) -> _File:
    if len(content) > FILE_LIMIT:
        raise KsrcfindError(f"{name}: longer than {FILE_LIMIT // 1024} KiB", FIX.format(name=name))
    if not content:
        return kind()
    import tomllib

    try:
        return msgspec.convert(tomllib.loads(content.decode()), kind)
    except UnicodeDecodeError as error:
        raise KsrcfindError(f"{name}: not UTF-8 text", FIX.format(name=name)) from error
    except tomllib.TOMLDecodeError as error:
        raise KsrcfindError(f"{name}: not valid TOML: {error}", FIX.format(name=name)) from error
    except RecursionError as error:
        raise KsrcfindError(f"{name}: nested too deeply", FIX.format(name=name)) from error
    except msgspec.ValidationError as error:
        raise KsrcfindError(
            f"{name}: {_key_first(str(error))}", f"Valid keys: {', '.join(kind.__struct_fields__)}."
        ) from error
    except ValueError as error:
        problem = f"{name}: not valid TOML: a number has too many digits"
        raise KsrcfindError(problem, FIX.format(name=name)) from error


def _key_first(problem: str) -> str:
    """Return "Expected `int`, got `str` - at `$.roots[0].format`" as "roots[0].format: expected `int`, got `str`"."""
    text, _, key = problem.partition(" - at `$")
    inside = key.removesuffix("`").removeprefix(".")
    unknown = text.removeprefix("Object contains unknown field `")
    if unknown != text:
        return f"unknown key {unknown.removesuffix('`')}" + (f" in {inside}" if inside else "")
    return f"{inside}: {text[:1].lower()}{text[1:]}" if inside else problem
