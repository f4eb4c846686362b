"""Extract the facts of a source file from its bytes."""

import itertools
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
import msgspec.structs

from ksrcfind.regex import regex
from ksrcfind.source import scan
from ksrcfind.source.facts import EMPTY, Call, Macro, SourceFacts, Wrapper
from ksrcfind.source.literal import STRING
from ksrcfind.source.parse import ParsedBody, ParsedCall, Parser
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.source.structures import registered
from ksrcfind.source.template import CONVERSION, has_words

_MACRO = regex(rb"[ \t]+([A-Za-z_]\w*)(\(([^()]*)\))?")
_CONTINUATION = regex(rb"\\\r?\n")
_BLANKS = regex(rb"[ \t]+")
_CALL_IN_BODY = regex(r"\b[A-Za-z_]\w*+[ \t]*+\(|#")
_ALIAS = regex(r"(?:if\s*+\([^()]*\))?\s*+(?:\(\s*+)?[A-Za-z_]\w*+\s*+\)?")
_NAMES = regex(r"(?:[A-Za-z_]\w*+\s*+)+")  # `PFX fmt`
_LIST = regex(r"[A-Za-z_]\w*+(?:\s*+,\s*+[A-Za-z_]\w*+)++")  # several arguments by one name
_EMPTY_BODY = regex(
    r"\s*+(?:do\s*+\{\s*+(?:;\s*+)?\}\s*+while\s*+\(\s*+0\s*+\)|\(\s*+\(\s*+void\s*+\)\s*+0\s*+\)|\{\s*+\}|;|0"
    r"|\(\s*+\{\s*+\}\s*+\))?\s*+"
)
_INITIAL_TEXT = regex(rf"=[ \t\r\n]*+((?>{STRING}|[A-Z_]\w*+|[ \t\r\n]++|\\\r?\n)++)(;)?".encode())
_STRING_VARIABLE = regex(
    rb"(?:\bconst[ \t]++)?\bchar\b[\w \t\r\n*]{0,160}?\b(\w++)[ \t\r\n]*+"
    rb"(\[[^\]\n]{0,160}+\][ \t\r\n]*+)?+(?:__\w++[ \t\r\n]*+)*+\Z"
)
_INTO_BUFFER = regex(rb"\[[^\]\w]*+\w[^\]]*+\]\s*+")  # `char buf[64] = ""`: its size shows that code appends to it
_TEXT_PARAMETER = regex(r"\bchar\s*(?:const\s*)?\*\s*(?:const\s+)?([A-Za-z_]\w*)\Z")
_STRINGIFIED = regex(rb"\b__stringify[ \t]*\([ \t]*([A-Za-z_]\w*)[ \t]*\)")
_NUMBER = regex(
    rb"\n[ \t]*+#[ \t]*+define[ \t]++(\w++)[ \t]++"
    rb"(\(?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,9})[uUlL]*+(?:[ \t]*<<[ \t]*\d{1,2})?\)?)"
    rb"[ \t]*+(?:/\*[^\n]*)?\r?(?=\n|\Z)"
)
_FUNCTION_IN_BODY = regex(r"\A[^(){};=\"]{1,200}\([^(){};\"]{0,500}\)\s*+\{")
_CALL_WITH_TEXT = regex(r"\b([A-Za-z_]\w*+)\s*+\([^\"();{}]*+\"")
_IF = regex(r"\bif\b")
# In a macro's body a line continuation is a line end, also within a literal.
_ALL_TEXT = regex(r'(?:\s++|[A-Za-z_]\w*+|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_ASSIGNED = regex(rb"(?<![\w.>])([A-Za-z_]\w*+)[ \t]*+=(?!=)")
_BLANK_LINE = regex(rb"\n[ \t\r]*\n")
_LAST_NAME = regex(r"\b[A-Za-z_]\w*+(?=\s*+(?:\[[^\]]*+\]\s*+)*+\Z)")
# `module_init(…)` or the name of a function: calls are indented (Documentation/process/coding-style.rst).
_AT_TOP = regex(rb"\n(\w++)[ \t]*+\(")
_LAST_ARGUMENT = regex(r",\s*([A-Za-z_]\w*)\s*\)\Z")
# Escapes outside of literals are skipped, so that unterminated text is read once.
_LITERAL = regex(rf"\\(?:.|\n)|({STRING})")
_NAME = regex(r"[A-Za-z_]\w*+")
# The name of the sink is looked for last: most parentheses are not before a macro.
_MACRO_FORMAT = regex(
    rb"\((?=(?:KERN_[A-Z]++\s++)?(?!KERN_|NULL\b)([A-Z][A-Z0-9_]{2,}+)\s*+[,)])(?:"
    + b"|".join(b"(?<=\\b%s\\()" % name for name in sorted(sink.name.encode() for sink in BUILT_IN))
    + b")"
)
_LONGEST_CONDITION = 200  # bytes
_LONGEST_GENERATED = 1 << 20  # characters of all functions that a file defines with macros
_MOST_GENERATING = 64  # macros of a file that define functions
_DECLARATION = 160  # bytes before a `=` in which the declaration of a string is looked for
_NEVER_PRINT = frozenset(name.decode() for name in scan.NEVER_PRINT)
_VA_FORMAT = regex(rb"\b(\w+)(?:\.|->)fmt[ \t]*=[ \t]*([^;{}\"\n]{1,120});")
_VA_FORMAT_INITIAL = regex(rb"\bva_format[ \t]+(\w+)[ \t]*=[ \t]*\{[ \t\r\n]*(?:\.fmt[ \t]*=[ \t]*)?(\w+)")
_HEAD = regex(rb"\n((?!static\b|typedef\b)[a-z_][\w \t*]*+)\(([^;{}()]*+)\)\s*+\{")
_GIVES_TEXT = regex(rb"\A[^(]*\bchar\b[ \t]*\*|\bchar\b[ \t]*(?:const[ \t]*)?\*[ \t]*(?:const[ \t]*)?\*")
_APPENDS = regex(r"vsc?nprintf\(\w+(?:->|\.)(\w+)\s*+\+[^\"]*,\s*+(\w+),\s*+(\w+)\)")
_PRINTS_FIELD = regex(r'(?:printk|pr_\w+)\((?:KERN_[A-Z]++\s++)?"%s(?:\\n)?",\s*+\w+(?:->|\.)(\w+)\)')
_STATIC = regex(rb"\bstatic\b")
_WITHOUT_EFFECT = frozenset((b"warning", b"error", b"pragma", b"line", b"ident"))
_IFNDEF_NAME = regex(rb"[ \t]+(\w+)")


def extract(data: bytes, parser: Parser) -> SourceFacts:
    """Return the facts of a C source or header file. Never raises on any bytes."""
    if b"\0" in data[:4096]:
        return EMPTY
    found = list(scan.directives(data))
    macros, includes = _directives(found)
    stringified = _STRINGIFIED.findall(data) if b"__stringify" in data else []
    macros += tuple(_numbers(data, [*stringified, *_in_conditions(macros)]))
    functions = _Functions()
    strings: tuple[tuple[str, str], ...] = ()
    constants: tuple[str, ...] = ()
    text = scan.without_directives(data, found)
    has_code = b"{" in data  # false for headers with the registers of a device, half of the bytes of Linux
    if b'"' in text and b"char" in text:
        strings, constants = _string_variables(text)
    if has_code and (b'"' in data or b"va_" in data):
        named = _named_texts(macros, strings, text)
        found_bodies = list(scan.bodies(text, constants=named))
        for body in itertools.chain(found_bodies, _generated(macros, text)):
            functions.add(body, parser.body(body, constants=named), named)
        for branch in range(1, scan.branches_in_calls(data, found)):
            other = scan.without_directives(data, found, branch)
            for body in _differing(scan.bodies(other, constants=named), found_bodies):
                functions.add_branch(parser.body(body, constants=named), named)
        functions.join_appending()
    return SourceFacts(
        includes,
        macros,
        tuple(functions.wrappers),
        tuple(functions.names),
        tuple(functions.calls),
        strings,
        functions.recovered,
        functions.lost,
        _called(text, functions.calls) if has_code else b"",
        tuple(functions.parameters) if any(functions.parameters) else (),
        constants,
        _text_functions(text) if has_code and b"char" in text else (),
        registered(text) if has_code and b"struct" in text else (),
    )


class _Functions:
    """The facts of a file's functions, collected one by one; the fields are those of `SourceFacts`."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parameters: list[tuple[str, ...]] = []
        self.calls: list[Call] = []
        self.wrappers: list[Wrapper] = []
        self.recovered = self.lost = 0

    def add(self, body: scan.Body, parsed: ParsedBody, named: re.Pattern[bytes] | None) -> None:
        """Add a function; matches of `named` count as text."""
        self.recovered += parsed.recovered
        own = [_call(call, len(self.names)) for call in parsed.calls]
        if body.wraps:
            self.wrappers.append(_wrapper(body, parsed, tuple(own)))
        with_text = _with_text(own, parsed, named)
        if with_text:
            texts = _texts(parsed)
            is_static = _STATIC.search(body.header) is not None
            printing = () if body.wraps or not texts else tuple(_printing(with_text, texts, is_static=is_static))
            if printing:
                self.wrappers.append(msgspec.structs.replace(_wrapper(body, parsed, printing), prints_text=True))
            may_print_parameter = texts and is_static and not printing
            self.parameters.append(_names(parsed) if may_print_parameter else ())
            self.names.append(parsed.name)
            self.calls.extend(with_text)
        elif body.snippets and not parsed.calls:
            self.lost += 1

    def add_branch(self, parsed: ParsedBody, named: re.Pattern[bytes] | None) -> None:
        """Add the calls of a function that has other arguments in another branch of an `#if`."""
        if parsed.name not in self.names:
            self.names.append(parsed.name)
            self.parameters.append(())
        function = self.names.index(parsed.name)
        known = set(self.calls)
        calls = _with_text([_call(call, function) for call in parsed.calls], parsed, named)
        self.calls += [call for call in calls if call not in known]
        self.calls.sort(key=lambda call: call.line)

    def join_appending(self) -> None:
        """Make functions that append to a buffer log calls, where the file prints this buffer as a whole line.

        `nf_log_buf_add()` appends to `m->buf`, and `printk("%s", m->buf)` prints it: each call gives a part of a line.
        A call that prints a device before the buffer (`ata_port_err()`) is the one that prints the line.
        """
        printed = {found[1] for call in self.calls if (found := _PRINTS_FIELD.fullmatch(call.text))}
        if not printed:
            return
        for number, wrapper in enumerate(self.wrappers):
            for call in wrapper.calls:
                appends = _APPENDS.fullmatch(call.text)
                if appends is not None and appends[1] in printed:
                    logs = Call("vprintk", f"vprintk(KERN_CONT {appends[2]}, {appends[3]})", call.line, call.function)
                    self.wrappers[number] = msgspec.structs.replace(wrapper, calls=(*wrapper.calls, logs), guards=())


def _with_text(calls: Iterable[Call], parsed: ParsedBody, named: re.Pattern[bytes] | None) -> list[Call]:
    """Return the calls of a function that have text and may print it; matches of `named` count as text."""
    return [
        call
        for call, found in zip(calls, parsed.calls, strict=True)
        if call.name not in _NEVER_PRINT and ('"' in call.text or (named and named.search(found.text)))
    ]


def _differing(bodies: Iterable[scan.Body], others: Iterable[scan.Body]) -> Iterator[scan.Body]:
    """Yield functions with those of their snippets that the same functions among others do not have."""
    known = {snippet for other in others for snippet in other.snippets}
    for body in bodies:
        snippets = tuple(snippet for snippet in body.snippets if snippet not in known)
        if snippets:
            yield msgspec.structs.replace(body, snippets=snippets, wraps=False, code=b"")


def _named_texts(macros: Iterable[Macro], strings: Iterable[tuple[str, str]], text: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern that finds texts as arguments by their names: `printk(BANNER)`.

    They are the string macros and constants of the file, and macros of headers that are the format of a log sink.
    """
    names = {
        macro.name
        for macro in macros
        if macro.parameters is None and '"' in macro.body and _ALL_TEXT.fullmatch(macro.body)
    }
    names |= {name for name, _source in strings}
    names |= {_text(name) for name in _MACRO_FORMAT.findall(text)}
    if not names:
        return None
    either = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"[(,]\s*+(?:KERN_[A-Z]++\s++)?({either})\s*+[,)]".encode())


