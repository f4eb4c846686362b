"""Choose the release that answers for a log: the requested one, or the one that the log comes from."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice, zip_longest
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import shape
from ksrcfind.batch.coverage import BootSeen
from ksrcfind.bundle.at_path import KernelAt, kernel_at
from ksrcfind.cli.options import AUTO
from ksrcfind.cli.session import Session
from ksrcfind.cli.terminal import say
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import answering_from
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.log_release import banner_release, narrowed, oldest_possible, tag_of
from ksrcfind.history.provenance import Change
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.kernels.banner import Banner, read_banner
from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.log.stream import LogUnreadableError
from ksrcfind.progress import Task
from ksrcfind.tree.discover import find_tree
from ksrcfind.tree.versions import Version, kernel_of, parse_tag, series, without_zeros

KERNELS_NAMED = 3
"""Limit of kernels of a log that a note names."""
FEWEST_LINES = 20
"""Smallest number of kernel lines from which the release of a log can be found."""
BANNER_WITHIN = 20_000
"""Number of rows, from the start of a log, in which the kernel's banner is searched."""
SAMPLE = 200
"""Limit of different lines of a log without a banner that are matched against every indexed release."""


@contextmanager
def engine_of_log(
    session: Session, engine: Engine, rev: str | None, rows: Iterator[Row] | None, names: Sequence[str]
) -> Iterator[Engine]:
    """Yield the engine for the release of a log, or the given engine. If they differ, a note says so."""
    if rev == AUTO and rows is None:
        raise KsrcfindError(
            "--rev auto needs a file, not standard input or the journal", "Name a file, or the release."
        )
    if rev not in (None, AUTO) or rows is None:
        yield engine
        return
    detected = _detect(session, engine, _beginning(rows), required=rev == AUTO)
    if detected is None or detected.tag.commit == engine.info.commit:
        yield engine
    elif rev == AUTO or detected.certain:
        say(f"{detected.evidence}; answers are for {detected.tag.name}")
        with engine.at_revision(detected.tag.name) as other:
            yield other
    else:
        command = shlex.join(["ksrcfind", "batch", "--rev", detected.tag.name, *names])
        say(f"{detected.evidence}; answers are for {_name(engine)}. For {detected.tag.name}, run: {command}")
        yield engine


def session_of_log(session: Session, rows: Iterable[Row] | None) -> tuple[Session, str | None]:
    """Return the session for the named tree that fits a log's kernel best, and the value that `--rev` then has.

    The tree has the kernel's name or exactly its release. If there is none, and no tree is at the current directory
    either, the tree with the nearest release of the same series is used. A note says which tree it is. A tree that an
    option or the environment names is not replaced.
    """
    settings = session.settings
    if rows is None or not settings.trees or settings.repo is not None or settings.index is not None:
        return session, AUTO
    text = banner_in(_beginning(rows))
    banner = read_banner(text) if text is not None else None
    if banner is None:
        return session, AUTO
    trees = {name: (path, kernel_at(path)) for name, path in settings.trees.items()}
    fitting = _exact(session, trees, banner)
    nearest = None if fitting is not None or _has_own_tree(session) else _nearest(trees, banner)
    name = fitting or nearest
    if name is None:
        return session, AUTO
    how = "" if fitting is not None else ", the nearest release"
    say(f"the log is from Linux {banner.release}; answers are for the tree {name}{how}")
    path, kernel = trees[name]
    rev = AUTO if kernel.kind == "git repository" else None
    return replace(session, settings=answering_from(settings, path)), rev


def trees_with(settings: Settings, banner: Banner) -> tuple[str, ...]:
    """Return the names of the trees that are named after a kernel, or are directories of exactly its release."""
    found = [
        name
        for name, path in settings.trees.items()
        if (kernel := kernel_at(path)).kind != "missing" and (name == banner.release or _has_release(kernel, banner))
    ]
    return tuple(sorted(found, key=lambda name: name != banner.release))


def _exact(session: Session, trees: Mapping[str, tuple[Path, KernelAt]], banner: Banner) -> str | None:
    """Return the name of the tree that is named after a kernel, else of one with exactly its release; None if none."""
    if banner.release in trees and trees[banner.release][1].kind != "missing":
        return banner.release
    for name, (path, kernel) in trees.items():
        if _has_release(kernel, banner):
            return name
        if kernel.kind != "git repository":
            continue
        with suppress(KsrcfindError), replace(session, settings=replace(session.settings, repo=path)).engine() as one:
            tag = tag_of(banner.text, one.releases.tags)
            if tag is not None and without_zeros(kernel_of(tag.name, tag.version)) == banner.version:
                return name
    return None


def _nearest(trees: Mapping[str, tuple[Path, KernelAt]], banner: Banner) -> str | None:
    """Return the name of the tree with the nearest release of a kernel's series; None if there is none."""
    same = {
        name: release
        for name, (_path, kernel) in trees.items()
        if (release := _release(kernel)) is not None and series(release) == series(banner.version)
    }

    def distance(name: str) -> tuple[int, ...]:
        pairs = zip_longest(same[name].numbers, banner.version.numbers, fillvalue=0)
        return tuple(abs(own - wanted) for own, wanted in pairs)

    return min(same, key=distance, default=None)


def _has_release(kernel: KernelAt, banner: Banner) -> bool:
    """Return whether a directory has exactly the release of a banner. The files of a repository change."""
    return kernel.kind == "directory" and _release(kernel) == banner.version


