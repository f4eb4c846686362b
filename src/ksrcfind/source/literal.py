"""C string literals and character constants: patterns that find them, and the text of a string literal.

The patterns do not depend on flags of `re` and never backtrack. `.encode()` gives the same pattern for bytes.
"""

import re

from ksrcfind.regex import regex

STRING = r'"[^"\\\n]*+(?:\\[\s\S][^"\\\n]*+)*+"'
"""Pattern of a string literal with its quotes; it contains a line end only behind a backslash."""

CHARACTER = r"'[^'\\\n]*+(?:\\[\s\S][^'\\\n]*+)*+'"
"""Pattern of a character constant with its quotes."""

_ESCAPE = regex(r"\\(x[0-9A-Fa-f]+|[0-7]{1,3}|[\s\S])")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "\n": ""}
_BYTE = 0xFF


def decode(literal: str) -> str:
    """Return the text of a string literal: prefix and quotes removed, escapes decoded."""
    return unescape(literal[literal.index('"') + 1 : -1])


def unescape(text: str) -> str:
    r"""Return the text between the quotes of a string literal with each escape replaced by its character.

    A hexadecimal escape takes all hexadecimal digits that follow, an octal one at most three (C11, 6.4.4.4): `\x1b5` is
    one character, and `\x1b` `5` takes two literals. Of a number too large for a byte the low eight bits count, as in
    GCC and clang where these only warn. `\e` is the escape character, a GNU extension. A backslash at the end of a line
    joins it with the next. A backslash in front of anything else is dropped; so is that of `\x` without a digit, which
    is not valid C.
    """
    escapes = text.count("\\")
    if escapes == text.count("\\n"):  # most texts
        return text.replace("\\n", "\n") if escapes else text
    return _ESCAPE.sub(_character, text)


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16) & _BYTE)
    if code[0] in "01234567":
        return chr(int(code, 8) & _BYTE)
    return _SIMPLE.get(code, code)