def _texts(parsed: ParsedBody) -> frozenset[str]:
    """Return the names of a function's text parameters: `const char *`."""
    return frozenset(match[1] for each in parsed.parameters if (match := _TEXT_PARAMETER.search(each)))


def _names(parsed: ParsedBody) -> tuple[str, ...]:
    return tuple(match[0] if (match := _LAST_NAME.search(each)) else "" for each in parsed.parameters)


def _printing(calls: Iterable[Call], texts: frozenset[str], *, is_static: bool) -> Iterator[Call]:
    """Yield the calls that print a text parameter of the function whole: as the only value, or without other words.

    Of several calls without words, as in the `switch` of `print_hex_dump`, the one with the fewest values stands for
    all. A static function with other values is not meant: what its callers give is looked up for its own message.
    """
    wordless: dict[int, Call] = {}
    for call in calls:
        literals = _LITERAL.findall(call.text)
        conversions = [found for each in literals for found in CONVERSION.finditer(each)]
        values = [found["kind"] for found in conversions if not found["percent"]]
        last = _LAST_ARGUMENT.search(call.text)
        if values == ["s"]:
            if last is not None and last[1] in texts:
                yield call
        elif not is_static and "s" in values and not any(map(has_words, literals)) and _prints_one(call, texts):
            wordless.setdefault(len(values), call)
    if wordless:
        yield wordless[min(wordless)]


