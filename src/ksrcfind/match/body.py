"""The body of a log line: the text that the kernel printed, as matching sees it."""

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ksrcfind.match.limits import LONGEST, SHORTEST_HALF
from ksrcfind.match.tuned_weights import UNKNOWN_WORD
from ksrcfind.match.word_weights import bits, is_common
from ksrcfind.match.wording import folded
from ksrcfind.regex import regex
from ksrcfind.source.template import LINE_WORD, words

# People replace values in reports: <address>, XXXX, N, ****, ####.
_MASK = regex(r"<[A-Za-z_ -]{1,20}>|(?<![A-Za-z])(?:0x)?X{1,16}(?![A-Za-z])|(?<!\S)N(?!\S)|\*{3,8}|#{2,20}")
_HEX = regex("[0-9a-f]+")
# `driver device: ` of dev_printk(), `driver device netdev: ` of netdev_printk(): a device's name contains a digit.
_DEVICE_PREFIX = regex(
    r"[A-Za-z][\w.+-]{0,63} (?=[^\s\d]{0,63}+\d)[\w.:@/-]{1,63}(?: [\w.:@-]{1,32})?(?: \(\w{1,32}\))?: "
)
_WIDE_NUMBER = regex(r"(?<![\w-])(?:0x)?[0-9a-f]{16}(?![\w-])")
_HYPHENATED = regex(r"(?<![\w-])([A-Za-z]{2,32})-([A-Za-z]{2,32})(?![\w-])")
_LONG_WORD = regex(rf"(?<![\w-])[A-Za-z]{{{2 * SHORTEST_HALF},32}}(?![\w-])")
# A word with a digit among its first characters, or the rest of a word behind a mask that contains a blank.
_VALUE = regex(rf"(?<![^\s>])[^\s\d]{{0,128}}+\d\S*+|{_MASK.pattern}")
# audit_log_start() of kernel/audit.c begins a record like this; old kernels printed it without the prefix of pr_fmt().
_AUDIT_PREFIX = "audit: "
_AUDIT_RECORD = regex(rf"(?:{_AUDIT_PREFIX})?type=\d{{4,5}} audit\(\d+\.\d+:\d+\): ")
# __FILE__ begins with the build directory: everything before a path of the tree.
_BUILD_DIRECTORY = regex(
    r"(?<![\w./+-])(?:\.{0,2}/)[\w.+~/-]{0,200}?"
    r"(?=(?:arch|block|crypto|drivers|fs|include|init|io_uring|ipc|kernel|lib|mm|net|security|sound|virt)/"
    r"[\w./+-]{1,200}\.[chS]\b)"
)


class Token(NamedTuple):
    """A word of the line."""

    start: int
    end: int
    word: str
    """In lower case."""
    bits: float
    """What a wording gains by explaining it."""


