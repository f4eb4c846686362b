"""Settings: the user's file, the tree's file and the environment, resolved once and handed on.

The user's file may set everything. The tree's file (`.ksrcfind.toml` at its root) comes with a tree that nobody has
vouched for: it may say how this tree logs and names its releases, never where to read, write or what to run. Nothing
here looks at the environment by itself; the command line passes it in.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import platformdirs

from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import LEVELS, level_named

TREE_FILE = ".ksrcfind.toml"
"""Name of the tree's file, at the root of the tree."""

FILE_LIMIT = 256 * 1024
"""Bytes of a configuration file; a longer one is refused."""

DEFAULT_RELEASE_TAGS = ("v[0-9]*",)
"""Linux: `v5.9`, `v5.9-rc1`, `v5.9.2`."""

MEND = "Correct {name}, or move it away."
"""What to do about a file that is no configuration."""

Color = Literal["auto", "always", "never"]
Links = Literal["auto", "always", "never"]


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function or macro that prints to the log and that following the source would not find by itself."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
    """As it is called: `xen_printk`."""
    format: Annotated[int, msgspec.Meta(ge=0, le=30)]
    """Which argument is the format, counted from 0."""
    level: str | int | None = None
    """The level that it logs at, `cont` for one that continues a line; None when the format or run time tells."""
    prefix: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    """Text that it prints in front, in printf syntax: `(XEN) `."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a level that does not exist."""
        if self.level is not None and self.level_name is None:
            raise ValueError(f"{self.level!r} is no level: {', '.join((*LEVELS, 'cont'))}")

    @property
    def level_name(self) -> str | None:
        """The level under the name that the record has for it."""
        return "cont" if self.level == "cont" else level_named(str(self.level))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured, resolved."""

    cache_dir: Path
    """Where indexes are kept; need not exist yet."""
    repo: Path | None = None
    """The tree that an option or the environment names: no other is looked for."""
    index: Path | None = None
    """A bundle to answer from instead of a tree."""
    fallback_repo: Path | None = None
    """The tree that the user's file names: for a current directory that lies in none."""
    release_tags: tuple[str, ...] = DEFAULT_RELEASE_TAGS
    """Shell patterns of the tags that are releases."""
    jobs: int | None = None
    """Processes that work at the same time; None: one for each core that may be used."""
    follow: bool = True
    """Whether the text of messages is followed through history; otherwise git blame is the answer."""
    color: Color = "auto"
    hyperlinks: Links = "auto"
    """Whether a terminal gets places and commits as links."""
    place_link: str = "file://{file}"
    """Address of a place."""
    commit_link: str | None = None
    """Address of a commit."""
    editor: str = "vi"
    """Words that start an editor."""
    roots: tuple[Root, ...] = ()
    """Log calls to start from besides the built-in ones."""


Patterns = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], ...], msgspec.Meta(min_length=1, max_length=100)
]
Roots = Annotated[tuple[Root, ...], msgspec.Meta(max_length=1000)]


PlaceLink = Annotated[str, msgspec.Meta(pattern=r"^(?:[!-z|~]|\{(?:path|file|line|rev)\})+$", max_length=1000)]
CommitLink = Annotated[str, msgspec.Meta(pattern=r"^(?:[!-z|~]|\{commit\})+$", max_length=1000)]


class _TreeFile(msgspec.Struct, forbid_unknown_fields=True):
    release_tags: Patterns | None = None
    roots: Roots = ()


class _UserFile(msgspec.Struct, forbid_unknown_fields=True):
    repo: str | None = None
    cache_dir: str | None = None
    release_tags: Patterns | None = None
    jobs: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    color: Color = "auto"
    hyperlinks: Links = "auto"
    place_link: PlaceLink = "file://{file}"
    commit_link: CommitLink | None = None
    editor: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None
    roots: Roots = ()


_File = TypeVar("_File", _TreeFile, _UserFile)


def resolve(environment: Mapping[str, str]) -> Settings:
    """Read the user's file and the environment, which goes before it.

    The file is `KSRCFIND_CONFIG`, else `ksrcfind/config.toml` in the user's configuration directory, where it may be
    missing. Raises `KsrcfindError` for a file that cannot be read or holds a mistake.
    """
    named = environment.get("KSRCFIND_CONFIG")
    path = Path(named).expanduser() if named else platformdirs.user_config_path("ksrcfind") / "config.toml"
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        if named:
            raise KsrcfindError(f"no configuration file {path}", "KSRCFIND_CONFIG names it") from None
        content = b""
    except OSError as error:
        raise KsrcfindError(
            f"cannot read the configuration file {path}: {error.strerror}", "Name another with KSRCFIND_CONFIG."
        ) from error
    given = _parse(content, _UserFile, str(path))
    repo, cache_dir = environment.get("KSRCFIND_REPO"), environment.get("KSRCFIND_CACHE_DIR")
    index = environment.get("KSRCFIND_INDEX")
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
    )


def with_tree_file(settings: Settings, content: bytes, name: str) -> Settings:
    """Return the settings with what the tree's file adds; what the user's file decides about tags stays.

    `name` is what to call the file in an error. Raises `KsrcfindError` for a file that is too long or holds a mistake.
    """
    given = _parse(content, _TreeFile, name)
    by_user = settings.release_tags != DEFAULT_RELEASE_TAGS
    return replace(
        settings,
        release_tags=settings.release_tags if by_user else given.release_tags or DEFAULT_RELEASE_TAGS,
        roots=settings.roots + given.roots,
    )


def _beside(path: Path, value: str | None) -> Path | None:
    """Return a path of a configuration file: `~` is the home directory, a relative one starts at the file."""
    return path.parent / Path(value).expanduser() if value else None


def _parse(content: bytes, kind: type[_File], name: str) -> _File:
    if len(content) > FILE_LIMIT:
        raise KsrcfindError(f"{name}: longer than {FILE_LIMIT // 1024} KiB", MEND.format(name=name))
    try:
        return msgspec.convert(tomllib.loads(content.decode()), kind)
    except UnicodeDecodeError as error:
        raise KsrcfindError(f"{name}: not UTF-8 text", MEND.format(name=name)) from error
    except tomllib.TOMLDecodeError as error:
        raise KsrcfindError(f"{name}: not valid TOML: {error}", MEND.format(name=name)) from error
    except RecursionError as error:
        raise KsrcfindError(f"{name}: nested too deeply", MEND.format(name=name)) from error
    except msgspec.ValidationError as error:
        raise KsrcfindError(
            f"{name}: {_key_first(str(error))}", f"keys: {', '.join(kind.__struct_fields__)}"
        ) from error
    except ValueError as error:
        problem = f"{name}: not valid TOML: a number has too many digits"
        raise KsrcfindError(problem, MEND.format(name=name)) from error


def _key_first(problem: str) -> str:
    """Turn "Expected `int`, got `str` - at `$.roots[0].format`" into "roots[0].format: expected `int`, got `str`"."""
    text, _, key = problem.partition(" - at `$")
    inside = key.removesuffix("`").removeprefix(".")
    unknown = text.removeprefix("Object contains unknown field `")
    if unknown != text:
        return f"unknown key {unknown.removesuffix('`')}" + (f" in {inside}" if inside else "")
    return f"{inside}: {text[:1].lower()}{text[1:]}" if inside else problem
