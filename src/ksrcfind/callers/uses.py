"""The uses of a name in one file: what calls a function, what stores or passes its address."""

import re
import string
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.parse import system_calls
from ksrcfind.source.source_file import Function, SourceFile

_WORD_BEFORE = regex(rb"\b(\w++)\s*+\Z")
_NOT_TYPES = frozenset(
    b"return else do case goto sizeof typeof __typeof__ likely unlikely in and or not struct union enum".split()
)
_TAGS = frozenset((b"struct", b"union", b"enum", b"goto"))
_FIELD = regex(r"(?:\.(\w++)(?:\[[^]]*+\])*+\s*+=|\b(\w++)\s*+:)\s*+(?:\([^()]*+\)\s*+)?+&?\s*+\Z")
_TARGET = string.ascii_letters + string.digits + "_.[]>()*-"  # characters of what is assigned to
_MEMBER = regex(r"(.*?)(?:->|\.)(\w+)(?:\[[^]]*\])?\Z")
# Possessive: a masked text is a row of `_`, which could be taken apart in many ways.
_VARIABLE = regex(
    rb"(?:\(\s*+\*\s*+(?:const\s++)?(?P<pointer>\w++)\s*+(?:\[[^][]*+\]\s*+)*+\)\s*+\([^=;()]*+\)\s*+(?:__\w++\s*+){0,4}+"
    rb"|\b(?P<name>\w++)\s*+(?:\[[^][]*+\]\s*+)*+(?:__\w++\s*+(?:\([^()]*+\)\s*+)?+){0,4}+)=\s*+\Z"
)
_BEFORE_MACRO = frozenset((b"static", b"const"))
_NOT_CALLED = regex(
    r"NOKPROBE_SYMBOL|ALLOW_ERROR_INJECTION|BTF_ID\w*|STACK_FRAME_NON_STANDARD\w*|MODULE_\w+|COND_SYSCALL"
)
_CONTROL = frozenset(("if", "while", "for", "switch", "return", "sizeof", "typeof", "__typeof__", ""))
_REGISTERS = regex(
    r"irq|regist|^INIT_|(?:^|_)init(?:_|$)|setup|create|kthread|add_action|subscribe|attach|install|hook|notif|nowait|async|tasklet"
    r"|timer|_work|debugfs|proc_|sysfs|call_rcu|on_each_cpu|cpuhp",
    re.IGNORECASE,
)
_ATTRIBUTE_ROLES = {2: "show", 3: "store"}
_BIN_ATTRIBUTE_ROLES = {2: "read", 3: "write"}
_PASTED = regex(r"(\w+)_(?:show|store|read|write|open)\Z")
_PASTING = regex(rb"\b(\w++)\s*+\(([^()]*+)\)")
_NEAR = 200  # bytes around a name in a macro
_LONGEST = 2000  # bytes of an argument
_BRANCH = regex(rb"\b(?:call|bl|b|jal|jalr|jmp|j|callq|brasl|bsr|bsrl|jbsr|tail)\s+%?\Z")


class Use(Struct, frozen=True):
    """A place that calls a function, or stores or passes its address."""

    function: str | None
    """The function or macro that contains it; None outside of functions."""
    line: int
    via: str
    """As in `Caller`."""
    role: str | None
    arguments: tuple[str, ...] = ()
    """Of a call: C source of its arguments."""


def uses_of(file: SourceFile, name: str) -> Iterator[Use]:
    """Yield the uses of a name in a file, in no order; declarations and definitions are no uses."""
    if file.path.endswith(".S"):
        yield from _in_assembly(file, name)
        return
    word = re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)")
    hidden: dict[int, bool] = {}
    for match in word.finditer(file.masked):
        use = _use(file, match.start(), match.end(), hidden)
        if use is not None:
            yield use
    yield from _in_macros(file, name, word)
    yield from _pasted(file, name)
    yield from _system_call(file, name)


def _use(file: SourceFile, start: int, end: int, hidden: dict[int, bool]) -> Use | None:
    """Return what a name at some offsets of the code does; None if it is no use of the function.

    `hidden` remembers for each function, by its start, whether a variable hides the name.
    """
    masked = file.masked
    before = masked[max(0, start - 200) : start].rstrip()
    if before.endswith((b".", b"->")):
        return None
    word = _WORD_BEFORE.search(before)
    if word is not None and word[1] in _TAGS:
        return None
    is_called = masked[end : end + 80].lstrip()[:1] == b"("
    function = file.function_at(start)
    if function is None:
        return _outside(file, start, is_called=is_called)
    if start < function.start:
        return None
    if function.start not in hidden:
        hidden[function.start] = _is_local(file, function, masked[start:end])
    if hidden[function.start]:
        return None
    line = file.line(start)
    if is_called:
        if word is not None and word[1] not in _NOT_TYPES and not word[1].isdigit():
            return None if _is_declared(before) else Use(function.name, line, "call", None)
        opened = masked.find(b"(", end)
        arguments = tuple(file.text(low, min(high, low + _LONGEST)) for low, high in file.arguments(opened))
        return Use(function.name, line, "call", None, arguments)
    after = masked[end : end + 80].lstrip()
    if after[:2] in (b"==", b"!=") or before.endswith((b"==", b"!=")):
        return None  # compared, not called
    if (after[:1] == b":" and before[-1:] in b";{}") or (word is not None and word[1] not in _NOT_TYPES):
        return None  # a label, or a variable of the same name
    return _address(file, function, start, line)


