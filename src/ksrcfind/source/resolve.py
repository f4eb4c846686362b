"""From tokens to the text that will be printed: literals joined, string macros and choices expanded, levels read.

`fill` goes on from there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ksrcfind.source.expand import Expander
from ksrcfind.source.facts import Macro
from ksrcfind.source.literal import decode
from ksrcfind.source.log_path import ForwardedFormat
from ksrcfind.source.pools import PoolText
from ksrcfind.source.sinks import FORMAT_PASSED
from ksrcfind.source.substitute import ArgumentPlaceholder, ArgumentTokensRequiredError, Tokens, substitute
from ksrcfind.source.tokens import Token, closing, is_name, is_string, split, text_of, tokenize, unwrapped

_DEPTH = 12
_LONGEST = 1 << 14  # tokens of the macros and constants that are opened for the texts of one call
CHOICES = 6
"""Alternatives of one format; more than that are left as holes."""

_LEVELS = {"0": "emerg", "1": "alert", "2": "crit", "3": "err", "4": "warn", "5": "notice", "6": "info", "7": "debug"}
# include/linux/kern_levels.h, for code that comes without it.
_KERN = {
    f"KERN_{level.upper()}": f"\x01{digit}" for digit, level in (*_LEVELS.items(), ("4", "warning"), ("c", "cont"))
}
_LEVEL = re.compile(r"\x01([0-7cd])|\A<([0-7cd])>")
_LEVEL_NAME = re.compile(
    r"(?:KERN_|LOGLEVEL_|LOG_)?(EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG|CONT)", re.IGNORECASE
)
_LEVEL_FIRST = re.compile(r"%s(?=[^\s:.,;)\]]|\Z)")
_READS_LIKE_LEVEL = re.compile(r"(?:lvl|level)\Z", re.IGNORECASE)
_LEVEL_WORDS = {"error": "err", "warning": "warn"}
_HOLE = "__hole__"  # stands for what is not known while code is made text
_FUNCTION = frozenset({"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"})


@dataclass(frozen=True, slots=True)
class Hole:
    """A value whose text only run time knows, where a literal was expected."""

    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text in printf syntax."""

    text: str
    from_call: bool
    """True if it stands at the call, False if a macro or wrapper brings it."""


Part = Text | Hole
Parts = tuple[Part, ...]


@dataclass(slots=True)
class Place:
    """The call that is resolved: what its names and its arguments stand for."""

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
    """How many more tokens of macros and constants are read: a text that is told by doubling others has no end."""
    is_wordless: bool = False
    """True while the values of a format without any words are filled in: only they tell what is printed."""
    is_weak: bool = False
    """True while the values of a format with fewer than two words are filled in: its values tell most of the text."""

    def macros(self, name: str) -> list[Macro]:
        """Definitions of a macro as the call sees it."""
        self.expander.dependencies.add(name)
        return [found.item for found in self.expander.scope.macros(name) if isinstance(found.item, Macro)]

    def plain(self, tokens: Tokens) -> Tokens:
        """Tokens with those of the call's arguments in the place of their slots."""
        if len(tokens) == 1 and isinstance(slot := tokens[0], ArgumentPlaceholder):  # most values
            return self.arguments[slot.index] if slot.index < len(self.arguments) else ()
        result: list[Token] = []
        for token in tokens:
            if isinstance(token, ArgumentPlaceholder):
                result.extend(self.arguments[token.index] if token.index < len(self.arguments) else ())
            else:
                result.append(token)
        return tuple(result)


def level_of(tokens: Tokens, place: Place) -> str | None:
    """Level that an argument such as `KERN_ERR` or `level` names."""
    for parts in alternatives(tokens, place):
        for part in parts:
            if isinstance(part, Text) and (match := _LEVEL.search(part.text)):
                return _level(match)
    for token in place.plain(tokens):
        if is_name(token) and (match := _LEVEL_NAME.fullmatch(str(token))):
            word = match[1].lower()
            return _LEVEL_WORDS.get(word, word)
    return None


def _level(match: re.Match[str]) -> str | None:
    digit = match[1] or match[2]
    return "cont" if digit == "c" else _LEVELS.get(digit)


