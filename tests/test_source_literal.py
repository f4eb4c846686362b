"""The one decoder of C string literals, and the patterns that find them."""

import re

import pytest

from ksrcfind.history.wording import decoded
from ksrcfind.source.literal import CHARACTER, STRING, decode, unescape


@pytest.mark.parametrize(
    ("inside", "meaning"),
    [
        ("plain", "plain"),
        (r"one\ntwo\n", "one\ntwo\n"),
        (r"C:\\new", "C:\\new"),
        (r"\n\\n\t", "\n\\n\t"),
        (r"\a\b\f\n\r\t\v", "\a\b\f\n\r\t\v"),
        (r"\"\'\\\?", "\"'\\?"),
        (r"\e[1m", "\x1b[1m"),
        (r"\0017", "\x017"),  # at most three octal digits
        (r"\18", "\x018"),
        (r"\777", "\xff"),
        (r"\x41", "A"),
        (r"\x1b5", "\xb5"),  # all hexadecimal digits; the low eight bits count
        (r"\x0000041g", "Ag"),
        (r"\xg", "xg"),
        (r"\q", "q"),
        ("one \\\ntwo", "one two"),
        ("\\", "\\"),
    ],
)
def test_inside_of_a_literal_is_decoded_as_c_says(inside, meaning):
    assert unescape(inside) == meaning
    assert decode(f'"{inside}"') == meaning
    assert decode(f'L"{inside}"') == meaning


def test_history_decodes_as_linking_does():
    assert decoded(r"\x1b5 \x1b[0m \0017") == unescape(r"\x1b5 \x1b[0m \0017")


@pytest.mark.parametrize("flags", [0, re.DOTALL])
@pytest.mark.parametrize(
    ("source", "literals"),
    [
        (r'f("a\"b", "c")', [r'"a\"b"', '"c"']),
        ('"one \\\ntwo"', ['"one \\\ntwo"']),
        ('"never ends\n"text"', ['"text"']),
        ('"a" "b"', ['"a"', '"b"']),
    ],
)
def test_pattern_finds_string_literals(source, literals, flags):
    assert re.findall(STRING, source, flags) == literals
    assert re.findall(STRING.encode(), source.encode(), flags) == [literal.encode() for literal in literals]


def test_pattern_finds_character_constants():
    assert re.findall(CHARACTER, r"""'"' '\'' '\n' 'ab'""") == ["'\"'", r"'\''", r"'\n'", "'ab'"]
