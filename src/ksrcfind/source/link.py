"""The linker: expands each call of a file down to the log sinks and resolves its text to a message."""

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial

import msgspec

from ksrcfind.regex import regex
from ksrcfind.source.constant_conditions import is_constant
from ksrcfind.source.expand import Expander
from ksrcfind.source.expansion_cache import Outcome, SignatureCache, Undecided
from ksrcfind.source.extract import uses
from ksrcfind.source.facts import Call, Macro, SourceFacts
from ksrcfind.source.instances import form, forms, spread
from ksrcfind.source.literal import CHARACTER, STRING, decode
from ksrcfind.source.log_path import LogPath, forwarded_format
from ksrcfind.source.message import Argument, Definition, Form, Message, TextLine
from ksrcfind.source.parse import Parser
from ksrcfind.source.program import FileScope, Program
from ksrcfind.source.registrations import Registrations
from ksrcfind.source.resolve import (
    Parts,
    Place,
    Text,
    alternatives,
    formats_and_added,
    level_of,
    take_level,
    without_level,
)
from ksrcfind.source.sinks import CONTINUED
from ksrcfind.source.template import count_words, has_words
from ksrcfind.source.text_pools import MOST_TEXTS, Elsewhere, PoolText, TextPools
from ksrcfind.source.tokens import ArgumentPlaceholder, Token, Tokens, closing, is_name, is_string, split, tokenize

_ARGUMENTS = 40  # arguments of one call that count
_NEEDED = 4  # arguments whose tokens may decide the expansion of one call
_WEAK = 2  # words of a format; with fewer of them, its values tell most of the text
_LITERAL = regex(rf"{STRING}|{CHARACTER}|\\.|[()\[\]{{}},\n]")


class Linker:
    """Makes messages out of facts. One for a tree: all files share its expansions."""

    def __init__(self, program: Program, read: Callable[[int], bytes]) -> None:
        """`read` gives the bytes of a file: of those that print what is put together at run time or in macros."""
        self._program = program
        self._read = read
        self._parser = Parser()
        self._shapes = SignatureCache()
        self._texts: dict[tuple[str, int | None], Sequence[PoolText]] = {}
        self._registrations = Registrations(program)

    def messages(self, file: int) -> tuple[list[Message], frozenset[str]]:
        """Return the messages of a file, in source order, and all names that they depend on."""
        facts = self._program.facts(file)
        linker = _FileLinker(
            self._program,
            self._shapes,
            file,
            facts,
            partial(self._read, file),
            Elsewhere(self._texts_of, self._registrations.texts),
        )
        names = linker.names_without_text()
        if names:
            functions, calls = uses(self._read(file), self._parser, names)
            linker.add(functions, calls)
        found = linker.run()
        self._program.forget(file)
        return found

    def _texts_of(self, function: str, parameter: int | None) -> Sequence[PoolText]:
        """Return the texts that a function of another file gives, as `Elsewhere.of_function`.

        None if several files define it, and none of a table that is cut: `v4l2_ctrl_get_name()` has the texts of every
        driver, and one caller prints a few of them.
        """
        known = self._texts.get((function, parameter))
        if known is None:
            file = self._program.text_function(function)
            found = TextPools(self._read(file)).of_function(function, parameter) if file is not None else ()
            known = self._texts[function, parameter] = found if len(found) < MOST_TEXTS else ()
        return known


