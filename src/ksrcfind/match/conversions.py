"""The shapes of values: which text each printf conversion of the kernel prints.

The grammar follows lib/vsprintf.c (the functions named beside each entry) and
Documentation/core-api/printk-formats.rst, with the forms that older kernels printed. A conversion is either *typed*,
with a regular expression of bounded length, or *text*, which can be anything. `match.pattern_builder` combines the
shapes of a format into its pattern.
"""

import re
from functools import lru_cache

from msgspec import Struct

from ksrcfind.match.tuned_weights import NUMBER_DIGIT, NUMBER_PREFIX, NUMBER_VALUE
from ksrcfind.source.template import Conversion


class Typed(Struct, frozen=True):
    """A value with a type: its text has a known shape."""

    regex: str
    """Without groups. It matches at most about 700 characters and backtracks over a few of them at most."""
    head: frozenset[str]
    """Characters with which it can begin."""
    tail: frozenset[str]
    """Characters with which a shorter value could continue; any other character ends the value."""
    bits: float
    """Information of the shape: how unlikely other text has it by chance."""
    exact: str = ""
    """The expression for the usual length (`%02x`: two digits), for use before a value with the same characters."""
    last: frozenset[str] | None = None
    """Characters with which it can end; None for any."""
    lengths: int = 0
    """For a number: how many lengths it can have, so few that all can be tried; 0 for other values."""


UNBOUNDED = 1 << 30
"""The length, in characters, of a value that can be as long as a line."""


class Text(Struct, frozen=True):
    """A value that accepts any text."""

    least: int = 0
    """Characters, at least: the width."""
    most: int = UNBOUNDED
    """Characters, at most: the precision."""
    blanks: bool = True
    """False if it never contains a blank: device tree paths, clock names."""


Shape = Typed | Text

_WIDEST = 4096
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdef")
_UPPER_HEX = frozenset("0123456789ABCDEF")
_OCTAL = frozenset("01234567")
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$")
_BLANK = frozenset(" ")
_NONE: frozenset[str] = frozenset()

# check_pointer() prints these for a pointer that cannot be dereferenced.
_BROKEN = r"\((?:null|efault|einval)\)"
# symbol_string(): name+offset/size [module buildid], or a bare number without kallsyms.
_SYMBOL = r"[A-Za-z_.$][A-Za-z0-9_.$]{0,254}"
_MODULE = r"(?: \[[\w-]{1,64}(?: [0-9a-f]{4,40})?\])?"
_BYTE = "[0-9a-f]{2}"
# ptr_to_id(), default_pointer(), restricted_pointer(); kernels before 4.15 print NULL as "(null)" over the full width.
_POINTER = r"(?:0x)?[0-9a-f]{4,16}|\(____ptrval____\)|\(ptrval\)| {0,10}\(null\)|pK-error"
_IP4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_IP6 = r"[0-9a-f]{4}(?::[0-9a-f]{4}){7}"
_IP6_SHORT = r"(?=[0-9a-f.]{0,15}:)[0-9a-f:.]{2,45}"
_UUID = "{h}{{8}}-{h}{{4}}-{h}{{4}}-{h}{{4}}-{h}{{12}}"
_FLAGS = r"[A-Za-z_][A-Za-z0-9_]{0,40}"
# resource_string(), with the "flags" of %pr and the unset "size".
_RESOURCE = (
    r"\[(?:io  |mem |irq |dma |bus |\?\?\? |range )(?:size )?(?:0x)?[0-9a-f]{1,16}(?:-(?:0x)?[0-9a-f]{1,16})?"
    r"(?: 64bit)?(?: pref)?(?: window)?(?: disabled)?(?: flags 0x[0-9a-f]{1,16})?\]"
)


def _count(digits: str) -> int:
    """Return a width or precision as a number, limited to the length of the lines that are read."""
    return min(int(digits), _WIDEST) if len(digits) <= len(str(_WIDEST)) else _WIDEST


def _broken_or(regex: str, head: frozenset[str], tail: frozenset[str], bits: float) -> Typed:
    return Typed(f"(?:{regex}|{_BROKEN})", head | {"("}, tail, bits)


_FLAG_LIST = Typed(
    rf"(?:(?:{_FLAGS}|0x[0-9a-f]{{1,16}})(?:\|(?:{_FLAGS}|0x[0-9a-f]{{1,16}})){{0,20}})?", _NAME, _NAME | {"|"}, 3
)


