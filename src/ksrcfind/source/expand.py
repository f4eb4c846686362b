"""Following a call down to printk: macros are expanded, wrapper functions looked through.

A call such as `ext4_msg(sb, KERN_ERR, "bad %d", n)` is expanded once for all calls of its shape: its arguments are
opaque `Slot`s, and the outcome (an `Emission` for each way it logs) says where each of them ends up. Only when a macro
pastes or stringifies an argument, or calls it, are the tokens themselves needed; then the shape includes them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ksrcfind.source.facts import Call, Macro, Wrapper
from ksrcfind.source.roots import NOT_LOGGED, Root
from ksrcfind.source.tokens import Token, closing, decode, is_name, is_string, split, text_of, tokenize

Tokens = tuple[Token, ...]

_DEPTH = 24
_EMISSIONS = 8
_EXPANSIONS = 500  # macros that are expanded for one use of a wrapper function


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument of the call, not looked into."""

    index: int


@dataclass(frozen=True, slots=True)
class Rest:
    """The values of a variable argument list."""

    values: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """A format with its values that a wrapper hands on (`struct va_format`, or a buffer printed into)."""

    format: Tokens
    values: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class ModuleName:
    """`KBUILD_MODNAME` as another file has it."""

    file: int


@dataclass(frozen=True, slots=True)
class Emission:
    """One way in which a call logs."""

    root: Root
    format: Tokens
    arguments: tuple[Tokens, ...]
    """Values of the format's conversions."""
    level: Tokens
    """Tokens that name the level; empty if the root or the format says it."""
    prefix_arguments: tuple[Tokens, ...]
    macro: Macro | None = None
    """The innermost macro whose body holds the logging call."""
    macro_file: int = -1
    """The file that defines it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A macro or wrapper function with the file that holds it."""

    file: int
    item: Macro | Wrapper


class Scope(Protocol):
    """What names mean in one file."""

    @property
    def file(self) -> int:
        """The file."""
        ...

    @property
    def path(self) -> str:
        """Its path from the root of the tree."""
        ...

    def of(self, file: int) -> "Scope":
        """What names mean in another file."""
        ...

    def may_log(self, name: str) -> bool:
        """False if no definition of that name, in any file, leads to a root: it need not be looked into."""
        ...

    def root(self, name: str) -> Root | None:
        """The root of that name, if it is one."""
        ...

    def macros(self, name: str) -> tuple[Definition, ...]:
        """Definitions of a macro, alternatives of `#ifdef` included; empty if there is none."""
        ...

    def wrappers(self, name: str) -> tuple[Definition, ...]:
        """Functions of that name that handle variable arguments."""
        ...


