"""Find the entry of the knowledge base that explains a message.

Each family of entries is a TOML file of this folder, and each entry a table of it. Parsing all of them would take
longer than an answer, so an entry is parsed only if its text names the file of a message, or a directory above it.
"""

from collections.abc import Iterator
from functools import cache
from pkgutil import get_data

import msgspec

from ksrcfind.knowledge.record import Entry, MessageRule
from ksrcfind.regex import regex
from ksrcfind.source.message import Message

FAMILIES = ("bugs", "devices", "filesystems", "guests", "hang", "hardware", "memory", "network", "programs", "storage")
"""The families of entries; each is a file of this folder."""

_WORD = regex(r"[^\W_]+")

_Rank = tuple[int, bool, int]


def entry_for(message: Message) -> Entry | None:
    """Return the most specific entry that explains a message; None if no entry does."""
    ranked = [
        (rank, entry)
        for entry in _entries_about(message.path)
        for rule in entry.messages
        if (rank := _rank(rule, message)) is not None
    ]
    return max(ranked, key=lambda each: each[0])[1] if ranked else None


def all_entries() -> Iterator[Entry]:
    """Yield every entry of the knowledge base, by family."""
    for section in _sections():
        yield _entry(section)


def fits(rule: MessageRule, message: Message) -> bool:
    """Return True if a rule holds for a message."""
    return _rank(rule, message) is not None


def _rank(rule: MessageRule, message: Message) -> _Rank | None:
    """Return how specific a rule is that holds for a message, the higher the better; None if it does not hold."""
    if rule.function is not None and rule.function != message.function:
        return None
    if rule.path == message.path:
        place = len(message.path) + 1  # More than any directory.
    elif rule.path.endswith("/") and message.path.startswith(rule.path):
        place = len(rule.path)
    elif rule.function is not None and _base_name(rule.path) == _base_name(message.path):
        place = len(message.path)
    else:
        return None
    words = _words(rule.text)
    if words and not words <= _words(" ".join([message.format, *(form.printed for form in message.forms)])):
        return None
    return place, rule.function is not None, len(words)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


@cache
def _entries_about(path: str) -> tuple[Entry, ...]:
    """Return the entries that name a file, or a directory above it."""
    parts = path.split("/")
    names = [f'/{parts[-1]}"', *(f'"{"/".join(parts[:depth])}/"' for depth in range(1, len(parts)))]
    return tuple(_entry(section) for section in _sections() if any(name in section.text for name in names))


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


class _Section(msgspec.Struct, frozen=True):
    """The text of one entry."""

    family: str
    text: str


@cache
def _sections() -> tuple[_Section, ...]:
    """Return the text of every entry. A line that begins with `[` begins one."""
    texts = {family: (get_data(__package__, f"{family}.toml") or b"").decode() for family in FAMILIES}
    return tuple(
        _Section(family, f"[{text}") for family in sorted(texts) for text in f"\n{texts[family]}".split("\n[")[1:]
    )


@cache
def _entry(section: _Section) -> Entry:
    import tomllib

    ((name, fields),) = tomllib.loads(section.text).items()
    return msgspec.convert({"id": f"{section.family}/{name}", **fields}, Entry)