class _FileLinker:
    def __init__(
        self,
        program: Program,
        signatures: SignatureCache,
        file: int,
        facts: SourceFacts,
        read: Callable[[], bytes],
        elsewhere: Elsewhere,
    ) -> None:
        self._program = program
        self._shapes = signatures
        self._file = file
        self._facts = facts
        self._read = read
        self._elsewhere = elsewhere
        self._path = program.paths[file]
        self._module = program.module(file)
        self._scope = FileScope(program, file)
        self._expander = Expander(self._scope, signatures)
        self._strings = dict(facts.strings)
        self._redefined = sorted(macro.line for macro in facts.macros if macro.replaces)
        self._passed = len(self._redefined)
        self._prefixes: dict[tuple[str, tuple[Tokens, ...], str | None, bool], tuple[str, tuple[Argument, ...]]] = {}
        self._functions = facts.functions
        self._calls = _in_source_order(facts.calls)

    def names_without_text(self) -> list[str]:
        """Return the names that the file calls without text in the arguments and that print text of their own."""
        return [name for name in self._program.logging(self._facts.called) if self._prints_by_itself(name)]

    def _prints_by_itself(self, name: str) -> bool:
        definitions = self._scope.macros(name)
        if not (definitions or self._scope.wrappers(name) or self._scope.root(name)):
            return False  # `readl`, of which only other files have a version that logs
        parameters = [d.item.parameters for d in definitions if isinstance(d.item, Macro)]
        if all(some is None for some in parameters):
            return bool(self._strings) or any('"' in macro.body for macro in self._facts.macros)
        for count in {len(some) for some in parameters if some is not None}:
            outcome = self._outcome(name, count, {})
            if isinstance(outcome, Undecided) or any(is_string(token) for each in outcome for token in each.format):
                return True
        return False

    def add(self, functions: Sequence[str], calls: Sequence[Call]) -> None:
        """Add calls, with the functions around them."""
        added = [msgspec.structs.replace(call, function=call.function + len(self._functions)) for call in calls]
        self._calls = _in_source_order([*self._calls, *added])
        self._functions = (*self._functions, *functions)

    def run(self) -> tuple[list[Message], frozenset[str]]:
        """Return the messages in source order, and all names that they depend on."""
        result: list[Message] = []
        for call in self._calls:
            self._move_to(call.line)
            for message in self._of_call(call):
                if result and _is_same_call(result[-1], message):  # with the arguments of another branch of an `#if`
                    result[-1] = _joined(result[-1], message)
                else:
                    result.append(message)
        return result, frozenset(self._expander.dependencies | self._expander.cross_file_dependencies)

    def _move_to(self, line: int) -> None:
        """Resolve names as of a line: the file may redefine a macro below."""
        passed = bisect_right(self._redefined, line)
        if passed != self._passed:
            self._passed = passed
            self._prefixes.clear()
            self._scope = FileScope(self._program, self._file, self._redefined[passed : passed + 1])
            self._expander.scope = self._scope

    def _of_call(self, call: Call) -> Iterator[Message]:
        if call.name not in self._scope.may_log:
            self._expander.dependencies.add(call.name)
            return
        tokens = tokenize(call.text)
        arguments: list[Tokens] = [tuple(part) for part in split(tokens[2:-1])[:_ARGUMENTS]]
        log_paths = self._log_paths(call.name, arguments)
        if not log_paths:
            return
        function = self._functions[call.function] if call.function >= 0 else None
        place = Place(
            self._expander,
            self._path,
            function or None,
            self._module,
            self._strings,
            self._program.constant,
            partial(self._given, call.function),
            partial(self._pool, function or None, call.line),
            arguments,
        )
        seen: dict[str, Message] = {}
        for log_path in _own(log_paths):
            choices = formats_and_added(log_path.format, place)
            written_with = ((written, added) for form, added in choices for written in alternatives(form, place))
            for written, added in written_with:
                place.is_wordless = not any(isinstance(part, Text) and has_words(part.text) for part in written)
                message = self._message(call, log_path, written, (*added, *log_path.arguments), place)
                known = seen.get(message.format)
                if known is None:
                    seen[message.format] = message
                else:
                    seen[message.format] = _joined(known, message)
        for message in seen.values():
            if '"' in call.text or any(has_words(form.printed) for form in message.forms):
                yield message

    def _pool(self, function: str | None, line: int, value: str) -> Sequence[PoolText]:
        """Texts that a value of a call in a function, on a line, can hold as far as the file tells."""
        return self._pools.texts(value, function, line)

    @cached_property
    def _pools(self) -> TextPools:
        return TextPools(self._read(), Elsewhere(self._of_function, self._of_structure))

    def _of_function(self, function: str, parameter: int | None) -> Sequence[PoolText]:
        self._expander.cross_file_dependencies.add(function)
        return self._elsewhere.of_function(function, parameter)

    def _of_structure(self, structure: str, field: str) -> Sequence[PoolText]:
        self._expander.cross_file_dependencies.add(structure)
        return self._elsewhere.of_structure(structure, field)

    def _given(self, function: int, parameter: str) -> Sequence[Tokens]:
        """Return the texts that callers in this file pass for a parameter of a static function."""
        names = self._facts.parameters[function] if 0 <= function < len(self._facts.parameters) else ()
        if parameter not in names:
            return ()
        position = names.index(parameter)
        given = [each[position] for each in self._calls_of.get(self._functions[function], ()) if position < len(each)]
        return tuple(dict.fromkeys(value for value in given if any(is_string(token) for token in value)))

    @cached_property
    def _calls_of(self) -> dict[str, list[list[Tokens]]]:
        """Arguments of the calls of functions with a text parameter, by the name of the function."""
        wanted = {name for name, names in zip(self._functions, self._facts.parameters, strict=False) if names}
        found: dict[str, list[list[Tokens]]] = defaultdict(list)
        for call in self._facts.calls:
            if call.name in wanted:
                found[call.name].append([tuple(part) for part in split(tokenize(call.text)[2:-1])])
        return found

    def _log_paths(self, name: str, arguments: list[Tokens]) -> list[LogPath]:
        """Return the log paths of a call; calls with the same signature and definitions are expanded once."""
        concrete: dict[int, Tokens] = {}
        count = len(arguments)
        before = itertools.takewhile(lambda argument: not any(map(is_string, argument)), arguments)
        constants = tuple(index for index, argument in enumerate(before) if is_constant(argument))
        while True:
            outcome = self._outcome(name, count, concrete, constants)
            if not isinstance(outcome, Undecided):
                return outcome
            index = outcome.argument
            if index is None or index >= len(arguments) or index in concrete or len(concrete) >= _NEEDED:
                return []
            concrete[index] = self._opened(arguments, index)

    def _opened(self, arguments: list[Tokens], index: int) -> Tokens:
        """Return the tokens of an argument; each part of a list (`LOG((HERE, "text"))`) becomes an argument."""
        tokens = arguments[index]
        if tokens[:1] != ("(",) or closing(tokens, 0) != len(tokens) - 1:
            return tokens
        parts = [tuple(part) for part in split(tokens[1:-1])]
        if not any(is_string(token) for part in parts for token in part):
            return tokens
        opened: list[Token] = []
        for part in itertools.chain.from_iterable(map(self._spread, parts)):
            opened += [",", ArgumentPlaceholder(len(arguments))]
            arguments.append(part)
        return ("(", *opened[1:], ")")

    def _spread(self, part: Tokens) -> Sequence[Tokens]:
        """Return the arguments that a macro expands to: `#define AE_INFO _acpi_module_name, __LINE__`."""
        for definition in self._scope.macros(part[0]) if len(part) == 1 and is_name(part[0]) else ():
            if isinstance(definition.item, Macro) and definition.item.parameters is None:
                return [tuple(each) for each in split(tokenize(definition.item.body))]
        return [part]

    def _outcome(
        self, name: str, count: int, concrete: Mapping[int, Tokens], constants: tuple[int, ...] = ()
    ) -> Outcome:
        signature = self._shapes.signature(self._scope, name, count, concrete, constants)
        self._expander.dependencies.update(signature.dependencies)
        self._expander.cross_file_dependencies.update(signature.cross_file_dependencies)
        return signature.outcome

    def _message(
        self, call: Call, log_path: LogPath, written: Parts, arguments: Sequence[Tokens], place: Place
    ) -> Message:
        level = log_path.root.level or (level_of(log_path.level, place) if log_path.level else None)
        made: list[Form] = []
        if not log_path.root.prefix:
            written, arguments = without_level(written, arguments, place)
        here = _written_here(written) or _handed_here(log_path, place) or self._text_here(log_path, place) or written
        own = _printed(here)
        place.is_weak = count_words(own) < _WEAK and (bool(own) or count_words(_printed(written)) < _WEAK)
        arguments = spread(arguments, written, place)
        prefix, prefix_given = self._prefix(log_path, place)
        behind, behind_given = self._behind(log_path, place)
        for printed, given in forms(written, arguments, place):
            text, marked = take_level(printed)
            level = level or marked
            if text.endswith("\n"):
                made.append(form(prefix + text, prefix_given + given))
            else:
                made.append(form(prefix + text + behind, prefix_given + given + behind_given))
        if call.name in CONTINUED:
            level = "cont"
        defined = self._defined_at(log_path, written)
        return Message(
            path=self._path,
            line_start=call.line,
            line_end=call.line + call.text.count("\n"),
            function=place.function,
            call=call.name,
            level=level,
            module=self._module,
            format=take_level(own)[0],
            forms=tuple(dict.fromkeys(made)),
            text_lines=self._text_lines(call, log_path, defined),
            defined_at=defined,
        )

    def _text_here(self, log_path: LogPath, place: Place) -> Parts:
        """Return the text at the call of a function that prints a text parameter whole."""
        last = log_path.arguments[-1] if log_path.macro is None and log_path.arguments else ()
        if len(last) != 1 or not isinstance(last[0], ArgumentPlaceholder):
            return ()
        return next((here for parts in alternatives(last, place) if (here := _written_here(parts))), ())

    def _prefix(self, log_path: LogPath, place: Place) -> tuple[str, tuple[Argument, ...]]:
        if not log_path.root.prefix:
            return "", ()
        # Most calls of a function name the same device.
        arguments = tuple(place.plain(value) for value in log_path.prefix_arguments)
        key = (log_path.root.prefix, arguments, place.function, place.is_wordless)
        if key not in self._prefixes:
            self._prefixes[key] = forms((Text(log_path.root.prefix, False),), arguments, place)[0]
        return self._prefixes[key]

    def _behind(self, log_path: LogPath, place: Place) -> tuple[str, tuple[Argument, ...]]:
        if not log_path.behind:
            return "", ()
        return forms(alternatives(log_path.behind, place)[0], log_path.behind_arguments, place)[0]

    def _defined_at(self, log_path: LogPath, written: Parts) -> Definition | None:
        """Return the location of the text if no text is at the call itself; else None."""
        macro = log_path.macro
        if macro is None or any(isinstance(part, Text) and part.from_call and part.text.strip() for part in written):
            return None
        if any(
            isinstance(token, ArgumentPlaceholder)
            for forwarded in log_path.forwarded_formats()
            for token in forwarded.format
        ):
            return None
        line = macro.line + _lines_before_text(macro)
        return Definition(self._program.paths[log_path.macro_file], line, macro.name)

    def _text_lines(self, call: Call, log_path: LogPath, defined: Definition | None) -> tuple[TextLine, ...]:
        if defined is not None and log_path.macro is not None:
            return tuple(_macro_text(log_path.macro, defined.path))
        wanted = {token.index for token in log_path.format if isinstance(token, ArgumentPlaceholder)}
        for forwarded in log_path.forwarded_formats():
            wanted |= {token.index for token in forwarded.format if isinstance(token, ArgumentPlaceholder)}
        literals = list(_literals(call.text))
        lines = [
            TextLine(self._path, call.line + line, length)
            for argument, line, length in [each for each in literals if each[0] in wanted] or literals
        ]
        return tuple(_by_line(lines))


