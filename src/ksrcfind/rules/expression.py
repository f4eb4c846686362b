"""Parse a regular expression into a tree, in the common part of the dialects of monitoring systems.

Rules are written for RE2, Perl, Python, Go and POSIX (extended). What these share has one meaning in all of them. What
is not regular (look-around, back-references) or differs between them is replaced by something that matches at least as
much, and the result says so: an answer "matches nothing" stays true.
"""

from msgspec import Struct

from ksrcfind.regex import regex

ALPHABET = 129
"""Characters that are distinguished: the 128 of ASCII, and one that stands for all others."""
ANY = (1 << ALPHABET) - 1
OTHER = 1 << 128
"""The bit of all characters beyond ASCII."""
DEEPEST = 100
"""Nested groups of an expression, at most."""
LONGEST = 16_384
"""Characters of an expression, at most."""
MOST_REPEATS = 1000
"""Repetitions that an expression may ask for, as in RE2."""


class ExpressionError(Exception):
    """A text is no regular expression, or none that can be read here. Its text says why."""

    too_large = False
    """True if the expression may be valid, but is too large or too deep for a search."""


class TooLargeError(ExpressionError):
    """An expression is too large or too deep for a search, whether it is valid or not."""

    too_large = True


class Chars(Struct, frozen=True):
    """One character out of a set."""

    mask: int
    """A bit for each character."""


class Sequence(Struct, frozen=True):
    """Parts one after the other; without parts, the empty text."""

    parts: tuple["Node", ...]


class Choice(Struct, frozen=True):
    """One of several parts."""

    parts: tuple["Node", ...]


class Repeat(Struct, frozen=True):
    """A part several times."""

    part: "Node"
    least: int
    most: int | None
    """None for any number."""


class Condition(Struct, frozen=True):
    """A condition on the characters around a position."""

    kind: str
    """`begin` or `end` of the line, `boundary` of a word, `inside` of a word or outside of any (no boundary)."""


Node = Chars | Sequence | Choice | Repeat | Condition

EMPTY = Sequence(())


class Expression(Struct, frozen=True):
    """A parsed expression."""

    node: Node
    loose: str | None
    """What in the expression is not regular and was replaced by something that matches more; None for nothing."""


def mask_of(characters: str) -> int:
    """Return the set of some characters."""
    mask = 0
    for character in characters:
        mask |= 1 << min(ord(character), 128)
    return mask


def literal(text: str) -> Node:
    """Return the node of a fixed text."""
    return Sequence(tuple(Chars(mask_of(character)) for character in text))


def _between(first: int, last: int) -> int:
    if last < first:
        raise ExpressionError("a range of characters in reverse order")
    ascii_part = ((1 << (min(last, 127) + 1)) - (1 << first)) if first < 128 else 0
    return ascii_part | (OTHER if last >= 128 else 0)


DIGITS = _between(48, 57)
LOWER, UPPER = _between(97, 122), _between(65, 90)
WORD = DIGITS | LOWER | UPPER | mask_of("_")
BLANK = mask_of(" \t\n\r\f\v")
_CLASSES = {"d": DIGITS, "w": WORD, "s": BLANK, "h": mask_of(" \t")}
_CLASSES |= {name.upper(): ANY & ~mask for name, mask in _CLASSES.items()} | {"N": ANY & ~mask_of("\n")}
_NAMED = {
    "alpha": LOWER | UPPER,
    "digit": DIGITS,
    "alnum": LOWER | UPPER | DIGITS,
    "upper": UPPER,
    "lower": LOWER,
    "space": BLANK,
    "blank": mask_of(" \t"),
    "punct": sum(1 << code for code in range(33, 127)) & ~(LOWER | UPPER | DIGITS),
    "xdigit": DIGITS | mask_of("abcdefABCDEF"),
    "word": WORD,
    "graph": _between(33, 126),
    "print": _between(32, 126),
    "cntrl": _between(0, 31) | 1 << 127,
    "ascii": _between(0, 127),
}
_CONDITIONS = {"A": "begin", "z": "end", "Z": "end", "b": "boundary", "B": "inside", "<": "boundary", ">": "boundary"}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b", "0": "\0"}
_REPEAT = regex(r"\{(\d{0,9})(,?)(\d{0,9})\}")
_HEX = regex(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})")
_GROUP = regex(
    r"\?(?:(?P<flags>[a-zA-Z^-]*+)(?P<end>[:)])|P?<(?P<name>\w+)>|'(?P<quoted>\w+)'|(?P<look><?[=!])|(?P<atomic>>))"
)
_PROPERTY = regex(r"\{\^?\w+\}|\w")