class NeedsTokensError(Exception):
    """An argument's own tokens decide what happens: it is pasted, stringified or called."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Expander:
    """Expands calls of one file."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        """What names mean in the file."""
        self.consulted: set[str] = set()
        """Every name that was looked up: when one of them changes its meaning, the file is linked anew."""
        self.beyond: set[str] = set()
        """Names that were looked up where a wrapper function stands: the file's own meaning does not matter."""

    def emissions(self, name: str, arguments: Sequence[Tokens], active: frozenset[str] = frozenset()) -> list[Emission]:
        """All ways in which a call of `name` logs; empty if it does not."""
        self.consulted.add(name)
        if name in NOT_LOGGED or len(active) > _DEPTH or not self.scope.may_log(name):
            return []
        root = self.scope.root(name)
        if root is not None:
            return _of_root(root, arguments)
        found: list[Emission] = []
        if name not in active:
            definitions = self.scope.macros(name)
            for definition in definitions:
                found += self._of_macro(definition, arguments, active | {name})
            if definitions:
                return _distinct(found)
        for definition in self.scope.wrappers(name):
            if name + "()" not in active:
                found += self._of_wrapper(definition, arguments, active | {name, name + "()"})
        return _distinct(found)

    def in_tokens(self, tokens: Sequence[Token], active: frozenset[str]) -> Iterator[Emission]:
        """Emissions of all calls in a piece of code."""
        index = 0
        last = len(tokens) - 1
        while index <= last:
            token = tokens[index]
            index += 1
            following = tokens[index] if index <= last else None
            if type(token) is not str:
                if following == "(" and isinstance(token, Slot):
                    raise NeedsTokensError(token.index)
                continue
            if not self.scope.may_log(token):
                continue
            if isinstance(following, Slot):
                raise NeedsTokensError(following.index)  # `#define log(level, list) printk list`
            if following == "(":
                end = closing(tokens, index)
                inner = [tuple(part) for part in split(tokens[index + 1 : end])]
                found = self.emissions(self._alias(token, active), inner, active)
                yield from found
                if found or token in NOT_LOGGED:
                    index = end + 1
            elif token not in active:
                yield from self._of_object(token, active)

    def _of_object(self, name: str, active: frozenset[str]) -> Iterator[Emission]:
        """Emissions of a macro without parameters that holds calls."""
        for definition in self.scope.macros(name):
            macro = definition.item
            if isinstance(macro, Macro) and macro.parameters is None and "(" in macro.body:
                self.consulted.add(name)
                for emission in self.in_tokens(tokenize(macro.body), active | {name}):
                    yield _placed(emission, definition)

    def _alias(self, name: str, active: frozenset[str]) -> str:
        """Follow `#define dbg pr_debug`."""
        for _ in range(_DEPTH):
            self.consulted.add(name)
            if self.scope.root(name) is not None or name in active:
                return name
            for definition in self.scope.macros(name):
                macro = definition.item
                if isinstance(macro, Macro) and macro.parameters is None:
                    other = _other_name(macro)
                    if other and other != name:
                        name = other
                        break
            else:
                return name
        return name

    def call(self, name: str, arguments: Sequence[Tokens]) -> list[Emission]:
        """All ways in which a call, as it stands in a file, logs."""
        return self.emissions(self._alias(name, frozenset()), arguments)

    def _of_macro(self, definition: Definition, arguments: Sequence[Tokens], active: frozenset[str]) -> list[Emission]:
        macro = definition.item
        if not isinstance(macro, Macro):
            return []
        if macro.parameters is None:
            other = _other_name(macro)
            return self.emissions(other, arguments, active) if other else []
        tokens = substitute(macro, arguments)
        return [_placed(emission, definition) for emission in self.in_tokens(tokens, active)][:_EMISSIONS]

    def _of_wrapper(
        self, definition: Definition, arguments: Sequence[Tokens], active: frozenset[str]
    ) -> list[Emission]:
        wrapper = definition.item
        if not isinstance(wrapper, Wrapper):
            return []
        mark = _Mark()
        bound = _bind(wrapper, arguments, mark)
        # The names in a function mean what they mean in its own file.
        inner = Expander(self.scope.of(definition.file))
        settler = _Settler(inner, wrapper.name, mark)
        printed: list[list[Emission]] = []
        for call in wrapper.calls:
            if call.name in ("va_start", "va_end", "va_copy", "va_arg"):
                continue
            tokens = _replace(tokenize(call.text), bound)
            some = [settler.emission(emission) for emission in inner.in_tokens(tokens, active)]
            if some:
                printed.append(some)
            if sum(_hands_on(emission, mark) for group in printed for emission in group) >= _EMISSIONS:
                break
        self.beyond |= inner.consulted | inner.beyond
        if wrapper.prints_text:
            return [_unmarked(emission, mark) for group in printed for emission in group]
        return [_unmarked(emission, mark) for emission in _joined(printed, mark)]


def _other_name(macro: Macro) -> str:
    """What is called in the place of a macro: `printk` for `#define dprintk if (debug) printk`; empty if nothing is."""
    body = tokenize(macro.body)
    while len(body) >= 3 and body[0] == "(" and body[-1] == ")":
        body = body[1:-1]
    return body[-1] if body and is_name(body[-1]) and (len(body) == 1 or body[0] == "if") else ""


class _Mark:
    """Stands before everything that came in through a wrapper's parameter, to tell it from the wrapper's own text.

    `end`, another mark, stands behind it.
    """

    __slots__ = ("end",)

    def __init__(self, *, ends: bool = False) -> None:
        self.end = self if ends else _Mark(ends=True)


