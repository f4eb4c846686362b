"""Find the kernels that a log names."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ksrcfind.kernels.banner import Banner, read_banner, read_report_line

RUNNING = "/proc/version"
"""The banner of the kernel that runs, as in a log."""

KERNELS = 1000
"""Limit of different kernels of a log."""


class Named(Struct, frozen=True):
    """A kernel that a log names."""

    banner: Banner
    text: str
    """The line that names it."""
    source: str | None
    """File of that line."""
    line: int
    """1-based line in the file."""
    boots: int
    """Number of banners of this kernel; 0 if only crash reports name it."""


def kernels_named(lines: Iterable[tuple[str | None, int, str]]) -> list[Named]:
    """Return the kernels that lines (file, line number, text) name, the first one first.

    A kernel that a banner names is not listed again for its crash reports.
    """
    found: dict[tuple[str, bool], Named] = {}
    for source, line, text in lines:
        for banner, is_banner in _named(text):
            key = banner.release, is_banner
            before = found.get(key)
            if before is not None:
                found[key] = Named(before.banner, before.text, before.source, before.line, before.boots + is_banner)
            elif len(found) < KERNELS:
                found[key] = Named(banner, text.strip(), source, line, int(is_banner))
    return [one for (release, is_banner), one in found.items() if is_banner or (release, True) not in found]


def _named(text: str) -> Iterator[tuple[Banner, bool]]:
    if "Linux version" in text and (banner := read_banner(text)) is not None:
        yield banner, True
    elif "ainted" in text and (banner := read_report_line(text)) is not None:
        yield banner, False
