"""Read which devices a line names, and learn from a log which names are of the same device.

`sda` is SCSI device 5:0:0:0, whose host is USB device 2-2: only other lines of the log say so.
"""

from ksrcfind.incidents.kinds import Key, disks_of, link_of, place_of
from ksrcfind.regex import regex

RELATIONS_KEPT = 20_000
"""Limit of relations between names; beyond it, all of them are forgotten."""

_HEAD = 160
"""Characters of a message in which interfaces and PCI addresses are searched."""

PCI_COLONS = 2
"""Colons of a PCI address: a line with fewer has none."""

_LINK_WORDS = regex(r"[lL]ink|carrier|transmit|WATCHDOG|associat|authenticat")
"""Words of which a message about a link has one."""

_PCI = regex(r"(?<![\w:.])[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?![\w.])")
_INTERFACE = regex(
    r"(?<![\w.-])(?:(?:eth|wlan|wwan|bond|ib|can|lan|veth|vmnet|tap|tun|team)\d{1,3}"
    r"|(?:en|wl|ww|ib)[opsxP](?=[\w]{0,12}\d)\w{1,13})(?=[: ,()]|$)"
)
_SCSI = regex(r"\d{1,4}:\d{1,4}:\d{1,4}:\d{1,6}$")
_USB = regex(r"(?P<device>\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6})(?::\d{1,3}\.\d{1,3})?$")
_USB_PORT = regex(r"(?:usb(?P<bus>\d{1,3})|(?P<hub>\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6}))-port(?P<port>\d{1,3})$")
_RELATION = regex(
    r"(?:sd|sr) (?P<scsi>\d{1,4}:\d{1,4}:\d{1,4}:\d{1,6}): \[(?P<disk>[a-z]{1,8}\d{0,4})\]"
    r"|scsi host(?P<host>\d{1,4}): (?:usb-storage|uas)(?: (?P<usb>\d{1,3}-[\d.]{1,30}):)"
    r"|nvme (?P<nvme>nvme\d{1,3}): pci function (?P<function>[\da-f:.]{12})"
    r"|[\w-]{1,20} (?P<controller>[\da-f]{4}:[\da-f:.]{7}): new USB bus registered, "
    r"assigned bus number (?P<bus>\d{1,3})"
    r"|[\w-]{1,30} (?P<pci>[\da-f]{4}:[\da-f:.]{7}) (?P<interface>[a-z][\w.-]{1,15}): "
)


def names_of(body: str) -> list[Key]:
    """Return the devices that a line names: those in front of the message, then those in it."""
    found: dict[Key, None] = {}
    place = place_of(body)
    if place is not None:
        found[_named(*place)] = None
    head = body[:_HEAD]
    if head.count(":") >= PCI_COLONS:
        for address in _PCI.findall(head):
            found["pci", address] = None
    for interface in _INTERFACE.findall(head):
        found["link", interface] = None
    # To look for a link in each line would be slow.
    if _LINK_WORDS.search(body) is not None and (link := link_of(body)) is not None:
        found["link", link] = None
    for disk in disks_of(body):
        found[disk] = None
    return list(found)


def _named(driver: str, device: str) -> Key:
    """Return the name of a device in front of a message; its driver is a part only if the device has no bus address."""
    if _PCI.fullmatch(device) is not None:
        return "pci", device
    if _SCSI.match(device) is not None:
        return "disk", device
    if (usb := _USB.match(device)) is not None:
        return "usb", usb["device"]
    if (port := _USB_PORT.match(device)) is not None:
        return "usb", f"{port['hub']}.{port['port']}" if port["hub"] else f"{port['bus']}-{port['port']}"
    return "device", f"{driver} {device}"


class Relations:
    """Which names of a boot are of the same device, and which device is behind which controller."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._same: dict[tuple[object, Key], Key] = {}

    def learn(self, boot: object, body: str) -> None:
        """Learn from a line that names a device in two ways."""
        match = _RELATION.match(body)
        if match is None:
            return
        if len(self._same) >= RELATIONS_KEPT:
            self._same.clear()
        if match["scsi"]:
            self._same[boot, ("disk", match["disk"])] = "disk", match["scsi"]
        elif match["host"]:
            self._same[boot, ("host", match["host"])] = "usb", match["usb"]
        elif match["nvme"]:
            self._same[boot, ("disk", match["nvme"])] = "pci", match["function"]
        elif match["bus"]:
            self._same[boot, ("bus", match["bus"])] = "pci", match["controller"]
        else:
            self._same[boot, ("link", match["interface"])] = "pci", match["pci"]

    def all_names(self, boot: object, names: list[Key]) -> list[Key]:
        """Return names, and the other names of the same devices."""
        found = dict.fromkeys(names)
        for name in names:
            other: Key | None = name
            while other is not None:
                found[other] = None
                other = self._other(boot, other)
        return list(found)

    def controllers(self, boot: object, names: list[Key]) -> list[Key]:
        """Return the hubs and controllers that devices are behind, as far as the log says so."""
        found: dict[Key, None] = {}
        for of, name in names:
            if of == "usb":
                hub, _, port = name.rpartition(".")
                if port and hub:
                    found["usb", hub] = None
                if (controller := self._same.get((boot, ("bus", name.partition("-")[0])))) is not None:
                    found[controller] = None
        return list(found)

    def _other(self, boot: object, name: Key) -> Key | None:
        of, text = name
        if of == "disk" and text[:1].isdecimal():
            return self._same.get((boot, ("host", text.partition(":")[0])))
        other = self._same.get((boot, name))
        return other if other != name else None