class _Settler:
    """Gives the names in a wrapper function's own text the meaning that they have in its file."""

    def __init__(self, inner: Expander, function: str, mark: _Mark) -> None:
        self._inner = inner
        self._function = function
        self._mark = mark
        self._left = _EXPANSIONS

    def emission(self, emission: Emission) -> Emission:
        """Return an emission of the function with its text settled."""
        parts = split(self.tokens(emission.format))
        if not parts:
            return emission
        added = tuple(self._value(tuple(part)) for part in parts[1:])  # `pr_fmt(fmt)` may be `"%s: " fmt, __func__`
        values = tuple(self._value(value) for value in emission.arguments)
        return replace(emission, format=tuple(parts[0]), arguments=(*added, *values))

    def _value(self, value: Tokens) -> Tokens:
        if len(value) != 1:
            return value
        token = value[0]
        if isinstance(token, Handed):
            return (Handed(tuple(self.tokens(token.format)), token.values),)
        settled = self.tokens(value)
        return tuple(settled) if all(is_string(one) or isinstance(one, ModuleName) for one in settled) else value

    def tokens(self, tokens: Sequence[Token], depth: int = 0) -> list[Token]:
        """Return tokens with the function's own macros expanded, as far as they are known in its file."""
        result: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            index += 1
            if token is self._mark:
                end = tokens.index(self._mark.end, index) if self._mark.end in tokens[index:] else len(tokens)
                result += [token, *tokens[index:end]]
                index = end
            elif is_name(token) and depth < _DEPTH and self._left > 0:
                following = tokens[index] if index < len(tokens) else None
                end = closing(tokens, index) if following == "(" else index
                own = self._name(str(token), [tuple(p) for p in split(tokens[index + 1 : end])], following == "(")
                if own is None:
                    result.append(token)
                    continue
                result += own if own and not is_name(own[0]) and len(own) == 1 else self.tokens(own, depth + 1)
                index = end + 1 if following == "(" else index
            else:
                result.append(token)
        return result

    def _name(self, name: str, arguments: Sequence[Tokens], is_call: bool) -> Sequence[Token] | None:
        """What a name stands for; None if it stands for itself."""
        if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            return (f'"{self._function}"',)
        if name == "__FILE__":
            return (f'"{self._inner.scope.path}"',)
        if name == "KBUILD_BASENAME":
            return (f'"{self._inner.scope.path.rpartition("/")[2].rpartition(".")[0].replace("-", "_")}"',)
        if name == "KBUILD_MODNAME":
            return (ModuleName(self._inner.scope.file),)
        for definition in self._inner.scope.macros(name):
            macro = definition.item
            if not isinstance(macro, Macro) or not macro.body or (macro.parameters is not None) != is_call:
                continue
            self._inner.consulted.add(name)
            self._left -= 1
            try:
                return substitute(macro, arguments) if is_call else tokenize(macro.body)
            except NeedsTokensError:
                return None
        return None


def substitute(macro: Macro, arguments: Sequence[Tokens]) -> list[Token]:
    """Body of a function-like macro with its arguments in place, `#` and `##` done."""
    bound, variadic = _bind_macro(macro, arguments)
    body = tokenize(macro.body)
    result: list[Token] = []
    index = 0
    while index < len(body):
        token = body[index]
        following = body[index + 1] if index + 1 < len(body) else ""
        if token == "#" and following in bound:
            result.append(_stringify(bound[following]))
            index += 2
            continue
        if token == "##" and result and index + 1 < len(body):
            index += 2
            right = bound.get(following, (following,))
            if result[-1] == ",":
                # `, ##__VA_ARGS__`: without values the comma goes too.
                if following == variadic and not right:
                    result.pop()
                else:
                    result.extend(right)
                continue
            _paste(result, right)
            continue
        if token == "__VA_OPT__" and following == "(":
            end = closing(body, index + 1)
            if bound.get(variadic):
                inner = Macro(macro.name, macro.parameters, " ".join(body[index + 2 : end]), macro.line, macro.fallback)
                result.extend(substitute(inner, arguments))
            index = end + 1
            continue
        if token in bound:
            result.extend(bound[token])
        else:
            result.append(token)
        index += 1
    return result


def _bind_macro(macro: Macro, arguments: Sequence[Tokens]) -> tuple[dict[str, Tokens], str]:
    parameters = macro.parameters or ()
    bound: dict[str, Tokens] = {}
    variadic = ""
    for position, parameter in enumerate(parameters):
        if parameter.endswith("..."):
            variadic = parameter[:-3] or "__VA_ARGS__"
            rest: list[Token] = []
            for number, argument in enumerate(arguments[position:]):
                rest.extend((",", *argument) if number else argument)
            bound[variadic] = tuple(rest)
            break
        bound[parameter] = tuple(arguments[position]) if position < len(arguments) else ()
    return bound, variadic