def _is_declared(before: bytes) -> bool:
    """Return whether a name behind this code is declared: `int f(void);` in a function."""
    statement = re.split(rb"[;{}]", before)[-1].strip()
    return bool(re.fullmatch(rb"[\w\s*]+", statement))


def _is_local(file: SourceFile, function: Function, name: bytes) -> bool:
    """Return whether a parameter or variable of a function hides a name."""
    if name.decode() in function.parameters:
        return True
    declared = rb"[;{}]\s*+(?!return\b|goto\b|else\b|case\b)(?:\w++\s++)+\**+\s*+" + name + rb"\s*+[;=,[]"
    return re.search(declared, file.masked[function.start : function.end]) is not None


def _address(file: SourceFile, function: Function, start: int, line: int) -> Use | None:
    """Return the use of an address inside a function: passed, stored or returned."""
    for opened in file.around(start):
        if opened <= function.start:
            break
        kind = file.masked[opened : opened + 1]
        called = file.name_before(opened)
        if kind == b"(" and called in ("sizeof", "typeof", "__typeof__"):
            return None
        if kind == b"(" and called in ("if", "while", "switch", "for"):
            break
        if kind == b"(" and called and called not in _CONTROL:
            number = _argument_at(file.arguments(opened), start) + 1
            via = "registration" if _REGISTERS.search(called) else "pointer"
            return Use(function.name, line, via, f"argument {number} of {called}()")
        if kind == b"{":
            if _initialised(file, opened) is None:
                break
            return Use(function.name, line, "pointer", _initialiser_role(file, start))
    statement = function.start
    for mark in (b";", b"{", b"}"):
        statement = max(statement, file.masked.rfind(mark, statement, start) + 1)
    code = file.text(statement, start)
    if code.startswith("return"):
        return Use(function.name, line, "pointer", "returned")
    target = _assigned(code)
    if not target:
        return Use(function.name, line, "pointer", None)
    member = _MEMBER.match(target)
    return Use(function.name, line, "pointer", f".{member[2]} of {member[1]}" if member else target)


def _assigned(code: str) -> str:
    """Return what the last assignment of a statement's beginning assigns to; empty if the last `=` compares."""
    before, sign, _ = code.rpartition("=")
    if not sign or before.endswith(("=", "!", "<", ">")):
        return ""
    before = before.rstrip()
    return before[len(before.rstrip(_TARGET)) :]


def _outside(file: SourceFile, start: int, *, is_called: bool) -> Use | None:
    """Return the use of a name outside of functions: in an initialiser, or an argument of a macro."""
    line = file.line(start)
    around = file.around(start)
    if not around:
        variable = _variable(file.masked[max(0, start - 300) : start])
        return Use(None, line, "pointer", variable) if variable and not is_called else None
    outermost = around[-1]
    if file.masked[outermost : outermost + 1] == b"{":
        if _initialised(file, outermost) is None:
            return None
        return Use(None, line, "pointer", _initialiser_role(file, start))
    macro = file.name_before(outermost)
    begin = file.masked.rfind(macro.encode(), 0, outermost)
    newline = file.masked.rfind(b"\n", 0, begin) + 1
    if not macro or not _is_statement(file.masked[newline:begin]) or "EXPORT" in macro or _NOT_CALLED.fullmatch(macro):
        return None
    if _last_character(file.masked, newline) not in (b"", b";", b"}", b")"):
        return None
    arguments = file.arguments(outermost)
    if any(file.masked[opened : opened + 1] == b"{" for opened in around):
        return Use(None, line, "pointer", _initialiser_role(file, start))
    number = _argument_at(arguments, start)
    first = file.text(*arguments[0])
    role = macro if number == 0 else f"{macro}({first})"
    if is_called and len(around) > 1:
        return Use(None, line, "call", role)  # in the body of a macro such as TRACE_EVENT
    roles = _BIN_ATTRIBUTE_ROLES if "BIN_ATTR" in macro else _ATTRIBUTE_ROLES
    if "ATTR" in macro and number in roles:
        role = f".{roles[number]} of {role}"
    return Use(None, line, "registration", role)


def _argument_at(arguments: Sequence[tuple[int, int]], offset: int) -> int:
    """Return the number, from 0 on, of the argument that contains an offset."""
    return max(bisect_right(arguments, offset, key=lambda span: span[0]) - 1, 0)


