"""Expansion of a call down to the log sinks, through macros and wrapper functions.

A call such as `ext4_msg(sb, KERN_ERR, "bad %d", n)` is expanded once for all calls with the same signature. Its
arguments are opaque `ArgumentPlaceholder` objects, and each resulting `LogPath` says where every argument ends up. Only
a macro that pastes, stringifies or calls an argument needs the argument's tokens; the signature then includes them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from ksrcfind.source.concatenation import Printed, concatenated
from ksrcfind.source.constant_conditions import truth, unreached
from ksrcfind.source.facts import Call, Macro, Wrapper
from ksrcfind.source.log_path import LogPath, exceeds
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
_LOG_PATHS = 8  # of one call
_STEPS = 500  # calls that the expansion of one call may expand
_LONGEST = 1 << 14  # tokens of a macro's expansion, and of one argument of a wrapper function


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
    """Known calls that log nothing."""

    def never_logs(self, scope: FileScope, name: str, count: int, /) -> Dependencies | None:
        """Return the dependencies of the fact that such a call logs nothing with any arguments; None if it may log."""
        ...


class Expander:
    """Expands calls of one file."""

    def __init__(
        self,
        scope: FileScope,
        non_logging: NonLoggingCalls,
        steps: Iterator[int] | None = None,
        *,
        decides: bool = True,
    ) -> None:
        self._non_logging = non_logging
        self._steps = steps
        self._decides = decides
        self._has_decided = False
        self.scope = scope
        """What names mean in the file."""
        self.dependencies: set[str] = set()
        """Every name that was looked up: the file must be linked again when the meaning of one changes."""
        self.cross_file_dependencies: set[str] = set()
        """Names that were looked up in the files of wrapper functions, not in this file."""

    def log_paths(self, name: str, arguments: Sequence[Tokens], active: frozenset[str] = frozenset()) -> list[LogPath]:
        """Return all ways in which a call of `name` logs; empty if it does not."""
        self.dependencies.add(name)
        if name in NOT_LOGGED or len(active) > _DEPTH or name not in self.scope.may_log:
            return []
        root = self.scope.root(name)
        if root is not None:
            return _of_sink(root, arguments, self._text_macro(root))
        if active and self._never_logs(name, arguments):
            return []
        if self._steps is not None and next(self._steps, None) is None:
            raise ArgumentTokensRequiredError(None)  # macros that each call the next one twice
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
        """Return the macro around the format of a root, if it is visible in the file."""
        if not root.text_macro:
            return ""
        self.dependencies.add(root.text_macro)
        return root.text_macro if self.scope.macros(root.text_macro) else ""

    def _never_logs(self, name: str, arguments: Sequence[Tokens]) -> bool:
        """Return whether such a call is known to log nothing with any arguments."""
        if any(isinstance(token, (ForwardedFormat, VarArgs)) for argument in arguments for token in argument):
            return False  # It may print this format.
        never_logs = self._non_logging.never_logs(self.scope, name, len(arguments))
        if never_logs is None:
            return False
        self.dependencies.update(never_logs.dependencies)
        self.cross_file_dependencies.update(never_logs.cross_file_dependencies)
        return True

    def in_tokens(self, tokens: Sequence[Token], active: frozenset[str]) -> Iterator[LogPath]:
        """Yield the log paths of all calls in a piece of code."""
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
        """Request the tokens of an argument that may be, or be part of, the name of a called function."""
        if isinstance(token, ArgumentPlaceholder) and following == "(":
            raise ArgumentTokensRequiredError(token.index)
        if (
            isinstance(token, PastedToken)
            and not token.is_string
            and self.scope.may_log_like(token.beginning, token.ending)
        ):
            raise ArgumentTokensRequiredError(token.index)

    def _of_object(self, name: str, active: frozenset[str]) -> Iterator[LogPath]:
        """Yield the log paths of an object-like macro that contains calls."""
        for definition in self.scope.macros(name):
            macro = definition.item
            if isinstance(macro, Macro) and macro.parameters is None and "(" in macro.body:
                self.dependencies.add(name)
                for log_path in self.in_tokens(body_tokens(macro.body), active | {name}):
                    yield _with_macro(log_path, definition)

    def _alias(self, name: str, active: frozenset[str]) -> str:
        """Return the name that a name is an alias of: `pr_debug` for `#define dbg pr_debug`; else the name itself."""
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
        """Return all ways in which a call in a file logs; an entry point, where `log_paths` is the recursion."""
        self._steps = iter(range(_STEPS))
        found = self.log_paths(self._alias(name, frozenset()), arguments)
        if not found and self._has_decided:
            # A constant in the source disables it, and a developer may enable it.
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
        found = itertools.islice(self.in_tokens(tokens, active), _LOG_PATHS)
        return [_with_macro(log_path, definition) for log_path in found]

    def _reached(self, macro: Macro, arguments: Sequence[Tokens]) -> Sequence[str]:
        """Return a macro's body without the statements that the constants among its arguments rule out."""
        body = body_tokens(macro.body)
        if "if" not in body or not self._decides:
            return body
        dead = {at for span in unreached(body, bind(macro, arguments)[0], self._constant) for at in span}
        self._has_decided |= bool(dead)
        return [token for at, token in enumerate(body) if at not in dead] if dead else body

    def _constant(self, name: str) -> Iterator[str]:
        """Yield the C source of each definition of a constant."""
        self.dependencies.add(name)
        for definition in self.scope.macros(name):
            if isinstance(definition.item, Macro) and definition.item.parameters is None:
                yield definition.item.body

    def statement(self, name: str) -> list[Token]:
        """Return the code of a macro that is a whole statement: all its definitions, one after the other."""
        return [token for source in self._constant(name) for token in (*body_tokens(source), ";")]

    def _of_wrapper(self, definition: Definition, arguments: Sequence[Tokens], active: frozenset[str]) -> list[LogPath]:
        wrapper = definition.item
        if not isinstance(wrapper, Wrapper):
            return []
        # Names in a function are resolved in its own file.
        if any(exceeds(argument, _LONGEST) for argument in arguments):
            raise ArgumentTokensRequiredError(None)
        inner = Expander(self.scope.of(definition.file), self._non_logging, self._steps, decides=self._decides)
        wrapper_scope = WrapperScope(inner.scope, wrapper.name)
        bound, rest = _parameters(wrapper, arguments, wrapper_scope)
        calls = list(inner.reachable_calls(wrapper, bound))
        _bind(bound, wrapper, [call for call, _guard in calls], rest)
        printed: list[Printed] = []
        forwarding = 0
        for call, guard in calls:
            if call.name in ("va_start", "va_end", "va_copy", "va_arg"):
                continue
            code = inner.statement(call.name) if call.text == call.name else body_tokens(call.text)
            log_paths = list(inner.in_tokens(_replace(code, bound), active))
            if log_paths:
                printed.append(Printed(log_paths, guard))
            forwarding += sum(map(wrapper_scope.prints_argument, log_paths))
            if forwarding >= _LOG_PATHS:
                break
        if wrapper.prints_text:
            found = [wrapper_scope.resolved(log_path) for one in printed for log_path in one.log_paths]
        else:
            found = list(concatenated(printed, wrapper_scope))
        self.cross_file_dependencies |= inner.dependencies | inner.cross_file_dependencies | wrapper_scope.dependencies
        self._has_decided |= inner._has_decided
        return found

    def reachable_calls(self, wrapper: Wrapper, bound: Mapping[str, Tokens]) -> Iterator[tuple[Call, str]]:
        """Yield the calls of a wrapper function, with guards, except those that its arguments rule out."""
        for call, guard in zip(wrapper.calls, wrapper.guards or itertools.repeat(""), strict=False):
            if guard and self._decides and truth(_replace(body_tokens(guard), bound), self._constant) is False:
                self._has_decided = True
            else:
                yield call, guard