def _stringify(tokens: Tokens) -> str:
    tokens = tuple(token for token in tokens if not isinstance(token, _Mark))
    for token in tokens:
        if not isinstance(token, str):
            raise NeedsTokensError(_slot_of(token))
    text = text_of(tokens).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text + '"'


def _paste(result: list[Token], right: Sequence[Token]) -> None:
    right = [token for token in right if not isinstance(token, _Mark)]
    if not right:
        return
    left, first = result[-1], right[0]
    for side in (left, first):
        if not isinstance(side, str):
            raise NeedsTokensError(_slot_of(side))
    result[-1] = str(left) + str(first)
    result.extend(right[1:])


def _slot_of(token: Token) -> int:
    return token.index if isinstance(token, Slot) else -1


def _bind(wrapper: Wrapper, arguments: Sequence[Tokens], mark: _Mark) -> dict[str, Tokens]:
    """What the names of a wrapper function stand for when it is called with `arguments`."""
    bound: dict[str, Tokens] = {}
    rest = Rest(())
    for position, declaration in enumerate(wrapper.parameters):
        if declaration == "...":
            rest = Rest(tuple(tuple(argument) for argument in arguments[position:]))
            break
        names = [token for token in tokenize(declaration.split("[")[0]) if is_name(token)]
        if names and position < len(arguments):
            bound[names[-1]] = (mark, *arguments[position], mark.end)
    for call in wrapper.calls:
        values = split(tokenize(call.text)[2:-1])
        if call.name == "va_start" and values and len(values[0]) == 1:
            bound[str(values[0][0])] = (rest,)
        elif call.name == "va_copy" and len(values) == 2 and len(values[0]) == 1:
            bound[str(values[0][0])] = _replace(values[1], bound)
    for variable, expression in wrapper.formats:
        bound[variable] = (Handed(_replace(tokenize(expression), bound), rest.values),)
    for call in wrapper.calls:
        _print_into(bound, call)
    return bound


# Functions that print into a buffer: index of the format.
_BUFFER_PRINTERS = {"sprintf": 1, "snprintf": 2, "scnprintf": 2, "vsprintf": 1, "vsnprintf": 2, "vscnprintf": 2}


def _print_into(bound: dict[str, Tokens], call: Call) -> None:
    """What is printed into a buffer is handed on where the buffer is; later calls add to it."""
    position = _BUFFER_PRINTERS.get(call.name)
    values = split(tokenize(call.text)[2:-1])
    if position is None or len(values) <= position or not values[0] or not is_name(values[0][0]):
        return
    buffer = str(values[0][0])
    form = _replace(values[position], bound)
    given = tuple(_replace(value, bound) for value in values[position + 1 :])
    if call.name.startswith("v"):
        listed = _values_of(given[0]) if given else None
        if listed is None:
            return
        given = listed
    before = bound.get(buffer, ())
    if len(values[0]) > 1 and before and isinstance(before[0], Handed):
        form, given = before[0].format + form, before[0].values + given
    bound[buffer] = (Handed(form, given),)


def _replace(tokens: Sequence[Token], bound: dict[str, Tokens]) -> Tokens:
    result: list[Token] = []
    for position, token in enumerate(tokens):
        value = bound.get(token) if isinstance(token, str) else None
        if value is None or (position and tokens[position - 1] in ("->", ".")):
            result.append(token)
            continue
        if result and result[-1] == "&" and len(value) == 1 and isinstance(value[0], (Handed, Rest)):
            result.pop()
        result.extend(value)
    return tuple(result)


def _values_of(tokens: Tokens) -> tuple[Tokens, ...] | None:
    """The values behind a `va_list` argument."""
    for token in tokens:
        if isinstance(token, Rest):
            return token.values
        if isinstance(token, Slot):
            return ((token,),)
    return None


def _of_root(root: Root, arguments: Sequence[Tokens]) -> list[Emission]:
    position = root.format if root.format >= 0 else len(arguments) + root.format
    if not 0 <= position < len(arguments):
        return []
    form = tuple(arguments[position])
    values: tuple[Tokens, ...] = tuple(tuple(argument) for argument in arguments[position + 1 :])
    if root.variable_list:
        values = _values_of(values[0]) or () if values else ()
    elif root.is_format_struct:
        form, values = ('"%pV"',), (form,)
    level = tuple(arguments[root.level_argument]) if root.level_argument is not None else ()
    prefix = tuple(_prefix_argument(expression, arguments) for expression in root.prefix_arguments)
    return [Emission(root, form, values, level, prefix)]


