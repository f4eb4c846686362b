"""Evidence beyond the text: what a line says about where it was printed.

Wordings are shared: sixteen network drivers print "NIC Link is Down". The driver, bus or file system that the line's
prefix names, function names and line numbers among its values, and the level of the record tell their messages apart.
All weights are in bits, as those of words are: a message with one bit more is held to be twice as likely.
"""

import re
from collections.abc import Sequence

from ksrcfind.source.message import Message

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,}")

MODULE = 8.0
"""The prefix names the module."""
COMPONENT = 6.0
"""The prefix names the file, or a directory it is in."""
RELATED = 2.5
"""The prefix and the module or file begin alike: `usb` and `usbcore`, `nvme0` and `nvme`."""
FUNCTION = 8.0
"""A value is the name of the function that the call stands in."""
SAME_LEVEL = 1.5
OTHER_LEVEL = -4.0

# How much rarer lines of these are seen than those of other code: not built, not run, or not on everyone's machine.
_UNUSUAL = (
    ("tools/", -8.0),
    ("samples/", -4.0),
    ("Documentation/", -8.0),
    ("scripts/", -8.0),
    ("arch/um/", -5.0),
    ("arch/x86/um/", -5.0),
    ("drivers/staging/", -1.5),
)
_USUAL_ARCHITECTURES = ("arch/x86/", "arch/arm64/")


def names_in(prefix: str) -> tuple[str, ...]:
    """Return the names in a line's prefix, as they compare to modules: `e1000e`, `enp0s31f6`."""
    return tuple(_normal(name) for name in _NAME.findall(prefix))


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


def names_of(message: Message) -> tuple[str, frozenset[str]]:
    """Return a message's module, and the names in its path without endings."""
    parts = _normal(message.path.rsplit(".", 1)[0]).split("/")
    return _normal(message.module or ""), frozenset(parts)


def prefix_bits(names: Sequence[str], message: Message) -> float:
    """Weigh the names of a prefix, most telling first, against a message's place."""
    if not names:
        return 0.0
    module, parts = names_of(message)
    best = 0.0
    for number, name in enumerate(names):
        if name == module:
            found = MODULE
        elif name in parts:
            found = COMPONENT
        elif _related(name, module) or any(_related(name, part) for part in parts):
            found = RELATED
        else:
            continue
        # The first name is the driver's or subsystem's; what follows names devices, often after them.
        best = max(best, found if number == 0 else found / 2)
    return best


def _related(name: str, other: str) -> bool:
    shorter = min(len(name), len(other))
    return shorter >= 3 and name[:shorter] == other[:shorter]


def level_bits(level: str | None, message: Message) -> float:
    """Weigh the level of a record against that of a call."""
    if level is None:
        # Debug messages are off unless somebody asked for them.
        return -2.0 if message.level == "debug" else -0.5 if message.level == "cont" else 0.0
    if message.level in (None, "cont"):
        return 0.0
    return SAME_LEVEL if level == message.level else OTHER_LEVEL


def place_bits(message: Message, architecture: str | None) -> float:
    """Weigh where a message stands: code that few run, another architecture than the log's."""
    path = message.path
    if path.startswith("arch/"):
        own = path.split("/", 2)[1]
        if architecture is not None:
            return 2.0 if own == architecture else -8.0
        if not path.startswith(_USUAL_ARCHITECTURES):
            return -2.0
    return next((bits for start, bits in _UNUSUAL if path.startswith(start)), 0.0)


def value_bits(values: Sequence[str | None], message: Message) -> float:
    """Weigh the values of a line that name the call's function, or its line right behind."""
    function = message.function
    if function is None:
        return 0.0
    for number, value in enumerate(values):
        if value == function:
            following = values[number + 1] if number + 1 < len(values) else None
            if following is not None and following.isdigit() and len(following) < 7:
                distance = abs(int(following) - message.line_start)
                return FUNCTION + (4.0 if distance <= 3 else 2.0 if distance < 100 else 0.0)
            return FUNCTION
    return 0.0
