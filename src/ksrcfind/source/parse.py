"""C syntax from tree-sitter: calls and the function around them. The only module that uses tree-sitter.

Its input is the functions that `scan` found, reduced to their header and the calls with text. A regular expression
reads the calls whose inner calls have no literals, which are most; tree-sitter parses only the others. Line numbers
stay those of the file.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

import tree_sitter
import tree_sitter_c
from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.regex import regex
from ksrcfind.source.literal import STRING
from ksrcfind.source.scan import Body, Snippet

_C = tree_sitter.Language(tree_sitter_c.language())
_CALLS = tree_sitter.Query(_C, "(call_expression) @call")
_CODE = tree_sitter.Query(
    _C,
    """(call_expression) @call (expression_statement (identifier) @statement) (if_statement) @if
    [(for_statement) (while_statement) (switch_statement) (conditional_expression)
     (binary_expression operator: ["&&" "||"])] @other""",
)
# For unclosed brackets the parser needs quadratic time. It reports its progress six times for 1,000 bytes of real code,
# and a thousand times for 1,000 bytes that it cannot parse.
_REPORTS = 256
_BYTES_PER_REPORT = 16
# Queries of the tree report no progress, and need time quadratic in the depth.
_SHORT = 1 << 12  # bytes in which any depth is fast
_DEEPEST = 200
_BRACKET = regex(rb"[][(){}]")
_BRACKET_OR_LITERAL = regex(rf"[()]|{STRING}|\\.".encode(), re.DOTALL)
_UNDER_WAY = 256  # unfinished matches of a query
_NESTED = 64  # nested calls and conditions; each keeps a copy of its text
_FUNCTION_NAME = regex(rb"\b([A-Za-z_]\w*+)[ \t\r\n]*+\(")
_CALL_NAME = regex(rb"\b([A-Za-z_]\w*+)[ \t\r\n]*+\(")
# A call with literals only in its own parentheses: the calls in its arguments have no text.
_WITHOUT_TEXT = r"""(?:[^()"'\\]++|\((?:[^()"'\\]++|\([^()"'\\]*+\))*+\))"""
_PLAIN_CALL = regex(rf"([A-Za-z_]\w*+)[ \t\r\n]*+\((?:{_WITHOUT_TEXT}|{STRING})*+\)".encode())
# The macros that are compat variants on some architectures count as such: SYSCALL32_DEFINE, PPC32_SYSCALL_DEFINE.
_SYSTEM_CALL = regex(
    rb"\b(?P<macro>(?:(?P<compat>COMPAT_SYSCALL|SYSCALL32|PPC32_SYSCALL)|SYSCALL)_DEFINE\d?)[ \t]*+\(\s*+(?P<name>\w++)"
)
_DIRECTIVE_LINE = regex(rb"^[ \t]*#[^\n]*", re.MULTILINE)
# A macro before a function, without a semicolon: `ACPI_EXPORT_SYMBOL(acpi_error)`.
_MACRO_LINE = regex(rb"^[ \t]*[A-Z][A-Z0-9_]*[ \t]*\([^()\n]*\)[ \t]*$", re.MULTILINE)

# Annotations that look like a declarator: `__printf(1, 2) int f(...)`.
_ANNOTATION = regex(
    rb"\b(?:__attribute__|__attribute|__printf|__scanf|__acquires|__releases|__must_hold|__section|__aligned|__format_arg"
    rb"|__alloc_size|__nonnull|__diagnose_as|__no_sanitize|_Alignas|__declspec|noinline_for_\w+|asm)[ \t]*\("
)
_IN_ANNOTATIONS = (b"__", b"_Alignas", b"noinline_for_", b"asm")
_NOT_LINE_END = regex(rb"[^\n]")


class ParsedCall(Struct, frozen=True):
    """A call with text, or any call in a function that handles variable arguments."""

    name: bytes
    text: bytes
    """From the name to the closing parenthesis; the name alone for a macro that is a whole statement."""
    line_start: int
    line_end: int
    conditions: tuple[bytes, ...] = ()
    """The conditions of the call, the outermost last: of each `if` around it, negated in its `else`, and `?` for other
    control flow. Only in functions that handle variable arguments."""


class ParsedBody(Struct, frozen=True):
    """A function's name, parameters and calls."""

    name: str
    parameters: tuple[str, ...]
    """Their declarations; the last is `...` in a variadic function."""
    calls: tuple[ParsedCall, ...]
    recovered: int
    """Calls that tree-sitter rejected and that were read from the text alone."""


