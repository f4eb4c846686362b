"""From the text of a format to the forms of its message: the values that are known filled in."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ksrcfind.regex import regex
from ksrcfind.source.log_path import forwarded_format
from ksrcfind.source.message import Argument, Form
from ksrcfind.source.resolve import CHOICES, Hole, Part, Parts, Place, Text, alternatives, constant, function_like
from ksrcfind.source.substitute import ArgumentTokensRequiredError, substitute
from ksrcfind.source.template import CONVERSION, has_words
from ksrcfind.source.text_pools import MOST_TEXTS, PoolText
from ksrcfind.source.tokens import (
    ArgumentPlaceholder,
    Tokens,
    closing,
    is_name,
    is_string,
    split,
    text_of,
    tokenize,
)

_UNFINISHED = regex(r"(?<!%)(?:%%){0,9}+%[-+ #0]{0,5}+\Z")
_DIGITS = 4  # of the width and precision of a text that is filled in


Filled = tuple[str, tuple[Argument, ...]]
"""A text in printf syntax with the arguments of its conversions."""


class _Options(NamedTuple):
    """What a value, or a format with its values, can be."""

    known: list[Filled]
    """The alternatives; where not all are known, one is the conversion itself."""
    pooled: list[Filled]
    """Texts that the file shows besides: some of many, and of one value at a time."""


def forms(parts: Parts, arguments: Sequence[Tokens], place: Place) -> list[Filled]:
    """Fill the values in that are known; a value that is one of a few literals gives a form for each."""
    known, pooled = _filled(parts, arguments, place)
    return known + pooled


def _filled(parts: Parts, arguments: Sequence[Tokens], place: Place) -> _Options:
    values = iter(arguments)
    results = _Options([("", ())], [])
    for part in _merged(parts):
        if isinstance(part, Hole):
            hole = Argument("%s", _expression(part.tokens, place))
            results = _joined(results, "", _Options([("%s", (hole,))], _pooled(part.tokens, place)))
            continue
        pieces, tail = _conversions(part.text)
        for literal, match in pieces:
            for star in (match["width"], match["precision"]):
                if star == "*":
                    next(values, ())
            value = next(values, ())
            options = _value(match, value, place)
            if len(results.known) * len(options.known) > CHOICES:
                options = options._replace(known=[_open(match, value, place)])
            results = _joined(results, literal, options)
        results = _joined(results, tail, _Options([("", ())], []))
    return results


def _joined(front: _Options, literal: str, back: _Options) -> _Options:
    """One behind the other, with a literal between them."""
    if len(front.known) == len(back.known) == 1 and not (front.pooled or back.pooled):  # most of them
        text, given = front.known[0]
        more, others = back.known[0]
        return _Options([(text + literal + more, given + others)], [])
    known = [(text + literal + more, (*given, *others)) for text, given in front.known for more, others in back.known]
    pooled = [(text + literal + back.known[-1][0], (*given, *back.known[-1][1])) for text, given in front.pooled]
    text, given = front.known[-1]
    pooled += [(text + literal + more, (*given, *others)) for more, others in back.pooled]
    return _Options(known, pooled[: max(MOST_TEXTS, len(front.pooled), len(back.pooled))])


@lru_cache(maxsize=4096)
def _conversions(text: str) -> tuple[Sequence[tuple[str, re.Match[str]]], str]:
    """The conversions of a format that take a value, each with the text before it, and the text behind the last."""
    found: list[tuple[str, re.Match[str]]] = []
    position = 0
    for match in CONVERSION.finditer(text):
        if not match["percent"]:
            found.append((text[position : match.start()], match))
            position = match.end()
    return found, text[position:]


def _merged(parts: Parts) -> Iterator[Part]:
    """Join neighbouring texts: a conversion may be put together of several, `"%-" __stringify(WIDTH) "s"`."""
    text = ""
    for part in parts:
        if isinstance(part, Text):
            text += part.text
            continue
        if _UNFINISHED.search(text):
            continue  # an unknown width; without one, the text that is printed is the same but for blanks
        if text:
            yield Text(text, from_call=False)
        text = ""
        yield part
    if text:
        yield Text(text, from_call=False)


def spread(arguments: Sequence[Tokens], parts: Parts, place: Place) -> Sequence[Tokens]:
    """Return the arguments of a format; a macro that stands for several is opened if there are too few of them."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    wanted = len(_conversions(text)[0])
    if wanted <= len(arguments):
        return arguments
    return [value for argument in arguments for value in _several(argument, place)]


def _several(argument: Tokens, place: Place) -> Sequence[Tokens]:
    """`MAC2STR(address)`, or `ACPI_FORMAT_UINT64(address)`: what it brings with commas between."""
    used = place.plain(argument)
    if len(used) > 2 and is_name(used[0]) and used[1] == "(" and closing(used, 1) == len(used) - 1:
        given = [tuple(part) for part in split(used[2:-1])]
        for macro in function_like(str(used[0]), place):
            if "," in macro.body:
                try:
                    values = [tuple(part) for part in split(substitute(macro, given))]
                except ArgumentTokensRequiredError:
                    continue
                if len(values) > 1:
                    return values
    return [argument]