# Extensions of %p whose text does not depend on further letters.
_FIXED: dict[str, Typed | Text] = {
    "p": Typed(f"(?:{_POINTER})", _HEX | {"(", " ", "p"}, _HEX, 3),
    "pK": Typed(f"(?:{_POINTER})", _HEX | {"(", " ", "p"}, _HEX, 3),
    "px": Typed("(?:0x)?[0-9a-f]{1,16}", _HEX, _HEX, 2),
    # err_ptr(): "-EIO", a number without CONFIG_SYMBOLIC_ERRNAME, a pointer for a value that is no error.
    "pe": Typed(rf"(?:-?E[A-Z0-9_]{{1,24}}|-?\d{{1,10}}(?![0-9a-f])|{_POINTER})", _HEX | set("-E( p"), _NAME, 3),
    "pR": _broken_or(_RESOURCE, frozenset("["), _NONE, 10),
    "pr": _broken_or(_RESOURCE, frozenset("["), _NONE, 10),
    "pra": _broken_or(_RESOURCE, frozenset("["), _NONE, 10),
    # netdev_bits(), address_val(): special_hex_number().
    "pNF": _broken_or("0x[0-9a-f]{16}", frozenset("0"), _NONE, 6),
    # fourcc_string()
    "p4cc": _broken_or(r".{4} (?:little|big)-endian \(0x[0-9a-f]{8}\)", _NAME | set(" -"), _NONE, 12),
    # bdev_name()
    "pg": _broken_or(r"[A-Za-z0-9_!.:-]{1,64}", _NAME | set("!:-"), _NAME | set("!:-"), 1),
    # bitmap_string(), bitmap_list_string(): NR_CPUS and the like, thousands of bits.
    "pb": _broken_or("[0-9a-f]{1,8}(?:,[0-9a-f]{8}){0,63}", _HEX, _HEX | {","}, 2),
    "pbl": Typed(
        rf"(?:\d{{1,5}}(?:[-,]\d{{1,5}}){{0,100}}|{_BROKEN})?", _DIGITS | {"("}, _DIGITS | set("-,"), 1
    ),
    # flags_string(), format_page_flags(): names and a rest in hex; before 5.12 %pGp printed names only.
    "pGg": _FLAG_LIST,
    "pGv": _FLAG_LIST,
    "pGp": Typed(r"(?:0x[0-9a-f]{1,16}(?:\([\w=|]{0,300}\))?|[\w|]{0,300})", _NAME, _NAME | set("(|"), 4),
    "pGt": Typed(r"(?:0x[0-9a-f]{1,16}(?:\([\w=|~]{0,100}\))?)", frozenset("0"), _HEX | {"("}, 4),
    # dentry_name(), file_dentry_name(), va_format(), escaped_string(), Rust's fmt::Arguments, probed strings
    "pd": Text(),
    "pD": Text(),
    "pV": Text(),
    "pE": Text(),
    "pA": Text(),
    "pks": Text(),
    "pus": Text(),
    # clock(), device_node_string(), fwnode_string()
    "pC": Text(blanks=False),
    "pOF": Text(blanks=False),
    "pfw": Text(blanks=False),
}  # fmt: skip


def _symbol(letters: str) -> Typed:
    """symbol_string(): %pS and %pB with offset, %ps without; %pF and %pf are their names before 5.2."""
    number = "0x[0-9a-f]{1,16}|[0-9a-f]{8,16}"
    if letters[:1] in "sf":
        return Typed(f"(?:{_SYMBOL}{_MODULE}|{number})", _NAME, _NAME | {" "}, 1)
    place = rf"{_SYMBOL}\+0x[0-9a-f]{{1,16}}/0x[0-9a-f]{{1,16}}{_MODULE}"
    return Typed(f"(?:{place}|{number})", _NAME, _HEX | {" "}, 8)


def _hex_string(conversion: Conversion) -> Typed:
    """hex_string(): up to 64 bytes, as many as the width says."""
    separator = {"C": ":", "D": "-", "N": ""}.get(conversion.kind[2:3], " ")
    more = 63
    if conversion.width.isdigit():
        more = max(min(_count(conversion.width), 64), 1) - 1
        return _broken_or(f"{_BYTE}(?:{separator}{_BYTE}){{{more}}}", _HEX, _NONE, 2 + more)
    least = "" if conversion.width == "*" else "{0}"
    regex = f"{_BYTE}(?:{separator}{_BYTE}){least or f'{{0,{more}}}'}"
    tail = _HEX | set(separator)
    # A width of 0 prints nothing.
    return Typed(f"(?:{regex}|{_BROKEN})?", _HEX | {"("}, tail, 4)