def take_level(printed: str) -> tuple[str, str | None]:
    """Take the level marks (`KERN_ERR` is SOH and a digit, `<3>` before v3.6) off a text; the last one counts."""
    if "\x01" not in printed and printed[:1] != "<":
        return printed, None
    found = list(_LEVEL.finditer(printed))
    return (_LEVEL.sub("", printed), _level(found[-1])) if found else (printed, None)


def without_level(parts: Parts, arguments: Sequence[Tokens], place: Place) -> tuple[Parts, Sequence[Tokens]]:
    """Take off what printk reads as the level at run time: `printk("%sText", level)`, or `%c%c` with KERN_SOH_ASCII."""
    if not parts or not arguments or not isinstance(parts[0], Text):
        return parts, arguments
    text = parts[0].text
    first = place.plain(arguments[0])
    if text.startswith("%c%c") and first == ("KERN_SOH_ASCII",):
        count = 2
    elif _LEVEL_FIRST.match(text) and first and is_name(first[-1]) and _READS_LIKE_LEVEL.search(str(first[-1])):
        count = 1
    else:
        return parts, arguments
    return (Text(text[2 * count :], parts[0].from_call), *parts[1:]), arguments[count:]


def alternatives(tokens: Sequence[Token], place: Place, *, inside: bool = False, depth: int = 0) -> list[Parts]:
    """What an expression of string type can be. `inside` is true for tokens that stand at the call itself."""
    if len(tokens) == 1 and depth <= _DEPTH:
        return _one(tokens, 0, place, inside, depth)[1]  # nearly all of them
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
                both = alternatives(first, place, inside=inside, depth=depth + 1)
                both = both + alternatives(rest, place, inside=inside, depth=depth + 1)
                return list(dict.fromkeys(both))[:CHOICES]
    results: list[list[Part]] = [[]]
    index = 0
    while index < len(tokens):
        step, options = _one(tokens, index, place, inside, depth)
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
    """Split a format whose macro brings values of its own: `pr_fmt(fmt)` may be `"%s: " fmt, __func__`.

    Of alternatives (`#ifdef DEBUG`) those without such values come first.
    """
    for index, token in enumerate(tokens[:-1]):
        if not is_name(token) or tokens[index + 1] != "(":
            continue
        end = closing(tokens, index + 1)
        arguments = [tuple(part) for part in split(tokens[index + 2 : end])]
        macros = list(function_like(str(token), place))
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


def _one(tokens: Sequence[Token], index: int, place: Place, inside: bool, depth: int) -> tuple[int, list[Parts]]:
    """The part that starts at `index`: how many tokens it takes, and what it can be."""
    token = tokens[index]
    if is_string(token):
        return 1, [(Text(decode(str(token)), inside),)]
    if isinstance(token, ArgumentPlaceholder):
        if token.index >= len(place.arguments):
            return 1, [()]
        return 1, alternatives(place.arguments[token.index], place, inside=True, depth=depth + 1)
    if is_name(token):
        return _name(str(token), tokens, index, place, inside, depth)
    if token == "(":
        end = closing(tokens, index)
        return end + 1 - index, alternatives(tokens[index + 1 : end], place, inside=inside, depth=depth + 1)
    return len(tokens) - index, [(Hole(tuple(tokens)),)]


def _name(
    name: str, tokens: Sequence[Token], index: int, place: Place, inside: bool, depth: int
) -> tuple[int, list[Parts]]:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if name in _FUNCTION:
        return 1, [(Text(place.function.replace("%", "%%"), False),) if place.function else (Hole((name,)),)]
    if name == "KBUILD_BASENAME":
        return 1, [(Text(place.path.rpartition("/")[2].rpartition(".")[0].replace("-", "_"), False),)]
    if name == "KBUILD_MODNAME":
        return 1, [(Text(place.module, False),) if place.module else (Hole((name,)),)]
    if name == "__FILE__":
        return 1, [(Text(place.path.replace("%", "%%"), False),)]
    if following == "(":
        end = closing(tokens, index + 1)
        options = _used(name, [tuple(part) for part in split(tokens[index + 2 : end])], place, depth)
        return end + 1 - index, options or [(Hole(tuple(tokens[index : end + 1])),)]
    bodies = [macro.body for macro in place.macros(name) if macro.parameters is None]
    if bodies:
        options = _all_of([_cached_tokens(body) for body in bodies], place, inside=inside, depth=depth)
        return 1, options or [(Hole((name,)),)]
    if name in _KERN:
        return 1, [(Text(_KERN[name], False),)]
    source = constant(name, place)
    if source is not None and (options := _all_of([_cached_tokens(source)], place, inside=inside, depth=depth)):
        return 1, options
    return len(tokens) - index if following in ("->", ".", "[", "+") else 1, [
        (Hole(tuple(tokens[index:]) if following in ("->", ".", "[", "+") else (name,)),)
    ]


