"""Following a call down to printk: macros are expanded, wrapper functions looked through.

A call such as `ext4_msg(sb, KERN_ERR, "bad %d", n)` is expanded once for all calls with the same signature. Its
arguments are opaque `ArgumentPlaceholder` objects, and each resulting `LogPath` says where every argument ends up. Only
a macro that pastes, stringifies or calls an argument needs the argument's tokens; the signature then includes them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ksrcfind.source.concatenation import Printed, concatenated
from ksrcfind.source.condition import truth, unreached
from ksrcfind.source.facts import Call, Macro, Wrapper
from ksrcfind.source.log_path import LogPath, is_longer
from ksrcfind.source.program import Definition, FileScope
from ksrcfind.source.sinks import NOT_LOGGED, LogSink
from ksrcfind.source.substitute import ArgumentTokensRequiredError, bind, body_tokens, substitute_opaque
from ksrcfind.source.tokens import (
    ArgumentPlaceholder,
    ForwardedFormat,
    PastedToken,
    Token,
    Tokens,
    VarArgs,
    closing,
    is_name,
    is_string,
    split,
    tokenize,
)
from ksrcfind.source.wrapper_scope import WrapperScope

_DEPTH = 24
_EMISSIONS = 8
_STEPS = 500  # calls that are looked into on the way from one call to its roots
_LONGEST = 1 << 14  # tokens of a macro's expansion, and of what a wrapper function is given


class Dependencies(Protocol):
    """What an expansion depends on."""

    @property
    def dependencies(self) -> Iterable[str]:
        """Names that were looked up."""
        ...

    @property
    def cross_file_dependencies(self) -> Iterable[str]:
        """Names that were looked up in the files of wrapper functions."""
        ...


class NonLoggingCalls(Protocol):
    """Remembers which calls log nothing."""

    def never_logs(self, scope: FileScope, name: str, count: int, /) -> Dependencies | None:
        """What it depends on that such a call logs nothing by itself, whatever its arguments are; else None."""
        ...


class Expander:
    """Expands calls of one file."""

    def __init__(
        self, scope: FileScope, silence: NonLoggingCalls, steps: Iterator[int] | None = None, *, decides: bool = True
    ) -> None:
        self._silence = silence
        self._steps = steps
        self._decides = decides
        self._has_decided = False
        self.scope = scope
        """What names mean in the file."""
        self.dependencies: set[str] = set()
        """Every name that was looked up: when one of them changes its meaning, the file is linked anew."""
        self.cross_file_dependencies: set[str] = set()
        """Names that were looked up where a wrapper function stands: the file's own meaning does not matter."""

    def log_paths(self, name: str, arguments: Sequence[Tokens], active: frozenset[str] = frozenset()) -> list[LogPath]:
        """All ways in which a call of `name` logs; empty if it does not."""
        self.dependencies.add(name)
        if name in NOT_LOGGED or len(active) > _DEPTH or name not in self.scope.may_log:
            return []
        root = self.scope.root(name)
        if root is not None:
            return _of_root(root, arguments, self._text_macro(root))
        if active and self._is_silent(name, arguments):
            return []
        if self._steps is not None and next(self._steps, None) is None:
            raise ArgumentTokensRequiredError(None)  # macros that double what they call, again and again
        found: list[LogPath] = []
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

    def _text_macro(self, root: LogSink) -> str:
        """The macro around the format of a root, if the file knows it."""
        if not root.text_macro:
            return ""
        self.dependencies.add(root.text_macro)
        return root.text_macro if self.scope.macros(root.text_macro) else ""

    def _is_silent(self, name: str, arguments: Sequence[Tokens]) -> bool:
        """True if it is known that such a call logs nothing, whatever its arguments are."""
        if any(isinstance(token, (ForwardedFormat, VarArgs)) for argument in arguments for token in argument):
            return False  # It may print what was handed to it.
        never_logs = self._silence.never_logs(self.scope, name, len(arguments))
        if never_logs is None:
            return False
        self.dependencies.update(never_logs.dependencies)
        self.cross_file_dependencies.update(never_logs.cross_file_dependencies)
        return True

    def in_tokens(self, tokens: Sequence[Token], active: frozenset[str]) -> Iterator[LogPath]:
        """Emissions of all calls in a piece of code."""
        may_log = self.scope.may_log
        last = len(tokens) - 1
        passed = 0
        for index in [at for at, token in enumerate(tokens) if type(token) is not str or token in may_log]:
            if index < passed:
                continue
            token = tokens[index]
            following = tokens[index + 1] if index < last else None
            if not isinstance(token, str):
                self._check_opaque(token, following)
            elif isinstance(following, (ArgumentPlaceholder, PastedToken)):
                raise ArgumentTokensRequiredError(following.index)  # `#define log(level, list) printk list`
            elif following == "(":
                end = closing(tokens, index + 1)
                inner = [tuple(part) for part in split(tokens[index + 2 : end])]
                found = self.log_paths(self._alias(token, active), inner, active)
                yield from found
                if found or token in NOT_LOGGED:
                    passed = end + 1
            elif token not in active:
                yield from self._of_object(token, active)

    def _check_opaque(self, token: Token, following: Token | None) -> None:
        """Ask for an argument that may be the name of what is called, or a part of it."""
        if isinstance(token, ArgumentPlaceholder) and following == "(":
            raise ArgumentTokensRequiredError(token.index)
        if (
            isinstance(token, PastedToken)
            and not token.is_string
            and self.scope.may_log_like(token.beginning, token.ending)
        ):
            raise ArgumentTokensRequiredError(token.index)

    def _of_object(self, name: str, active: frozenset[str]) -> Iterator[LogPath]:
        """Emissions of a macro without parameters that holds calls."""
        for definition in self.scope.macros(name):
            macro = definition.item
            if isinstance(macro, Macro) and macro.parameters is None and "(" in macro.body:
                self.dependencies.add(name)
                for log_path in self.in_tokens(body_tokens(macro.body), active | {name}):
                    yield _placed(log_path, definition)

    def _alias(self, name: str, active: frozenset[str]) -> str:
        """Follow `#define dbg pr_debug`."""
        for _ in range(_DEPTH):
            self.dependencies.add(name)
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

    def call(self, name: str, arguments: Sequence[Tokens]) -> list[LogPath]:
        """All ways in which a call, as it stands in a file, logs."""
        self._steps = iter(range(_STEPS))
        found = self.log_paths(self._alias(name, frozenset()), arguments)
        if not found and self._has_decided:
            # Switched off by a number in the source: who debugs it will switch it on.
            self._steps, self._decides = iter(range(_STEPS)), False
            found = self.log_paths(self._alias(name, frozenset()), arguments)
            self._decides = True
        for log_path in found:
            values = (*log_path.arguments, *log_path.prefix_arguments, *log_path.behind_arguments)
            for tokens in (log_path.format, log_path.level, log_path.behind, *values):
                _check_known(tokens)
        return found

    def _of_macro(self, definition: Definition, arguments: Sequence[Tokens], active: frozenset[str]) -> list[LogPath]:
        macro = definition.item
        if not isinstance(macro, Macro):
            return []
        if macro.parameters is None:
            other = _other_name(macro)
            return self.log_paths(other, arguments, active) if other else []
        tokens = substitute_opaque(macro, arguments, self._reached(macro, arguments))
        if len(tokens) > _LONGEST:
            raise ArgumentTokensRequiredError(None)
        found = itertools.islice(self.in_tokens(tokens, active), _EMISSIONS)
        return [_placed(log_path, definition) for log_path in found]

    def _reached(self, macro: Macro, arguments: Sequence[Tokens]) -> Sequence[str]:
        """The part of a macro's body that the constants among its arguments do not rule out."""
        body = body_tokens(macro.body)
        if "if" not in body or not self._decides:
            return body
        dead = {at for some in unreached(body, bind(macro, arguments)[0], self._constant) for at in some}
        self._has_decided |= bool(dead)
        return [token for at, token in enumerate(body) if at not in dead] if dead else body

    def _constant(self, name: str) -> Iterator[str]:
        """Yield the C source of each definition of a constant."""
        self.dependencies.add(name)
        for definition in self.scope.macros(name):
            if isinstance(definition.item, Macro) and definition.item.parameters is None:
                yield definition.item.body

    def statement(self, name: str) -> list[Token]:
        """What a macro stands for that is a statement by itself: all its definitions."""
        return [token for source in self._constant(name) for token in (*body_tokens(source), ";")]

    def _of_wrapper(self, definition: Definition, arguments: Sequence[Tokens], active: frozenset[str]) -> list[LogPath]:
        wrapper = definition.item
        if not isinstance(wrapper, Wrapper):
            return []
        # The names in a function mean what they mean in its own file.
        if any(is_longer(argument, _LONGEST) for argument in arguments):
            raise ArgumentTokensRequiredError(None)
        inner = Expander(self.scope.of(definition.file), self._silence, self._steps, decides=self._decides)
        inside = WrapperScope(inner.scope, wrapper.name)
        bound, rest = _parameters(wrapper, arguments, inside)
        calls = list(inner.made(wrapper, bound))
        _bind(bound, wrapper, [call for call, _guard in calls], rest)
        printed: list[Printed] = []
        handing = 0
        for call, guard in calls:
            if call.name in ("va_start", "va_end", "va_copy", "va_arg"):
                continue
            code = inner.statement(call.name) if call.text == call.name else body_tokens(call.text)
            some = list(inner.in_tokens(_replace(code, bound), active))
            if some:
                printed.append(Printed(some, guard))
            handing += sum(map(inside.hands_on, some))
            if handing >= _EMISSIONS:
                break
        if wrapper.prints_text:
            found = [inside.settled(log_path) for one in printed for log_path in one.log_paths]
        else:
            found = list(concatenated(printed, inside))
        self.cross_file_dependencies |= inner.dependencies | inner.cross_file_dependencies | inside.dependencies
        self._has_decided |= inner._has_decided
        return found

    def made(self, wrapper: Wrapper, bound: Mapping[str, Tokens]) -> Iterator[tuple[Call, str]]:
        """Yield the calls of a wrapper function that what is bound to its parameters does not rule out, with guards."""
        for call, guard in zip(wrapper.calls, wrapper.guards or itertools.repeat(""), strict=False):
            if guard and self._decides and truth(_replace(body_tokens(guard), bound), self._constant) is False:
                self._has_decided = True
            else:
                yield call, guard