@dataclass(frozen=True)
class Body:
    """The text that the kernel printed, normalised by `body_text`."""

    text: str

    @classmethod
    def of(cls, text: str) -> "Body":
        """Return the body of the text of a record."""
        return cls(body_text(text))

    @cached_property
    def unmasked(self) -> "Body | None":
        """The same text, of the same length, with zeros for masked values (`XXXX`); None if there are none."""
        text = _MASK.sub(_zeros, self.text)
        return Body(text) if text != self.text else None

    @cached_property
    def relative(self) -> "Body | None":
        """The same text with source paths relative to the tree, not to the build directory; None if unchanged."""
        text = _BUILD_DIRECTORY.sub("", self.text)
        return Body(text) if text != self.text else None

    @cached_property
    def joined(self) -> "Body | None":
        """The same text with hyphenated words written as one, `under-voltage` as `undervoltage`; None if unchanged."""
        text = _HYPHENATED.sub(r"\1\2", self.text)
        return Body(text) if text != self.text else None

    @cached_property
    def hyphenated(self) -> "Body | None":
        """The same text with a hyphen in words that consist of two common ones; None if unchanged."""
        text = _LONG_WORD.sub(_with_hyphen, self.text)
        return Body(text) if text != self.text else None

    @cached_property
    def recased(self) -> "Body | None":
        """The same text with the name in front in the other case, `evm: ` as `EVM: `; None if there is no such name."""
        name, colon, rest = self.text.partition(": ")
        if not (colon and name.isascii() and name.isalpha() and (name.islower() or name.isupper())):
            return None
        return Body(f"{name.swapcase()}: {rest}")

    @cached_property
    def is_audit_record(self) -> bool:
        """True if this is a record of the audit subsystem, which one call prints as a whole."""
        return _AUDIT_RECORD.match(self.text) is not None

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its words, in order, as `template.words` finds them, with repeats."""
        found = LINE_WORD.finditer(self.text)
        words = ((*match.span(), match[0].lower()) for match in found)
        return tuple(Token(start, end, word, bits(word, UNKNOWN_WORD)) for start, end, word in words)

    @cached_property
    def prefix_end(self) -> int:
        """Start of the text behind the driver and the device; 0 if the line does not begin with these."""
        found = _DEVICE_PREFIX.match(self.text)
        return found.end() if found else 0

    @cached_property
    def behind_prefix(self) -> "Body | None":
        """The text behind the driver and the device; None if the line does not begin with these."""
        return Body(self.text[self.prefix_end :]) if 0 < self.prefix_end < len(self.text) else None

    @cached_property
    def cut(self) -> int:
        """Number of characters of the words at its ends, which may be cut off."""
        return sum(token.end - token.start for token in self._at_ends)

    def is_cut(self, known: Set[str]) -> bool:
        """Return whether the line ends within a word: with one letter, or with letters that are no `known` word."""
        last = self.text.rpartition(" ")[2]
        return last.isascii() and last.isalpha() and (len(last) == 1 or last.lower() not in known)

    @cached_property
    def _at_ends(self) -> tuple[Token, ...]:
        tokens = self.tokens
        first = tokens[:1] if tokens and tokens[0].start == 0 else ()
        return first + (tokens[-1:] if tokens and tokens[-1].end == len(self.text) else ())

    @cached_property
    def _by_word(self) -> dict[str, float]:
        """Bits of each word, summed over its repeats."""
        found: dict[str, float] = {}
        for _, _, word, worth in self.tokens:
            found[word] = found.get(word, 0.0) + worth
        return found

    @cached_property
    def _inside(self) -> float:
        """Bits of all words except those at the ends."""
        return sum(self._by_word.values()) - sum(token.bits for token in self._at_ends)

    @cached_property
    def _hexadecimal(self) -> float:
        """Bits of the words that can be hexadecimal values."""
        return sum(worth for word, worth in self._by_word.items() if _HEX.fullmatch(word))

    def beside(self, words: frozenset[str], *, hexadecimal: bool) -> float:
        """Return the bits that remain at least if a wording explains only `words`, and perhaps hexadecimal values."""
        worth = self._by_word
        left = self._inside
        for word in words & self.words:
            left -= worth[word]
        return left - self._hexadecimal if hexadecimal else left

    @cached_property
    def is_of_64_bits(self) -> bool:
        """True if a number is as wide as the addresses of a machine of 64 bits."""
        return _WIDE_NUMBER.search(self.text) is not None

    @cached_property
    def plain(self) -> str:
        """Its text without values, in lower case, with single blanks."""
        return folded(_VALUE.sub(" ", self.text))

    def plain_with(self, kept: frozenset[str]) -> str:
        """Return its text without values, but with words that look like values and are literal text of a wording."""
        if kept.isdisjoint(self.words):
            return self.plain
        return folded(_VALUE.sub(lambda value: value[0] if kept.intersection(words(value[0])) else " ", self.text))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words without repeats."""
        return frozenset(words(self.text))


def body_text(text: str) -> str:
    """Return the text of a record as matching sees it: its first line, cut at LONGEST, without blanks at the ends.

    An audit record begins with the prefix that newer kernels print.
    """
    text = text[: 2 * LONGEST].strip()[:LONGEST]
    if "\n" in text or len(text) == LONGEST:
        text = text.partition("\n")[0].strip()
    is_old_record = text.startswith("type=") and _AUDIT_RECORD.match(text)
    return f"{_AUDIT_PREFIX}{text}"[:LONGEST] if is_old_record else text


def _with_hyphen(found: re.Match[str]) -> str:
    """Return a word with a hyphen between the two common words that it consists of, if it is not common itself."""
    word = found[0].lower()
    if not is_common(word):
        for place in range(SHORTEST_HALF, len(word) - SHORTEST_HALF + 1):
            if is_common(word[:place]) and is_common(word[place:]):
                return f"{found[0][:place]}-{found[0][place:]}"
    return found[0]


def _zeros(mask: re.Match[str]) -> str:
    start = 2 if mask[0].startswith("0x") else 0
    return mask[0][:start] + "0" * (len(mask[0]) - start)
