"""`may_score_overlap()` never refuses a wording whose overlap with the line would count: it is an upper bound."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ksrcfind.match.body import Body
from ksrcfind.match.overlap import most_literal
from ksrcfind.match.pattern import StepBudget
from ksrcfind.match.score import ANYHOW, may_score_overlap, score_overlap
from ksrcfind.match.tuned_weights import MODULE
from ksrcfind.match.wording import Wording
from ksrcfind.source.printed_lines import ALONE
from ksrcfind.source.template import CONVERSION, literal_words

WORDS = st.sampled_from(
    ("zebra", "hungry", "gate", "closed", "error", "failed", "to", "read", "block", "device", "0xbad", "I/O", "(pen)")
)
CONVERSIONS = st.sampled_from(["%d", "%s", "%u", "%x", "0x%08x", "%pM", "%pI4", "%s:%d", "[%d]", "(%s)", "%pS", "%02x"])
PREFIXES = st.sampled_from(["", "", "%s %s: ", "%s: ", "zoo: ", "zoo (%s): ", "%s: %s: "])
FORMATS = st.builds(
    lambda prefix, parts: prefix + " ".join(parts),
    PREFIXES,
    st.lists(st.one_of(WORDS, WORDS, CONVERSIONS), min_size=1, max_size=14),
)
VALUES = {
    "s": ["zoo", "drivers/zoo/gate.c", "sda1", "two words", ""],
    "pS": ["feed_all+0x10/0x20"],
    "pM": ["00:11:22:33:44:55"],
    "pI4": ["10.0.0.1"],
}
NUMBERS = ["0", "12", "00000001", "dead", "4096"]
EDGES = st.sampled_from(["", "", "zoo 0000:5e:00.0: ", "host kernel ", " closed zebra", ", try again", " 12"])


@st.composite
def formats_and_lines(draw):
    """A format, and a line made of a rendering of it: cut at both ends, words dropped, other text around it."""
    printed = draw(FORMATS)
    rendered = CONVERSION.sub(lambda found: draw(st.sampled_from(VALUES.get(found["kind"], NUMBERS))), printed)
    low = draw(st.integers(0, len(rendered) // 2))
    high = draw(st.integers(len(rendered) // 2, len(rendered)))
    line = draw(st.sampled_from([rendered, rendered[low:high], rendered[low:], rendered[:high]]))
    if draw(st.booleans()):
        dropped = draw(WORDS)
        line = re.sub(re.escape(dropped), "", line, count=1)
    return printed, draw(EDGES) + line + draw(EDGES)


@given(formats_and_lines(), st.sampled_from([0.0, MODULE]), st.booleans())
@settings(max_examples=400, deadline=None)
def test_the_bound_never_refuses_what_counts(made, beyond, joined):
    printed, line = made
    wording, body = Wording(printed, frozenset(literal_words(printed))), Body.of(line)
    best = most_literal(wording.pattern, body.text)
    if best is None:
        return
    fit = score_overlap(body, wording, best)
    if fit.counts(beyond, ANYHOW if joined else ALONE):
        assert may_score_overlap(body, wording, beyond, StepBudget(), joined=joined), (printed, line)