def _release(kernel: KernelAt) -> Version | None:
    release = parse_tag(kernel.release) if kernel.release is not None else None
    return without_zeros(release) if release is not None else None


def _has_own_tree(session: Session) -> bool:
    if session.settings.fallback_repo is not None:
        return True
    try:
        find_tree(session.directory, named=False)
    except KsrcfindError:
        return False
    return True


def _beginning(rows: Iterable[Row]) -> list[Row]:
    """Return the first rows of a log, up to a damaged place; the full reading reports the damage."""
    found: list[Row] = []
    with suppress(LogUnreadableError):
        found.extend(islice(rows, BANNER_WITHIN))
    return found


def note_oldest_release(engine: Engine, introduced: Iterable[Change]) -> None:
    """Write a note with the earliest release that a log without a banner can be from.

    This is the release that introduced the newest of the log's messages.
    """

    def backports(commit: str) -> list[str | None]:
        return [other.release.first_tag for other in engine.histories.commit(commit).backports]

    order = {tag.name: number for number, tag in enumerate(engine.releases.tags)}
    found = oldest_possible(introduced, order, backports)
    if found is not None and order[found[1]] > 0:
        change, first = found
        say(
            f"the log names no release; it is from {first} or later, which introduced {change.path}:{change.line}",
        )


def note_few_matches(engine: Engine, matched: int, lines: int) -> None:
    """Write a note if fewer than half of a log's kernel lines match a message of the tree."""
    if lines >= FEWEST_LINES and matched * 2 < lines:
        say(
            f"only {matched:,} of {lines:,} kernel lines match {_name(engine)}: the log may be from another kernel",
        )


def note_other_series(engine: Engine, boots: Iterable[BootSeen]) -> None:
    """Write a note if a log comes from another kernel series than the tree's Makefile names."""
    own = engine.source.release
    version = parse_tag(own, tail=True) if own is not None else None
    if version is None:
        return
    banners = (seen.boot.banner for seen in boots if seen.boot.banner)
    others = [banner for banner in banners if (of := banner_release(banner)) and series(of) != series(version)]
    kernels = list(dict.fromkeys(" ".join(banner.split()[:3])[:80] for banner in others))
    if kernels:
        more = f" and {len(kernels) - KERNELS_NAMED} more" if len(kernels) > KERNELS_NAMED else ""
        named = f"{' and '.join(kernels[:KERNELS_NAMED])}{more}"
        say(f"the log is from {named}, the tree is {own}: messages may be worded differently, or be missing")


class _Detected(Struct, frozen=True):
    """The release that a log comes from."""

    tag: ReleaseTag
    evidence: str
    """Why the log comes from this release, as a clause for people."""
    certain: bool
    """True if the log's banner names the release and the release is indexed."""


def _detect(session: Session, engine: Engine, rows: Sequence[Row], *, required: bool) -> _Detected | None:
    """Return the release of a log. Raises `KsrcfindError` if it is required and unknown."""
    banner = banner_in(rows)
    if banner is not None:
        tag = tag_of(banner, engine.releases.tags)
        kernel = " ".join(banner.split()[:3])
        if tag is None and required:
            raise KsrcfindError(f"no release tag for {kernel[:80]}", "Name one with --rev.")
        if tag is None:
            return None
        return _Detected(tag, f"the log is from {kernel}", tag in engine.releases.indexed())
    detected = _narrowed(session, engine, rows, required=required) if engine.releases.indexed() else None
    if detected is None and required:
        raise KsrcfindError(
            "cannot determine the release of this log",
            "Name it with --rev. For a log without a banner, index several releases: ksrcfind index --releases",
        )
    return detected


def banner_in(rows: Iterable[Row]) -> str | None:
    """Return the first kernel banner in some rows; None if no row has one."""
    bodies = (row.log.body for row in rows if not row.log.is_userspace)
    return next((body for body in bodies if banner_release(body) is not None), None)


def _narrowed(session: Session, engine: Engine, rows: Sequence[Row], *, required: bool) -> _Detected | None:
    """Return the latest of the indexed releases that can print the most lines of a log.

    None if the engine's own tree can print more lines or, unless `required`, as many.
    """
    lines = _sample(rows)
    with session.terminal.progress.task("searching the indexed releases", len(lines)) as task:
        here, known = engine.releases.lines_known(_counted(lines, task))
    span = narrowed(known)
    if span is None or here > span.lines:
        return None
    names = span.first.name if span.first == span.last else f"{span.first.name} to {span.last.name}"
    evidence = (
        f"the log names no release; {names} can print the most of its messages ({span.lines} of {len(lines)} lines)"
    )
    if here == span.lines and not required:
        say(evidence)
        return None
    return _Detected(span.last, f"{evidence}, {_name(engine)} can print {here}", certain=False)


def _sample(rows: Iterable[Row]) -> list[LogLine]:
    """Return different kernel lines, spread over the whole log."""
    lines = {shape(row.log.body): row.log for row in rows if not row.log.is_userspace and row.log.body.strip()}
    return list(lines.values())[:: len(lines) // SAMPLE + 1]


def _counted(lines: Iterable[LogLine], task: Task) -> Iterator[LogLine]:
    for line in lines:
        yield line
        task.advance()


def _name(engine: Engine) -> str:
    return str(engine.info.rev or engine.root)
