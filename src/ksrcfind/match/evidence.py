"""Evidence beyond the text: what a line says about where it was printed.

Many messages share a wording: sixteen network drivers print "NIC Link is Down". What distinguishes them is the driver,
bus or file system in the line's prefix, function names and line numbers among its values, and the level of the record.
All functions return bits, as the words of a text have them: a message with one bit more is taken to be twice as likely.
"""

from collections.abc import Sequence, Set
from functools import lru_cache
from itertools import islice

from ksrcfind.match import origin as origins
from ksrcfind.match.limits import LONGEST_NAME, NAMES_IN_PREFIX, NAMES_IN_VALUES
from ksrcfind.match.origin import Origin, architecture_of, words_of
from ksrcfind.match.tuned_weights import (
    COMPONENT,
    CONTINUED_LEVEL,
    DEBUG_LEVEL,
    DRIVER,
    EXTENDED,
    FUNCTION,
    FUNCTION_LINE,
    FUNCTION_LINE_NEAR,
    FUNCTION_NEAR_LINE,
    LATER_NAME,
    MODULE,
    NAME_IN_VALUE,
    NEAR_LINE,
    NEAR_LINES,
    NO_DEVICE,
    NO_DRIVER,
    NO_NAME,
    OPPOSITE,
    OTHER_ARCHITECTURE,
    OTHER_DRIVER,
    OTHER_FILE,
    OTHER_LEVEL,
    OTHER_RESOURCE,
    OWN_FILE,
    OWN_LINE,
    PRINTS_DRIVER,
    SAME_LEVEL,
    SHARED_NAME_MOST,
    SHARED_NAME_WORD,
    TOO_WIDE,
    UNNAMED_DRIVER,
)
from ksrcfind.regex import regex
from ksrcfind.source.message import Argument, Message

# A resource as `%pR` prints it, and the words of a function's name that say with which kind of resource it deals.
_RESOURCE_VALUE = regex(r"\[(io|mem|irq|dma|bus)\s[^]]*\]")
_RESOURCE_WORDS = frozenset({"io", "mem", "irq", "dma", "bus", "pref"})
_OPPOSITES = """
    up:down on:off enable:disable enabled:disabled enabling:disabling suspend:resume suspended:resumed
    suspending:resuming start:stop started:stopped starting:stopping connect:disconnect connected:disconnected
    attached:detached mount:unmount mounting:unmounting register:unregister registered:unregistered
    supported:unsupported valid:invalid success:failed successful:failed successful:unsuccessful successfully:failed
    succeeded:failed with:without online:offline first:last minimum:maximum read:write
"""
_PAIRS = [tuple(pair.split(":")) for pair in _OPPOSITES.split()]
_OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_OF_32_BITS = frozenset(("arc", "arm", "csky", "hexagon", "m68k", "microblaze", "nios2", "openrisc", "sh", "xtensa"))
_LONG = regex(r"%[-+ #0]*+\d*+(?:lx|lX|p|px)")
_WIDE = regex(r"(?:0x)?0*+[0-9A-Fa-f]{9,}")
_LONGEST_LINE_NUMBER = 6  # digits; a longer number is an address or a time
# What compilers add to a function's name, `%ps` behind it, and dmesg's readers: `foo.isra.0+0x1/0x2 [module]`.
_FUNCTION_NAME = regex(
    r"([A-Za-z_]\w{0,200}?)(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\w{1,40})?){0,4}"
    r"(?:\+0x[0-9a-f]{1,16}(?:/0x[0-9a-f]{1,16})?)?(?:\(\))?(?: \[[\w-]{1,64}\])?$"
)


# --- The prefix, the level and the place of the code ------------------------------------------------------------------


@lru_cache(maxsize=1024)
def names_in(prefix: str) -> tuple[str, ...]:
    """Return the names in a line's prefix, in the form in which they are compared: `e1000e`, `enp0s31f6`.

    Most wordings that are compared with a line leave it the same prefix.
    """
    return tuple(islice(origins.names_in(prefix), NAMES_IN_PREFIX))


def prefix_bits(names: Sequence[str], origin: Origin) -> float:
    """Compare the names of a prefix with the origin of a message.

    The first name is the driver or the subsystem; the later ones are devices, often named after the driver.
    """
    if not names:
        return 0.0
    first = _name_bits(names[0], origin)
    if origin.prints_driver:
        if first < EXTENDED:
            first = _with_shared_words(names[0], first, origin)
        elif first >= COMPONENT:
            first += PRINTS_DRIVER
    return max(first, LATER_NAME * max((_name_bits(name, origin) for name in names[1:]), default=0.0))


def _name_bits(name: str, origin: Origin) -> float:
    if name == origin.module:
        return MODULE
    return COMPONENT if name in origin.parts else origin.begins_like(name)


def _with_shared_words(name: str, bits: float, origin: Origin) -> float:
    """Add the words that a driver's name shares with the names of an origin; its beginning may have counted before."""
    others = words_of((name,)) - ({name.partition("_")[0]} if bits else set())
    return min(SHARED_NAME_MOST, bits + SHARED_NAME_WORD * len(origin.words & others))