def _check_known(tokens: Tokens) -> None:
    """Ask for the argument of what is opaque in a text or value."""
    for token in tokens:
        if isinstance(token, PastedToken):
            raise ArgumentTokensRequiredError(token.index)
        if isinstance(token, ForwardedFormat):
            _check_known(token.format)
        if isinstance(token, (ForwardedFormat, VarArgs)):
            for value in token.values:
                _check_known(value)


def _other_name(macro: Macro) -> str:
    """What is called in the place of a macro: `printk` for `#define dprintk if (debug) printk`; empty if nothing is."""
    body = body_tokens(macro.body)
    while len(body) >= 3 and body[0] == "(" and body[-1] == ")":
        body = body[1:-1]
    return body[-1] if body and is_name(body[-1]) and (len(body) == 1 or body[0] == "if") else ""


def _parameters(
    wrapper: Wrapper, arguments: Sequence[Tokens], inside: WrapperScope
) -> tuple[dict[str, Tokens], VarArgs]:
    """What the parameters of a wrapper function stand for when it is called with `arguments`."""
    bound: dict[str, Tokens] = {}
    rest = VarArgs(())
    for position, declaration in enumerate(wrapper.parameters):
        if declaration == "...":
            rest = VarArgs(tuple(map(inside.given, arguments[position:])))
            break
        names = [token for token in body_tokens(declaration.split("[")[0]) if is_name(token)]
        if names and position < len(arguments):
            bound[names[-1]] = inside.given(arguments[position])
    return bound, rest