def constant(name: str, place: Place) -> str | None:
    """C source of a constant text, of the file's own or of another's."""
    source = place.strings.get(name)
    if source is None:
        place.expander.cross_file_dependencies.add(name)
        source = place.constant(name)
    return source


def _used(name: str, arguments: Sequence[Tokens], place: Place, depth: int) -> list[Parts]:
    """What a macro with parameters can be where a text is expected; nothing if it is none."""
    if name in FORMAT_PASSED:
        return alternatives(arguments[0], place, depth=depth + 1) if arguments else []
    if place.left < 0:
        return []
    if name == "__stringify" and (told := _stringified(arguments, place)):
        return told
    bodies: list[Tokens] = []
    for macro in function_like(name, place):
        if "#" not in macro.body:
            arguments = [_opened(argument, place) for argument in arguments]
        try:
            body = substitute(macro, arguments)
        except ArgumentTokensRequiredError:
            try:
                body = substitute(macro, [place.plain(argument) for argument in arguments])
            except ArgumentTokensRequiredError:
                continue  # no argument decides what it makes
        if any(is_string(t) or is_name(t) or isinstance(t, (ArgumentPlaceholder, ForwardedFormat)) for t in body):
            bodies.append(tuple(body))
    return _all_of(bodies, place, inside=False, depth=depth)


def _stringified(arguments: Sequence[Tokens], place: Place) -> list[Parts]:
    """Code as text with holes for what looks like a macro and is none that is known; nothing if all is known.

    The compiler expands the argument first, and macros for plain numbers are not kept.
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
    """Arguments with the commas between them."""
    return tuple(
        token for number, argument in enumerate(arguments) for token in ((",", *argument) if number else argument)
    )


def _is_unknown(token: Token, place: Place) -> bool:
    return is_name(token) and len(str(token)) > 1 and str(token).isupper() and not place.macros(str(token))


def _opened(argument: Tokens, place: Place) -> Tokens:
    """A macro for one thing as an argument, which a compiler expands before the macro that it is given to."""
    if len(argument) == 1 and is_name(argument[0]):
        bodies = [macro.body for macro in place.macros(str(argument[0])) if macro.parameters is None]
        if len(bodies) == 1 and len(tokens := _cached_tokens(bodies[0])) == 1:
            return tokens
    return argument


def function_like(name: str, place: Place) -> Iterator[Macro]:
    """Definitions of a macro with parameters, also by another name (`#define dev_fmt pr_fmt`)."""
    for macro in place.macros(name):
        if not macro.body:
            continue
        if macro.parameters is not None:
            yield macro
        elif macro.body != name and is_name(macro.body) and len(_cached_tokens(macro.body)) == 1:
            yield from (other for other in place.macros(macro.body) if other.parameters is not None and other.body)


def _all_of(bodies: Sequence[Tokens], place: Place, *, inside: bool, depth: int) -> list[Parts]:
    """What alternative definitions can be; of those that are text to the end, if any are; at the limit, nothing."""
    place.left -= 1 + sum(map(len, bodies))
    if place.left < 0:
        return []
    found = [parts for body in bodies for parts in alternatives(body, place, inside=inside, depth=depth + 1)]
    if len(bodies) > 1:
        found = [parts for parts in found if not any(isinstance(part, Hole) for part in parts)] or found
        found = list(dict.fromkeys(found))[:CHOICES]
    return found


@lru_cache(maxsize=4096)
def _cached_tokens(source: str) -> tuple[str, ...]:
    return tuple(tokenize(source))