def _value(match: re.Match[str], tokens: Tokens, place: Place) -> _Options:
    """What a conversion prints: text that is known, or itself with its argument."""
    if match["kind"] in ("s", "pV") and (forwarded := forwarded_format(tokens)) is not None:
        found = [_filled(parts, forwarded.values, place) for parts in alternatives(forwarded.format, place)]
        known = [each for options in found for each in options.known]
        pooled = [each for options in found for each in options.pooled]
        most = max((len(options.pooled) for options in found), default=0)
        return _Options(known[:CHOICES], pooled[: max(MOST_TEXTS, most)])
    if match["kind"] == "s" and _may_be_literal(tokens, place) and (texts := _literals(match, tokens, place)):
        return _Options(texts, [])
    known = [_open(match, tokens, place)]
    if match["kind"] != "s":
        return _Options(known, [])
    if match[0] != "%s":
        return _Options(known, _pooled(tokens, place, match))
    return _Options([*_given(tokens, place), *known], _pooled(tokens, place))


def _literals(match: re.Match[str], tokens: Tokens, place: Place) -> list[Filled]:
    """What a conversion makes of the literals that an argument stands for; none if they are not all known."""
    choices = alternatives(tokens, place)
    shown = [_shown(match, parts) for parts in choices]
    # A macro that is empty here stands for a text in another build.
    if None not in shown and (any(shown) or any(map(is_string, place.plain(tokens)))):
        return [(text.replace("%", "%%"), ()) for text in shown if text is not None]
    if len(choices) == 1 and match[0] == "%s" and (_is_constant(tokens, place) or "__stringify" in tokens):
        return [_known_text(choices[0], place)]
    return []


def _given(tokens: Tokens, place: Place) -> list[Filled]:
    """The texts that callers give for a parameter that a format without words prints."""
    plain = place.plain(tokens) if place.is_wordless else ()
    if len(plain) != 1 or not is_name(plain[0]):
        return []
    return [_known_text(parts, place) for value in place.given(str(plain[0])) for parts in alternatives(value, place)]


def _pooled(tokens: Tokens, place: Place, padded: re.Match[str] | None = None) -> list[Filled]:
    """The texts with words that an argument of the call can hold as far as its file tells, of a weak format.

    `padded` is a conversion with a width or a precision: `%12s`.
    """
    if not place.is_weak or not any(isinstance(token, ArgumentPlaceholder) for token in tokens):
        return []
    found: dict[Filled, None] = {}
    for text in place.pool(_expression(tokens, place)):
        for parts in alternatives(tokenize(text.source), place):
            filled: Filled
            if padded is not None:
                filled = ((not text.is_piece and _shown(padded, parts)) or "").replace("%", "%%"), ()
            else:
                filled = _piece(text, parts) if text.is_piece else _known_text(parts, place)
            if has_words(filled[0]):
                found[filled] = None
    return list(found)


def _piece(piece: PoolText, parts: Parts) -> Filled:
    """A format that is written into a buffer, with what may stand around it there."""
    text = "".join(part.text if isinstance(part, Text) else "%s" for part in parts)
    around = f"{piece.before}{text}{piece.behind}"
    return around, tuple(Argument(match[0], "") for _, match in _conversions(around)[0])


def _known_text(parts: Parts, place: Place) -> tuple[str, tuple[Argument, ...]]:
    """The text of a value in printf syntax, with a conversion for each part that is not known."""
    text = "".join(part.text.replace("%", "%%") if isinstance(part, Text) else "%s" for part in parts)
    holes = (part for part in parts if isinstance(part, Hole))
    return text, tuple(Argument("%s", _expression(hole.tokens, place)) for hole in holes)


def _is_constant(tokens: Tokens, place: Place) -> bool:
    plain = place.plain(tokens)
    return len(plain) == 1 and is_name(plain[0]) and constant(str(plain[0]), place) is not None


def _shown(match: re.Match[str], parts: Parts) -> str | None:
    """What `%s`, `%-8s` or `%.4s` makes of a text; None where it is not known to the end, or how wide it is."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    width, precision = match["width"] or "0", match["precision"] or "0"
    if len(texts) < len(parts) or "*" in (width, precision) or len(width + precision) > _DIGITS:
        return None
    text = "".join(texts)
    if "." in match[0]:
        text = text[: max(0, int(precision))]
    return text.ljust(int(width)) if "-" in match["flags"] else text.rjust(int(width))


def _open(match: re.Match[str], tokens: Tokens, place: Place) -> tuple[str, tuple[Argument, ...]]:
    return match[0], (Argument(match[0], _expression(tokens, place)),)


def _may_be_literal(tokens: Tokens, place: Place) -> bool:
    tokens = place.plain(tokens)
    if len(tokens) == 1:
        token = tokens[0]
        if is_name(token):
            name = str(token)
            return not name[0].islower() or constant(name, place) is not None or _is_text(name, place)
        return is_string(token)
    if any(map(is_string, tokens)) or "__stringify" in tokens:
        return True
    return any(is_name(token) and str(token).isupper() for token in tokens)


def _is_text(name: str, place: Place) -> bool:
    """Return whether a name such as `my_NAME` is a macro for a text."""
    return not name.islower() and any(macro.parameters is None and '"' in macro.body for macro in place.macros(name))


def _expression(tokens: Tokens, place: Place) -> str:
    plain = place.plain(tokens)
    return text_of([token for token in plain if isinstance(token, str)])


def form(printed: str, arguments: tuple[Argument, ...]) -> Form:
    """The finished form: the last newline goes, as printk drops it."""
    return Form(printed.removesuffix("\n"), arguments)
