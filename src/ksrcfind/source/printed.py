"""The lines that a message can print: a log shows each line of a format as a record of its own."""

from collections.abc import Callable, Iterator
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


def anchor(words: str, frequency: Callable[[str], int]) -> str:
    """Return the word under which a line is kept: its rarest one, or the empty word for a line without any."""
    return min(words.split(), key=lambda word: (frequency(word), word), default="")
