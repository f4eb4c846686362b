"""How much is done for one line: steps are counted, and they have an end, whatever format and line are."""

from types import SimpleNamespace

import pytest

from backtracking import characters_read
from ksrcfind.match import pattern_builder
from ksrcfind.match.conversions import Typed, shape_of
from ksrcfind.match.limits import LONGEST, MOST_VALUES, PATTERN_STEPS, VALUE_STEPS
from ksrcfind.match.overlap import most_literal, overlaps
from ksrcfind.match.pattern import Pattern, StepBudget, Values
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.source.template import pieces

CONVERSIONS = [
    *("%c", "%5c", "%d", "%-8d", "%64d", "%*d", "%-*d", "% d", "%+d", "%.64d", "%x", "%08x", "%#x", "%02X", "%o", "%f"),
    *("%16.16s", "%64.64s", "%p", "%pK", "%px", "%pe", "%pS", "%-64pS", "%ps", "%pB", "%pR", "%pNF", "%p4cc", "%pg"),
    *("%ph", "%*ph", "%64ph", "%*phC", "%pM", "%pm", "%pI4", "%pI6", "%pI6c", "%pISpfsc", "%pUb", "%ptR", "%pb"),
    *("%pbl", "%pGg", "%pGp", "%-64pGp", "%pGt", "%pa"),
]  # fmt: skip
FORMATS = [
    *("%c" * 100 + "%s" + "%c" * 100, "x" + "%c" * 100 + "%s" + "%c" * 100 + "x", "%c" * 900 + "x", "a%cz%s" * 400),
    *("%s" + "a" * length + "%c" * 30 + "b%s" + "%cz" * 40 for length in (1, 7)),
    *("|" + "%-20s%64.64s\\x41" * 90, "%s%pg%pGp%pNF!", "%d%d%d1x" * 90, "%s%-64d%-64d%-64d ", "%s%*pbl%*pbl" * 200),
    *("%s" + ("a" * 49 + "b" + "a" * 49 + "%d") * 40, "%d" * 100_000, "a" * 1_000_000, "ab" * 500_000 + "%d"),
    *("%64.64s" * 8 + ":", "%ps" * 30, "%pGg%pb" * 100, "%s%pGg|" * 100, "%*d%64d%-64d1", "%ps%n" * 200 + "Z"),
]
UNITS = ["a", "ab", "a ", "az", "_", "1", "1,", "1     ", "\\x41", "a" * 49, "0x1(a|", "a+0x0/0x0 [", "a" * 40 + "|"]


SEARCHES = [Pattern.spans, most_literal, lambda *which: list(overlaps(*which))]


@pytest.mark.parametrize("printed", FORMATS, ids=lambda printed: printed[:30])
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("search", SEARCHES, ids=["spans", "most_literal", "overlaps"])
def test_no_search_takes_more_than_its_steps(printed, unit, search):
    work = StepBudget()
    search(pattern(printed), (unit * LONGEST)[:LONGEST], work)
    assert work.left > -PATTERN_STEPS / 2, "what one value takes can be too many, no more"


def values_of(printed):
    return [item for segment in pattern(printed).segments for item in segment if isinstance(item, Values)]


@pytest.fixture
def compared():
    """The places at which values are compared with a text, as the regular expressions are asked."""
    found = []

    def counting(printed):
        for item in dict.fromkeys(values_of(printed)):  # Patterns share equal values.
            real = item.compiled
            item.ready = SimpleNamespace(
                match=lambda text, place, real=real: found.append(place) or real.match(text, place),
                search=lambda text, place, real=real: found.append(place) or real.search(text, place),
            )
        return found

    yield counting
    pattern.cache_clear()
    pattern_builder.adjacent.cache_clear()


@pytest.mark.parametrize("printed", ["%s%pg%pGp%pNF!", "%s%d:%d:%d!", "%s%pbl%pS!" + "%s%d!%d!" * 20])
@pytest.mark.parametrize("unit", ["_", "1", "1:", "1!", "a+0x1/0x2"])
def test_what_is_counted_is_what_is_done(printed, unit, compared):
    asked = compared(printed)
    for search in SEARCHES:
        asked.clear()
        work = StepBudget()
        search(pattern(printed), (unit * LONGEST)[:LONGEST], work)
        assert 0 < len(asked) * VALUE_STEPS <= PATTERN_STEPS - work.left


def test_of_a_format_without_end_only_the_beginning_is_looked_at():
    spans = pattern("%c" * MOST_VALUES + "%d: %s").spans("x" * MOST_VALUES + "anything")
    assert spans == [(place, place + 1) for place in range(MOST_VALUES)] + [
        (MOST_VALUES, MOST_VALUES + 8),
        (MOST_VALUES + 8, MOST_VALUES + 8),
    ]
    assert len(pattern("%d" * 100_000).conversions) == LONGEST / 2
    assert pattern("%d" * 100_000).spans("1" * 3000) is not None


READ = 170
"""Characters that a value can read for each of its steps."""

HEADS = ["", "0x1(", "a" * 254, "a+0x1/0x2 [", "[mem 0x", " " * 63, "1" * 16 + " " * 64]


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_a_value_reads_as_much_as_its_steps_allow(conversion):
    """Alone, before text that it could eat of, and with neighbours it could share text with."""
    typed = shape_of(pieces(conversion)[0])
    assert isinstance(typed, Typed)
    behind = min(typed.tail, default="")
    for printed in (conversion, conversion + behind + "~", conversion + "%x", "%d" + conversion, "%x%x" + conversion):
        for item in values_of(printed):
            for head in HEADS:
                for unit in UNITS:
                    assert characters_read(item.compiled, (head + unit * 1000)[:1000]) <= READ * item.steps
