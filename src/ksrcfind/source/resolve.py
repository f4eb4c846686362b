"""Resolves tokens to text: joins literals, expands string macros and conditional expressions, reads levels.

`instances` then substitutes values.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct

from ksrcfind.levels import CODE_NAMES, KERN_MACROS, LEVEL_OF_CODE
from ksrcfind.regex import regex
from ksrcfind.source.expand import Expander
from ksrcfind.source.facts import Macro
from ksrcfind.source.literal import decode
from ksrcfind.source.sinks import FORMAT_PASSED
from ksrcfind.source.substitute import ArgumentTokensRequiredError, substitute
from ksrcfind.source.text_pools import PoolText
from ksrcfind.source.tokens import (
    ArgumentPlaceholder,
    ForwardedFormat,
    Token,
    Tokens,
    closing,
    is_name,
    is_string,
    split,
    text_of,
    tokenize,
    unwrapped,
)

_DEPTH = 12
_LONGEST = 1 << 14  # tokens of the macros and constants that the texts of one call may expand
CHOICES = 24
"""Most alternatives of one format; a part with more becomes a hole."""

# For code that comes without include/linux/kern_levels.h. No kernel has KERN_WARN, drivers outside of the tree use it.
_KERN = {macro: f"\x01{code}" for macro, code in KERN_MACROS.items()} | {"KERN_WARN": "\x014"}
_LEVEL = regex(r"\x01([0-7cd])|\A<([0-7cd])>")
_LEVEL_NAME = regex(rf"(?:KERN_|LOGLEVEL_|LOG_)?({'|'.join(CODE_NAMES)})", re.IGNORECASE | re.ASCII)
_LEVEL_FIRST = regex(r"%s(?=[^\s:.,;)\]]|\Z)")
_READS_LIKE_LEVEL = regex(r"(?:lvl|level)\Z", re.IGNORECASE)
_HOLE = "__hole__"  # an unknown token while code is converted to text
_FUNCTION = frozenset({"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"})
_PREDEFINED = _FUNCTION | {"KBUILD_BASENAME", "KBUILD_MODNAME", "__FILE__"}


class Hole(Struct, frozen=True):
    """A part of a text that is known only at run time."""

    tokens: Tokens


class Text(Struct, frozen=True):
    """Literal text in printf syntax."""

    text: str
    from_call: bool
    """True for a literal at the call, False for text of a macro or wrapper function."""


Part = Text | Hole
Parts = tuple[Part, ...]


@dataclass(slots=True)
class Place:
    """The context of the call that is resolved: the meaning of its names, and its arguments."""

    expander: Expander
    path: str
    function: str | None
    module: str | None
    strings: dict[str, str]
    """Constant strings of the file: name → C source."""
    constant: Callable[[str], str | None]
    """C source of a constant string that another file defines."""
    given: Callable[[str], Sequence[Tokens]]
    """Texts that callers give for a parameter of the function around the call; there can be others."""
    pool: Callable[[str], Sequence[PoolText]]
    """Texts that a value of the call, C source, can hold as far as the file tells."""
    arguments: list[Tokens] = field(default_factory=list)
    """Of the call, by `ArgumentPlaceholder` index."""
    left: int = _LONGEST
    """Budget of tokens from macros and constants: texts that double each other have no end."""
    is_wordless: bool = False
    """True while the values of a format without any words are filled in: only they tell what is printed."""
    is_weak: bool = False
    """True while the values of a format with fewer than two words are filled in: its values tell most of the text."""

    def macros(self, name: str) -> list[Macro]:
        """Return the definitions of a macro that are visible at the call."""
        self.expander.dependencies.add(name)
        return [found.item for found in self.expander.scope.macros(name) if isinstance(found.item, Macro)]

    def plain(self, tokens: Tokens) -> Tokens:
        """Return tokens with each `ArgumentPlaceholder` replaced by the tokens of the argument."""
        if len(tokens) == 1 and isinstance(only := tokens[0], ArgumentPlaceholder):  # most values
            return self.arguments[only.index] if only.index < len(self.arguments) else ()
        result: list[Token] = []
        for token in tokens:
            if isinstance(token, ArgumentPlaceholder):
                result.extend(self.arguments[token.index] if token.index < len(self.arguments) else ())
            else:
                result.append(token)
        return tuple(result)


def level_of(tokens: Tokens, place: Place) -> str | None:
    """Return the level of an argument such as `KERN_ERR` or `LOGLEVEL_INFO`; None if it is unknown."""
    for parts in alternatives(tokens, place):
        for part in parts:
            if isinstance(part, Text) and (match := _LEVEL.search(part.text)):
                return _level(match)
    for token in place.plain(tokens):
        if is_name(token) and (match := _LEVEL_NAME.fullmatch(token)):
            return CODE_NAMES[match[1].lower()]
    return None


def _level(match: re.Match[str]) -> str | None:
    return LEVEL_OF_CODE.get(match[1] or match[2])


def take_level(printed: str) -> tuple[str, str | None]:
    """Return a text without level marks (SOH and a digit, `<3>` before v3.6), and the level of the last one."""
    if "\x01" not in printed and printed[:1] != "<":
        return printed, None
    found = list(_LEVEL.finditer(printed))
    return (_LEVEL.sub("", printed), _level(found[-1])) if found else (printed, None)


def without_level(parts: Parts, arguments: Sequence[Tokens], place: Place) -> tuple[Parts, Sequence[Tokens]]:
    """Return format and arguments without a level as argument: `printk("%sText", level)`, `%c%c` and KERN_SOH_ASCII."""
    if not parts or not arguments or not isinstance(parts[0], Text):
        return parts, arguments
    text = parts[0].text
    first = place.plain(arguments[0])
    if text.startswith("%c%c") and first == ("KERN_SOH_ASCII",):
        count = 2
    elif _LEVEL_FIRST.match(text) and first and is_name(first[-1]) and _READS_LIKE_LEVEL.search(first[-1]):
        count = 1
    else:
        return parts, arguments
    return (Text(text[2 * count :], parts[0].from_call), *parts[1:]), arguments[count:]


def alternatives(tokens: Sequence[Token], place: Place, *, from_call: bool = False, depth: int = 0) -> list[Parts]:
    """Return the possible texts of a string expression. `from_call` is true for tokens of the call itself."""
    if len(tokens) == 1 and depth <= _DEPTH:
        return _part(tokens, 0, place, from_call, depth)[1]  # nearly all of them
    tokens = unwrapped(tokens)
    if not tokens or depth > _DEPTH:
        return [()]
    if "?" in tokens:
        choice = split(tokens, "?")
        if len(choice) >= 2:
            outcomes = split([token for part in choice[1:] for token in [*part, "?"]][:-1], ":")
            if len(outcomes) >= 2:
                first = choice[0] if not outcomes[0] else outcomes[0]
                rest = [token for part in outcomes[1:] for token in [*part, ":"]][:-1]
                both = alternatives(first, place, from_call=from_call, depth=depth + 1)
                both = both + alternatives(rest, place, from_call=from_call, depth=depth + 1)
                return list(dict.fromkeys(both))[:CHOICES]
    results: list[list[Part]] = [[]]
    index = 0
    while index < len(tokens):
        step, options = _part(tokens, index, place, from_call, depth)
        index += step
        if len(results) * len(options) > CHOICES:
            options = options[:1] if is_name(tokens[index - step]) else [(Hole(tuple(tokens[index - step : index])),)]
        if len(options) == 1:
            for done in results:
                done.extend(options[0])
        else:
            results = [[*done, *option] for done in results for option in options]
    return [tuple(parts) for parts in results]


def formats_and_added(tokens: Tokens, place: Place) -> list[tuple[Tokens, tuple[Tokens, ...]]]:
    """Return alternatives of a format, each with the values that its macro adds.

    `pr_fmt(fmt)` may be `"%s: " fmt, __func__`. Alternatives (`#ifdef DEBUG`) with fewer added values come first.
    """
    for index, token in enumerate(tokens[:-1]):
        if not is_name(token) or tokens[index + 1] != "(":
            continue
        end = closing(tokens, index + 1)
        arguments = [tuple(part) for part in split(tokens[index + 2 : end])]
        macros = list(function_like(token, place))
        if not any("," in macro.body for macro in macros):
            continue
        found: list[tuple[Tokens, tuple[Tokens, ...]]] = []
        for macro in macros:
            try:
                body = substitute(macro, arguments)
            except ArgumentTokensRequiredError:
                continue
            form, *added = (tuple(part) for part in split([*tokens[:index], *body, *tokens[end + 1 :]]))
            found.append((form, tuple(added)))
        if any(added for _, added in found):
            return sorted(found, key=lambda one: len(one[1]))
    return [(tokens, ())]


def _part(tokens: Sequence[Token], index: int, place: Place, from_call: bool, depth: int) -> tuple[int, list[Parts]]:
    """Return the number of tokens of the part that starts at `index`, and its possible texts."""
    token = tokens[index]
    if is_string(token):
        return 1, [(Text(decode(token), from_call),)]
    if isinstance(token, ArgumentPlaceholder):
        if token.index >= len(place.arguments):
            return 1, [()]
        return 1, alternatives(place.arguments[token.index], place, from_call=True, depth=depth + 1)
    if is_name(token):
        return _name(token, tokens, index, place, from_call, depth)
    if token == "(":
        end = closing(tokens, index)
        return end + 1 - index, alternatives(tokens[index + 1 : end], place, from_call=from_call, depth=depth + 1)
    return len(tokens) - index, [(Hole(tuple(tokens)),)]


def _name(
    name: str, tokens: Sequence[Token], index: int, place: Place, from_call: bool, depth: int
) -> tuple[int, list[Parts]]:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if name in _PREDEFINED:
        text = _predefined(name, place)
        return 1, [(Text(text, False),) if text is not None else (Hole((name,)),)]
    if following == "(":
        end = closing(tokens, index + 1)
        options = _used(name, [tuple(part) for part in split(tokens[index + 2 : end])], place, depth)
        return end + 1 - index, options or [(Hole(tuple(tokens[index : end + 1])),)]
    bodies = [macro.body for macro in place.macros(name) if macro.parameters is None]
    if bodies:
        options = _all_of([_cached_tokens(body) for body in bodies], place, from_call=from_call, depth=depth)
        return 1, options or [(Hole((name,)),)]
    if name in _KERN:
        return 1, [(Text(_KERN[name], False),)]
    source = constant(name, place)
    if source is not None and (options := _all_of([_cached_tokens(source)], place, from_call=from_call, depth=depth)):
        return 1, options
    return len(tokens) - index if following in ("->", ".", "[", "+") else 1, [
        (Hole(tuple(tokens[index:]) if following in ("->", ".", "[", "+") else (name,)),)
    ]


def _predefined(name: str, place: Place) -> str | None:
    """Return the text of a name that the compiler or kbuild defines; None if it is unknown."""
    if name in _FUNCTION:
        return place.function.replace("%", "%%") if place.function else None
    if name == "KBUILD_BASENAME":
        return place.path.rpartition("/")[2].rpartition(".")[0].replace("-", "_")
    return (place.module or None) if name == "KBUILD_MODNAME" else place.path.replace("%", "%%")


def constant(name: str, place: Place) -> str | None:
    """Return the C source of a constant string of this file or another; None if there is none."""
    source = place.strings.get(name)
    if source is None:
        place.expander.cross_file_dependencies.add(name)
        source = place.constant(name)
    return source


def _used(name: str, arguments: Sequence[Tokens], place: Place, depth: int) -> list[Parts]:
    """Return the possible texts of a use of a function-like macro; none for a name that is no such macro."""
    if name in FORMAT_PASSED:
        return alternatives(arguments[0], place, depth=depth + 1) if arguments else []
    if place.left < 0:
        return []
    if name == "__stringify" and (texts := _stringified(arguments, place)):
        return texts
    bodies: list[Tokens] = []
    for macro in function_like(name, place):
        if "#" not in macro.body:
            arguments = [_expanded(argument, place) for argument in arguments]
        try:
            body = substitute(macro, arguments)
        except ArgumentTokensRequiredError:
            try:
                body = substitute(macro, [place.plain(argument) for argument in arguments])
            except ArgumentTokensRequiredError:
                continue  # the tokens of no argument would help
        if any(is_string(t) or is_name(t) or isinstance(t, (ArgumentPlaceholder, ForwardedFormat)) for t in body):
            bodies.append(tuple(body))
    return _all_of(bodies, place, from_call=False, depth=depth)


def _stringified(arguments: Sequence[Tokens], place: Place) -> list[Parts]:
    """Return code as text with holes for names of unknown macros; none if there is no such name.

    The compiler expands the argument first, but the facts do not contain macros for plain numbers.
    """
    tokens = place.plain(_listed(arguments))
    unknown = [token for token in tokens if _is_unknown(token, place)]
    if not unknown:
        return []
    code = text_of([_HOLE if token in unknown else token for token in tokens])
    first, *others = [(Text(piece, from_call=False),) if piece else () for piece in code.split(_HOLE)]
    parts: list[Part] = [*first]
    for token, piece in zip(unknown, others, strict=True):
        parts += (Hole((token,)), *piece)
    return [tuple(parts)]


def _listed(arguments: Sequence[Tokens]) -> Tokens:
    """Return arguments with commas between them."""
    return tuple(
        token for number, argument in enumerate(arguments) for token in ((",", *argument) if number else argument)
    )


def _is_unknown(token: Token, place: Place) -> bool:
    return is_name(token) and len(token) > 1 and token.isupper() and not place.macros(token)


def _expanded(argument: Tokens, place: Place) -> Tokens:
    """Return the token that an argument's macro stands for, else the argument: compilers expand arguments first."""
    if len(argument) == 1 and is_name(argument[0]):
        bodies = [macro.body for macro in place.macros(argument[0]) if macro.parameters is None]
        if len(bodies) == 1 and len(tokens := _cached_tokens(bodies[0])) == 1:
            return tokens
    return argument


def function_like(name: str, place: Place) -> Iterator[Macro]:
    """Yield the definitions of a function-like macro, also through an alias (`#define dev_fmt pr_fmt`)."""
    for macro in place.macros(name):
        if not macro.body:
            continue
        if macro.parameters is not None:
            yield macro
        elif macro.body != name and is_name(macro.body) and len(_cached_tokens(macro.body)) == 1:
            yield from (other for other in place.macros(macro.body) if other.parameters is not None and other.body)


def _all_of(bodies: Sequence[Tokens], place: Place, *, from_call: bool, depth: int) -> list[Parts]:
    """Return the texts of alternative definitions, without holes if some have none; nothing at the limit."""
    place.left -= 1 + sum(map(len, bodies))
    if place.left < 0:
        return []
    found = [parts for body in bodies for parts in alternatives(body, place, from_call=from_call, depth=depth + 1)]
    if len(bodies) > 1:
        found = [parts for parts in found if not any(isinstance(part, Hole) for part in parts)] or found
        found = list(dict.fromkeys(found))[:CHOICES]
    return found


@lru_cache(maxsize=4096)
def _cached_tokens(source: str) -> tuple[str, ...]:
    return tuple(tokenize(source))
