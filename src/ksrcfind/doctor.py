"""Checks what an answer depends on, each with what to do about it: git, tree, tags, history, cache, index.

Nothing here prints or changes anything. A check that cannot be made because an earlier one failed is left out.
"""

import platform
import shlex
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ksrcfind import __version__
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.releases import Releases, tag_targets
from ksrcfind.tree.git import Git
from ksrcfind.tree.repository import Repository


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """Answers are right, but slower or poorer than they could be."""
    ERROR = "error"
    """Some or all questions cannot be answered."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Two words at most: `commit graph`."""
    state: State
    value: str
    """What was found."""
    advice: str | None = None
    """What to do about it, if there is something to do."""


def check_program() -> Check:
    """Say which ksrcfind and which Python answer."""
    return Check("ksrcfind", State.OK, f"{__version__}, Python {platform.python_version()}")


def check_git() -> Check:
    """Say which git is used. Without one, trees are still searched, but nothing is known of their history."""
    try:
        said = Git(Path("/")).run("version").decode(errors="replace").strip()
    except KsrcfindError as error:
        return Check("git", State.WARN, error.title, error.hint)
    return Check("git", State.OK, said.removeprefix("git version "))


def check_cache(directory: Path) -> Check:
    """Say where indexes are kept, and whether they can be."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):  # Permissions alone do not tell: it may be a read-only medium.
            return Check("cache", State.OK, str(directory))
    except OSError as error:
        return Check(
            "cache",
            State.WARN,
            f"{directory} cannot be written: {error.strerror}",
            "Name another directory: KSRCFIND_CACHE_DIR, or cache_dir in the configuration file.",
        )


def check_repository(repository: Repository) -> Iterator[Check]:
    """Say what the repository of a tree lacks."""
    git = f"git -C {shlex.quote(str(repository.root))}"
    if repository.shallow:
        yield Check("history", State.WARN, "cut short: a shallow clone", f"{git} fetch --unshallow")
    if repository.partial:
        yield Check(
            "objects",
            State.WARN,
            "a partial clone; nothing is fetched while looking, so files may be missing",
            f"{git} fetch --refetch --no-filter",
        )
    yield check_commit_graph(repository)


def check_commit_graph(repository: Repository) -> Check:
    """Say whether git can walk the history the fast way."""
    present = [graph for graph in _commit_graphs(repository.common_directory / "objects") if graph.is_file()]
    write = f"git -C {shlex.quote(str(repository.root))} commit-graph write --reachable --changed-paths"
    if not present:
        return Check("commit graph", State.WARN, "none: history takes several times as long", write)
    if not any(b"BIDX" in _chunks(graph) for graph in present):
        return Check("commit graph", State.OK, "without changed paths", f"For faster history: {write}")
    return Check("commit graph", State.OK, "with changed paths")


def check_tags(repository: Repository, patterns: tuple[str, ...]) -> Check:
    """Say which tags count as releases, and how many do not and why."""
    releases = Releases(repository, patterns)
    total = len(tag_targets(repository))
    other = total - len(releases.tags) - len(releases.ignored)
    ignored = [f"{other} of another form"] if other else []
    if releases.ignored:
        ignored.append(f"{len(releases.ignored)} that lead to no commit ({', '.join(releases.ignored[:3])})")
    tail = f"; ignored: {', '.join(ignored)}" if ignored else ""
    if releases.tags:
        first, last = releases.tags[0].name, releases.tags[-1].name
        return Check("release tags", State.OK, f"{len(releases.tags)}, {first} to {last}{tail}")
    advice = (
        "Say with release_tags in the configuration file which tags are releases."
        if total
        else f"git -C {shlex.quote(str(repository.root))} fetch --tags"
    )
    return Check("release tags", State.WARN, f"none, so no release can be named{tail}", advice)


def _commit_graphs(objects: Path) -> Iterator[Path]:
    """Yield where commit graph files may be: one file, a chain of them, and those of borrowed objects."""
    yield objects / "info" / "commit-graph"
    chain = objects / "info" / "commit-graphs"
    for name in _lines(chain / "commit-graph-chain"):
        yield chain / f"graph-{name}.graph"
    for borrowed in _lines(objects / "info" / "alternates"):
        yield objects / borrowed / "info" / "commit-graph"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []


def _chunks(graph: Path) -> set[bytes]:
    """Return the ids of the chunks of a commit graph file (gitformat-commit-graph)."""
    with graph.open("rb") as file:
        header = file.read(8)
        if len(header) < 8 or header[:4] != b"CGPH":
            return set()
        table = file.read(12 * header[6])
    return {identifier for identifier, _ in struct.iter_unpack(">4sQ", table[: len(table) // 12 * 12])}