def _check_known(tokens: Tokens) -> None:
    """Request the tokens of the argument if a text or value contains a `PastedToken`."""
    for token in tokens:
        if isinstance(token, PastedToken):
            raise ArgumentTokensRequiredError(token.index)
        if isinstance(token, ForwardedFormat):
            _check_known(token.format)
        if isinstance(token, (ForwardedFormat, VarArgs)):
            for value in token.values:
                _check_known(value)


def _other_name(macro: Macro) -> str:
    """Return the function that a macro calls: `printk` for `#define dprintk if (debug) printk`; empty for none."""
    body = body_tokens(macro.body)
    while len(body) >= 3 and body[0] == "(" and body[-1] == ")":
        body = body[1:-1]
    return body[-1] if body and is_name(body[-1]) and (len(body) == 1 or body[0] == "if") else ""


def _parameters(
    wrapper: Wrapper, arguments: Sequence[Tokens], wrapper_scope: WrapperScope
) -> tuple[dict[str, Tokens], VarArgs]:
    """Return the arguments of a wrapper function by parameter, and its variable arguments, in scope markers."""
    bound: dict[str, Tokens] = {}
    rest = VarArgs(())
    for position, declaration in enumerate(wrapper.parameters):
        if declaration == "...":
            rest = VarArgs(tuple(map(wrapper_scope.marked, arguments[position:])))
            break
        names = [token for token in body_tokens(declaration.split("[")[0]) if is_name(token)]
        if names and position < len(arguments):
            bound[names[-1]] = wrapper_scope.marked(arguments[position])
    return bound, rest


