"""A whole log: repeats of one message folded into one answer, and the count of all.

Memory is bounded by the number of distinct messages, not by the length of the log: of the values that a message was
seen with, at most `VALUES_KEPT` are told apart for each argument, and lines that nothing explains are folded too.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ksrcfind.finding import Finding
from ksrcfind.match.answer import Match, Tier

VALUES_KEPT = 100
"""Distinct values counted for each argument of a message."""

VALUE_LENGTH = 200
"""Characters kept of each of them."""

UNEXPLAINED_KEPT = 10_000
"""Distinct texts kept of lines that nothing explains; further ones are folded by their reason alone."""

FOLDED_BY_REASON = {"userspace", "empty", "part_of_event"}
"""Reasons for which the text of the line does not matter."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One line of a log in which a message stood."""

    source: str | None
    """File name, `-` for standard input."""
    line: int | None
    """1-based."""
    uptime_s: float | None
    """Seconds since boot."""
    time: datetime | None
    wallclock: str | None
    """The wall clock time as read."""


@dataclass(frozen=True, slots=True)
class ArgumentValues:
    """What one argument of a message stood at."""

    values: tuple[tuple[str, int], ...]
    """Distinct values with their counts, most frequent first; at most `VALUES_KEPT`, each cut at `VALUE_LENGTH`."""
    complete: bool
    """False if there were further values that are not counted here."""


@dataclass(frozen=True, slots=True)
class Occurrences:
    """How often and when a message stood in the log."""

    count: int
    first: Sighting
    last: Sighting
    arguments: tuple[ArgumentValues, ...]
    """One for each argument of the first match, in order."""


@dataclass(frozen=True, slots=True)
class Folded:
    """All lines of a log that one message explains, or that nothing explains in the same way."""

    finding: Finding
    """One example: the first of those that the message explains best."""
    occurrences: Occurrences


@dataclass(frozen=True, slots=True)
class Summary:
    """What a log came to."""

    lines: int
    verdicts: Mapping[str, int]
    """Lines by verdict: exact, partial, fuzzy, none."""
    reasons: Mapping[str, int]
    """Lines of verdict `none` by reason code."""
    messages: int
    """Distinct messages that explain a line as first match."""
    interrupted: bool
    """True if the log was not read to its end."""


class Tally:
    """Counts findings as they pass, for the summary."""

    def __init__(self) -> None:
        self._verdicts: Counter[str] = Counter(dict.fromkeys((*(tier.value for tier in Tier), "none"), 0))
        self._reasons: Counter[str] = Counter()
        self._messages: set[object] = set()

    def add(self, finding: Finding) -> None:
        """Count one finding."""
        answer = finding.answer
        self._verdicts[answer.verdict] += 1
        if answer.matches:
            self._messages.add(_identity(answer.matches[0]))
        elif answer.reason is not None:
            self._reasons[answer.reason.code] += 1

    def summary(self, *, interrupted: bool = False) -> Summary:
        """Return what was counted so far."""
        return Summary(
            lines=self._verdicts.total(),
            verdicts=dict(self._verdicts),
            reasons=dict(self._reasons.most_common()),
            messages=len(self._messages),
            interrupted=interrupted,
        )


class Fold:
    """Folds the findings of a log: one answer for each message, in the order in which they first stood there."""

    def __init__(self) -> None:
        self._groups: dict[object, _Group] = {}
        self._unexplained = 0

    def add(self, finding: Finding) -> None:
        """Take one finding in."""
        key = _key(finding, by_text=self._unexplained < UNEXPLAINED_KEPT)
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = group = _Group(finding)
            self._unexplained += not finding.answer.matches
        group.add(finding)

    def folded(self) -> list[Folded]:
        """Return what was taken in so far."""
        return [group.folded() for group in self._groups.values()]


def _identity(match: Match) -> object:
    message = match.message
    return (message.path, message.line_start, message.call, match.form.printed)


# Numbers of any base, so that lines that differ only in them count as one text.
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\b[0-9a-fA-F]*[0-9][0-9a-fA-F]*\b")


def _key(finding: Finding, *, by_text: bool) -> object:
    answer = finding.answer
    if answer.matches:
        return _identity(answer.matches[0])
    code = answer.reason.code if answer.reason else None
    if finding.log is None or code in FOLDED_BY_REASON or not by_text:
        return code
    return (code, _NUMBER.sub("#", finding.log.body[:1000]))


_RANK = {tier.value: rank for rank, tier in enumerate(Tier)}


@dataclass(slots=True)
class _Group:
    """The lines of one message while the log is being read."""

    example: Finding
    count: int = 0
    first: Sighting | None = None
    last: Sighting | None = None
    values: list[Counter[str]] = field(default_factory=list)
    incomplete: set[int] = field(default_factory=set)

    def add(self, finding: Finding) -> None:
        # A syslog daemon may have folded repeats already: "message repeated 3 times".
        self.count += finding.log.repeats if finding.log else 1
        if _RANK.get(finding.answer.verdict, 9) < _RANK.get(self.example.answer.verdict, 9):
            self.example = finding
        self.last = sighting = _sighting(finding)
        self.first = self.first or sighting
        if not finding.answer.matches:
            return
        values = finding.answer.matches[0].values
        self.values.extend(Counter() for _ in values[len(self.values) :])
        for position, value in enumerate(values):
            if value.value is not None:
                self._count(position, value.value[:VALUE_LENGTH])

    def _count(self, position: int, value: str) -> None:
        counter = self.values[position]
        if value in counter or len(counter) < VALUES_KEPT:
            counter[value] += 1
        else:
            self.incomplete.add(position)

    def folded(self) -> Folded:
        first = self.first or _sighting(self.example)
        arguments = tuple(
            ArgumentValues(tuple(counter.most_common()), position not in self.incomplete)
            for position, counter in enumerate(self.values)
        )
        return Folded(self.example, Occurrences(self.count, first, self.last or first, arguments))


def _sighting(finding: Finding) -> Sighting:
    source, line, log = finding.input.source, finding.input.line, finding.log
    if log is None:
        return Sighting(source, line, None, None, None)
    return Sighting(source, line, log.uptime_s, log.time, log.wallclock)