def _mac(letters: str) -> Typed:
    """mac_address_string()."""
    separator = "" if letters[0] == "m" else "-" if letters[1:2] == "F" else ":"
    return _broken_or(f"{_BYTE}(?:{separator}{_BYTE}){{5}}", _HEX, _NONE, 12)


def _ip(letters: str) -> Typed:
    """ip_addr_string(): %pI4, %pI6, %pI6c, %pIS with p f s c; the small i without separators."""
    small = letters[0] == "i"
    four = r"\d{3}(?:\.\d{3}){3}" if small else _IP4
    six = "[0-9a-f]{32}" if small else _IP6
    if letters[1:2] == "4":
        return _broken_or(four, _DIGITS, _DIGITS, 10)
    if letters[1:2] == "6":
        if letters[2:3] == "c":
            return _broken_or(_IP6_SHORT, _HEX | {":"}, _HEX | set(":."), 8)
        return _broken_or(six, _HEX, _NONE, 16)
    flags = letters[2:]
    if "c" in flags and not small:
        six = _IP6_SHORT
    port = r":\d{1,5}" if "p" in flags else ""
    more = port + (r"/\d{1,9}" if "f" in flags else "") + (r"%\d{1,10}" if "s" in flags else "")
    wrapped = rf"\[{six}\]{more}" if more else six
    return _broken_or(f"{four}{port}|{wrapped}", _HEX | {"[", ":"}, _HEX | set(":."), 8)


def _time(letters: str) -> Typed:
    """rtc_str(): %ptR and %ptT, with d (date) or t (time), r (raw) and s (blank instead of T)."""
    date, time = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}:\d{2}"
    rest = letters[2:]
    if rest[:1] == "d":
        return _broken_or(date, _DIGITS, _NONE, 10)
    if rest[:1] == "t":
        return _broken_or(time, _DIGITS, _NONE, 8)
    return _broken_or(f"{date}{' ' if 's' in rest else 'T'}{time}", _DIGITS, _NONE, 16)


def _pointer_kind(conversion: Conversion) -> Shape:
    letters = conversion.kind[1:]
    first = letters[:1]
    if first in ("S", "s", "B", "F") or (first == "f" and not letters.startswith("fw")):
        return _symbol(letters)
    if first == "h":
        return _hex_string(conversion)
    if first in ("M", "m"):
        return _mac(letters)
    if first in ("I", "i"):
        return _ip(letters)
    if first == "U":
        digit = "[0-9A-F]" if letters[1:2] in ("B", "L") else "[0-9a-f]"
        return _broken_or(_UUID.format(h=digit), _HEX | _UPPER_HEX, _NONE, 24)
    if first == "a":
        return _broken_or("0x[0-9a-f]{4,16}", frozenset("0"), _HEX, 4)
    if first == "t":
        return _time(letters)
    # The longest known beginning decides (`pOFcC` is `pOF`, `pd2` is `pd`); unknown letters print a plain pointer.
    for length in range(len(letters), -1, -1):
        known = _FIXED.get("p" + letters[:length])
        if known is not None:
            return known
    return _FIXED["p"]


_BASES = {"o": ("[0-7]", _OCTAL, 22), "x": ("[0-9a-f]", _HEX, 16), "X": ("[0-9A-F]", _UPPER_HEX, 16)}
"""For each conversion: a digit, the digits, and the most digits of a 64-bit number; all others are decimal."""


