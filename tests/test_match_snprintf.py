"""What the C library prints for a format always fits the pattern of that format, and the values come back."""

import ctypes

from hypothesis import given, settings
from hypothesis import strategies as st

from ksrcfind.match.pattern_builder import pattern

_C = ctypes.CDLL(None)
_SIZE = 1024


def integers(bits, signed):
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


# Length modifier → C types for signed and unsigned values. A variadic char or short arrives as an int.
INTEGERS = {
    "": (32, ctypes.c_int, ctypes.c_uint),
    "hh": (8, ctypes.c_int, ctypes.c_uint),
    "h": (16, ctypes.c_int, ctypes.c_uint),
    "l": (8 * ctypes.sizeof(ctypes.c_long), ctypes.c_long, ctypes.c_ulong),
    "ll": (64, ctypes.c_longlong, ctypes.c_ulonglong),
    "z": (8 * ctypes.sizeof(ctypes.c_size_t), ctypes.c_ssize_t, ctypes.c_size_t),
}
TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
WIDTHS = st.just("") | st.integers(1, 20).map(str)


@st.composite
def integer_conversions(draw):
    kind = draw(st.sampled_from("diuxXo"))
    length = draw(st.sampled_from(sorted(INTEGERS)))
    bits, signed, unsigned = INTEGERS[length]
    flags = draw(st.sampled_from(["", "-", "0"] + (["+", " "] if kind in "di" else ["#"] if kind in "xXo" else [])))
    # Not 0: there lib/vsprintf.c prints the digit 0 of a zero, the C library nothing.
    precision = draw(st.just("") | st.integers(1, 12).map(".{}".format)) if flags != "0" else ""
    value = draw(integers(bits, kind in "di"))
    of_type = signed if kind in "di" else unsigned
    return f"%{flags}{draw(WIDTHS)}{precision}{length}{kind}", [of_type(value)]


@st.composite
def text_conversions(draw):
    precision = draw(st.just("") | st.integers(0, 12).map(".{}".format))
    text = draw(TEXTS).encode()
    return f"%{draw(st.sampled_from(['', '-']))}{draw(WIDTHS)}{precision}s", [ctypes.c_char_p(text)]


@st.composite
def starred_conversions(draw):
    star, value = draw(st.integers(0, 20)), draw(integers(32, True))
    return draw(st.sampled_from(["%*d", "%-*d", "%0*d"])), [ctypes.c_int(star), ctypes.c_int(value)]


CHARACTERS = st.integers(0x21, 0x7E).map(lambda code: ("%c", [ctypes.c_int(code)]))
PER_CENT = st.just(("%%", []))
CONVERSIONS = integer_conversions() | text_conversions() | starred_conversions() | CHARACTERS | PER_CENT
# What stands between two values. Values that touch each other may be told apart in several ways, or in none.
LITERALS = st.sampled_from([", ", " = ", ": ", "/", " (", ") ", " state ", " and ", "#", "..", " -> ", ", reg="])


def printed(form, arguments):
    buffer = ctypes.create_string_buffer(_SIZE)
    length = _C.snprintf(buffer, ctypes.c_size_t(_SIZE), form.encode(), *arguments)
    assert 0 <= length < _SIZE
    return buffer.value.decode()


@settings(deadline=None)
@given(st.lists(st.tuples(LITERALS, CONVERSIONS), max_size=6), LITERALS)
def test_what_snprintf_prints_fits_the_format(parts, end):
    # Brackets, since blanks at both ends of a line are nobody's: readers of logs drop them.
    form = "[" + "".join(literal + conversion for literal, (conversion, _) in parts) + end + "]"
    line = printed(form, [value for _, (_, values) in parts for value in values])
    assert pattern(form).spans(line) is not None, (form, line)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["state ", "count=", "reg: "]), integer_conversions()), min_size=1, max_size=4)
)
def test_numbers_between_words_come_back(parts):
    form = "zebra " + ", ".join(literal + conversion for literal, (conversion, _) in parts) + " end"
    line = printed(form, [value for _, (_, values) in parts for value in values])
    spans = pattern(form).spans(line)
    assert spans is not None, (form, line)
    alone = [printed(conversion, values).strip() for _, (conversion, values) in parts]
    assert [line[start:stop].strip() for start, stop in spans] == alone