def _prefix_argument(expression: str, arguments: Sequence[Tokens]) -> Tokens:
    result: list[Token] = []
    tokens = iter(tokenize(expression))
    for token in tokens:
        if token == "$":
            result.extend(arguments[int(next(tokens))])
        else:
            result.append(token)
    return tuple(result)


def _placed(emission: Emission, definition: Definition) -> Emission:
    if emission.macro is not None or not isinstance(definition.item, Macro):
        return emission
    # Its own text, not what a macro around it handed in.
    if not any(is_string(token) and str(token) in definition.item.body for token in emission.format):
        return emission
    return replace(emission, macro=definition.item, macro_file=definition.file)


def _hands_on(emission: Emission, mark: _Mark) -> bool:
    """True if the emission prints a format that came in through a parameter."""
    if mark in emission.format:
        return True
    return any(
        isinstance(token, Handed) and (mark in token.format or mark in value)
        for value in emission.arguments
        for token in value
    )


def _joined(printed: Sequence[Sequence[Emission]], mark: _Mark) -> Iterator[Emission]:
    """The emissions that hand a format on, with what the same function prints right before into the same line.

    Which of the function's branches go together is not known, so each is also told alone.
    """
    before: list[Emission] = []
    for group in printed:
        handing = [emission for emission in group if _hands_on(emission, mark)]
        if not handing:
            before = [*before[-1:], *group[:1]]
            continue
        joined = [_behind(first, second) for second in handing for first in reversed(before)]
        yield from (emission for emission in joined if emission is not None)
        yield from handing
        before = []


def _behind(first: Emission, second: Emission) -> Emission | None:
    """One emission for both if the second goes on in the line of the first."""
    plain = not (first.root.prefix or second.root.prefix or second.level or second.root.level)
    begin = _first_text(second)
    end = _last_text(first.format, first.arguments)
    if not plain or end is None or end.endswith("\n") or _LEVEL_MARK.match(begin or ""):
        return None
    return replace(
        second,
        root=first.root,
        level=first.level,
        format=first.format + _without_continuation(second.format),
        arguments=first.arguments + second.arguments,
        prefix_arguments=(),
    )


_LEVEL_MARK = re.compile(r"\x01[0-7]|<[0-7]>")


def _first_text(emission: Emission) -> str | None:
    """Literal text that an emission begins with, its level included."""
    text = ""
    for token in emission.format:
        if not is_string(token):
            break
        text += decode(str(token))
    return text


def _without_continuation(tokens: Tokens) -> Tokens:
    """Take `KERN_CONT` off the beginning of a format."""
    if tokens[:1] == ("KERN_CONT",) or tokens[:1] == ('"<c>"',):
        return tokens[1:]
    if len(tokens) > 1 and is_string(tokens[0]) and is_string(tokens[1]):
        return tokens[2:] if decode(str(tokens[0])) + decode(str(tokens[1])) == "\x01c" else tokens
    return tokens


def _last_text(format_tokens: Tokens, values: Sequence[Tokens]) -> str | None:
    """Literal text that a format ends with; None if it cannot be told."""
    last = format_tokens[-1] if format_tokens else None
    if not is_string(last):
        return None
    text = decode(str(last))
    if text == "%s" and values and values[-1] and isinstance(handed := values[-1][-1], Handed):
        return _last_text(handed.format, handed.values)
    return text


def _unmarked(emission: Emission, mark: _Mark) -> Emission:
    def strip(tokens: Tokens) -> Tokens:
        return tuple(_strip_inside(token, strip) for token in tokens if token is not mark and token is not mark.end)

    return replace(
        emission,
        format=strip(emission.format),
        arguments=tuple(strip(value) for value in emission.arguments),
        level=strip(emission.level),
        prefix_arguments=tuple(strip(value) for value in emission.prefix_arguments),
    )


def _strip_inside(token: Token, strip: Callable[[Tokens], Tokens]) -> Token:
    if isinstance(token, Handed):
        return Handed(strip(token.format), tuple(strip(value) for value in token.values))
    if isinstance(token, Rest):
        return Rest(tuple(strip(value) for value in token.values))
    return token


def _distinct(found: list[Emission]) -> list[Emission]:
    return list(dict.fromkeys(found))[:_EMISSIONS]
