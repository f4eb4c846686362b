"""Checks what an answer depends on, each with what to do about it: git, tree, tags, history, cache, index.

Nothing here prints or changes anything. A check that cannot be made because an earlier one failed is left out.
"""

import platform
import shlex
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ksrcfind import __version__
from ksrcfind.bundle.backend import NO_HISTORY
from ksrcfind.bundle.format import Bundle
from ksrcfind.config import Settings
from ksrcfind.engine.context import open_tree, roots_of
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.releases import Releases, tag_targets
from ksrcfind.source.sinks import identity
from ksrcfind.storage.store import Store, store_path
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.git import Git
from ksrcfind.tree.names import skipped_note
from ksrcfind.tree.open import AnySnapshot
from ksrcfind.tree.repository import Repository, commit_graphs


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


def examine(settings: Settings, start: Path, rev: str | None) -> Iterator[Check]:
    """Yield all checks, in the order in which they depend on each other; `start` is the current directory."""
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
            yield Check("history", State.WARN, "none to ask", "; ".join(snapshot.notes) or NO_REPOSITORY)
        else:
            yield check_tags(snapshot.repository, settings.release_tags)
            yield from check_repository(snapshot.repository)
        yield check_cache(settings.cache_dir)
        yield from check_index(snapshot, settings)


NO_REPOSITORY = "Commits and releases need a git repository of Linux: name one with --repo."


def check_program() -> Check:
    """Say which ksrcfind and which Python answer."""
    return Check("ksrcfind", State.OK, f"{__version__}, Python {platform.python_version()}")


def check_git() -> Check:
    """Say which git is used. Without one, trees are still searched, but nothing is known of their history."""
    try:
        said = Git(Path("/"), alone=True).run("version").decode(errors="replace").strip()
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


def check_tree(snapshot: AnySnapshot) -> Check:
    """Say which tree is asked, and which state of it."""
    info = snapshot.info
    if info.commit is None:
        return Check("tree", State.OK, f"{snapshot.root}, files without git")
    state = "checked out" if info.source == "checkout" else "from git objects"
    edited = len(snapshot.changes) if isinstance(snapshot, CheckoutSnapshot) else 0
    edits = f", {_counted(edited, 'file')} edited" if edited else ""
    return Check("tree", State.OK, f"{snapshot.root} at {info.rev} ({info.commit[:12]}), {state}{edits}")


def check_bundle(path: Path) -> Check:
    """Say what the bundle holds that answers instead of a tree."""
    try:
        with closing(Bundle(path)) as index:
            about = index.about
    except KsrcfindError as error:
        return Check("index", State.ERROR, error.title, error.hint or None)
    made = f"{path}, made of {about.rev or about.commit or about.tree} on {about.made[:10]}"
    value = f"{made}: {_counted(about.messages, 'message')}{'' if about.history else ', no history'}"
    return Check("index", State.OK, value, None if about.history else NO_HISTORY)


def check_index(snapshot: AnySnapshot, settings: Settings) -> Iterator[Check]:
    """Say whether there is an index, how old it is, and what could not be told of the source."""
    missing = "none: answers look at the likeliest files only"
    path = store_path(settings.cache_dir, snapshot.root)
    if not path.exists():
        yield Check("index", State.WARN, missing, "ksrcfind index")
        return
    with closing(Store.open(path, identity(roots_of(settings)))) as store:
        found, size = store.revision(snapshot.key), store.size_bytes / 1e6
    if found is None:
        yield Check("index", State.WARN, f"{missing} (other revisions are indexed)", "ksrcfind index")
        return
    messages = _counted(found.size, "message")
    yield Check("index", State.OK, f"{messages}, made {_age(time.time() - found.made)} ago, {size:.1f} MB at {path}")
    yield Check(
        "parsing",
        State.OK,
        f"{_counted(found.recovered, 'call')} told from text where the C grammar gave up, "
        f"{_counted(found.lost, 'function')} not understood",
    )
    if found.skipped:
        yield Check("file names", State.WARN, skipped_note(found.skipped), "Rename them: the index holds UTF-8 only.")


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
    present = [graph for graph in commit_graphs(repository.common_directory / "objects") if graph.is_file()]
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


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _age(seconds: float) -> str:
    """Return how long ago in the largest unit that is full: `3 hours`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _counted(int(seconds // length), unit)
    return _counted(int(max(seconds, 0)), "second")


def _chunks(graph: Path) -> set[bytes]:
    """Return the ids of the chunks of a commit graph file (gitformat-commit-graph)."""
    with graph.open("rb") as file:
        header = file.read(8)
        if len(header) < 8 or header[:4] != b"CGPH":
            return set()
        table = file.read(12 * header[6])
    return {identifier for identifier, _ in struct.iter_unpack(">4sQ", table[: len(table) // 12 * 12])}
