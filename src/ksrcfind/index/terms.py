"""What of a log line is looked for in the sources when there is no index: its rarest words, and phrases of it."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ksrcfind.match.weights import bits

_WORDS = 6  # the rarest: common ones make grep slow and tell little
_LONGEST_WORD = 200  # characters; no source has longer ones, and a command line ends somewhere
_PHRASES = 24
_LONGEST_RUN = 4  # words and numbers
_TELLING = 14.0  # bits of a phrase that is worth a search
_AT_AN_END = 6.0  # bits that a phrase tells more if a literal of the source begins or ends with it
_OF_A_NUMBER = 2.0  # bits
_LONGEST_BODY = 4096  # characters of a line in which phrases are looked for

# Places and symbols are values: the file that they name is not the one that prints them.
_VALUE = re.compile(r"(?<![\w./+-])[\w./+-]{1,255}\.[chS]:\d+|(?<![\w.$])[\w.$]{1,255}\+0x[0-9a-f]+/0x[0-9a-f]+")
_WORD = re.compile(r"(?<![0-9A-Za-z_])[A-Za-z_][A-Za-z0-9_]+")  # no part of a number such as 0x9ec00
_TOKEN = re.compile(r"(?:0x)?%d|(?<![0-9A-Za-z_])[A-Za-z0-9_]+")
_NUMBER = re.compile(r"(?<![\w%.])(0x)?(?:[0-9a-f]*\d[0-9a-f]*)(?!\w)")
_ENDS_IN_NUMBER = re.compile(r"(?<=[A-Za-z_])\d[\w.]*$")
_BETWEEN = re.compile(r"[ ,:;()\[\]/=.-]{1,3}")
_BEGINS = re.compile(r"(?:^|[:\]] )\s*$")  # before the text that a call itself gives: nothing, or a prefix
_BRACKETS = ("(", "[", "<", "{")


def words_of(body: str) -> list[str]:
    """Return the rarest words of a text, the most telling ones first."""
    known = {word for word in _WORD.findall(_VALUE.sub(" ", body)) if len(word) <= _LONGEST_WORD}
    return sorted(known, key=lambda word: (-bits(word.lower()), -len(word), word))[:_WORDS]


def phrases_of(body: str) -> list[str]:
    """Return pieces of a text as a format of the source may hold them: the most telling ones, and the first ones.

    Runs of words and numbers with what stands between them, numbers as `%d`; with a quotation mark where a literal may
    begin or end, since then one word can do.
    """
    text = _VALUE.sub(" ", body[:_LONGEST_BODY])
    weight: dict[str, float] = {}
    for form in (_NUMBER.sub(r"\1%d", text), text):
        tokens = list(_TOKEN.finditer(form))
        for at, token in enumerate(tokens):
            if _WORD.fullmatch(token[0]):
                for run in _runs(form, tokens[at : at + _LONGEST_RUN]):
                    for phrase, told in _written(form, run):
                        weight.setdefault(phrase, told)
    able = [phrase for phrase in weight if weight[phrase] >= _TELLING]
    first = able[: _PHRASES // 2]
    return list(dict.fromkeys([*first, *sorted(able, key=lambda phrase: (-weight[phrase], phrase))]))[:_PHRASES]


def _runs(text: str, tokens: Sequence[re.Match[str]]) -> Iterator[Sequence[re.Match[str]]]:
    """Yield the first tokens, the first two, and so on, as far as they belong together."""
    yield tokens[:1]
    for count, (one, other) in enumerate(pairwise(tokens), 2):
        if not _BETWEEN.fullmatch(text[one.end() : other.start()]):
            return
        yield tokens[:count]


def _written(text: str, run: Sequence[re.Match[str]]) -> Iterator[tuple[str, float]]:
    """Yield how a run of words and numbers may be written in a source, with what each of that tells in bits."""
    start, end = run[0].start(), run[-1].end()
    told = sum(bits(each[0].lower()) if _WORD.fullmatch(each[0]) else _OF_A_NUMBER for each in run)
    phrase = text[start:end]
    begins, ends = _BEGINS.search(text[:start]) is not None, not text[end:].strip()
    for written in dict.fromkeys((phrase, _ENDS_IN_NUMBER.sub("%d", phrase))):
        if len(run) > 1:
            yield written, told
        elif written != phrase and text[start - 1 : start] in _BRACKETS:
            yield text[start - 1] + written, told
        if begins:
            yield f'"{written}', told + _AT_AN_END
    if ends:
        yield f'{phrase}\\n"', told + _AT_AN_END
    if ends and len(run) == 1:
        yield f'"{phrase}\\n"', told + 2 * _AT_AN_END
