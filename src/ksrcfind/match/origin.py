"""Where a message comes from: its module, its file and directory, its driver, its architecture.

Names are compared in one form: in lower case, with `_` for `-`.
"""

from collections.abc import Iterable

import msgspec

from ksrcfind.match.limits import LONGEST_NAME
from ksrcfind.match.tuned_weights import ARCHITECTURES, EXTENDED, PLACES, RARE_ARCHITECTURE, RELATED
from ksrcfind.regex import regex
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import origin_names

# In the name of a device of a device tree, `fe300000.ethernet`, the word behind the dot is the kind of the device.
_NAME = regex(r"(?<![.\w-])[A-Za-z][A-Za-z0-9_-]+")
_SHORTEST = 3  # characters of a name whose beginning is compared with others
# Each of their directories has the drivers of one vendor; code that the drivers share is in other directories.
_VENDORS = ("drivers/net/ethernet/", "drivers/net/wireless/", "drivers/infiniband/hw/")
# Words that are in the names of many drivers: how a device is attached, or what kind of code it is.
_GENERAL_ROWS = """
    acpi adapter audio bus codec controller core dev device driver drivers drv hcd host i2c lib linux mod module net of
    pci pcie phy plat platform power soc sound spi usb virtio
"""
_GENERAL_WORDS = frozenset(_GENERAL_ROWS.split())
# dev_driver_string() prints the bus or the class of a device that has no driver.
_BUS_ROWS = """
    acpi amba bdi block cpu dmi event_source graphics hid i2c ieee80211 iommu leds mdio_bus mem misc mmc net node of pci
    platform pnp rc regulator rtc scsi serial serio spi tty usb virtio workqueue xen
"""
_BUSES = frozenset(_BUS_ROWS.split())
# Code that serves the devices of all drivers, by its directory, or by the name of its file or module.
_SERVES_ALL = ("drivers/acpi/", "drivers/base/", "drivers/iommu/", "drivers/of/", "drivers/pci/", "drivers/xen/")
_LIBRARY = regex(r"(?:^|_)(?:api|class|common|core|helpers?|lib|main|subsys|utils?)(?:_|$)|^lib|lib$")


def names_in(text: str) -> Iterable[str]:
    """Yield the names in a text, in the form in which they are compared: `e1000e`, `enp0s31f6`."""
    return (_normal(name) for name in _NAME.findall(text) if len(name) <= LONGEST_NAME)


def words_of(names: Iterable[str]) -> frozenset[str]:
    """Return the words of names that not many drivers have in their names."""
    words = (word for name in names for word in name.split("_") if len(word) >= _SHORTEST)
    return frozenset(words) - _GENERAL_WORDS


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a message comes from, prepared for the comparison with many lines."""

    message: Message
    module: str
    """Empty if not known."""
    parts: frozenset[str]
    """The names of its module, file and directories (`printed.origin_names`)."""
    beginnings: frozenset[str]
    """The first characters of these names, for a quick check."""
    place: float
    """Bits for its directory: negative for code that few machines run."""
    architecture: str | None
    """The architecture whose code contains the call, as a directory of arch/; None for general code."""
    names_driver: bool
    """True if the call is in a driver of one vendor and prints the driver of the device."""
    words: frozenset[str] = frozenset()
    """The words of its names that not many drivers have in theirs."""
    prints_driver: bool = False
    """True if the call prints the driver of the device."""
    is_of_one_driver: bool = False
    """True if the call is in the code of one driver, not of a library or a subsystem."""
    own_names: tuple[str, ...] = ()
    """The names of its module and file, without those of directories."""

    @classmethod
    def of(cls, message: Message) -> "Origin":
        """Return the origin of a message."""
        parts, prints_driver = frozenset(origin_names(message)), _prints_driver(message)
        module, own = _normal(message.module or ""), _own_names(message)
        return cls(
            message,
            module,
            parts,
            frozenset(part[:_SHORTEST] for part in parts if len(part) >= _SHORTEST),
            _place_bits(message),
            architecture_of(message),
            prints_driver and message.path.startswith(_VENDORS),
            words_of(parts),
            prints_driver,
            _is_of_one_driver(message.path, module, own),
            own,
        )

    def is_unlike(self, driver: str) -> bool:
        """Return whether the call is in the code of one driver that has no word of its name in common with another.

        Libraries and subsystems print for all drivers, and a device without a driver is printed with its bus.
        """
        if not self.is_of_one_driver or driver in _BUSES or driver == self.module or driver in self.parts:
            return False
        return not self.begins_like(driver) and not any(
            len(part) >= _SHORTEST and part in driver for part in self.parts | self.words
        )

    def is_named_by(self, names: Iterable[str]) -> bool:
        """Return whether one of the names is that of the module or the file, or of a device of the driver: `nvme0`."""
        return any(
            own.startswith(name) or (len(own) >= _SHORTEST and name.startswith(own))
            for name in names
            for own in self.own_names
        )

    def serves(self, driver: "Origin") -> bool:
        """Return whether this is code of the directory of a driver, or of one above, that drivers there share."""
        directory = self.message.path.rpartition("/")[0]
        return not self.is_of_one_driver and "/" in directory and driver.message.path.startswith(f"{directory}/")

    def begins_like(self, name: str) -> float:
        """Return the bits for a name that begins with a name of the origin, or the other way round."""
        found = 0.0
        if name[:_SHORTEST] in self.beginnings:
            for part in self.parts:
                if part.startswith(name):
                    return EXTENDED
                if len(part) >= _SHORTEST and name.startswith(part):
                    found = RELATED
        return found


def architecture_of(message: Message) -> str | None:
    """Return the architecture whose code contains a call, as a directory of arch/; None for general code."""
    if not message.path.startswith("arch/"):
        return None
    return "um" if message.path.startswith("arch/x86/um/") else message.path.split("/")[1]


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


def _place_bits(message: Message) -> float:
    path = message.path
    known = next((bits for start, bits in PLACES if path.startswith(start)), None)
    if known is not None:
        return known
    return ARCHITECTURES.get(path.split("/")[1], RARE_ARCHITECTURE) if path.startswith("arch/") else 0.0


def _prints_driver(message: Message) -> bool:
    first = (form.arguments[0].expression for form in message.forms if form.arguments)
    return any(one.startswith("dev_driver_string(") for one in first)


def _own_names(message: Message) -> tuple[str, ...]:
    names = (message.path.rpartition("/")[2].partition(".")[0], message.module or "")
    return tuple(_normal(name) for name in names if name)


def _is_made_of(name: str, directory: str) -> bool:
    """Return whether a name consists of the names of several directories: `usbnet` of drivers/net/usb serves these."""
    rest, count = name.replace("_", ""), 0
    for part in directory.split("/"):
        if len(part) >= _SHORTEST and part in rest:
            rest, count = rest.replace(part, "", 1), count + 1
    return count > 1 and not rest


def _is_of_one_driver(path: str, module: str, own: tuple[str, ...]) -> bool:
    directory = path.rpartition("/")[0]
    # `scsi_mod` of drivers/scsi: a module with the name of its directory serves the drivers there.
    serves_directory = module == f"{_normal(directory.rpartition('/')[2])}_mod"
    return (
        path.startswith(("drivers/", "sound/"))
        and not path.startswith(_SERVES_ALL)
        and not serves_directory
        and not any(_is_made_of(name, directory) for name in own)
        and not any(map(_LIBRARY.search, own))
    )