class Parser:
    """Parses function bodies; holds the tree-sitter parser, one for each process."""

    def __init__(self) -> None:
        self._parser = tree_sitter.Parser(_C)

    def body(
        self, body: Body, names: Set[bytes] = frozenset(), constants: re.Pattern[bytes] | None = None
    ) -> ParsedBody:
        """Return a function's name, parameters and calls with text; with `names`, its calls of these without text.

        Matches of `constants` count as text, as in `scan.bodies`.
        """
        header = _without_annotations(_DIRECTIVE_LINE.sub(b"", body.header) if b"#" in body.header else body.header)
        name, parameters = _declared(header)
        calls: list[ParsedCall] = []
        others = body.snippets
        if not body.code and not names:
            calls, others = _plain_calls(body.snippets, constants)
        recovered = 0
        if others or body.code:
            parsed, recovered = self._parsed(replace(body, snippets=others), header, names, constants)
            calls += parsed
        calls.sort(key=lambda call: (call.line_start, -len(call.text)))
        return ParsedBody(name, parameters, tuple(calls), recovered)

    def _parsed(
        self, body: Body, header: bytes, names: Set[bytes], constants: re.Pattern[bytes] | None
    ) -> tuple[list[ParsedCall], int]:
        """Return the calls of a function's snippets, and how many of them were read from the text alone."""
        source, starts = _skeleton(body, header)
        root = self._tree(source).root_node
        calls: list[ParsedCall] = []
        covered: list[tuple[int, int]] = []  # by start
        everything = bool(body.code)
        captured = tree_sitter.QueryCursor(_CODE if everything else _CALLS, match_limit=_UNDER_WAY).captures(root)
        conditions = _Conditions(source, captured.get("if", ()), captured.get("other", ()))
        found_nodes = [*captured.get("call", ()), *captured.get("statement", ())]
        around: list[int] = []  # ends of the calls around the next one
        for node in sorted(found_nodes, key=lambda node: (node.start_byte, -node.end_byte)):
            start, end = node.start_byte, node.end_byte
            while around and around[-1] <= start:
                around.pop()
            around.append(end)
            if len(around) > _NESTED:
                continue
            text = source[start:end]
            called = text if node.type == "identifier" else _called(text)
            if called is None or not (everything or _is_wanted(called, text, names, constants)):
                continue
            row = node.start_point.row
            line = body.line + row
            calls.append(ParsedCall(called, text, line, line + text.count(b"\n"), conditions.at(start)))
            covered.append((start, end))
        recovered = 0
        known = {(call.line_start, call.name) for call in calls}
        for start, end in _uncovered(starts, covered):
            found = _from_text(source, start, end, body.line)
            if (
                found is not None
                and _is_wanted(found.name, found.text, names, constants)
                and (found.line_start, found.name) not in known
            ):
                recovered += 1
                calls.append(found)
                known.add((found.line_start, found.name))
        return calls, recovered

    def _tree(self, source: bytes) -> tree_sitter.Tree:
        """Return the syntax tree; an empty one if parsing takes more work than real code of this length."""
        if len(source) > _SHORT and _depth(source) > _DEEPEST:
            return self._parser.parse(b"")
        reports = itertools.count(_REPORTS + len(source) // _BYTES_PER_REPORT, -1)
        try:
            return self._parser.parse(
                lambda offset, _: source[offset:], progress_callback=lambda _offset, _failed: next(reports) < 0
            )
        except ValueError:
            self._parser.reset()
            return self._parser.parse(b"")


def _plain_calls(
    snippets: Iterable[Snippet], constants: re.Pattern[bytes] | None
) -> tuple[list[ParsedCall], tuple[Snippet, ...]]:
    """Return the snippets that are one call with text, as calls, and the others, which need a parser."""
    calls: list[ParsedCall] = []
    others: list[Snippet] = []
    for snippet in snippets:
        text, line = snippet.text, snippet.line
        plain = _PLAIN_CALL.fullmatch(text)
        if plain is None or (constants is not None and constants.search(text)):
            others.append(snippet)
        else:
            calls.append(ParsedCall(plain[1], text, line, line + text.count(b"\n")))
    return calls, tuple(others)


def _depth(source: bytes) -> int:
    """Return the nesting depth of brackets, also in literals."""
    steps = (1 if bracket in b"([{" else -1 for bracket in _BRACKET.findall(source))
    return max(itertools.accumulate(steps), default=0)


def _called(call: bytes) -> bytes | None:
    match = _CALL_NAME.match(call)
    return match[1] if match else None


def _uncovered(spans: Sequence[tuple[int, int]], covered: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans that no span of `covered` contains; both are sorted by start."""
    passed = reach = 0
    for start, end in spans:
        while passed < len(covered) and covered[passed][0] <= start:
            reach = max(reach, covered[passed][1])
            passed += 1
        if end > reach:
            yield start, end


class _Conditions:
    """The conditions at offsets of a function, which must be queried in ascending order."""

    def __init__(self, source: bytes, choices: Iterable[tree_sitter.Node], others: Iterable[tree_sitter.Node]) -> None:
        """`choices` are the `if` statements of the source, `others` the nodes of other conditional code."""
        branches = [(node.start_byte, node.end_byte, b"?") for node in others]
        for statement in choices:
            condition = statement.child_by_field_name("condition")
            text = source[condition.start_byte : condition.end_byte] if condition is not None else b""
            for field, mark in (("consequence", b""), ("alternative", b"!")):
                branch = statement.child_by_field_name(field)
                if text and branch is not None:
                    branches.append((branch.start_byte, branch.end_byte, mark + text))
        self._to_come = sorted(branches, key=lambda branch: (-branch[0], branch[1]))
        self._around: list[tuple[int, bytes]] = []

    def at(self, start: int) -> tuple[bytes, ...]:
        """Return the conditions at an offset as in `ParsedCall`; only `?` where there are too many."""
        while self._to_come and self._to_come[-1][0] <= start:
            begin, end, condition = self._to_come.pop()
            self._leave(begin)
            self._around.append((end, condition))
        self._leave(start)
        return tuple(condition for _, condition in reversed(self._around)) if len(self._around) <= _NESTED else (b"?",)

    def _leave(self, start: int) -> None:
        while self._around and self._around[-1][0] <= start:
            self._around.pop()


def _is_wanted(name: bytes, text: bytes, names: Set[bytes], constants: re.Pattern[bytes] | None) -> bool:
    if names:
        return name in names and b'"' not in text
    return b'"' in text or (constants is not None and constants.search(text) is not None)


def _skeleton(body: Body, header: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the function as C source with only the wanted calls, and the start and end of these calls."""
    parts = [header, b"{"]
    starts: list[tuple[int, int]] = []
    if body.code:
        parts[1] = b""
        parts.append(b"\n" * (body.code_line - body.line - header.count(b"\n")))
        parts.append(body.code)
        return b"".join(parts), starts
    line = body.line + header.count(b"\n")
    length = len(header) + 1
    for snippet in body.snippets:
        gap = b"\n" * (snippet.line - line)
        parts += (gap, snippet.text, b";")
        starts.append((length + len(gap), length + len(gap) + len(snippet.text)))
        length += len(gap) + len(snippet.text) + 1
        line = max(line, snippet.line) + snippet.text.count(b"\n")
    parts.append(b"\n}\n")
    return b"".join(parts), starts


def _from_text(source: bytes, start: int, end: int, first_line: int) -> ParsedCall | None:
    """Return the call in a span that the parser rejected; None if there is none."""
    text = source[start:end]
    match = _CALL_NAME.match(text)
    if match is None:
        # `(CALL("text") …)`: the last name with a parenthesis before the text.
        quote = text.find(b'"')
        for candidate in _CALL_NAME.finditer(text, 0, quote):
            match = candidate
        if match is None:
            return None
        text = text[match.start() : _matching(text, match.end() - 1)]
    line = first_line + source.count(b"\n", 0, start + match.start())
    return ParsedCall(match[1], text, line, line + text.count(b"\n"))


def _matching(text: bytes, opening: int) -> int:
    depth = 0
    for match in _BRACKET_OR_LITERAL.finditer(text, opening):
        depth += {b"(": 1, b")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)


class SystemCall(NamedTuple):
    """The definition of a system call: `SYSCALL_DEFINE1(sync, …)`."""

    start: int
    macro: str
    name: str
    function: str
    """Name of the function with the body: `__do_sys_sync`, for a compat call `__do_compat_sys_sync`
    (include/linux/syscalls.h, include/linux/compat.h)."""


def system_calls(code: bytes) -> Iterator[SystemCall]:
    """Yield the definitions of system calls in code."""
    for match in _SYSTEM_CALL.finditer(code):
        name = match["name"].decode("ascii", "replace")
        function = ("__do_compat_sys_" if match["compat"] else "__do_sys_") + name
        yield SystemCall(match.start(), match["macro"].decode(), name, function)


def declarator(header: bytes) -> tuple[str, tuple[str, ...]]:
    """Return name and parameters of the function that a header declares."""
    return _declared(_without_annotations(header))


def _declared(header: bytes) -> tuple[str, tuple[str, ...]]:
    """Return name and parameters as `declarator` does, for a header without annotations."""
    for call in system_calls(header):
        return call.function, ()
    text = header
    for alone in _MACRO_LINE.finditer(header):
        if _FUNCTION_NAME.search(header, alone.end()):
            text = b" " * alone.end() + text[alone.end() :]
    match = _FUNCTION_NAME.search(text)
    if match is None:
        return "", ()
    close = _matching(text, match.end() - 1)
    inner = text[match.end() : close - 1]
    return match[1].decode("ascii", "replace"), tuple(_parameters(inner))


def _without_annotations(header: bytes) -> bytes:
    """Return a function's header with annotations blanked, line ends kept."""
    if not any(part in header for part in _IN_ANNOTATIONS):
        return header  # nearly all, and much faster
    text = header
    for annotation in _ANNOTATION.finditer(header):
        close = _matching(header, annotation.end() - 1)
        blank = _NOT_LINE_END.sub(b" ", header[annotation.start() : close])
        text = text[: annotation.start()] + blank + text[close:]
    return text


def _parameters(text: bytes) -> Iterator[str]:
    depth = start = 0
    for match in re.finditer(rb"[(),]", text):
        mark = match[0]
        if mark == b"," and depth == 0:
            yield " ".join(text[start : match.start()].decode("utf-8", "replace").split())
            start = match.end()
        elif mark != b",":
            depth += 1 if mark == b"(" else -1
    last = " ".join(text[start:].decode("utf-8", "replace").split())
    if last:
        yield last