def _bind(bound: dict[str, Tokens], wrapper: Wrapper, calls: Sequence[Call], rest: VarArgs) -> None:
    """Add what other names stand for when a wrapper function makes these calls, with the variable arguments `rest`."""
    for call in calls:
        if call.name not in ("va_start", "va_copy"):
            continue
        values = split(body_tokens(call.text)[2:-1])
        if call.name == "va_start" and values and len(values[0]) == 1:
            bound[values[0][0]] = (rest,)
        elif call.name == "va_copy" and len(values) == 2 and len(values[0]) == 1:
            bound[values[0][0]] = _replace(values[1], bound)
    for variable, expression in wrapper.formats:
        bound[variable] = (ForwardedFormat(_replace(body_tokens(expression), bound), rest.values),)
    for call in calls:
        _print_into(bound, call)


# Functions that print into a buffer: index of the format.
_BUFFER_PRINTERS = {"sprintf": 1, "snprintf": 2, "scnprintf": 2, "vsprintf": 1, "vsnprintf": 2, "vscnprintf": 2}


def _print_into(bound: dict[str, Tokens], call: Call) -> None:
    """What is printed into a buffer is handed on where the buffer is; later calls add to it."""
    position = _BUFFER_PRINTERS.get(call.name)
    if position is None:
        return
    values = split(body_tokens(call.text)[2:-1])
    if len(values) <= position or not values[0] or not is_name(values[0][0]):
        return
    buffer = values[0][0]
    form = _replace(values[position], bound)
    given = tuple(_replace(value, bound) for value in values[position + 1 :])
    if call.name.startswith("v"):
        listed = _values_of(given[0]) if given else None
        if listed is None:
            return
        given = listed
    before = bound.get(buffer, ())
    if len(values[0]) > 1 and before and isinstance(before[0], ForwardedFormat):
        form, given = before[0].format + form, before[0].values + given
    forwarded_formats = (ForwardedFormat(form, given),)
    if not is_longer(forwarded_formats, _LONGEST):  # a buffer can be printed into itself, over and over
        bound[buffer] = forwarded_formats


