"""Check everything that an answer depends on: git, tree, tags, history, cache, index. Each check has its advice.

Nothing here prints or changes anything. A check is omitted if it depends on another one that failed.
"""

import platform
import shlex
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from ksrcfind import __version__
from ksrcfind.bundle.backend import NO_HISTORY
from ksrcfind.bundle.format import Bundle
from ksrcfind.config import Settings
from ksrcfind.engine.context import open_tree, roots_of
from ksrcfind.engine.index_manager import fits
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.releases import Releases, tag_targets
from ksrcfind.source.sinks import identity
from ksrcfind.storage.sharing import shared_revisions, unusable
from ksrcfind.storage.store import Store, store_path
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.git import Git
from ksrcfind.tree.names import skipped_note
from ksrcfind.tree.open import AnySnapshot
from ksrcfind.tree.repository import Repository, commit_graphs


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    """Answers are correct, but slower or less complete."""
    ERROR = "error"
    """Some or all questions cannot be answered."""


class Check(Struct, frozen=True):
    """One check."""

    name: str
    """Two words at most: `commit graph`."""
    state: State
    value: str
    """What the check found."""
    advice: str | None = None
    """What to do; None if there is nothing to do."""


def examine(settings: Settings, start: Path, rev: str | None) -> Iterator[Check]:
    """Yield all checks; each one follows those it depends on. `start` is the current directory."""
    yield check_program()
    yield check_git()
    if settings.index is not None:
        yield check_bundle(settings.index)
        return
    try:
        snapshot, settings = open_tree(settings.repo, start, rev, settings)
    except KsrcfindError as error:
        yield Check("tree", State.ERROR, error.title, error.hint or None)
        yield check_cache(settings.cache_dir)
        return
    with closing(snapshot):
        yield check_tree(snapshot)
        if snapshot.repository is None:
            yield Check("history", State.WARN, "none", "; ".join(snapshot.notes) or NO_REPOSITORY)
        else:
            yield check_tags(snapshot.repository, settings.release_tags)
            yield from check_repository(snapshot.repository)
        yield check_cache(settings.cache_dir)
        yield from check_index(snapshot, settings)


NO_REPOSITORY = "For commits and releases, name a git repository of Linux with --repo."


def check_program() -> Check:
    """Return the versions of ksrcfind and Python."""
    return Check("ksrcfind", State.OK, f"{__version__}, Python {platform.python_version()}")


def check_git() -> Check:
    """Return the version of git. Without git, trees can be searched, but they have no history."""
    try:
        version = Git(Path("/"), alone=True).run("version").decode(errors="replace").strip()
    except KsrcfindError as error:
        return Check("git", State.WARN, error.title, error.hint)
    return Check("git", State.OK, version.removeprefix("git version "))