def _last_character(code: bytes, end: int) -> bytes:
    """Return the last character of code before an offset that is not blank; empty if there is none."""
    while end > 0:
        start = max(0, end - 4096)
        found = code[start:end].rstrip()
        if found:
            return found[-1:]
        end = start
    return b""


def _variable(before: bytes) -> str:
    """Return the variable that code with a `=` at its end declares or assigns; empty if it is not plain."""
    found = _VARIABLE.search(before)
    return (found["pointer"] or found["name"]).decode() if found else ""


def _is_statement(before: bytes) -> bool:
    """Return whether a macro behind the words of its line begins a statement: `static DEVICE_ATTR(…)`."""
    return all(word in _BEFORE_MACRO or word.startswith(b"__") for word in before.split())


def _initialised(file: SourceFile, opened: int) -> str | None:
    """Return the variable or type that a brace initialises; an empty text for a part of one, None for a block."""
    masked = file.masked
    before = masked[max(0, opened - 300) : opened].rstrip()
    if before.endswith(b"="):
        return _variable(before)
    if before.endswith((b",", b"{", b"(")):
        outer = file.around(opened)
        if not outer:
            return None
        return "" if masked[outer[0] : outer[0] + 1] == b"(" or _initialised(file, outer[0]) is not None else None
    literal = re.search(rb"(?:[=,(]|\breturn|&)\s*\(\s*((?:const\s+|struct\s+)*\w+)(?:\s*\[\s*\])?\s*\)\Z", before)
    return literal[1].decode() if literal else None


def _initialiser_role(file: SourceFile, start: int) -> str:
    """Return what a name is in an initialiser: `.probe of foo_driver`."""
    fields: list[str] = []
    variable = ""
    inner = start
    for opened in file.around(start):
        if file.masked[opened : opened + 1] == b"{":
            owner = _initialised(file, opened)
            if owner is None:
                break
            variable = owner  # the outermost braces are those of the variable
            field = _FIELD.search(file.text(file.element_start(opened, inner), inner))
            if field is not None:
                fields.insert(0, field[1] or field[2])
        inner = opened
    of = f" of {variable}" if variable else ""
    return f".{'.'.join(fields)}{of}" if fields else f"element{of}"


def _in_macros(file: SourceFile, name: str, word: re.Pattern[bytes]) -> Iterator[Use]:
    for macro in file.macros:
        if macro.name == name or name in macro.parameters:
            continue
        line, counted = macro.line, 0
        for match in word.finditer(macro.body):
            line += macro.body.count(b"\n", counted, match.start())
            counted = match.start()
            before = macro.body[max(0, match.start() - _NEAR) : match.start()].rstrip()
            after = macro.body[match.end() : match.end() + _NEAR].lstrip()
            tag = _WORD_BEFORE.search(before)
            if before.endswith((b".", b"->", b"#")) or after[:2] == b"##" or (tag and tag[1] in _TAGS):
                continue
            yield Use(macro.name, line, "call" if after[:1] == b"(" else "pointer", "macro")


def _pasted(file: SourceFile, name: str) -> Iterator[Use]:
    """Yield the macros that make the name of an attribute's function: `DEVICE_ATTR_RO(power)` uses `power_show`."""
    base = _PASTED.match(name)
    if base is None:
        return
    ending = name[base.end(1) + 1 :]
    for match in _PASTING.finditer(file.masked):
        macro = match[1].decode("ascii", "replace")
        if "ATTR" not in macro:
            continue
        arguments = [part.strip() for part in match[2].decode("ascii", "replace").split(",")]
        if base[1] not in arguments and "".join(arguments[:2]) != base[1]:
            continue
        if macro.endswith(("_ATTR", "__ATTR")) and not macro.startswith("CONFIGFS"):
            continue  # names its functions
        if (ending in ("store", "write") and "_RO" in macro) or (ending in ("show", "read") and "_WO" in macro):
            continue
        if file.function_at(match.start()) is None:
            role = f".{ending} of {macro}({base[1]})"
            yield Use(None, file.line(match.start()), "registration", role)


def _system_call(file: SourceFile, name: str) -> Iterator[Use]:
    """Yield the definition of a system call: user space calls it."""
    if not name.startswith(("__do_sys_", "__do_compat_sys_")):
        return
    for call in system_calls(file.masked):
        if call.function == name:
            yield Use(None, file.line(call.start), "registration", f"{call.macro}({call.name})")


def _in_assembly(file: SourceFile, name: str) -> Iterator[Use]:
    word = re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)")
    line, counted = 1, 0
    for match in word.finditer(file.data):
        if _BRANCH.search(file.data, max(0, match.start() - 20), match.start()):
            line += file.data.count(b"\n", counted, match.start())
            counted = match.start()
            yield Use(None, line, "call", "assembly")
