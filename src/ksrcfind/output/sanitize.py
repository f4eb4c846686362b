"""Make untrusted text safe to show.

Log lines, source and commit messages can contain characters that move the cursor, rename the window or reverse the
writing direction. All text for a terminal passes through here; such characters are escaped.
"""

import re

from ksrcfind.regex import regex

# Unicode's controls (Cc), invisible formats (Cf), line separators (Zl, Zp) and lone surrogates (Cs). Exceptions: tab
# and newline, and the two joiners (U+200C, U+200D), without which Persian, Indic and emoji names are misspelt.
_CONTROL = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_UNSAFE = regex(f"[{_CONTROL}]")
_UNSAFE_IN_LINE = regex(f"[\n{_CONTROL}]")
_UNSAFE_IN_JSON = regex(f"[{_CONTROL}]".replace(r"\x00-\x08\x0b-\x1f", ""))


def sanitized(text: str) -> str:
    r"""Return text with control characters escaped as `\x1b` or `\u202e`; tabs and newlines stay."""
    return _UNSAFE.sub(_numbered, text)


def sanitized_line(text: str) -> str:
    r"""Return the text like `sanitized`, in one line: newlines are escaped as `\n`."""
    return _UNSAFE_IN_LINE.sub(_numbered, text)


def sanitized_json(document: str) -> str:
    r"""Return equivalent JSON, with every control character that JSON permits (DEL, C1, BiDi) escaped as `\u009b`."""
    return _UNSAFE_IN_JSON.sub(_json_escape, document)


def _numbered(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == ord("\n"):
        return r"\n"
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
