"""The shortcuts of matching never change an answer: what they leave out would not have been chosen."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksrcfind.log.line import read_line
from ksrcfind.match import wording_search
from ksrcfind.match.matcher import Matcher
from ksrcfind.match.tiers import TierSearch
from ksrcfind.match.tuned_weights import LACKING_SHARE, PAIRED_WORDS, SHARED_LEAST, SIMILAR_WORDINGS, TYPED_MOST
from ksrcfind.match.word_weights import bits, total
from ksrcfind.match.wording import Wording
from ksrcfind.match.wording_search import Wordings
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.template import Conversion, literal_words, pieces, split
from test_match import message
from test_match_upper_bound import CONVERSIONS, FORMATS, WORDS, formats_and_lines

RAW_FORMATS = st.lists(st.one_of(WORDS, CONVERSIONS, st.sampled_from(["%%", " ", ": ", "%5", "%", "100%% "]))).map(
    "".join
)


@given(RAW_FORMATS)
def test_a_format_is_split_at_its_conversions(printed):
    literals, conversions = split(printed)
    assert len(literals) == len(conversions) + 1
    whole = [part for pair in zip(literals, [*conversions, ""], strict=True) for part in pair if part]
    assert whole == [piece.text if isinstance(piece, Conversion) else piece for piece in pieces(printed)]


@given(st.one_of(FORMATS, RAW_FORMATS))
@settings(deadline=None)
def test_the_values_of_a_wording_are_those_of_its_pattern(printed):
    wording = Wording(printed, frozenset(literal_words(printed)))
    pattern, values = wording.pattern, wording.values
    assert values.conversions == pattern.conversions
    assert values.accept_text == any(pattern.texts)
    assert values.each == tuple(min(weight, TYPED_MOST) for weight in pattern.weights)
    assert sum(literal.typed for literal in wording.literals) == values.typed
    found = [piece for piece in pieces(printed.strip()) if isinstance(piece, str)]
    assert [literal.text for literal in wording.literals if literal.text] == found
    assert set(wording.parts) - {""} == {piece.strip() for piece in found} - {""}


@given(st.lists(FORMATS, min_size=1, max_size=8), st.lists(formats_and_lines(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_fits_whole_is_answered_as_if_all_tiers_were_searched(formats, made):
    messages = [message(text, line=10 * place) for place, text in enumerate([*formats, *(one for one, _ in made)], 1)]
    index = MemoryIndex(messages)
    for _, line in made:
        found = Matcher(index).answer(read_line(line))
        every = Matcher(index)
        every._tiers.may_outdo = lambda *_arguments: True
        assert found == every.answer(read_line(line)), line


def test_a_whole_match_is_beaten_by_a_text_with_all_of_its_words_and_more():
    general = message("zebra: %s", "drivers/foo/a.c")
    special = message("zebra gate: hungry stripes closed the pasture of cage %d, feeding okapi", "drivers/foo/b.c")
    line = read_line("zebra: gate: hungry stripes closed the pasture of cage 12, feeding")
    matcher = Matcher(MemoryIndex([general, special]))
    asked = []
    search = TierSearch.may_outdo
    matcher._tiers.may_outdo = lambda *arguments: asked.append(search(matcher._tiers, *arguments)) or asked[-1]
    assert matcher.answer(line).matches[0].message == special
    assert asked == [True, True]


def everything_similar(index, words, most, enough):
    """Return the texts most similar to some words, without leaving out messages of common words alone."""
    ranked = sorted(words, key=lambda word: (index.frequency(word), word))
    pool, common = set(), []
    for word in ranked:
        if len(pool) + index.frequency(word) <= most:
            pool |= set(index.containing(word))
        else:
            common.append(word)
    for one, other in combinations(common[:PAIRED_WORDS], 2):
        both = set(index.containing(one)) & set(index.containing(other))
        for third in common:
            if len(both) > most and third not in (one, other):
                both &= set(index.containing(third))
        pool |= both if len(both) <= most else set()
    pool = pool or set(index.containing(common[0]) if common else ())
    score = {number: sum(bits(word) for word in ranked if number in index.containing(word)) for number in pool}
    best = sorted(score, key=lambda number: (-score[number], number))[:enough]
    found = {}
    for number in best:
        for line in dict(index.printed([number]))[number]:
            shared = total(set(line.words.split()) & words)
            if score[number] >= SHARED_LEAST and shared >= SHARED_LEAST:
                found.setdefault(line.text, shared - LACKING_SHARE * (total(line.words.split()) - shared))
    return sorted(found, key=lambda text: -found[text])[:SIMILAR_WORDINGS]


@given(st.lists(FORMATS, min_size=8, max_size=40), st.frozensets(WORDS.filter(str.isalpha), min_size=4))
@settings(max_examples=150, deadline=None)
def test_similar_wordings_are_those_of_a_search_among_all_messages(formats, words):
    index = MemoryIndex([message(text, line=place) for place, text in enumerate(formats, 1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wording_search, "POSTINGS_MOST", 3)
        patch.setattr(wording_search, "SIMILAR_MESSAGES", 2)
        wordings = Wordings(index)
        known = wordings.known(words)
        found = [one.wording.line for one in wordings.similar(known)]
    assert found == everything_similar(index, known, 3, 2)