def _prints_one(call: Call, texts: frozenset[str]) -> bool:
    """Return whether a call is given one of the text parameters of its function, not counting a level."""
    arguments = {argument.strip() for argument in call.text[call.text.find("(") + 1 : -1].split(",")}
    return sum(not name.endswith(("level", "lvl")) for name in texts & arguments) == 1


def _called(text: bytes, calls: Iterable[Call]) -> bytes:
    """Return `SourceFacts.called`: the names in calls of the code, without those in `calls`."""
    outer: list[Call] = []
    for call in calls:
        if not (outer and call.text in outer[-1].text and call.line <= outer[-1].line + outer[-1].text.count("\n")):
            outer.append(call)
    without = Counter(scan.called_names("\n".join(call.text for call in outer).encode()))
    without.update(_AT_TOP.findall(text))
    found = scan.called_names(text)
    left = Counter(name for name in found if name in without) - without
    names = (set(found) - without.keys()) | left.keys()
    return array("I", sorted(set(map(zlib.crc32, names)))).tobytes()


def uses(data: bytes, parser: Parser, names: Iterable[str]) -> tuple[tuple[str, ...], tuple[Call, ...]]:
    """Return the functions that call some names without text, and these calls, which `extract` skips."""
    wanted = frozenset(name.encode() for name in names)
    functions: list[str] = []
    calls: list[Call] = []
    text = scan.without_directives(data, list(scan.directives(data)))
    for body in scan.bodies(text, wanted):
        parsed = parser.body(body, wanted)
        calls += [_call(call, len(functions)) for call in parsed.calls]
        functions.append(parsed.name)
    return tuple(functions), tuple(calls)


