"""A fast scanner for C source: directives, functions, and calls with string literals.

Parsing a whole kernel takes minutes, and almost all of its code prints nothing. This module finds the pieces worth
parsing with a few linear passes over the bytes: calls with text, the header of the function around them, and the
preprocessor directives. Its grammar is comments, literals, brackets and the kernel's habit of closing a function with
`}` in the first column (Documentation/process/coding-style.rst), so it also reads code that no parser accepts (`#ifdef`
inside a call, macros that open braces).
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.literal import CHARACTER, STRING


class Directive(Struct, frozen=True):
    """A preprocessor line with its continuations."""

    name: bytes
    """`define`, `include`, `if` …"""
    rest: bytes
    """The text behind the name, with its comments and continuations."""
    line: int
    """1-based line of its `#`."""


class Snippet(Struct, frozen=True):
    """The outermost call around a piece of text (or a parenthesised expression, for `if (CALL("text"))`)."""

    text: bytes
    """From the call's name to its closing parenthesis, comments blanked, line ends kept."""
    line: int
    """1-based line of its start."""


class Body(Struct, frozen=True):
    """A function with its calls that contain text."""

    header: bytes
    """From its return type to the opening brace, comments and directives blanked."""
    line: int
    """1-based line of the start of `header`."""
    snippets: tuple[Snippet, ...]
    wraps: bool
    """True if it handles a variable argument list: it may forward a format."""
    code: bytes
    """The whole body if `wraps`, else empty; comments blanked, line ends kept."""
    code_line: int
    """1-based line of the start of `code`."""


# Register headers have millions of `#define NAME 0x12`, without text or call: the pattern itself skips them.
_DIRECTIVE = regex(
    rb"\n[ \t]*+#[ \t]*+(?!define[ \t]++\w++[ \t]++[-+0-9xXa-fA-FUuLl()<>|~ \t]*+(?:/\*[^\n*]*+\*/[ \t]*+)?+\r?\n)"
    rb"(\w++)([^\n\\]*+(?:\\(?:\r?\n|[^\n]|\Z)[^\n\\]*+)*+)"
)
# An escaped quote outside of a literal begins no literal: keeps unterminated text linear.
_LITERAL_OR_COMMENT = (
    rb"/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/"
    rb"|/\*.*+\Z"  # a comment that never ends
    rb"|//[^\n]*+" + rf"|{STRING}|{CHARACTER}|\\.".encode()
)
LITERAL_OR_COMMENT = regex(_LITERAL_OR_COMMENT, re.DOTALL)
_LITERALS_AND_COMMENTS = regex(rb"(" + _LITERAL_OR_COMMENT + rb")", re.DOTALL)
_BLANKS_AND_LINE_ENDS = b" " * 10 + b"\n" + b" " * 245
_MASKS_AND_LINE_ENDS = _BLANKS_AND_LINE_ENDS.replace(b" ", b"_")
_BRACE = regex(rb"[{}]")
_ONE_LINE = regex(rb"\{[^{}\n]*+\}[ \t\r]*+\n")  # the body of a stub: `{ }`
_PAREN = regex(rb"[()]")
_NOT_BLANK = regex(rb"[^ \t\r\n]")
_WORDS_ONLY = bytes(c if (chr(c).isalnum() and c < 128) or c == ord("_") else ord(" ") for c in range(256))
_WORDS_AND_CALLS = _WORDS_ONLY[: ord("(")] + b"(" + _WORDS_ONLY[ord("(") + 1 :]
_LONGEST_NAME = 80
_VARIABLE_ARGUMENTS = regex(rb"\bva_(?:start|list|format)\b")
_DEAD = regex(rb"[ \t(]*(?:0\b|defined\(?[ \t]*(?:NOT_DEFINED|NEVER)\b)")
_KEYWORDS = frozenset({b"if", b"while", b"for", b"switch", b"return", b"sizeof", b"typeof", b"__typeof__", b"defined"})