def _replace(tokens: Sequence[Token], bound: Mapping[str, Tokens]) -> Tokens:
    result: list[Token] = []
    for position, token in enumerate(tokens):
        value = bound.get(token) if isinstance(token, str) else None
        if value is None or (position and tokens[position - 1] in ("->", ".")):
            result.append(token)
            continue
        if result and result[-1] == "&" and len(value) == 1 and isinstance(value[0], (ForwardedFormat, VarArgs)):
            result.pop()
        result.extend(value)
    return tuple(result)


def _values_of(tokens: Tokens) -> tuple[Tokens, ...] | None:
    """The values behind a `va_list` argument."""
    for token in tokens:
        if isinstance(token, VarArgs):
            return token.values
        if isinstance(token, ArgumentPlaceholder):
            return ((token,),)
    return None


def _of_root(root: LogSink, arguments: Sequence[Tokens], text_macro: str) -> list[LogPath]:
    position = root.format if root.format >= 0 else len(arguments) + root.format
    if not 0 <= position < len(arguments):
        return []
    form = tuple(arguments[position])
    if text_macro:
        form = (text_macro, "(", *form, ")")
    values: tuple[Tokens, ...] = tuple(tuple(argument) for argument in arguments[position + 1 :])
    if root.variable_list:
        values = _values_of(values[0]) or () if values else ()
    elif root.is_format_struct:
        form, values = ('"%pV"',), (form,)
    level = tuple(arguments[root.level_argument]) if root.level_argument is not None else ()
    prefix = tuple(_prefix_argument(expression, arguments) for expression in root.prefix_arguments)
    return [LogPath(root, form, values, level, prefix)]


def _prefix_argument(expression: str, arguments: Sequence[Tokens]) -> Tokens:
    result: list[Token] = []
    tokens = iter(tokenize(expression))
    for token in tokens:
        if token == "$":
            result.extend(arguments[int(next(tokens))])
        else:
            result.append(token)
    return tuple(result)


def _placed(log_path: LogPath, definition: Definition) -> LogPath:
    if log_path.macro is not None or not isinstance(definition.item, Macro):
        return log_path
    # Its own text, not what a macro around it handed in.
    texts = itertools.chain(
        log_path.format, *(forwarded_formats.format for forwarded_formats in log_path.forwarded_formats())
    )
    if not any(is_string(token) and token in definition.item.body for token in texts):
        return log_path
    return replace(log_path, macro=definition.item, macro_file=definition.file)


def _distinct(found: list[LogPath]) -> list[LogPath]:
    return list(dict.fromkeys(found))[:_EMISSIONS]
