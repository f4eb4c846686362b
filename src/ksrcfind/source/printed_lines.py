"""The lines that a message can print: a log shows each line of a format as a record of its own.

Several calls can print one line: the first ends without a line break, and `pr_cont` continues the line, in the same
function or in another one.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from ksrcfind.source.message import Message
from ksrcfind.source.template import lines, masked, whole_words


class Continuation(Struct, frozen=True, array_like=True, gc=False):
    """Whether a message shares its line with others."""

    before: bool
    """The message continues the line of another call."""
    after: bool
    """Another call continues the line of the message."""


ALONE = Continuation(before=False, after=False)


class PrintedLine(Struct, frozen=True, array_like=True, gc=False):
    """One line of one form of a message."""

    form: int
    """Index of the form."""
    first: int
    """Number of conversions of the form before this line."""
    text: str
    """In printf syntax, without line breaks."""
    words: str
    """The words that every rendering contains, without repeats, sorted, with blanks between them."""
    joins: Continuation
    """Whether its message shares the line with others."""


def printed_lines(messages: Sequence[Message], place: int) -> Iterator[PrintedLine]:
    """Yield the non-blank lines of all forms of the message at an index, each text once."""
    message = messages[place]
    joins = continuation_of(messages, place)
    seen: set[str] = set()
    for number, form in enumerate(message.forms):
        first = 0
        for line in lines(form.printed):
            text, conversions = masked(line)
            if line.strip() and line not in seen:
                seen.add(line)
                yield PrintedLine(number, first, line, " ".join(sorted(set(whole_words(text)))), joins)
            first += conversions


def all_printed_lines(messages: Sequence[Message]) -> list[tuple[PrintedLine, ...]]:
    """Return for each message of a file the lines of its forms."""
    return [tuple(printed_lines(messages, place)) for place in range(len(messages))]


NEIGHBOURS = 8
"""Messages of a function that may continue one line."""

NEAR = 64
"""Messages before and after one, in the same file, where another function may continue its line."""


def continuation_of(messages: Sequence[Message], place: int) -> Continuation:
    """Return whether the message at an index, in source order, shares its line with others of the file."""
    message = messages[place]
    before = is_continuation(message)
    if ends_line(message):
        return Continuation(before, after=False) if before else ALONE
    for other in messages[place + 1 : place + 1 + NEIGHBOURS]:
        if other.path != message.path or other.function != message.function:
            break
        if is_continuation(other):
            return Continuation(before, after=True)
    if is_open(message):
        first = max(0, place - NEAR)
        near = messages[first : place + 1 + NEAR]
        for number, other in enumerate(near, first):
            if other.path == message.path and is_continuation(other) and _begins_function(messages, number):
                return Continuation(before, after=True)
    return Continuation(before, after=False) if before else ALONE


def _begins_function(messages: Sequence[Message], place: int) -> bool:
    """Return whether a message is the first of its function."""
    before = messages[place - 1] if place else None
    return before is None or before.path != messages[place].path or before.function != messages[place].function


def is_continuation(message: Message) -> bool:
    """Return whether a message continues the line of another one."""
    return message.level == "cont"


def ends_line(message: Message) -> bool:
    """Return whether a message ends its line."""
    return message.format.endswith("\n")


def is_open(message: Message) -> bool:
    """Return whether the end of a message suggests a continuation: `[mem %#018Lx-%#018Lx] `."""
    return message.format.endswith((" ", "\t", ":", "=", ",", "(", "["))


ORIGIN = "@"
"""Prefix of an `origin_names` name among the words of lines."""


def origin_names(message: Message) -> set[str]:
    """Return the names of a message's origin: module, file, directories; lower case, `-` as `_`."""
    parts = message.path.rpartition(".")[0].split("/")
    return {name.lower().replace("-", "_") for name in (*parts, message.module or "") if name}


def all_origin_names(messages: Iterable[Message]) -> list[str]:
    """Return the `origin_names` of all messages of a file, sorted."""
    return sorted(set().union(*map(origin_names, messages)))


def anchor(words: Sequence[str], rank: Callable[[str], int]) -> tuple[str, int]:
    """Return the index key of a line: its rarest word, and the fingerprint of its second rarest.

    `rank` is lower for rarer words. The empty word stands for a missing one.
    """
    first, second, *_ = *sorted(words, key=rank), "", ""
    return first, mark(second)


def ranks(frequency: Mapping[str, int]) -> Mapping[str, int]:
    """Return the rank of each word, 0 for the rarest."""
    return {word: place for place, word in enumerate(sorted(frequency, key=lambda word: (frequency[word], word)))}


@lru_cache(maxsize=1 << 16)
def mark(word: str) -> int:
    """Return a fingerprint of a word (16 bits); 0 for the empty word. Words may share one."""
    return zlib.crc32(word.encode()) & 0xFFFF
