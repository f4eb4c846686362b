"""The lines that a message can print: a log shows each line of a format as a record of its own.

Several calls can print into one line: one begins it without a line break, `pr_cont` goes on in it, in the same function
or in one that is called for that.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ksrcfind.source.message import Message
from ksrcfind.source.template import lines, masked, whole_words


class Continuation(NamedTuple):
    """How a message shares its line with others."""

    before: bool
    """It goes on in a line that another call began."""
    after: bool
    """Another call goes on in its line."""


ALONE = Continuation(before=False, after=False)


class PrintedLine(NamedTuple):
    """One line of one form of a message."""

    form: int
    """Which of the message's forms."""
    first: int
    """Conversions of the form before this line."""
    text: str
    """In printf syntax, without line breaks."""
    words: str
    """The words that every rendering contains, without repeats, sorted, with blanks between them."""
    joins: Continuation
    """How its message shares a line with others."""


def printed_lines(messages: Sequence[Message], place: int) -> Iterator[PrintedLine]:
    """Yield the lines of all forms of one of the messages of a file that are not blank, each text once."""
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
"""Messages of a function that are looked at for parts of one line."""

NEAR = 64
"""Messages of a file, before and behind one, among which a function is looked for that goes on in its line."""


def continuation_of(messages: Sequence[Message], place: int) -> Continuation:
    """Tell how one of the messages of a file, in source order, shares its line with others."""
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
    """Tell whether a message is the first of its function."""
    before = messages[place - 1] if place else None
    return before is None or before.path != messages[place].path or before.function != messages[place].function


def is_continuation(message: Message) -> bool:
    """Tell whether a message goes on in a line that another one began."""
    return message.level == "cont"


def ends_line(message: Message) -> bool:
    """Tell whether nothing can go on in the line of a message."""
    return message.format.endswith("\n")


def is_open(message: Message) -> bool:
    """Tell whether a message ends as if more were to come: `[mem %#018Lx-%#018Lx] `."""
    return message.format.endswith((" ", "\t", ":", "=", ",", "(", "["))


ORIGIN = "@"
"""In front of a name of `origin_names` that is kept among the words of lines."""


def origin_names(message: Message) -> set[str]:
    """Return the names that tell where a message comes from: module, file, directories; lower case, `-` as `_`."""
    parts = message.path.rpartition(".")[0].split("/")
    return {name.lower().replace("-", "_") for name in (*parts, message.module or "") if name}


def all_origin_names(messages: Iterable[Message]) -> list[str]:
    """Return the `origin_names` of any message of a file, sorted."""
    return sorted(set().union(*map(origin_names, messages)))


def anchor(words: Sequence[str], rank: Callable[[str], int]) -> tuple[str, int]:
    """Return under what a line is kept: its rarest word, and the mark of the rarest of its others.

    `rank` tells which words are rarer. The empty word stands for one that the line does not have.
    """
    first, second, *_ = *sorted(words, key=rank), "", ""
    return first, mark(second)


def ranks(frequency: Mapping[str, int]) -> Mapping[str, int]:
    """Return the place of each word among all, the rarest first."""
    return {word: place for place, word in enumerate(sorted(frequency, key=lambda word: (frequency[word], word)))}


@lru_cache(maxsize=1 << 16)
def mark(word: str) -> int:
    """Return a number of 16 bits that stands for a word; 0 for the empty one. Words can share it."""
    return zlib.crc32(word.encode()) & 0xFFFF
