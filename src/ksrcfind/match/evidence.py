"""Evidence beyond the text: what a line says about where it was printed.

Wordings are shared: sixteen network drivers print "NIC Link is Down". The driver, bus or file system that the line's
prefix names, function names and line numbers among its values, and the level of the record tell their messages apart.
All weights are in bits, as those of words are: a message with one bit more is held to be twice as likely.
"""

import re
from collections.abc import Iterable, Sequence, Set
from itertools import islice

import msgspec

from ksrcfind.match.limits import LONGEST_NAME, NAMES_IN_PREFIX, NAMES_IN_VALUES
from ksrcfind.match.thresholds import (
    ARCHITECTURES,
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
    PLACES,
    PRINTS_DRIVER,
    RARE_ARCHITECTURE,
    RELATED,
    SAME_LEVEL,
    SHARED_NAME_MOST,
    SHARED_NAME_WORD,
    TOO_WIDE,
)
from ksrcfind.source.message import Argument, Message
from ksrcfind.source.printed import origin_names

# What stands behind a dot is the kind of a device in a device tree: `fe300000.ethernet`.
_NAME = re.compile(r"(?<![.\w-])[A-Za-z][A-Za-z0-9_-]+")


# How much rarer lines of these are seen than those of other code: not built, not run, or not on everyone's machine.
# Where each directory holds the drivers of one vendor, and what they share stands elsewhere.
_VENDORS = ("drivers/net/ethernet/", "drivers/net/wireless/", "drivers/infiniband/hw/")
# Words of many drivers' names, which say how a device is attached or what kind of code it is.
_GENERAL_WORDS = frozenset(
    (
        "acpi",
        "adapter",
        "audio",
        "bus",
        "codec",
        "controller",
        "core",
        "dev",
        "device",
        "driver",
        "drivers",
        "drv",
        "hcd",
        "host",
        "i2c",
        "lib",
        "linux",
        "mod",
        "module",
        "net",
        "of",
        "pci",
        "pcie",
        "phy",
        "plat",
        "platform",
        "power",
        "soc",
        "sound",
        "spi",
        "usb",
        "virtio",
    )
)
# What dev_driver_string() prints for a device without a driver: its bus or its class.
_BUSES = frozenset(
    (
        "acpi",
        "amba",
        "bdi",
        "block",
        "cpu",
        "dmi",
        "event_source",
        "graphics",
        "hid",
        "i2c",
        "ieee80211",
        "iommu",
        "leds",
        "mdio_bus",
        "mem",
        "misc",
        "mmc",
        "net",
        "node",
        "of",
        "pci",
        "platform",
        "pnp",
        "rc",
        "regulator",
        "rtc",
        "scsi",
        "serial",
        "serio",
        "spi",
        "tty",
        "usb",
        "virtio",
        "workqueue",
        "xen",
    )
)
# Code that serves the devices of all drivers.
_SERVES_ALL = ("drivers/acpi/", "drivers/base/", "drivers/iommu/", "drivers/of/", "drivers/pci/", "drivers/xen/")
_SERVING = re.compile(r"(?:^|_)(?:api|class|common|core|helpers?|lib|main|subsys|utils?)(?:_|$)|^lib|lib$")
# A resource as `%pR` prints it, and the words of a function's name that say which kind it deals with.
_RESOURCE_VALUE = re.compile(r"\[(io|mem|irq|dma|bus)\s[^]]*\]")
_RESOURCE_WORDS = frozenset({"io", "mem", "irq", "dma", "bus", "pref"})
_OPPOSITES = (
    ("up", "down"),
    ("on", "off"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("enabling", "disabling"),
    ("suspend", "resume"),
    ("suspended", "resumed"),
    ("suspending", "resuming"),
    ("start", "stop"),
    ("started", "stopped"),
    ("starting", "stopping"),
    ("connect", "disconnect"),
    ("connected", "disconnected"),
    ("attached", "detached"),
    ("mount", "unmount"),
    ("mounting", "unmounting"),
    ("register", "unregister"),
    ("registered", "unregistered"),
    ("supported", "unsupported"),
    ("valid", "invalid"),
    ("success", "failed"),
    ("successful", "failed"),
    ("successful", "unsuccessful"),
    ("successfully", "failed"),
    ("succeeded", "failed"),
    ("with", "without"),
    ("online", "offline"),
    ("first", "last"),
    ("minimum", "maximum"),
    ("read", "write"),
)
_OPPOSITE = {one: other for pair in _OPPOSITES for one, other in (pair, pair[::-1])}
_SHORTEST = 3  # characters that two names must have in common to be related
# Bits for an architecture: how much rarer its logs are. The others are rarer still.
_OF_32_BITS = frozenset(("arc", "arm", "csky", "hexagon", "m68k", "microblaze", "nios2", "openrisc", "sh", "xtensa"))
_LONG = re.compile(r"%[-+ #0]*+\d*+(?:lx|lX|p|px)")
_WIDE = re.compile(r"(?:0x)?0*+[0-9A-Fa-f]{9,}")


def names_in(prefix: str) -> tuple[str, ...]:
    """Return the names in a line's prefix, as they compare to modules: `e1000e`, `enp0s31f6`."""
    names = (_normal(name) for name in _NAME.findall(prefix) if len(name) <= LONGEST_NAME)
    return tuple(islice(names, NAMES_IN_PREFIX))


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a message comes from, ready to be compared to many lines."""

    message: Message
    module: str
    """Normalised; empty if not known."""
    parts: frozenset[str]
    """Its `printed.origin_names`."""
    beginnings: frozenset[str]
    """The first characters of those that are long enough to be compared."""
    place: float
    """Bits for the place alone."""
    architecture: str | None
    """Whose code it is."""
    names_driver: bool
    """True if the call stands in a driver of one vendor and prints which driver the device has."""
    words: frozenset[str] = frozenset()
    """The words of its names that not many drivers share."""
    prints_driver: bool = False
    """True if the call prints which driver the device has."""
    is_of_one_driver: bool = False
    """True if the call stands in a driver's code: no library, no subsystem."""

    @classmethod
    def of(cls, message: Message) -> "Origin":
        """Look at a message once."""
        parts, prints_driver = frozenset(origin_names(message)), _prints_driver(message)
        module, architecture = _normal(message.module or ""), architecture_of(message)
        beginnings = frozenset(part[:_SHORTEST] for part in parts if len(part) >= _SHORTEST)
        return cls(
            message,
            module,
            parts,
            beginnings,
            place_bits(message),
            architecture,
            prints_driver and message.path.startswith(_VENDORS),
            _words_of(parts),
            prints_driver,
            _is_of_one_driver(message),
        )

    def is_unlike(self, driver: str) -> bool:
        """Tell whether this is one driver's code, and another driver is named that has not a word in common with it.

        Code of libraries and of subsystems prints for all drivers, and a device without a driver is called by its bus.
        """
        if not self.is_of_one_driver or driver in _BUSES or driver == self.module or driver in self.parts:
            return False
        return not self.begins_like(driver) and not any(
            len(part) >= _SHORTEST and part in driver for part in self.parts | self.words
        )

    def begins_like(self, name: str) -> float:
        """Weigh a name that one of its own begins with, or that begins with one of its own."""
        found = 0.0
        if name[:_SHORTEST] in self.beginnings:
            for part in self.parts:
                if part.startswith(name):
                    return EXTENDED
                if len(part) >= _SHORTEST and name.startswith(part):
                    found = RELATED
        return found


def _prints_driver(message: Message) -> bool:
    first = (form.arguments[0].expression for form in message.forms if form.arguments)
    return any(one.startswith("dev_driver_string(") for one in first)


def _is_of_one_driver(message: Message) -> bool:
    directory, _, name = message.path.rpartition("/")
    own = (_normal(name.partition(".")[0]), _normal(message.module or ""))
    # `scsi_mod` of drivers/scsi: a module with the name of its directory serves the drivers there.
    serves_directory = own[1] == f"{_normal(directory.rpartition('/')[2])}_mod"
    return (
        message.path.startswith(("drivers/", "sound/"))
        and not message.path.startswith(_SERVES_ALL)
        and not serves_directory
        and not any(map(_SERVING.search, own))
    )


def _words_of(names: Iterable[str]) -> frozenset[str]:
    words = (word for name in names for word in name.split("_") if len(word) >= _SHORTEST)
    return frozenset(words) - _GENERAL_WORDS


def prefix_bits(names: Sequence[str], origin: Origin) -> float:
    """Weigh the names of a prefix, most telling first, against a message's place."""
    best = 0.0
    for number, name in enumerate(names):
        if name == origin.module:
            found = MODULE
        elif name in origin.parts:
            found = COMPONENT
        else:
            found = origin.begins_like(name)
            if number == 0 and found < EXTENDED and origin.prints_driver:
                others = _words_of((name,)) - {name.partition("_")[0]} if found else _words_of((name,))
                found = min(SHARED_NAME_MOST, found + SHARED_NAME_WORD * len(origin.words & others))
        # The first name is the driver's or subsystem's; what follows names devices, often after them.
        best = max(best, found if number == 0 else LATER_NAME * found)
        if number == 0 and found >= COMPONENT and origin.prints_driver:
            best += PRINTS_DRIVER
    return best


def level_bits(level: str | None, message: Message) -> float:
    """Weigh the level of a record against that of a call."""
    if level is None:
        # Debug messages are off unless somebody asked for them.
        return {"debug": DEBUG_LEVEL, "cont": CONTINUED_LEVEL}.get(message.level or "", 0.0)
    if message.level in (None, "cont"):
        return 0.0
    return SAME_LEVEL if level == message.level else OTHER_LEVEL


def place_bits(message: Message) -> float:
    """Weigh where a message stands: code that few run."""
    path = message.path
    unusual = next((bits for start, bits in PLACES if path.startswith(start)), None)
    if unusual is not None:
        return unusual
    if path.startswith("arch/"):
        return ARCHITECTURES.get(path.split("/")[1], RARE_ARCHITECTURE)
    return 0.0


def architecture_of(message: Message) -> str | None:
    """Return the architecture whose code a message is of, as a directory of arch/; None if it is of any."""
    if not message.path.startswith("arch/"):
        return None
    return "um" if message.path.startswith("arch/x86/um/") else message.path.split("/")[1]


def machine_bits(architecture: str | None, origin: Origin) -> float:
    """Weigh where a message stands against the architecture of the machine, if that is known."""
    if architecture is None or origin.architecture is None:
        return origin.place
    return 0.0 if origin.architecture == architecture else OTHER_ARCHITECTURE


def value_bits(values: Sequence[str | None], message: Message) -> float:
    """Weigh the values of a line that name the call's function, or its line right behind."""
    function = message.function
    if function is None or not any(value and function in value for value in values):
        return 0.0
    for number, value in enumerate(values):
        if value and function_name(value) == function:
            following = values[number + 1] if number + 1 < len(values) else None
            if following is not None and following.isdigit() and len(following) < 7:
                distance = abs(int(following) - message.line_start)
                near = FUNCTION_NEAR_LINE if distance < NEAR_LINES else 0.0
                return FUNCTION + (FUNCTION_LINE if distance <= FUNCTION_LINE_NEAR else near)
            return FUNCTION
    return 0.0


# What compilers add to a function's name, `%ps` behind it, and dmesg's readers: `foo.isra.0+0x1/0x2 [module]`.
_FUNCTION_NAME = re.compile(
    r"([A-Za-z_]\w{0,200}?)(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\w{1,40})?){0,4}"
    r"(?:\+0x[0-9a-f]{1,16}(?:/0x[0-9a-f]{1,16})?)?(?:\(\))?(?: \[[\w-]{1,64}\])?$"
)


def function_name(value: str) -> str:
    """Return the function that a value names, as the source has it; the value itself if it names none."""
    found = _FUNCTION_NAME.match(value)
    return found[1] if found is not None else value


def names_of(values: Sequence[str | None]) -> list[str]:
    """Return the first names in a line's values, as they compare to modules."""
    names = [name for value in values if value and len(value) < LONGEST_NAME for name in names_in(value)]
    return names[:NAMES_IN_VALUES]


def text_bits(names: Sequence[str], origin: Origin) -> float:
    """Weigh the names in a line's values: a driver's first value is often its own or its device's name."""
    return NAME_IN_VALUE * prefix_bits(names, origin)


def argument_bits(prefix: str, values: Sequence[str | None], arguments: Sequence[Argument], message: Message) -> float:
    """Weigh values against what the call passes: names of drivers and devices have a shape, `__FILE__` is known."""
    found = 0.0
    is_of_32_bits = architecture_of(message) in _OF_32_BITS
    if arguments and arguments[0].expression.startswith("netdev_name(") and " " in prefix:
        found += NO_DRIVER
    for value, argument in zip(values, arguments, strict=False):
        if value:
            found += _value_bits(value, argument.expression, message)
            if is_of_32_bits and _LONG.fullmatch(argument.conversion) and _WIDE.fullmatch(value):
                found += TOO_WIDE
    return found


def resource_bits(values: Sequence[str | None], message: Message) -> float:
    """Weigh the kinds of the resources in a line against those in the function's name: `add_dma_resource`."""
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


def opposite_bits(line: Set[str], text: Set[str]) -> float:
    """Weigh the words of a line that drifted against those of the text: `up` where the text has `down`."""
    return OPPOSITE * sum(_OPPOSITE.get(word) in line - text for word in text - line)


def driver_bits(names: Sequence[str], origin: Origin) -> float:
    """Weigh the driver that a line is prefixed with against the one in whose code the call stands.

    It only tells messages apart: drivers are not always called like their modules.
    """
    return OTHER_DRIVER if names and origin.names_driver and prefix_bits(names[:1], origin) == 0 else 0.0


def _value_bits(value: str, expression: str, message: Message) -> float:
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
