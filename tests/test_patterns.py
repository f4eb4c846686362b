"""Regular expressions that look into what others wrote: what they read grows with the text, not with its square."""

import re

import pytest

from backtracking import characters_read, characters_searched
from ksrcfind.history import links, wording
from ksrcfind.index import narrow
from ksrcfind.match import body
from ksrcfind.source import facts, outline

SEARCHED = [
    (outline._CALLED, "a"),
    (outline._CALLED, " a"),
    (outline._PASTED, "a"),
    (outline._PASTED, "# "),
    (facts._CALL_IN_BODY, "a"),
    (facts._CALL_IN_BODY, "a "),
    (narrow._BEFORE_PARAMETERS, "a"),
    (narrow._BEFORE_PARAMETERS, "a("),
    (wording.LINE_END, " "),
    (wording.LINE_END, "\\n"),
    (wording.END, "."),
    (wording.END, "\\n "),
    (links.UPSTREAM, "\t"),
    (links.UPSTREAM, "\n"),
    (links.UPSTREAM, "(cherry picked from commit "),
    (body._VALUE, "x"),
    (body._VALUE, "a 1"),
]


@pytest.mark.parametrize(("pattern", "unit"), SEARCHED, ids=lambda value: getattr(value, "pattern", value)[:40])
def test_twice_the_text_takes_twice_the_work(pattern, unit):
    if isinstance(pattern.pattern, bytes):
        pattern = re.compile(pattern.pattern.decode())
    once, twice = (characters_searched(pattern, (unit * 200)[:length] + "~") for length in (90, 180))
    assert twice <= 2.3 * once


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [(r"[a-z]\w*\(", "a"), (r"\s+\Z", " "), (r"\S*\d\S*", "x"), (r"^[ \t]*\[?[ \t]*commit", "\t")],
)
def test_what_grows_with_the_square_is_seen(pattern, unit):
    pattern = re.compile(pattern)
    once, twice = (characters_searched(pattern, unit * length + "~") for length in (90, 180))
    assert twice >= 3.5 * once


def test_characters_are_counted_one_by_one():
    assert characters_read(re.compile("aab"), "aaaa") == 3
    assert characters_read(re.compile("a*b"), "aaaa") == 5 + 5
