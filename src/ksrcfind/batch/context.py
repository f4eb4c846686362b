"""Choose between calls that print the same text (equal rivals) by the evidence of neighbouring lines.

Neighbouring lines only choose between calls that explain a line equally well; the answer names the evidence in
`Answer.decided_by`.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import CachedAnswer
from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Match, Tier
from ksrcfind.match.confidence import of_any, of_each
from ksrcfind.regex import regex
from ksrcfind.source.message import Message

NEIGHBOURS = 8
"""Number of lines before and after a line that count as its neighbours."""
CLOSE = 1.0
"""Limit of seconds between a line and its neighbour."""
DEVICES_KEPT = 4096
"""Limit of devices in memory; the last seen ones are kept."""
FILES_KEPT = 4096
"""Limit of files in memory for one boot."""
RIVALS = 16
"""Limit of calls with the same text that are compared: neighbouring lines seldom decide between more."""

_SURE = 0.8  # confidence of an answer that is evidence for others
_CHOSEN = 0.95  # share of the confidence of all equal rivals together that the chosen call gets
_LONGEST_PREFIX = 80  # characters of a line in which its device is named
_DEVICE = regex(r"(?<![\w.:-])(?:[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d|[A-Za-z][A-Za-z_-]{1,15}\d[\w.-]{0,15})(?!\w)")


class Neighbour(Struct, frozen=True):
    """A line whose answer is certain: it is evidence for the lines around it."""

    log: LogLine
    message: Message


def evidence_of(log: LogLine, answer: Answer) -> Neighbour | None:
    """Return a line as evidence for its neighbours; None if its answer is not certain."""
    first = answer.matches[0] if answer.matches else None
    if first is None or answer.rivals or first.tier is Tier.FUZZY or first.confidence < _SURE:
        return None
    return Neighbour(log, first.message)


class Choice(NamedTuple):
    """The result of choosing between calls that print the same text."""

    decided_by: str
    """The evidence, as in `Answer.decided_by`."""
    chosen: tuple[Match, ...]
    """Calls of one file, the likeliest first."""


@dataclass(slots=True)
class BootContext:
    """The evidence that the lines of one boot have given so far."""

    before: deque[Neighbour] = field(default_factory=lambda: deque(maxlen=NEIGHBOURS))
    """The last lines with a certain answer."""
    _devices: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Device → the file that certainly printed the last line about it."""
    _files: dict[str, None] = field(default_factory=dict)
    """Files that certainly printed a line in this boot."""

    def observe(self, neighbour: Neighbour) -> None:
        """Use a line with a certain answer as evidence for later ones."""
        path = neighbour.message.path
        self.before.append(neighbour)
        if len(self._files) < FILES_KEPT:
            self._files[path] = None
        for device in _DEVICE.findall(neighbour.log.body[:_LONGEST_PREFIX]):
            self._devices[device] = path
            self._devices.move_to_end(device)
        while len(self._devices) > DEVICES_KEPT:
            self._devices.popitem(last=False)

    def choice(self, log: LogLine, rivals: Sequence[Match], after: Iterable[Neighbour]) -> Choice | None:
        """Return which of the calls that print the same text the evidence chooses; None without evidence.

        All chosen calls are in one file. The call nearest to that of the last neighbour comes first.
        """
        near = [one.message for one in (*reversed(self.before), *after) if _is_near(one.log, log)]
        functions = {(message.path, message.function) for message in near}
        files = {message.path for message in near}
        devices = [self._devices.get(device) for device in _DEVICE.findall(log.body[:_LONGEST_PREFIX])]
        tests: tuple[tuple[str, Callable[[Message], bool]], ...] = (
            ("neighbours", lambda message: (message.path, message.function) in functions),
            ("device", lambda message: message.path in devices),
            ("neighbours", lambda message: message.path in files),
            ("boot", lambda message: message.path in self._files),
        )
        for decided_by, test in tests:
            chosen = [match for match in rivals if test(match.message)]
            if chosen and len({match.message.path for match in chosen}) == 1:
                # Calls of one file mostly run in the order of their lines.
                here = next((one.line_start for one in near if one.path == chosen[0].message.path), 0)
                chosen.sort(key=lambda match: abs(match.message.line_start - here))
                return Choice(decided_by, tuple(chosen))
        return None


def _is_near(one: LogLine, other: LogLine) -> bool:
    if one.uptime_s is not None and other.uptime_s is not None:
        return abs(one.uptime_s - other.uptime_s) <= CLOSE
    return True


def settled(known: CachedAnswer, choice: Choice) -> Answer:
    """Return an answer in which the chosen calls are the first matches."""
    answer, chosen = known.answer, choice.chosen
    together = of_any(known.equal[0].confidence, answer.rivals + 1)
    left = together * (1 - _CHOSEN) / max(1, answer.rivals + 1 - len(chosen))
    first = [replace(match, confidence=round(of_each(together * _CHOSEN, len(chosen)), 4)) for match in chosen]
    others = [match for match in (*known.equal, *answer.matches[len(known.equal) :]) if match not in chosen]
    behind = [replace(match, confidence=round(min(match.confidence, left), 4)) for match in others]
    matches = tuple([*first, *behind][: len(answer.matches)])
    return replace(answer, matches=matches, rivals=len(chosen) - 1, decided_by=choice.decided_by)
