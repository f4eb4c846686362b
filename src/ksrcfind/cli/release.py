"""Which release a log is explained with: the one that is asked for, or the one that the log tells.

A kernel's banner names it. Without one it is narrowed down by what the releases that are indexed can print, else by the
message that came last.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from ksrcfind.batch.answer_cache import shape
from ksrcfind.batch.coverage import BootSeen
from ksrcfind.cli.options import AUTO
from ksrcfind.cli.session import Session
from ksrcfind.cli.terminal import show_note
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.log_release import banner_release, narrowed, oldest_possible, tag_of
from ksrcfind.history.provenance import Change
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.log.stream import LogUnreadableError
from ksrcfind.progress import Task
from ksrcfind.tree.versions import parse_tag, series

MOST_NAMED = 3
"""Kernels of a log that a note names."""
FEW = 20
"""Kernel lines that say nothing of a log as a whole."""
LOOKED_AT = 20_000
"""Rows of a log among which its banner is looked for."""
SAMPLE = 200
"""Different lines of a log without a banner that all releases are asked for."""


@contextmanager
def engine_of_log(
    session: Session, engine: Engine, asked: str | None, rows: Iterator[Row] | None, named: Sequence[str]
) -> Iterator[Engine]:
    """Give the engine of the release that a log is of, or the one that is there, and say so where they differ.

    `rows` is the log, to be read for this alone; None for one that can be read only once. `named` are the logs' names.
    Raises `KsrcfindError` if `asked` is `auto` and the release cannot be told.
    """
    if asked == AUTO and rows is None:
        raise KsrcfindError(
            "--rev auto needs a file, not standard input or the journal", "Name a file, or the release."
        )
    if asked not in (None, AUTO) or rows is None:
        yield engine
        return
    told = _told_by(session, engine, _beginning(rows), wanted=asked == AUTO)
    if told is None or told.tag.commit == engine.info.commit:
        yield engine
    elif asked == AUTO or told.sure:
        _say(session, f"{told.by}; answers from {told.tag.name}")
        with engine.at_revision(told.tag.name) as other:
            yield other
    else:
        command = shlex.join(["ksrcfind", "batch", "--rev", told.tag.name, *named])
        _say(session, f"{told.by}; answers from {_name(engine)}, those of {told.tag.name} by: {command}")
        yield engine


def _beginning(rows: Iterable[Row]) -> list[Row]:
    """Return the first rows of a log, as many as can be read: where it is damaged is said when all of it is read."""
    found: list[Row] = []
    with suppress(LogUnreadableError):
        found.extend(islice(rows, LOOKED_AT))
    return found


def say_oldest(session: Session, engine: Engine, introduced: Iterable[Change]) -> None:
    """Say from which release on a log without a banner can be, going by when its messages were introduced."""

    def backports(commit: str) -> list[str | None]:
        return [other.release.first_tag for other in engine.histories.commit(commit).backports]

    order = {tag.name: number for number, tag in enumerate(engine.releases.tags)}
    found = oldest_possible(introduced, order, backports)
    if found is not None and order[found[1]] > 0:
        change, first = found
        _say(session, f"the log names no release; it is of {first} or later, which has {change.path}:{change.line}")


def say_misfit(session: Session, engine: Engine, known: int, lines: int) -> None:
    """Say so if hardly a line of a log is known to the tree."""
    if lines >= FEW and known * 2 < lines:
        _say(
            session,
            f"only {known:,} of {lines:,} kernel lines are in {_name(engine)}: the log seems to be of another kernel",
        )


def say_other_release(session: Session, engine: Engine, boots: Iterable[BootSeen]) -> None:
    """Say so if a log is of another series of kernels than the tree, as the tree's own Makefile has it."""
    own = engine.source.release
    version = parse_tag(own, tail=True) if own is not None else None
    if version is None:
        return
    banners = (seen.boot.banner for seen in boots if seen.boot.banner)
    others = [banner for banner in banners if (of := banner_release(banner)) and series(of) != series(version)]
    kernels = list(dict.fromkeys(" ".join(banner.split()[:3])[:80] for banner in others))
    if kernels:
        more = f" and {len(kernels) - MOST_NAMED} more" if len(kernels) > MOST_NAMED else ""
        named = f"{' and '.join(kernels[:MOST_NAMED])}{more}"
        _say(session, f"the log is of {named}, the tree of {own}: messages may read otherwise, or not be there")


@dataclass(frozen=True, slots=True)
class _Told:
    """A release that a log tells."""

    tag: ReleaseTag
    by: str
    """What tells it, for people."""
    sure: bool
    """True if it is indexed and named by the log itself: its answers are the right ones."""


def _told_by(session: Session, engine: Engine, rows: Sequence[Row], *, wanted: bool) -> _Told | None:
    """Return the release that a log tells. Raises `KsrcfindError` if one is wanted and the log tells none."""
    banner = banner_in(rows)
    if banner is not None:
        tag = tag_of(banner, engine.releases.tags)
        said = " ".join(banner.split()[:3])
        if tag is None and wanted:
            raise KsrcfindError(f"no release tag for {said[:80]}", "Name one with --rev.")
        if tag is None:
            return None
        return _Told(tag, f"the log is of {said}", tag in engine.releases.indexed())
    told = _narrowed(session, engine, rows, wanted=wanted) if engine.releases.indexed() else None
    if told is None and wanted:
        raise KsrcfindError(
            "the release of this log cannot be told",
            "Name one with --rev. Without a banner it takes indexes of several: ksrcfind index --releases",
        )
    return told


def banner_in(rows: Iterable[Row]) -> str | None:
    """Return the banner of a kernel among some rows, None if there is none."""
    bodies = (row.log.body for row in rows if not row.log.is_userspace)
    return next((body for body in bodies if banner_release(body) is not None), None)


def _narrowed(session: Session, engine: Engine, rows: Sequence[Row], *, wanted: bool) -> _Told | None:
    """Return the last of the releases whose messages fit the rows best; unless wanted only if the tree's fit less."""
    lines = _sample(rows)
    with session.terminal.progress.task("asking the releases", len(lines)) as task:
        here, known = engine.releases.lines_known(_passing(lines, task))
    span = narrowed(known)
    if span is None or here > span.lines:
        return None
    names = span.first.name if span.first == span.last else f"{span.first.name} to {span.last.name}"
    by = f"the log names no release; its messages are those of {names} ({span.lines} of {len(lines)} lines)"
    if here == span.lines and not wanted:
        _say(session, by)
        return None
    return _Told(span.last, f"{by}, {here} of them are in {_name(engine)}", sure=False)


def _sample(rows: Iterable[Row]) -> list[LogLine]:
    """Return different lines of the kernel, from all of a log."""
    lines = {shape(row.log.body): row.log for row in rows if not row.log.is_userspace and row.log.body.strip()}
    return list(lines.values())[:: len(lines) // SAMPLE + 1]


def _passing(lines: Iterable[LogLine], task: Task) -> Iterator[LogLine]:
    for line in lines:
        yield line
        task.advance()


def _name(engine: Engine) -> str:
    return str(engine.info.rev or engine.root)


def _say(session: Session, text: str) -> None:
    show_note(session.terminal.painter.line(f"note: {text}"))