# Calls with text that they never print. A call is still scanned if it contains other text. An optimization only: none
# of these is a log call in any tree.
NEVER_PRINT = frozenset(
    b"""strcmp strncmp strcasecmp strncasecmp strstr strcpy strncpy strlcpy strscpy strcat strlcat strsep strspn strcspn
    memcmp memcpy snprintf scnprintf sprintf vsnprintf sscanf kasprintf devm_kasprintf seq_printf seq_puts seq_write
    sysfs_emit sysfs_emit_at sysfs_streq MODULE_PARM_DESC MODULE_AUTHOR MODULE_DESCRIPTION MODULE_LICENSE MODULE_ALIAS
    MODULE_FIRMWARE MODULE_VERSION __setup early_param of_property_read_u32 of_property_read_bool of_find_property
    of_get_property of_property_read_string of_property_read_u32_array of_property_count_strings
    of_property_match_string
    of_device_is_compatible of_machine_is_compatible of_find_compatible_node of_find_node_by_name of_get_child_by_name
    of_parse_phandle of_parse_phandle_with_args device_property_read_u32 device_property_present
    device_property_read_bool fwnode_property_read_u32 devm_clk_get devm_clk_get_optional clk_get clk_register
    devm_regulator_get regulator_get devm_reset_control_get devm_gpiod_get devm_gpiod_get_optional gpiod_get request_irq
    devm_request_irq request_threaded_irq devm_request_threaded_irq platform_get_irq_byname
    platform_get_resource_byname alloc_workqueue create_singlethread_workqueue kthread_run kthread_create
    kmem_cache_create class_create proc_create proc_mkdir debugfs_create_file debugfs_create_dir debugfs_create_u32
    debugfs_create_x32 debugfs_create_bool kobject_set_name dev_set_name request_region request_mem_region
    request_firmware request_module symbol_get __symbol_get trace_printk asm __asm__ volatile __volatile__ section
    __section __attribute__ alias perf_event__fprintf fprintf fputs puts""".split()
)

_LONGEST_CALL = 1000  # bytes before an `#if` in which the call around it is looked for
_RESCANNED = 1 << 20  # bytes of functions with initializers that end in the first column
_BRANCHES = 4  # of a condition within the arguments of a call that are read
_UNCLOSED = 50  # unclosed calls of one function: the rest is no code


def directives(data: bytes) -> Iterator[tuple[int, int, Directive]]:
    """Yield preprocessor lines with their start and end offset in `data` (without the line end before the `#`).

    Macros for plain numbers are excluded.
    """
    line = 1
    counted = 0
    padded = b"\n" + data
    end = 0
    for match in _DIRECTIVE.finditer(padded):
        start = match.start()  # the same as the offset of the directive's first byte in `data`
        if start < end:
            continue  # inside a comment
        if (close := _comment_around(data, end, start)) >= 0:
            end = close
            continue
        end = match.end() - 1
        rest = match[2]
        if b"/*" in rest and rest.rfind(b"/*") > rest.rfind(b"*/"):
            close = data.find(b"*/", end)
            close = len(data) if close < 0 else close + 2
            stop = data.find(b"\n", close)
            stop = len(data) if stop < 0 else stop
            rest += data[end:stop]
            end = stop
        line += data.count(b"\n", counted, start)
        counted = start
        yield start, end, Directive(match[1], rest, line)


def _comment_around(data: bytes, low: int, position: int) -> int:
    """Return the end of the comment that contains `position` and began after `low`; -1 if there is none."""
    opened = data.rfind(b"/*", low, position)
    if opened < 0 or data.find(b"*/", opened + 2, position) >= 0:
        return -1
    before = data[data.rfind(b"\n", low, opened) + 1 : opened]
    if before.count(b'"') % 2 or b"//" in before:
        return -1  # part of a text, such as "drivers/*", or of another comment
    close = data.find(b"*/", position)
    return len(data) if close < 0 else close + 2