def parsed(text: str) -> Expression:
    """Return an expression as a tree. Raises `ExpressionError` if it is invalid or nested too deeply."""
    if len(text) > LONGEST:
        raise TooLargeError(f"more than {LONGEST:,} characters")
    parser = _Parser(text)
    node = parser.choice(0)
    if parser.at < len(text):
        raise ExpressionError("a closing parenthesis without an opening one")
    return Expression(node, parser.loose)


class _Parser:
    """Parses one expression by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.loose: str | None = None
        self._ignore_case = False
        self._dot = ANY  # A line has no line breaks, so that the flag s changes nothing.
        self._verbose = False

    def choice(self, depth: int) -> Node:
        """Return the alternatives from here to the end of the group."""
        if depth > DEEPEST:
            raise TooLargeError(f"more than {DEEPEST} groups inside each other")
        parts = [self._sequence(depth)]
        while self._took("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            part = self._atom(depth)
            if part is not None:
                parts.append(self._repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        for _ in range(DEEPEST):
            found = self._count() if self.at < len(self.text) else None
            if found is None:
                return part
            least, most = found
            if most is not None and most < least:
                raise ExpressionError("a repetition {m,n} with n smaller than m")
            if max(least, most or 0) > MOST_REPEATS:
                raise TooLargeError(f"more than {MOST_REPEATS:,} repetitions")
            self._took("?")  # Lazy: it matches the same lines.
            if self._took("+"):
                self._loosen("a possessive repetition")
            part = Repeat(part, least, most)
        raise ExpressionError("repetitions of repetitions")

    def _count(self) -> tuple[int, int | None] | None:
        """Return how often the part before is repeated (least, most), if a repetition begins here."""
        sign = self.text[self.at]
        if sign in "*+?":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        match = _REPEAT.match(self.text, self.at) if sign == "{" else None
        if match is None or not (match[1] or match[3]):
            return None
        self.at = match.end()
        least = int(match[1] or 0)
        return least, (int(match[3]) if match[3] else None) if match[2] else least

    def _atom(self, depth: int) -> Node | None:
        character = self.text[self.at]
        self.at += 1
        if self._verbose and (character.isspace() or character == "#"):
            if character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            return None
        if character == "(":
            return self._group(depth)
        if character == "[":
            return Chars(self._folded(self._set()))
        if character == ".":
            return Chars(self._dot)
        if character in "^$":
            return Condition("begin" if character == "^" else "end")
        if character in "*+?":
            raise ExpressionError(f"nothing to repeat before {character}")
        if character == "\\":
            return self._escape()
        return Chars(self._folded(mask_of(character)))

    def _group(self, depth: int) -> Node | None:
        ignore_case, verbose = self._ignore_case, self._verbose
        dropped = False
        if self.text.startswith("?", self.at):
            if self.text.startswith("?#", self.at):
                self._comment()
                return None
            match = _GROUP.match(self.text, self.at)
            if match is None:
                raise ExpressionError(f"an unknown group ({self.text[self.at : self.at + 4]}")
            self.at = match.end()
            if match["flags"] is not None:
                self._set_flags(match["flags"])
                if match["end"] == ")":
                    return None
            if match["look"] is not None:
                self._loosen("a look-around")
                dropped = True
            elif match["atomic"] is not None:
                self._loosen("an atomic group")
        inside = self.choice(depth + 1)
        if not self._took(")"):
            raise ExpressionError("an opening parenthesis without a closing one")
        self._ignore_case, self._verbose = ignore_case, verbose
        return EMPTY if dropped else inside

    def _comment(self) -> None:
        end = self.text.find(")", self.at)
        if end < 0:
            raise ExpressionError("a comment without an end")
        self.at = end + 1

    def _set_flags(self, flags: str) -> None:
        on, _, off = flags.partition("-")
        self._ignore_case = ("i" in on or self._ignore_case) and "i" not in off
        self._verbose = ("x" in on or self._verbose) and "x" not in off

    def _escape(self) -> Node:
        if self.at >= len(self.text):
            raise ExpressionError("a backslash at the end")
        character = self.text[self.at]
        if character == "Q":
            end = self.text.find("\\E", self.at)
            quoted = self.text[self.at + 1 : end if end >= 0 else len(self.text)]
            self.at = end + 2 if end >= 0 else len(self.text)
            return Sequence(tuple(Chars(self._folded(mask_of(one))) for one in quoted))
        if character in _CONDITIONS:
            self.at += 1
            return Condition(_CONDITIONS[character])
        if character in "123456789k":
            self.at += 1
            self._loosen("a back-reference")
            return Repeat(Chars(ANY), 0, None)
        if character == "K":
            self.at += 1
            return EMPTY
        return Chars(self._folded(self._escaped_chars()))

    def _escaped_chars(self) -> int:
        """Return the set behind a backslash."""
        character = self.text[self.at]
        self.at += 1
        if character in _CLASSES:
            return _CLASSES[character]
        if character in "pP":
            match = _PROPERTY.match(self.text, self.at)
            if match is None:
                raise ExpressionError("\\p without a property")
            self.at = match.end()
            self._loosen("a Unicode property")
            return ANY
        if character in "xu":
            match = _HEX.match(self.text, self.at)
            if match is None:
                raise ExpressionError("\\x without hexadecimal digits")
            self.at = match.end()
            return mask_of(chr(min(int(match[1] or match[2], 16), 128)))
        if character in _CONTROL:
            return mask_of(_CONTROL[character])
        if character.isalnum() and character.isascii():
            raise ExpressionError(f"an unknown escape \\{character}")
        return mask_of(character)

    def _set(self) -> int:
        """Return the characters of a bracket expression, whose bracket was read."""
        negated = self._took("^")
        mask, first = 0, True
        while first or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                raise ExpressionError("an opening bracket [ without a closing one")
            first = False
            low = self._set_item()
            is_range = self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at)
            if not is_range or low.bit_count() != 1:
                mask |= low
                continue
            self.at += 1
            if self.at >= len(self.text):
                raise ExpressionError("an opening bracket [ without a closing one")
            high = self._set_item()
            if high.bit_count() != 1:
                raise ExpressionError("a range of characters that ends with a class")
            mask |= _between(low.bit_length() - 1, high.bit_length() - 1)
        self.at += 1
        return ANY & ~(self._folded(mask)) | OTHER * bool(mask & OTHER) if negated else mask

    def _set_item(self) -> int:
        if self.text.startswith("[:", self.at):
            end = self.text.find(":]", self.at)
            name = self.text[self.at + 2 : end] if end >= 0 else ""
            if name.lstrip("^") in _NAMED:
                self.at = end + 2
                mask = _NAMED[name.lstrip("^")]
                return ANY & ~mask if name.startswith("^") else mask
            if end >= 0 and name.isalpha():
                raise ExpressionError(f"an unknown class [:{name}:]")
        character = self.text[self.at]
        self.at += 1
        if character != "\\" or self.at >= len(self.text):
            return mask_of(character)
        if self.text[self.at] == "b":
            self.at += 1
            return mask_of("\b")
        return self._escaped_chars()

    def _folded(self, mask: int) -> int:
        """Return a set with both cases of its letters, if case is ignored."""
        if not self._ignore_case:
            return mask
        return mask | (mask & LOWER) >> 32 | (mask & UPPER) << 32

    def _took(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def _loosen(self, what: str) -> None:
        self.loose = self.loose or what
