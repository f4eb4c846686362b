"""What a search without an index looks for in the source files: the rarest words of a log line, and phrases of it."""

import re
from collections.abc import Iterator, Sequence

from ksrcfind.match.word_weights import bits, is_common
from ksrcfind.regex import regex

_WORDS = 6  # most words that are searched for: grep is slow for common words, which are in too many files anyway
_LONGEST_WORD = 200  # characters; no source has longer words, and the length of a command line is limited
_PHRASES = 28
_OF_EACH = 2  # phrases that begin with the same word
_LONGEST_RUN = 4  # most words and numbers of a phrase
_DISCRIMINATIVE = 14.0  # bits of information that a phrase must have to be searched for
_AT_AN_END = 6.0  # additional bits of a phrase with a quotation mark, where a string literal begins or ends
_OF_A_NUMBER = 2.0  # bits of information of a number in a phrase
_LONGEST_END = 3  # most punctuation marks after the last word of a literal
_LONGEST_BLANK = 32  # characters before a text that are examined for the end of a prefix
_LONGEST_BODY = 4096  # characters of a line from which phrases are made

# Places and symbols are values: the file that they name is not the one that prints them.
_VALUE = regex(r"(?<![\w./+-])[\w./+-]{1,255}\.[chS]:\d+|(?<![\w.$])[\w.$]{1,255}\+0x[0-9a-f]+/0x[0-9a-f]+")
_PATH = regex(r"(?<![^\s=])/[^\s/]+/\S*[^\s:,.;]")
_WORD = regex(r"(?<![0-9A-Za-z_])[A-Za-z_][A-Za-z0-9_]+")  # no part of a number such as 0x9ec00
_TOKEN = regex(r"(?:0x)?%d|(?<![0-9A-Za-z_])[A-Za-z0-9_]+")
_NUMBER = regex(r"(?<![\w%.])(0x)?(?:[0-9a-f]*\d[0-9a-f]*)(?!\w)")
_ENDS_IN_NUMBER = regex(r"(?<![\w.])((?>[\w.]*?[A-Za-z_](?=\d)))\d[\w.]*+$")
_BETWEEN = regex(r"[ ,:;()\[\]/=.-]{1,3}")
_BEGINS = regex(r"(?:^|[:\]] )\s*$")  # a call's own text follows the start of the line, or a prefix
_BRACKETS = ("(", "[", "<", "{")


def words_of(body: str) -> list[str]:
    """Return the at most six words of a text that are rarest in kernel messages, the rarest first."""
    found = {word for word in _WORD.findall(_VALUE.sub(" ", body)) if len(word) <= _LONGEST_WORD}
    return sorted(found, key=lambda word: (-bits(word.lower()), -len(word), word))[:_WORDS]


def phrases_of(body: str) -> list[str]:
    """Return phrases of a log line as a format string in the source may contain them, at most 28.

    Half of the phrases are the first ones of the line, the others the rarest ones; phrases with words that are probably
    values come last. A phrase begins with a word and has as few further words and numbers as it needs to be rare. A
    number is tried both as `%d` and literally. Where a string literal may begin or end, a quotation mark is part of the
    phrase; there one word can be rare enough.
    """
    text = body[:_LONGEST_BODY]
    weight: dict[str, float] = {}
    for form in (_NUMBER.sub(r"\1%d", _PATH.sub("%d", _VALUE.sub("%d", text))), _VALUE.sub(" ", text)):
        tokens = list(_TOKEN.finditer(form))
        for at, token in enumerate(tokens):
            if _WORD.fullmatch(token[0]):
                for phrase, its_weight in _discriminative(form, tokens[at : at + _LONGEST_RUN]):
                    weight.setdefault(phrase, its_weight)
    first = list(weight)[: _PHRASES // 2]
    likely = sorted(weight, key=lambda phrase: (_unusual_words(phrase), -weight[phrase], phrase))
    return list(dict.fromkeys([*first, *likely]))[:_PHRASES]


def _unusual_words(phrase: str) -> int:
    """Return how many words of a phrase are rare in kernel messages. Such a word is most likely a value."""
    return sum(not is_common(word.lower()) for word in _WORD.findall(phrase))


def _discriminative(text: str, tokens: Sequence[re.Match[str]]) -> Iterator[tuple[str, float]]:
    """Yield (phrase, weight) for the shortest runs of `tokens`, from the first token on, that are rare enough.

    Weights are in bits of information: a rarer phrase has a higher weight.
    """
    start = tokens[0].start()
    begins = _BEGINS.search(text, max(0, start - _LONGEST_BLANK), start) is not None
    weight = 0.0
    plain = quoted = 0
    for count, token in enumerate(tokens, 1):
        if count > 1 and not _BETWEEN.fullmatch(text[tokens[count - 2].end() : token.start()]):
            return
        weight += bits(token[0].lower()) if _WORD.fullmatch(token[0]) else _OF_A_NUMBER
        phrase = text[start : token.end()]
        numbered = _ENDS_IN_NUMBER.sub(r"\1%d", phrase)
        spellings = dict.fromkeys((phrase, numbered))
        if begins and quoted < _OF_EACH and weight + _AT_AN_END >= _DISCRIMINATIVE:
            yield from ((f'"{spelling}', weight + _AT_AN_END) for spelling in spellings)
            quoted += 1
        rest = text[token.end() :].rstrip()
        if len(rest) <= _LONGEST_END and not any(map(str.isalnum, rest)) and weight + _AT_AN_END >= _DISCRIMINATIVE:
            yield f'{phrase}{rest}\\n"', weight + _AT_AN_END
            if count == 1:
                yield f'"{phrase}{rest}\\n"', weight + 2 * _AT_AN_END
        if count == 1 and numbered != phrase and text[start - 1 : start] in _BRACKETS:
            yield text[start - 1] + numbered, weight
        if count > 1 and weight >= _DISCRIMINATIVE:
            yield from ((spelling, weight) for spelling in spellings)
            plain += 1
        if plain == _OF_EACH:
            return