def without_directives(data: bytes, found: list[tuple[int, int, Directive]], branch: int = 0) -> bytes:
    """Return `data` with directives, dead code (`#if 0`) and alternatives of arguments blanked.

    Of a condition within the arguments of a call, the branch with the number `branch` stays, or the last one. Every
    line keeps its number.
    """
    parts: list[bytes] = []
    position = 0
    blanked = [*dead_code(found, len(data)), *((start, end) for start, end, _ in found)]
    for marks in _conditions_in_calls(data, found):
        kept = min(branch, len(marks) - 2)
        blanked += [span for number, span in enumerate(itertools.pairwise(marks)) if number != kept]
    for start, end in sorted(blanked):
        if start > position:
            parts.append(data[position:start])
        parts.append(b"\n" * data.count(b"\n", max(start, position), end))
        position = max(position, end)
    parts.append(data[position:])
    return b"".join(parts)


def dead_code(found: list[tuple[int, int, Directive]], size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of dead code of a file: from `#if 0` to its `#else` or `#endif`."""
    depth = 0
    dead_depth = 0  # conditional depth of the `#if 0`; 0 outside of dead code
    dead_start = 0
    for start, _end, directive in found:
        name = directive.name
        if name.startswith(b"if"):
            depth += 1
            if not dead_depth and name == b"if" and _DEAD.match(directive.rest):
                dead_depth, dead_start = depth, start
        elif dead_depth == depth and dead_depth and name in (b"else", b"elif", b"endif"):
            yield dead_start, start
            dead_depth = 0
        if name == b"endif":
            depth = max(0, depth - 1)
    if dead_depth:
        yield dead_start, size


def branches_in_calls(data: bytes, found: list[tuple[int, int, Directive]]) -> int:
    """Return how many branches a condition within the arguments of a call has at most; 1 without such a condition."""
    return min(_BRANCHES, max((len(marks) - 1 for marks in _conditions_in_calls(data, found)), default=1))


def _conditions_in_calls(data: bytes, found: list[tuple[int, int, Directive]]) -> Iterator[list[int]]:
    """Yield the start of each branch of a condition within the parentheses of a call, and the end of the last one.

    Only one branch is compiled. A condition without `#else` and `#elif` is passed over.
    """
    opened: list[list[int]] = []  # where the branches of each `#if` begin; empty outside of calls
    for start, _end, directive in found:
        if directive.name.startswith(b"if"):
            opened.append([start])
        elif directive.name in (b"else", b"elif") and opened and opened[-1]:
            if len(opened[-1]) == 1 and not _is_in_parentheses(data, opened[-1][0]):
                opened[-1].clear()
            else:
                opened[-1].append(start)
        elif directive.name == b"endif" and opened:
            marks = opened.pop()
            if len(marks) > 1:
                yield [*marks, start]


def _is_in_parentheses(data: bytes, position: int) -> bool:
    """Return whether a parenthesis of the statement around a place is open there."""
    low = max(0, position - _LONGEST_CALL)
    before = data[max(low, _statement(data, low, position)) : position]
    if before.count(b"(") <= before.count(b")"):
        return False  # nearly all
    closed, opened = before.find(b"*/"), before.find(b"/*")
    if closed >= 0 and not 0 <= opened < closed:
        before = before[closed + 2 :]  # the statement begins in a comment with a `;`
    masked = blank_comments(before)[1]
    return masked.count(b"(") > masked.count(b")")


def chunks(masked: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces that end at a closing brace in the first column: at most one function each.

    `masked` is code with comments and literals masked.
    """
    position = 0
    close = -1
    left = _RESCANNED
    while True:
        close = masked.find(b"\n}", max(position, close + 1))
        if close < 0:
            yield position, len(masked)
            return
        if masked.startswith(b";", close + 2) and left > 0 and _is_inside(masked, position, close + 2):
            left -= close - position
            continue
        end = masked.find(b"\n", close + 1)
        end = len(masked) if end < 0 else end
        yield position, end
        position = end


def _is_inside(masked: bytes, start: int, close: int) -> bool:
    """Return whether `};` in the first column ends an initializer inside of a function."""
    opened = masked.find(b"\n{", start, close)
    return opened >= 0 and masked.count(b"{", opened, close) > masked.count(b"}", opened, close)


def called_names(text: bytes) -> list[bytes]:
    """Return the names directly before a parenthesis, in comments too. Fast."""
    before = text.translate(_WORDS_AND_CALLS).split(b"(")
    return [piece.rpartition(b" ")[2] for piece in before[:-1] if piece[-1:] > b" "]


def bodies(text: bytes, called: Collection[bytes] = (), constants: re.Pattern[bytes] | None = None) -> Iterator[Body]:
    """Yield functions with text in a call, or with variable arguments. `text` must not contain directives.

    With `constants`, its matches (names of texts as arguments) count as text. With `called`, yield the functions that
    call one of these names instead.
    """
    if called:
        if not any(name in text for name in called):
            return
        calls = re.compile(rb"\b(?:" + b"|".join(map(re.escape, sorted(called))) + rb")[ \t]*\(")
    elif b"{" not in text or not (b'"' in text or b"va_" in text or (constants and constants.search(text))):
        return  # nearly all bytes: headers with the registers of a device
    clean, masked, wanted = blank_comments(text)
    wrapping: list[int] = []
    if called:
        wanted = [match.end() for match in calls.finditer(masked)]
    else:
        if constants is not None:
            wanted = sorted([*wanted, *(match.start(1) for match in constants.finditer(masked))])
        if b"va_" in masked:
            wrapping = [match.start() for match in _VARIABLE_ARGUMENTS.finditer(masked)]
    line, counted = 1, 0
    for header, brace, end in _functions_with(masked, sorted([*wanted, *wrapping])):
        wraps = bisect_left(wrapping, header) < bisect_left(wrapping, end)
        inside = wanted[bisect_right(wanted, brace) : bisect_left(wanted, end)]
        if not inside and not wraps:
            continue
        header_line = line + masked.count(b"\n", counted, header)
        code_line = header_line + masked.count(b"\n", header, brace)
        line, counted = code_line, brace
        snippets: list[Snippet] = []
        for start, stop in _outermost_calls(masked, inside, brace + 1, end):
            line += masked.count(b"\n", counted, start)
            counted = start
            snippets.append(Snippet(clean[start:stop], line))
        if snippets or wraps:
            code = clean[brace:end] if wraps else b""
            yield Body(clean[header:brace], header_line, tuple(snippets), wraps, code, code_line)


def _functions_with(masked: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the functions, as `functions` does, of the chunks that contain one of some sorted offsets."""
    position = 0
    for low, high in chunks(masked):
        position = bisect_left(offsets, low, position)
        if position == len(offsets):
            return
        if offsets[position] < high:
            yield from functions(masked, low, high)


def blank_comments(code: bytes) -> tuple[bytes, bytes, list[int]]:
    """Return the code without comments, the same with literals masked, and the offsets of its string literals.

    Both have the length of `code`; masked bytes are `_`, line ends stay.
    """
    clean = _LITERALS_AND_COMMENTS.split(code)  # code and literals or comments in turn
    masked = clean.copy()
    strings: list[int] = []
    offset = 0
    for index in range(1, len(clean), 2):
        token = clean[index]
        offset += len(clean[index - 1])
        first = token[:1]
        if first == b"/":
            clean[index] = masked[index] = token.translate(_BLANKS_AND_LINE_ENDS)
        elif first != b"\\":
            masked[index] = token.translate(_MASKS_AND_LINE_ENDS)
            if first == b'"':
                strings.append(offset)
        offset += len(token)
    return b"".join(clean), b"".join(masked), strings


def functions(masked: bytes, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """Yield start of header, offset of the opening brace and end of each function in a chunk."""
    position = low
    first = masked.find(b"\n{", low, high)
    while True:
        if 0 <= first < position:
            first = masked.find(b"\n{", position, high)
        brace = masked.find(b"{", position, high)
        if brace < 0:
            return
        before = masked[position:brace].rstrip()
        if brace == first + 1 and first >= 0 and not _ONE_LINE.match(masked, brace, high):
            # A brace in the first column opens the chunk's function, which ends with the chunk even if braces differ.
            end = high
        else:
            end = _closing(masked, brace, high)
        if before.endswith(b")") or (brace == first + 1 and b"(" in before) or _ends_like_header(before):
            header = max(before.rfind(b";"), before.rfind(b"}")) + 1
            yield _after_blank(masked, position + header, high), brace, end
        position = end


def _ends_like_header(before: bytes) -> bool:
    """Return whether code ends with a declarator and words: `int f(void) __must_hold`, or K&R parameters."""
    close = before.rfind(b")")
    return close > 0 and b"=" not in before[close:] and b"\n" not in before[close:] and not before.endswith(b",")


def _after_blank(masked: bytes, position: int, high: int) -> int:
    found = _NOT_BLANK.search(masked, position, high)
    return found.start() if found else high


def _closing(masked: bytes, brace: int, high: int) -> int:
    depth = 0
    for match in _BRACE.finditer(masked, brace, high):
        depth += 1 if match[0] == b"{" else -1
        if depth == 0:
            return match.end()
    return high


def _outermost_calls(masked: bytes, wanted: list[int], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the outermost calls that contain a wanted offset, in order, without overlap."""
    done = low
    unclosed = 0
    opened: list[int] = []  # parentheses of the statement that are open at `done`
    conditions = 0  # the first so many belong to `if (` and the like, which are no calls
    for spot in wanted:
        if spot < done:
            continue
        statement = _statement(masked, done, spot)
        if statement > done:
            opened.clear()
            conditions = 0
        for match in _PAREN.finditer(masked, max(statement, done), spot):
            if match[0] == b"(":
                opened.append(match.start())
            elif opened:
                opened.pop()
                conditions = min(conditions, len(opened))
        done = spot
        begin, name = -1, b""
        while conditions < len(opened):
            begin, name = _name_before(masked, low, opened[conditions])
            if name not in _KEYWORDS:
                break
            conditions += 1
        if conditions == len(opened):
            continue
        if conditions < len(opened) - 1:
            name = _name_before(masked, low, opened[-1])[1]
        if name in NEVER_PRINT:
            continue
        end = _end_of_call(masked, len(opened) - conditions, spot, high)
        if end < 0:
            unclosed += 1
            if unclosed > _UNCLOSED:
                return
            continue
        done = end
        opened.clear()
        conditions = 0
        yield begin, end


def _statement(masked: bytes, low: int, position: int) -> int:
    """Return the start of the statement that contains `position`; 0 if it is before `low`."""
    end = masked.rfind(b";", low, position)
    end = max(end, masked.rfind(b"{", max(low, end), position))
    return max(end, masked.rfind(b"}", max(low, end), position)) + 1


def _end_of_call(masked: bytes, depth: int, position: int, high: int) -> int:
    """Return the end of the call that closes `depth` open parentheses; -1 if none does."""
    for match in _PAREN.finditer(masked, position, high):
        depth += 1 if match[0] == b"(" else -1
        if depth == 0:
            return match.end()
    return -1


def _name_before(masked: bytes, low: int, position: int) -> tuple[int, bytes]:
    """Return start and text of the name directly before `position`; empty if there is none."""
    window = masked[max(low, position - _LONGEST_NAME) : position].rstrip()
    words = window.translate(_WORDS_ONLY).rsplit(b" ", 1)
    name = words[-1]
    if not name or name[:1].isdigit():
        return position, b""
    return position - min(position - low, _LONGEST_NAME) + len(window) - len(name), name
