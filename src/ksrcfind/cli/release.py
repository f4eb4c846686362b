"""Which release a log is explained with: the one that is asked for, or the one that the log's banner names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from ksrcfind.cli.session import Session
from ksrcfind.cli.terminal import show_note
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import Finder
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.life.kernel import banner_release, nearest_tag
from ksrcfind.log.records import Row

AUTO = "auto"
"""Given instead of a revision: that of the log."""
FEW = 20
"""Kernel lines that say nothing of a log as a whole."""
LOOKED_AT = 20_000
"""Rows of a log among which its banner is looked for."""


@contextmanager
def finder_of_log(
    session: Session, finder: Finder, asked: str | None, rows: Iterator[Row] | None, named: Sequence[str]
) -> Iterator[Finder]:
    """Give the finder of the release that a log is of, or the one that is there, and say so where they differ.

    `rows` is the log, to be read for this alone; None for one that can be read only once. `named` are the logs' names.
    Raises `KsrcfindError` if `asked` is `auto` and the release cannot be told.
    """
    if asked not in (None, AUTO):
        yield finder
        return
    if rows is None:
        if asked == AUTO:
            raise KsrcfindError("--rev auto takes a log that can be read twice", "Name a file, or the release.")
        yield finder
        return
    banner, tag = _release(finder, rows)
    if asked == AUTO and tag is None:
        raise KsrcfindError(
            "the release of this log cannot be told" if banner is None else f"no release tag for {banner[:80]}",
            "Name one with --rev.",
        )
    if banner is None or tag is None or tag.commit == finder.info.commit:
        yield finder
    elif asked == AUTO or tag in finder.indexed_releases():
        _say(session, f"the log is of {banner}; answers from {tag.name}, the nearest release")
        with finder.at_revision(tag.name) as other:
            yield other
    else:
        command = f"ksrcfind batch --rev {tag.name} {' '.join(named)}"
        here = finder.info.rev or finder.root
        _say(session, f"the log is of {banner}; answers from {here}, those of the nearest release by: {command}")
        yield finder


def say_misfit(session: Session, finder: Finder, known: int, lines: int) -> None:
    """Say so if hardly a line of a log is known to the tree."""
    if lines >= FEW and known * 2 < lines:
        here = finder.info.rev or finder.root
        _say(session, f"only {known:,} of {lines:,} kernel lines are in {here}: the log seems to be of another kernel")


def _release(finder: Finder, rows: Iterator[Row]) -> tuple[str | None, ReleaseTag | None]:
    """Return the first words of a log's banner, and the nearest tag."""
    for row in islice(rows, LOOKED_AT):
        wanted = None if row.log.is_userspace else banner_release(row.log.body)
        if wanted is not None:
            return " ".join(row.log.body.split()[:3]), nearest_tag(wanted, finder.releases)
    return None, None


def _say(session: Session, text: str) -> None:
    show_note(session.terminal.painter.line(f"note: {text}"))
