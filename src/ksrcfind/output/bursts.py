"""Join messages that one function prints line after line, such as a register dump or a box of asterisks."""

from collections.abc import Iterator, Sequence

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.fold import Folded
from ksrcfind.match.answer import Tier

FEWEST = 5
"""Smallest number of messages that are joined to a burst; fewer are shown one by one."""
APART = 3
"""Largest distance in log lines between two messages of a burst: other CPUs print at the same time."""


def bursts(messages: Sequence[Folded]) -> Iterator[Sequence[Folded]]:
    """Yield the messages in their order: all messages of a burst as one group, every other message alone."""
    run: list[Folded] = []
    for folded in messages:
        if run and not _continues(run[-1], folded):
            yield from _split(run)
            run = []
        run.append(folded)
    yield from _split(run)


def _split(run: list[Folded]) -> Iterator[Sequence[Folded]]:
    if len(run) >= FEWEST:
        yield run
    else:
        yield from ([folded] for folded in run)


def _continues(one: Folded, other: Folded) -> bool:
    kind = _kind(one)
    if kind is None or kind != _kind(other):
        return False
    before, after = one.occurrences.first, other.occurrences.first
    if before.source != after.source or before.line is None or after.line is None:
        return False
    return 0 < after.line - before.line <= APART


def _kind(folded: Folded) -> object:
    """Return a key that the messages of a burst share; None for a message that is always shown alone."""
    finding, seen = folded.finding, folded.occurrences
    match = finding.match
    if match is None or match.tier is Tier.FUZZY or match.message.function is None or seen.report is not None:
        return None
    introduced = finding.history.introduced if finding.history is not None else None
    level = level_of(finding.log, finding.answer)
    return match.message.path, match.message.function, level, seen.count, introduced.commit if introduced else None
