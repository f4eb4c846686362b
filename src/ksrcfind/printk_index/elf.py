"""Read the section `.printk_index` of a kernel image (vmlinux) or of a module, an array of pointers to entries.

In a module, which is not linked yet, every pointer is a relocation. In an image that may be loaded anywhere, pointers
can be relocations too, and then the file has no value in their place.
"""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from ksrcfind.printk_index.entry import Entry, without_level

SECTION = ".printk_index"
MOST_ENTRIES = 1_000_000
"""Limit of entries; a kernel with everything built in has fewer than 200,000."""
LONGEST_TEXT = 10_000
"""Bytes of a string, at most."""
MOST_TEXT = 256 << 20
"""Bytes of all different strings, at most; those of a distribution's kernel have 20 MB."""
BANNER = b"Linux version "

_Order = Literal["little", "big"]

Place = tuple[int, int]
"""(section, offset) in a module; (0, address) in an image."""


class NoListError(Exception):
    """The file is no kernel image or module with a list."""


def read_elf(file: BinaryIO, module: str | None) -> Iterator[Entry]:
    """Yield the entries of a kernel image or module. Raises `NoListError`."""
    try:
        elf = ELFFile(file)
        section = elf.get_section_by_name(SECTION)
        if section is None:
            raise NoListError("it has no section .printk_index: the kernel was built without CONFIG_PRINTK_INDEX")
        image = _Module(elf) if elf["e_type"] == "ET_REL" else _Image(elf)
        size = elf.elfclass // 8
        start = image.start_of(section)
        texts = _Texts(image)
        for number in range(min(section["sh_size"] // size, MOST_ENTRIES)):
            at = image.pointer((start[0], start[1] + number * size))
            entry = _entry(image, texts, at, size, module) if at is not None else None
            if entry is not None:
                yield entry
    except (
        ELFError,
        struct.error,
        ValueError,
        KeyError,
        IndexError,
        OverflowError,
        TypeError,
        AttributeError,
    ) as error:
        raise NoListError(f"it is no intact ELF file: {error}") from error


def banner_of(content: bytes) -> str | None:
    """Return the kernel's banner in an image; None if there is none."""
    at = content.find(BANNER)
    # The format of the banner, `Linux version %s (%s)`, is in the image as well.
    while at >= 0 and not content[at + len(BANNER) : at + len(BANNER) + 1].isdigit():
        at = content.find(BANNER, at + 1)
    return content[at : at + 400].split(b"\0")[0].split(b"\n")[0].decode("utf-8", "replace") if at >= 0 else None


class _Image:
    """A linked image: pointers are addresses."""

    def __init__(self, elf: ELFFile) -> None:
        self._order: _Order = "little" if elf.little_endian else "big"
        self._size = elf.elfclass // 8
        loaded = [one for one in elf.iter_sections() if one["sh_addr"] and one["sh_type"] == "SHT_PROGBITS"]
        self._sections = sorted(((one["sh_addr"], one["sh_size"], one) for one in loaded), key=lambda item: item[:2])
        self._data: dict[int, bytes] = {}
        self._added: dict[int, int] = {}
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection) and section.is_RELA() and section["sh_addr"]:
                for relocation in section.iter_relocations():
                    if not relocation["r_info_sym"]:
                        self._added[relocation["r_offset"]] = relocation["r_addend"]

    def start_of(self, section: Any) -> Place:
        return 0, section["sh_addr"]

    def bytes_at(self, place: Place, count: int) -> bytes:
        for start, size, section in self._sections:
            if start <= place[1] < start + size:
                if start not in self._data:
                    self._data[start] = section.data()
                return self._data[start][place[1] - start : place[1] - start + count]
        return b""

    def pointer(self, place: Place) -> Place | None:
        value = self._added.get(place[1])
        if value is None:
            value = int.from_bytes(self.bytes_at(place, self._size), self._order)
        return (0, value & ((1 << (8 * self._size)) - 1)) if value else None

    def number(self, place: Place) -> int:
        return int.from_bytes(self.bytes_at(place, 4), self._order)


class _Module:
    """A module: a pointer is a relocation, to an offset in a section."""

    def __init__(self, elf: ELFFile) -> None:
        self._elf = elf
        self._order: _Order = "little" if elf.little_endian else "big"
        self._size = elf.elfclass // 8
        self._numbers = {one.name: number for number, one in enumerate(elf.iter_sections())}
        self._targets: dict[Place, Place] = {}
        self._data: dict[int, bytes] = {}
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection) and elf.get_section(section["sh_info"]).name.startswith(
                (SECTION, ".rodata", ".data")
            ):
                self._read(section)

    def _read(self, section: RelocationSection) -> None:
        symbols: Any = self._elf.get_section(section["sh_link"])
        target = section["sh_info"]
        for relocation in section.iter_relocations():
            symbol = symbols.get_symbol(relocation["r_info_sym"])
            index = symbol["st_shndx"]
            if not isinstance(index, int):
                continue
            place = target, relocation["r_offset"]
            if section.is_RELA():
                added = relocation["r_addend"]
            else:
                added = int.from_bytes(self.bytes_at(place, self._size), self._order)
            self._targets[place] = index, symbol["st_value"] + added

    def start_of(self, section: Any) -> Place:
        return self._numbers[section.name], 0

    def bytes_at(self, place: Place, count: int) -> bytes:
        if place[0] not in self._data:
            self._data[place[0]] = self._elf.get_section(place[0]).data()
        return self._data[place[0]][place[1] : place[1] + count]

    def pointer(self, place: Place) -> Place | None:
        return self._targets.get(place)

    def number(self, place: Place) -> int:
        return int.from_bytes(self.bytes_at(place, 4), self._order)


class _Texts:
    """The strings of an image, each decoded once: many entries share a function, a file, and a prefix."""

    def __init__(self, image: _Image | _Module) -> None:
        self._image = image
        self._known: dict[Place, str] = {}
        self._left = MOST_TEXT

    def at(self, place: Place | None) -> str | None:
        """Return the string at a place; None for a null pointer. Raises `ValueError` if there is too much text."""
        if place is None:
            return None
        known = self._known.get(place)
        if known is None:
            data = self._image.bytes_at(place, LONGEST_TEXT).split(b"\0", 1)[0]
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("it has too much text")
            known = self._known[place] = data.decode("utf-8", "replace")
        return known


def _entry(image: _Image | _Module, texts: _Texts, at: Place, size: int, module: str | None) -> Entry | None:
    """Return the `struct pi_entry` at a place: format, function, file, line, level, prefix of the subsystem; packed."""

    def text(offset: int) -> str | None:
        return texts.at(image.pointer((at[0], at[1] + offset)))

    form, function, path = text(0), text(size), text(2 * size)
    if form is None or path is None:
        return None
    line = image.number((at[0], at[1] + 3 * size))
    named, prefix = text(3 * size + 4), text(4 * size + 4) or ""
    own, form = without_level(form)
    level = own or without_level(named or "")[0]
    return Entry(path, line, function or "", level, prefix + form if prefix else form, module)
