"""Where a message comes from: its module, its file and directory, its driver, its architecture.

Names are compared in one form: in lower case, with `_` for `-`.
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache

import msgspec

from ksrcfind.match.limits import LONGEST_NAME
from ksrcfind.match.tuned_weights import ARCHITECTURES, EXTENDED, PLACES, RARE_ARCHITECTURE, RELATED
from ksrcfind.regex import regex
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import origin_names

# In the name of a device of a device tree, `fe300000.ethernet`, the word behind the dot is the kind of the device.
_NAME = regex(r"(?<![.\w-])[A-Za-z][A-Za-z0-9_-]+")
_UNUSUAL = ("arch/", *(start for start, _ in PLACES))  # directories of which few machines run the code
_FILES_KEPT = 16384  # files, with their modules, whose names are remembered
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


class Origin(msgspec.Struct, frozen=True, dict=True):
    """Where a message comes from. What is compared with the names of a line is computed when a line has names."""

    message: Message
    module: str
    """Empty if not known."""
    place: float
    """Bits for its directory: negative for code that few machines run."""
    architecture: str | None
    """The architecture whose code contains the call, as a directory of arch/; None for general code."""
    prints_driver: bool
    """True if the call prints the driver of the device."""

    @classmethod
    def of(cls, message: Message) -> "Origin":
        """Return the origin of a message."""
        module = _normal(message.module or "")
        return cls(message, module, _place_bits(message.path), architecture_of(message), _prints_driver(message))

    @cached_property
    def parts(self) -> frozenset[str]:
        """The names of its module, file and directories (`printed.origin_names`)."""
        return frozenset(origin_names(self.message))

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """The first characters of these names, for a quick check."""
        return frozenset(part[:_SHORTEST] for part in self.parts if len(part) >= _SHORTEST)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its names that not many drivers have in theirs."""
        return words_of(self.parts)

    @property
    def names_driver(self) -> bool:
        """True if the call is in a driver of one vendor and prints the driver of the device."""
        return self.prints_driver and self.message.path.startswith(_VENDORS)

    @property
    def is_of_one_driver(self) -> bool:
        """True if the call is in the code of one driver, not of a library or a subsystem."""
        return _is_of_one_driver(self.message.path, self.message.module)

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of its module and file, without those of directories."""
        return _own_names(self.message.path, self.message.module)

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


def _place_bits(path: str) -> float:
    if not path.startswith(_UNUSUAL):
        return 0.0
    known = next((bits for start, bits in PLACES if path.startswith(start)), None)
    if known is not None:
        return known
    return ARCHITECTURES.get(path.split("/")[1], RARE_ARCHITECTURE) if path.startswith("arch/") else 0.0


def _prints_driver(message: Message) -> bool:
    first = (form.arguments[0].expression for form in message.forms if form.arguments)
    return any(one.startswith("dev_driver_string(") for one in first)


@lru_cache(_FILES_KEPT)
def _own_names(path: str, module: str | None) -> tuple[str, ...]:
    names = (path.rpartition("/")[2].partition(".")[0], module or "")
    return tuple(_normal(name) for name in names if name)


def _is_made_of(name: str, directory: str) -> bool:
    """Return whether a name consists of the names of several directories: `usbnet` of drivers/net/usb serves these."""
    rest, count = name.replace("_", ""), 0
    for part in directory.split("/"):
        if len(part) >= _SHORTEST and part in rest:
            rest, count = rest.replace(part, "", 1), count + 1
    return count > 1 and not rest


@lru_cache(_FILES_KEPT)
def _is_of_one_driver(path: str, module: str | None) -> bool:
    directory = path.rpartition("/")[0]
    # `scsi_mod` of drivers/scsi: a module with the name of its directory serves the drivers there.
    serves_directory = _normal(module or "") == f"{_normal(directory.rpartition('/')[2])}_mod"
    return (
        path.startswith(("drivers/", "sound/"))
        and not path.startswith(_SERVES_ALL)
        and not serves_directory
        and not any(_is_made_of(name, directory) for name in _own_names(path, module))
        and not any(map(_LIBRARY.search, _own_names(path, module)))
    )