def _generated(macros: tuple[Macro, ...], text: bytes) -> Iterator[scan.Body]:
    """Yield functions that the file defines with its own macros, as `define_dev_printk_level(_dev_err, …)`."""
    left = _LONGEST_GENERATED
    making = (macro for macro in macros if macro.parameters is not None and _makes_printing(macro.body))
    for macro in itertools.islice(making, _MOST_GENERATING):
        substituted = _parameters_in_body(macro.parameters or ())
        for use in re.finditer(rb"^" + re.escape(macro.name.encode()) + rb"[ \t]*+\(([^()]*+)\)", text, re.MULTILINE):
            values = [value.strip().replace("\\", "") for value in _text(use[1]).split(",")]
            arguments = dict(zip(macro.parameters or (), values, strict=False))
            source = substituted.sub(_by_name(arguments), macro.body)
            left -= len(source)
            if left < 0:
                return
            line = text.count(b"\n", 0, use.start()) + 1
            # On one line, because a brace in the first column does not end a function in a macro's body.
            for body in scan.bodies(source.replace("\n", " ").encode()):
                snippets = (
                    () if body.wraps else tuple(msgspec.structs.replace(each, line=line) for each in body.snippets)
                )
                yield msgspec.structs.replace(body, snippets=snippets, line=line, code_line=line)