def _bind(bound: dict[str, Tokens], wrapper: Wrapper, calls: Sequence[Call], rest: VarArgs) -> None:
    """Bind the local variables that these calls set: argument lists (`rest`), `struct va_format`, buffers."""
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
        _bind_buffer(bound, call)


# Functions that print into a buffer: index of the format.
_BUFFER_PRINTERS = {"sprintf": 1, "snprintf": 2, "scnprintf": 2, "vsprintf": 1, "vsnprintf": 2, "vscnprintf": 2}


def _bind_buffer(bound: dict[str, Tokens], call: Call) -> None:
    """Bind a buffer to the format that a call prints into it; later calls append to it."""
    position = _BUFFER_PRINTERS.get(call.name)
    if position is None:
        return
    values = split(body_tokens(call.text)[2:-1])
    if len(values) <= position or not values[0] or not is_name(values[0][0]):
        return
    buffer = values[0][0]
    form = _replace(values[position], bound)
    arguments = tuple(_replace(value, bound) for value in values[position + 1 :])
    if call.name.startswith("v"):
        listed = _values_of(arguments[0]) if arguments else None
        if listed is None:
            return
        arguments = listed
    before = bound.get(buffer, ())
    if len(values[0]) > 1 and before and isinstance(before[0], ForwardedFormat):
        form, arguments = before[0].format + form, before[0].values + arguments
    forwarded = (ForwardedFormat(form, arguments),)
    if not exceeds(forwarded, _LONGEST):  # code may print a buffer into itself repeatedly
        bound[buffer] = forwarded


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
    """Return the values of a `va_list` argument; None if it is none."""
    for token in tokens:
        if isinstance(token, VarArgs):
            return token.values
        if isinstance(token, ArgumentPlaceholder):
            return ((token,),)
    return None


def _of_sink(root: LogSink, arguments: Sequence[Tokens], text_macro: str) -> list[LogPath]:
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


def _with_macro(log_path: LogPath, definition: Definition) -> LogPath:
    if log_path.macro is not None or not isinstance(definition.item, Macro):
        return log_path
    # The macro's own text, not an argument from a macro around it.
    texts = itertools.chain(log_path.format, *(forwarded.format for forwarded in log_path.forwarded_formats()))
    if not any(is_string(token) and token in definition.item.body for token in texts):
        return log_path
    return replace(log_path, macro=definition.item, macro_file=definition.file)


def _distinct(found: list[LogPath]) -> list[LogPath]:
    return list(dict.fromkeys(found))[:_LOG_PATHS]