def check_cache(directory: Path) -> Check:
    """Return the directory of indexes, and whether it can be written."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):  # Permissions are not enough: the medium may be read-only.
            return Check("cache", State.OK, str(directory))
    except OSError as error:
        return Check(
            "cache",
            State.WARN,
            f"cannot write {directory}: {error.strerror}",
            "Name another directory with KSRCFIND_CACHE_DIR, or with cache_dir in the configuration file.",
        )


def check_tree(snapshot: AnySnapshot) -> Check:
    """Return the tree that answers, and its revision."""
    info = snapshot.info
    if info.commit is None:
        return Check("tree", State.OK, f"{snapshot.root}, files without git")
    state = "checked out" if info.source == "checkout" else "from git objects"
    edited = len(snapshot.changes) if isinstance(snapshot, CheckoutSnapshot) else 0
    edits = f", {_counted(edited, 'file')} edited" if edited else ""
    return Check("tree", State.OK, f"{snapshot.root} at {info.rev} ({info.commit[:12]}), {state}{edits}")


def check_bundle(path: Path) -> Check:
    """Return the contents of the bundle that answers instead of a tree."""
    try:
        with closing(Bundle(path)) as index:
            about = index.about
    except KsrcfindError as error:
        return Check("index", State.ERROR, error.title, error.hint or None)
    made = f"{path}, made from {about.rev or about.commit or about.tree} on {about.made[:10]}"
    parts = f"{'' if about.history else ', no history'}{', with code' if about.code else ''}"
    value = f"{made}: {_counted(about.messages, 'message')}{parts}"
    return Check("index", State.OK, value, None if about.history else NO_HISTORY)


def check_index(snapshot: AnySnapshot, settings: Settings) -> Iterator[Check]:
    """Yield whether there is an index, how old it is, and which source could not be parsed."""
    missing = "none: only the files that are likely to contain a message are searched"
    advice = "For fast and complete answers: ksrcfind index"
    path = store_path(settings.cache_dir, snapshot.root)
    found, size, other = None, 0.0, ""
    if path.exists():
        with closing(Store.open(path, identity(roots_of(settings)))) as store:
            found, size = store.revision(snapshot.key), store.size_bytes / 1e6
            other = " (other revisions are indexed)" if store.revisions() else ""
    for directory in unusable(path, settings.shared_indexes):
        value = f"{directory} is not used: it cannot be read, or others than you and root can change it"
        yield Check("shared index", State.WARN, value, f"sudo chmod -R go+rX,go-w {shlex.quote(str(directory))}")
    if found is None:
        known = identity(roots_of(settings))
        shared = next(shared_revisions(path, known, fits(snapshot), settings.shared_indexes), None)
        if shared is None:
            yield Check("index", State.WARN, f"{missing}{other}", advice)
        else:
            yield Check("index", State.OK, f"that of {shared[0]}, which the next question uses")
        return
    messages = _counted(found.size, "message")
    yield Check("index", State.OK, f"{messages}, made {_age(time.time() - found.made)} ago, {size:.1f} MB at {path}")
    yield Check(
        "parsing",
        State.OK,
        f"{_counted(found.recovered, 'call')} read from text that the C parser rejected, "
        f"{_counted(found.lost, 'function')} not parsed",
    )
    if found.skipped:
        yield Check(
            "file names", State.WARN, skipped_note(found.skipped), "Rename them: the index supports only UTF-8."
        )


def check_repository(repository: Repository) -> Iterator[Check]:
    """Yield what the repository of a tree lacks."""
    git = f"git -C {shlex.quote(str(repository.root))}"
    if repository.shallow:
        yield Check("history", State.WARN, "incomplete: a shallow clone", f"{git} fetch --unshallow")
    if repository.partial:
        yield Check(
            "objects",
            State.WARN,
            "a partial clone: ksrcfind fetches nothing, so files may be missing",
            f"{git} fetch --refetch --no-filter",
        )
    yield check_commit_graph(repository)


def check_commit_graph(repository: Repository) -> Check:
    """Return whether the repository has a commit-graph, which makes histories fast."""
    present = [graph for graph in commit_graphs(repository.common_directory / "objects") if graph.is_file()]
    write = f"git -C {shlex.quote(str(repository.root))} commit-graph write --reachable --changed-paths"
    if not present:
        return Check("commit graph", State.WARN, "none: histories take several times as long", write)
    if not any(b"BIDX" in _chunks(graph) for graph in present):
        return Check("commit graph", State.OK, "without changed paths", f"For faster histories: {write}")
    return Check("commit graph", State.OK, "with changed paths")


def check_tags(repository: Repository, patterns: tuple[str, ...]) -> Check:
    """Return which tags are releases, and how many are not and why."""
    releases = Releases(repository, patterns)
    total = len(tag_targets(repository))
    other = total - len(releases.tags) - len(releases.ignored)
    ignored = [f"{other} with other names"] if other else []
    if releases.ignored:
        ignored.append(f"{len(releases.ignored)} that name no commit ({', '.join(releases.ignored[:3])})")
    tail = f"; ignored: {', '.join(ignored)}" if ignored else ""
    if releases.tags:
        first, last = releases.tags[0].name, releases.tags[-1].name
        return Check("release tags", State.OK, f"{len(releases.tags)}, {first} to {last}{tail}")
    advice = (
        "Set release_tags in the configuration file to the names of release tags."
        if total
        else f"git -C {shlex.quote(str(repository.root))} fetch --tags"
    )
    return Check("release tags", State.WARN, f"none, so answers name no release{tail}", advice)


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _age(seconds: float) -> str:
    """Return a duration in its largest whole unit: `3 hours`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _counted(int(seconds // length), unit)
    return _counted(int(max(seconds, 0)), "second")


def _chunks(graph: Path) -> set[bytes]:
    """Return the ids of the chunks of a commit-graph file (gitformat-commit-graph)."""
    with graph.open("rb") as file:
        header = file.read(8)
        if len(header) < 8 or header[:4] != b"CGPH":
            return set()
        table = file.read(12 * header[6])
    return {identifier for identifier, _ in struct.iter_unpack(">4sQ", table[: len(table) // 12 * 12])}
