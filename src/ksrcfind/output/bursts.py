"""What one function prints line after line: a dump of registers, a table, a box of asterisks. Shown as one message."""

from collections.abc import Iterator, Sequence

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.fold import Folded
from ksrcfind.match.answer import Tier

FEWEST = 5
"""Messages; fewer are shown one by one."""
APART = 3
"""Lines of the log from one to the next at most: other processors print meanwhile."""


def bursts(messages: Sequence[Folded]) -> Iterator[Sequence[Folded]]:
    """Yield the messages, in their order, those that one function printed in a row together and others alone."""
    run: list[Folded] = []
    for folded in messages:
        if run and not _goes_on(run[-1], folded):
            yield from _told(run)
            run = []
        run.append(folded)
    yield from _told(run)


def _told(run: list[Folded]) -> Iterator[Sequence[Folded]]:
    if len(run) >= FEWEST:
        yield run
    else:
        yield from ([folded] for folded in run)


def _goes_on(one: Folded, other: Folded) -> bool:
    kind = _kind(one)
    if kind is None or kind != _kind(other):
        return False
    before, after = one.occurrences.first, other.occurrences.first
    if before.source != after.source or before.line is None or after.line is None:
        return False
    return 0 < after.line - before.line <= APART


def _kind(folded: Folded) -> object:
    """Return what the messages of a run have in common; None for one that stands alone."""
    finding, seen = folded.finding, folded.occurrences
    match = finding.match
    if match is None or match.tier is Tier.FUZZY or match.message.function is None or seen.report is not None:
        return None
    introduced = finding.history.introduced if finding.history is not None else None
    level = level_of(finding.log, finding.answer)
    return match.message.path, match.message.function, level, seen.count, introduced.commit if introduced else None