def _number(conversion: Conversion) -> Typed:
    """number(): digits of a base, a sign or prefix, zeros up to the precision; zeros or blanks up to the width."""
    kind, flags = conversion.kind, conversion.flags
    digit, chars, longest = _BASES.get(kind, ("[0-9]", _DIGITS, 20))
    width = min(_count(conversion.width), 64) if conversion.width.isdigit() else 0
    precision = min(_count(conversion.precision), 64) if conversion.precision.isdigit() else 0
    zeros = "0" in flags and "-" not in flags
    prefix, sign = _base_prefix(kind, flags), _sign(kind, flags)
    padded = width - 2 * bool(prefix) if zeros else 0
    # A sign takes the place of one of the padding zeros.
    least = max(precision, padded - 1 if sign else padded, 1)
    blanks = 64 if conversion.width == "*" else 0 if zeros else max(width - 1, 0)
    before = f" {{0,{blanks}}}+" if blanks and "-" not in flags else ""
    after = f" {{0,{blanks}}}" if blanks and "-" in flags else ""
    head = chars | (set("+- ") if sign else _NONE) | (_BLANK if before else _NONE)
    tail = chars | (_BLANK if after else _NONE)
    start = f"{before}{sign}{prefix}"
    usual = max(precision, padded)
    exact = f"{start}{digit}{{{usual}}}{after}" if usual else ""
    # A number of so many digits is rarer than any number.
    bits = NUMBER_VALUE + NUMBER_PREFIX * bool(prefix) + NUMBER_DIGIT * max(usual - 1, 0)
    most = max(longest, least)
    regex = f"{start}{digit}{{{least},{most}}}{after}"
    if zeros and not precision and 1 < least < most:
        # Zeros fill the width and no more: a longer number begins with another digit.
        filled = f"{least},{padded}" if padded > least else f"{least}"
        regex = f"(?:{start}{digit}{{{filled}}}(?!{digit})|{start}(?!0){digit}{{{least},{most}}}){after}"
    return Typed(regex, head, tail, bits, exact, tail, most + bool(after) * blanks)


def _base_prefix(kind: str, flags: str) -> str:
    if "#" not in flags or kind not in "xXo":
        return ""
    # The C library leaves the prefix of 0 out, the kernel prints it.
    return "0?" if kind == "o" else f"(?:0{kind}|(?=0))"


def _sign(kind: str, flags: str) -> str:
    if kind not in "di":
        return ""
    return r"\+?-?" if "+" in flags else r"[ -]?" if " " in flags else "-?"


def _string(conversion: Conversion) -> Shape:
    width = _count(conversion.width) if conversion.width.isdigit() else 0
    if not conversion.precision.isdigit():
        return Text(least=width)
    precision = _count(conversion.precision)
    if precision == width and 0 < width <= 64:
        # A field of fixed size. dmesg shows what cannot be printed as \x and two digits; trailing blanks may be lost.
        byte = r"(?>\\x[0-9a-f]{2}|.)"
        return Typed(rf"(?:{byte}{{{width}}}|.{{0,{width}}}\Z)", frozenset(map(chr, range(32, 127))), _NONE, 0.5)
    return Text(least=width, most=max(precision, width))


_FLOAT = Typed(
    r"(?:-?\d{1,40}(?:\.\d{0,40})?(?:e[-+]\d{1,4})?|-?nan|-?inf)", _DIGITS | set("-ni"), _DIGITS | set(".e"), 1
)


@lru_cache(maxsize=8192)
def shape_of(conversion: Conversion) -> Shape:
    """Return which text a conversion can print."""
    kind = conversion.kind
    if kind == "s":
        return _string(conversion)
    if kind == "c":
        least = max(_count(conversion.width) - 1, 0) if conversion.width.isdigit() else 0
        blanks = f" {{{least}}}" if least else ""
        one = r"(?:\\x[0-9a-f]{2}|.)"
        regex = one + blanks if "-" in conversion.flags else blanks + one
        return Typed(regex, frozenset(map(chr, range(32, 127))), _NONE, 0)
    if kind in "diuxXo":
        return _number(conversion)
    if kind.startswith("p"):
        found = _pointer_kind(conversion)
        if isinstance(found, Typed):
            return _padded(found, conversion)
        return found
    # The kernel has no floating point; other trees that log through printf do. `%n` prints nothing.
    return Typed("", _NONE, _NONE, 0) if kind == "n" else _FLOAT


def _padded(typed: Typed, conversion: Conversion) -> Typed:
    """widen_string() around a typed value; %ph and %pb use the width as a length."""
    if conversion.kind[1:2] in ("h", "b") or not (conversion.width.isdigit() or conversion.width == "*"):
        return typed
    blanks = f" {{0,{min(_count(conversion.width), 64) if conversion.width != '*' else 64}}}"
    if "-" in conversion.flags:
        return Typed(f"(?:{typed.regex}){blanks}", typed.head, typed.tail | _BLANK, typed.bits)
    # A width also stops the zeros in front of a pointer.
    regex = typed.regex.replace("[0-9a-f]{4,16}", "[0-9a-f]{1,16}")
    return Typed(f"{blanks}(?:{regex})", typed.head | _BLANK, typed.tail, typed.bits)


@lru_cache(maxsize=16384)
def compiled(regex: str) -> re.Pattern[str]:
    """Compile a regular expression of this module, or one put together from them."""
    return re.compile(regex, re.DOTALL)