def _in_source_order(calls: Iterable[Call]) -> list[Call]:
    """Return calls by line. The facts have those of functions that a macro makes after all others."""
    return sorted(calls, key=lambda call: call.line)


def _own(log_paths: Sequence[LogPath]) -> Sequence[LogPath]:
    """Return the log paths that print the caller's text, else all: the others are stubs of disabled configurations."""
    with_text = [log_path for log_path in log_paths if _prints_argument(log_path)]
    return with_text or log_paths


def _prints_argument(log_path: LogPath) -> bool:
    if any(isinstance(token, ArgumentPlaceholder) for token in log_path.format):
        return True
    return any(
        isinstance(token, ArgumentPlaceholder)
        for forwarded in log_path.forwarded_formats()
        for token in forwarded.format
    )


def _written_here(written: Parts) -> Parts:
    """Return the parts at the call itself; none if these have no text."""
    here = tuple(part for part in written if not isinstance(part, Text) or part.from_call)
    return here if any(isinstance(part, Text) for part in here) else ()


def _printed(parts: Parts) -> str:
    return "".join(part.text if isinstance(part, Text) else "%s" for part in parts)


def _handed_here(log_path: LogPath, place: Place) -> Parts:
    """Return the parts at the call itself of a format that a wrapper function forwards as a value."""
    forwarded_formats = list(log_path.forwarded_formats())
    while forwarded_formats:
        one = forwarded_formats.pop(0)
        for parts in alternatives(one.format, place):
            if here := _written_here(parts):
                return here
        forwarded_formats += filter(None, map(forwarded_format, one.values))
    return ()


