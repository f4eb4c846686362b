"""Compare the messages of two releases: which were added, removed, reworded, moved, or changed level."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator

from msgspec import Struct

from ksrcfind.levels import rank
from ksrcfind.match.similarity import similarity
from ksrcfind.regex import regex
from ksrcfind.source.message import Message

KINDS = ("reworded", "level_changed", "moved", "removed", "added")
"""The kinds of differences."""

NEARLY_SAME = 0.9
"""Similarity (0–1) of two texts of one function above which one replaced the other, even if a copy is elsewhere."""
SAME_FUNCTION = 0.55
"""Similarity of two unpaired texts of one function above which one replaced the other."""
SAME_FILE = 0.75
"""Similarity of two unpaired texts of one file above which one replaced the other."""
WORDS = regex(r"[A-Za-z]{3,}")
MANY = 400
"""Unpaired messages of one file; with more, only messages of the same function are compared."""


class Difference(Struct, frozen=True):
    """A difference between two releases in one message."""

    kind: str
    """One of `KINDS`. A message that was reworded may have moved and changed its level as well."""
    old: Message | None
    """The message in the older release; None if it was added."""
    new: Message | None
    """The message in the newer release; None if it was removed."""

    @property
    def similarity(self) -> float | None:
        """How similar the two texts of a reworded message are (0–1): nothing else says that one replaced the other.

        None for other kinds, which follow from equal texts.
        """
        if self.kind != "reworded" or self.old is None or self.new is None:
            return None
        return round(similarity(self.old.forms[0].printed, self.new.forms[0].printed), 2)

    @property
    def tier(self) -> str | None:
        """How certain it is that both messages are one; None if there is only one.

        `exact`: equal texts. `partial`: another text in the same function. `fuzzy`: another text in another function.
        """
        if self.old is None or self.new is None:
            return None
        if self.kind != "reworded":
            return "exact"
        same = (_name(self.old.path), self.old.function) == (_name(self.new.path), self.new.function)
        return "partial" if same and self.old.function is not None else "fuzzy"

    @property
    def severity(self) -> int:
        """The number of the more severe level that the message has or had, 0 for emerg; 8 for an unknown level."""
        return min(rank(message.level) for message in (self.old, self.new) if message is not None)

    @property
    def place(self) -> tuple[str, int, str]:
        """Sort key: the path and line of the message now, else before, then the kind."""
        message = self.new or self.old
        return (message.path, message.line_start, self.kind) if message is not None else ("", 0, self.kind)


class Selection(Struct, frozen=True):
    """Selects differences."""

    kinds: frozenset[str] = frozenset(KINDS)
    min_level: str | None = None
    """Only messages that have or had this level or a more severe one; None for all, also of unknown level."""
    subsystem: str | None = None
    """Only messages of subsystems whose name contains this, in upper or lower case."""

    def of(self, found: Iterable[Difference], subsystem_of: Callable[[str], str | None]) -> list[Difference]:
        """Return the differences that are selected, in their order, given the subsystem of each path."""
        least = rank(self.min_level)
        part = self.subsystem.lower() if self.subsystem is not None else None
        return [
            one
            for one in found
            if one.kind in self.kinds
            and one.severity <= least
            and (part is None or part in (subsystem_of(one.place[0]) or "").lower())
        ]


Key = Callable[[Message], Hashable]
"""Two messages with equal keys can be a pair; None is never paired."""


def differences(pairs: Iterable[tuple[Iterable[Message], Iterable[Message]]]) -> list[Difference]:
    """Return the differences between two trees, by path and line, given the messages of each file (old, new).

    A message with the same text, function and level is unchanged, even on another line. The others are paired in order
    of certainty: another level, another location, another wording.
    """
    old: list[Message] = []
    new: list[Message] = []
    for was, now in pairs:
        left = _Unpaired(list(was), list(now))
        left.pair(lambda message: (_texts(message), message.level, message.function))
        old += left.old
        new += left.new
    left = _Unpaired(old, new)
    found: list[Difference] = []
    for kind, key in _IN_FILE:
        found += (Difference(kind, was, now) for was, now in left.pair(key))
    # A nearly equal text in the same function wins over an equal text elsewhere, which is a copy.
    found += (Difference("reworded", was, now) for was, now in left.pair_alike(_in_function, NEARLY_SAME))
    for key in _ELSEWHERE:
        found += (Difference("moved", was, now) for was, now in left.pair(key))
    for key, least in _REWORDED:
        found += (Difference("reworded", was, now) for was, now in left.pair_alike(key, least))
    found += (Difference("removed", was, None) for was in left.old)
    found += (Difference("added", None, now) for now in left.new)
    return sorted(found, key=lambda difference: difference.place)


class _Unpaired:
    """The messages of both sides that are not paired yet."""

    def __init__(self, old: list[Message], new: list[Message]) -> None:
        self.old = old
        self.new = new

    def pair(self, key: Key) -> list[tuple[Message, Message]]:
        """Remove and return the pairs with equal keys; several messages with one key are paired in order."""
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for number in range(len(self.new) - 1, -1, -1):
            waiting[key(self.new[number])].append(number)
        waiting.pop(None, None)
        pairs = [(number, waiting[name].pop()) for number, was in enumerate(self.old) if waiting.get(name := key(was))]
        return self._take(pairs)

    def pair_alike(self, key: Key, least: float) -> list[tuple[Message, Message]]:
        """Remove and return the pairs with equal keys and at least this similarity, the most similar first."""
        new: dict[Hashable, list[int]] = defaultdict(list)
        for number, now in enumerate(self.new):
            new[key(now)].append(number)
        old: dict[Hashable, list[int]] = defaultdict(list)
        for number, was in enumerate(self.old):
            old[key(was)].append(number)
        old.pop(None, None)
        scored: list[tuple[float, int, int]] = []
        for name in old.keys() & new.keys():
            if len(old[name]) * len(new[name]) <= MANY * MANY:
                scored += self._alike(old[name], new[name], least)
        pairs: list[tuple[int, int]] = []
        taken_old: set[int] = set()
        taken_new: set[int] = set()
        for _score, first, second in sorted(scored, key=lambda item: (-item[0], item[1], item[2])):
            if first not in taken_old and second not in taken_new:
                taken_old.add(first)
                taken_new.add(second)
                pairs.append((first, second))
        return self._take(sorted(pairs))

    def _alike(self, old: list[int], new: list[int], least: float) -> Iterator[tuple[float, int, int]]:
        for was in old:
            for now in new:
                score = alike(self.old[was].forms[0].printed, self.new[now].forms[0].printed)
                if score >= least:
                    yield score, was, now

    def _take(self, pairs: list[tuple[int, int]]) -> list[tuple[Message, Message]]:
        taken = [(self.old[was], self.new[now]) for was, now in pairs]
        gone, come = {was for was, _ in pairs}, {now for _, now in pairs}
        self.old = [message for number, message in enumerate(self.old) if number not in gone]
        self.new = [message for number, message in enumerate(self.new) if number not in come]
        return taken


def alike(one: str, other: str) -> float:
    """Return the similarity of two texts (0–1); 0 if they share no word."""
    if set(WORDS.findall(one.lower())).isdisjoint(WORDS.findall(other.lower())):
        return 0.0
    return similarity(one, other)


def counts(found: Iterable[Difference]) -> dict[str, int]:
    """Return how many differences there are of each kind."""
    seen = Counter(difference.kind for difference in found)
    return {kind: seen[kind] for kind in KINDS}


def _texts(message: Message) -> Hashable:
    return tuple(form.printed for form in message.forms)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _says_much(message: Message) -> bool:
    """Return True if a text has enough words to be recognised anywhere in the tree."""
    return len(set(WORDS.findall(message.forms[0].printed))) >= 3


def _in_function(message: Message) -> Hashable:
    return message.path, message.function


_IN_FILE: tuple[tuple[str, Key], ...] = (
    ("level_changed", lambda message: (_texts(message), message.path, message.function)),
    ("moved", lambda message: (_texts(message), message.path, message.level)),
    ("level_changed", lambda message: (_texts(message), message.path)),
)
_ELSEWHERE: tuple[Key, ...] = (
    lambda message: (_texts(message), message.function, _name(message.path)),
    lambda message: (_texts(message), message.function),
    lambda message: (_texts(message), _name(message.path)),
    lambda message: _texts(message) if _says_much(message) else None,
)
_REWORDED: tuple[tuple[Key, float], ...] = (
    (_in_function, SAME_FUNCTION),
    (lambda message: (_name(message.path), message.function), SAME_FUNCTION),
    (lambda message: (message.path,), SAME_FILE),
    (lambda message: (_name(message.path),), SAME_FILE),
    # A function that moved to a file of another name.
    (lambda message: message.function if _says_much(message) else None, NEARLY_SAME),
)
