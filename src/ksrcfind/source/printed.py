"""The lines that a message can print: a log shows each line of a format as a record of its own."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ksrcfind.source.message import Message
from ksrcfind.source.template import lines, masked, whole_words


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


def printed_lines(message: Message) -> Iterator[PrintedLine]:
    """Yield the lines of all forms that are not blank, each text once."""
    seen: set[str] = set()
    for number, form in enumerate(message.forms):
        first = 0
        for line in lines(form.printed):
            text, conversions = masked(line)
            if line.strip() and line not in seen:
                seen.add(line)
                yield PrintedLine(number, first, line, " ".join(sorted(set(whole_words(text)))))
            first += conversions


ORIGIN = "@"
"""In front of a name of `origin_names` that is kept among the words of lines."""


def origin_names(message: Message) -> set[str]:
    """Return the names that tell where a message comes from: module, file, directories; lower case, `-` as `_`."""
    parts = message.path.rpartition(".")[0].split("/")
    return {name.lower().replace("-", "_") for name in (*parts, message.module or "") if name}


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