def _is_same_call(message: Message, other: Message) -> bool:
    """Return whether two messages are of one call, and of one format."""
    return (message.line_start, message.line_end, message.function, message.call, message.format) == (
        other.line_start,
        other.line_end,
        other.function,
        other.call,
        other.format,
    )


def _joined(message: Message, other: Message) -> Message:
    """Return one message with the forms of both. Its level is None if both have different ones."""
    texts = {form.printed for form in message.forms}
    added = tuple(form for form in other.forms if form.printed not in texts)
    levels = {message.level, other.level} - {None}
    level = levels.pop() if len(levels) == 1 else None
    return msgspec.structs.replace(message, forms=message.forms + added, level=level)


def _literals(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the string literals of a call: index of the argument, line from the call's first, decoded length."""
    depth = argument = line = 0
    for match in _LITERAL.finditer(text):
        mark = match[0]
        if mark == "\n":
            line += 1
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark == ",":
            argument += depth == 1
        elif mark[0] != "\\":
            if mark[0] == '"':
                yield argument, line, len(decode(mark))
            line += mark.count("\n")


def _by_line(lines: Sequence[TextLine]) -> Iterator[TextLine]:
    for number in dict.fromkeys(line.line for line in lines):
        same = [line for line in lines if line.line == number]
        yield TextLine(same[0].path, number, sum(line.length for line in same))


def _lines_before_text(macro: Macro) -> int:
    return macro.body[: macro.body.index('"')].count("\n") if '"' in macro.body else 0


def _macro_text(macro: Macro, path: str) -> Iterator[TextLine]:
    for offset, text in enumerate(macro.body.split("\n")):
        length = sum(len(decode(token)) for token in tokenize(text) if is_string(token))
        if length:
            yield TextLine(path, macro.line + offset, length)