def driver_bits(names: Sequence[str], origin: Origin) -> float:
    """Compare the driver in a line's prefix with the driver whose code contains the call.

    This only orders messages with the same text: not all drivers have the name of their module.
    """
    if names and origin.names_driver and prefix_bits(names[:1], origin) == 0:
        return OTHER_DRIVER
    return UNNAMED_DRIVER if origin.is_of_one_driver and not origin.is_named_by(names) else 0.0


def level_bits(level: str | None, message: Message) -> float:
    """Compare the level of a record with that of a call."""
    if level is None:
        return DEBUG_LEVEL if message.level == "debug" else CONTINUED_LEVEL if message.level == "cont" else 0.0
    if message.level in (None, "cont"):
        return 0.0
    return SAME_LEVEL if level == message.level else OTHER_LEVEL


def machine_bits(architecture: str | None, origin: Origin, *, is_of_64_bits: bool) -> float:
    """Compare the architecture of the code with that of the machine, or with the width of the numbers in the line."""
    if is_of_64_bits and origin.architecture in _OF_32_BITS and not _prints_64_bits(origin.message):
        return TOO_WIDE
    if architecture is None or origin.architecture is None:
        return origin.place
    return 0.0 if origin.architecture == architecture else OTHER_ARCHITECTURE


def _prints_64_bits(message: Message) -> bool:
    """Return whether a call can print more than 32 bits as one number: `%016llx`, `%pa`."""
    conversions = (argument.conversion for form in message.forms for argument in form.arguments)
    return any("ll" in one or ("%p" in one[:2] and one[2:]) for one in conversions)


# --- The values -------------------------------------------------------------------------------------------------------


def value_bits(values: Sequence[str | None], message: Message) -> float:
    """Return the bits for a value that is the call's function, and for a following value that is its line."""
    function = message.function
    if function is None or not any(value and function in value for value in values):
        return 0.0
    for value, following in zip(values, (*values[1:], None), strict=True):
        if value and function_name(value) == function:
            return FUNCTION + _line_bits(following, message)
    return 0.0


def _line_bits(value: str | None, message: Message) -> float:
    if value is None or not value.isdigit() or len(value) > _LONGEST_LINE_NUMBER:
        return 0.0
    distance = abs(int(value) - message.line_start)
    if distance <= FUNCTION_LINE_NEAR:
        return FUNCTION_LINE
    return FUNCTION_NEAR_LINE if distance < NEAR_LINES else 0.0


def function_name(value: str) -> str:
    """Return the function that a value names, as the source has it; the value itself if it names none."""
    found = _FUNCTION_NAME.match(value)
    return found[1] if found is not None else value


def names_of(values: Sequence[str | None]) -> list[str]:
    """Return the first names in a line's values, in the form in which they are compared."""
    short = (value for value in values if value and len(value) < LONGEST_NAME)
    return list(islice((name for value in short for name in names_in(value)), NAMES_IN_VALUES))


def text_bits(names: Sequence[str], origin: Origin) -> float:
    """Compare the names in a line's values with an origin: a driver's first value is often its own or its device's."""
    return NAME_IN_VALUE * prefix_bits(names, origin)


def argument_bits(prefix: str, values: Sequence[str | None], arguments: Sequence[Argument], message: Message) -> float:
    """Compare values with the arguments of the call: `dev_name()` has a known shape, `__FILE__` a known value."""
    found = 0.0
    is_of_32_bits = architecture_of(message) in _OF_32_BITS
    if arguments and arguments[0].expression.startswith("netdev_name(") and " " in prefix:
        found += NO_DRIVER
    for value, argument in zip(values, arguments, strict=False):
        if value:
            found += _argument_bits(value, argument.expression, message)
            if is_of_32_bits and _LONG.fullmatch(argument.conversion) and _WIDE.fullmatch(value):
                found += TOO_WIDE
    return found


def _argument_bits(value: str, expression: str, message: Message) -> float:
    if expression.startswith("dev_driver_string("):
        return NO_DRIVER if " " in value or ":" in value else DRIVER
    if expression.startswith("dev_name("):
        return NO_DEVICE if ": " in value else NO_NAME if " " in value else 0.0
    if "__FILE__" in expression:
        return OWN_FILE if message.path.endswith(value.rpartition("/")[2]) else OTHER_FILE
    if expression == "__LINE__" and value.isdigit():
        distance = max(message.line_start - int(value), int(value) - message.line_end, 0)
        return OWN_LINE if distance == 0 else NEAR_LINE if distance < NEAR_LINES else 0.0
    return 0.0


def resource_bits(values: Sequence[str | None], message: Message) -> float:
    """Compare the kinds of the resources in a line with those in the function's name: `add_dma_resource`."""
    own = _RESOURCE_WORDS.intersection((message.function or "").replace("mmio", "mem").split("_"))
    if not own:
        return 0.0
    found = 0.0
    for value in values:
        shown = _RESOURCE_VALUE.fullmatch(value) if value else None
        if shown:
            kinds = {shown[1]} | {word for word in shown[0][:-1].split() if word in _RESOURCE_WORDS}
            found += OTHER_RESOURCE * (len(own - kinds) + ("pref" in kinds - own))
    return found


# --- The words --------------------------------------------------------------------------------------------------------


def opposite_bits(line: Set[str], text: Set[str]) -> float:
    """Return the bits for words of a text of which the line has the opposite: `up` where the text has `down`."""
    return OPPOSITE * sum(_OPPOSITE.get(word) in line - text for word in text - line)