def _makes_printing(body: str) -> bool:
    """Return whether a macro's body seems to define a function that prints."""
    if "va_start" in body:
        return True
    function = _FUNCTION_IN_BODY.search(body)
    if function is None or '"' not in body:
        return False
    return any(found[1] not in _NEVER_PRINT for found in _CALL_WITH_TEXT.finditer(body, function.end()))


def _by_name(given: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: given.get(found[2], found[0]) if not found[1] else f'"{given.get(found[2], found[2])}"'


def _parameters_in_body(parameters: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that finds the parameters of a macro in its body, with a `##` that joins them or a `#` that quotes."""
    either = "|".join(map(re.escape, parameters))
    return re.compile(rf"(?:(?<!\s)\s*+##\s*+|(?<!#)(#)(?!#)\s*+)?\b({either})\b(?:\s*+##\s*+)?")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _without_margins(data: bytes) -> bytes:
    """Return text without the blanks before and after every line end."""
    first, *others = data.split(b"\n")
    if not others:
        return data
    lines = [first, *(line.lstrip(b" \t") for line in others)]
    return b"\n".join([*(line.rstrip(b" \t\r") for line in lines[:-1]), lines[-1]])


def _call(call: ParsedCall, function: int) -> Call:
    return Call(_text(call.name), _text(_without_margins(call.text)), call.line_start, function)


def _wrapper(body: scan.Body, parsed: ParsedBody, calls: tuple[Call, ...]) -> Wrapper:
    formats = [*_VA_FORMAT.findall(body.code), *_VA_FORMAT_INITIAL.findall(body.code)]
    unchanged = frozenset(_names(parsed)) - {_text(name) for name in _ASSIGNED.findall(body.code)}
    guards = tuple(_guard(call, unchanged) for call in parsed.calls) if len(calls) == len(parsed.calls) else ()
    return Wrapper(
        parsed.name,
        parsed.parameters,
        calls,
        tuple((_text(variable), _text(value)) for variable, value in formats),
        _STATIC.search(body.header) is not None,
        body.line,
        guards if any(guards) else (),
    )


def _guard(call: ParsedCall, parameters: frozenset[str]) -> str:
    """Return the conditions of a call, `?` for each that does not depend on an unchanged parameter."""
    texts = (_text(condition) if len(condition) <= _LONGEST_CONDITION else "?" for condition in call.conditions)
    return " && ".join(dict.fromkeys(text if parameters.intersection(_NAME.findall(text)) else "?" for text in texts))


def _directives(found: list[tuple[int, int, scan.Directive]]) -> tuple[tuple[Macro, ...], tuple[str, ...]]:
    macros: list[Macro] = []
    includes: list[str] = []
    guard = b""
    undefined: set[bytes] = set()
    for _start, _end, directive in found:
        if directive.name == b"define":
            macro = _macro(directive, guard, undefined)
            if macro is not None:
                macros.append(macro)
            guard = b""
        elif directive.name == b"include":
            target = _include(directive.rest)
            if target:
                includes.append(target)
        elif directive.name == b"ifndef":
            match = _IFNDEF_NAME.match(directive.rest)
            guard = match[1] if match else b""
        elif directive.name == b"undef":
            undefined.update(directive.rest.split()[:1])
        elif directive.name not in _WITHOUT_EFFECT:
            guard = b""
    return tuple(macros), tuple(includes)


def _in_conditions(macros: Iterable[Macro]) -> list[bytes]:
    """Return the names in macros with an `if`: constants that may decide which text a macro prints."""
    bodies = (macro.body for macro in macros if macro.parameters and _IF.search(macro.body))
    return [name.encode() for body in bodies for name in _NAME.findall(body)]


def _numbers(data: bytes, names: Iterable[bytes]) -> Iterator[Macro]:
    """Yield the named macros for plain numbers, as in `"%" __stringify(SIZE) "ph"` and `if ((type) & FYI)`."""
    wanted = frozenset(names)
    if not wanted:
        return
    line, counted = 1, 0
    for found in _NUMBER.finditer(b"\n" + data):  # matches begin at the offset of their line in `data`
        if found[1] in wanted:
            line += data.count(b"\n", counted, found.start())
            counted = found.start()
            yield Macro(_text(found[1]), None, _text(found[2]), line, fallback=False)


def _include(rest: bytes) -> str:
    rest = rest.strip()
    close = rest.find(b'"' if rest[:1] == b'"' else b">", 1)
    return _text(rest[: close + 1]) if rest[:1] in (b'"', b"<") and close > 0 else ""


def _macro(directive: scan.Directive, guard: bytes, undefined: set[bytes]) -> Macro | None:
    match = _MACRO.match(directive.rest)
    if match is None:
        return None
    raw = directive.rest[match.end() :]
    if b"/" in raw or b"'" in raw:
        raw = scan.blank_comments(raw)[0]
    body = _text(_without_margins(_CONTINUATION.sub(b"\n", raw))).strip(" \t\r")
    parameters: tuple[str, ...] | None = None
    if match[2] is not None:
        listed = _text(_BLANKS.sub(b" ", _CONTINUATION.sub(b" ", match[3]))).strip()
        parameters = tuple(name.strip().replace(" ", "") for name in listed.split(",")) if listed else ()
    wanted = '"' in body or _ALIAS.fullmatch(body) is not None or _LIST.fullmatch(body) is not None
    if parameters is not None and not wanted:
        wanted = any(("," in body, _NAMES.fullmatch(body), _CALL_IN_BODY.search(body), _EMPTY_BODY.fullmatch(body)))
    if not wanted:
        return None
    replaces = match[1] in undefined
    undefined.discard(match[1])
    return Macro(_text(match[1]), parameters, body, directive.line, guard == match[1], replaces)


def _text_functions(text: bytes) -> tuple[str, ...]:
    """Return `SourceFacts.text_functions`."""
    heads = (head for head in _HEAD.finditer(b"\n" + text) if _GIVES_TEXT.search(head[0]))
    return tuple(dict.fromkeys(_text(re.split(rb"[\s*]", head[1].rstrip())[-1]) for head in heads))


def _string_variables(text: bytes) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return constant strings with their C source, and the names of the strings that other files can use."""
    found: list[tuple[str, str]] = []
    constants: list[str] = []
    assigned: Counter[bytes] | None = None
    for initial in _INITIAL_TEXT.finditer(text):
        if initial[2] is None or b'"' not in initial[1]:
            continue
        variable = _STRING_VARIABLE.search(text, max(0, initial.start() - _DECLARATION), initial.start())
        if variable is None:
            continue
        if b"const" in variable[0] or (variable[2] and not _INTO_BUFFER.fullmatch(variable[2])):
            if _BLANK_LINE.search(initial[1]):
                continue  # a removed `#ifdef`: the text depends on the configuration
            if not variable[2]:
                assigned = Counter(_ASSIGNED.findall(text)) if assigned is None else assigned
                if assigned[variable[1]] > 1:
                    continue  # the code assigns another text later
            found.append((_text(variable[1]), _text(initial[1]).strip()))
            line = text[text.rfind(b"\n", 0, variable.start()) + 1 : variable.start(1)]
            if b"const" in line and not line[:1].isspace() and not _STATIC.search(line):
                constants.append(_text(variable[1]))
    return tuple(found), tuple(constants)
