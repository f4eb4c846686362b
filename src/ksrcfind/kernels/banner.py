"""Read a kernel's banner, the line `Linux version …` at the start of a log."""

import re

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.tree.versions import Version, parse_tag, series, without_zeros

LONGEST = 1000
"""Characters of a banner that are read: Linux itself prints at most 992 of a line."""

# `Linux version 6.1.0-13-amd64 (builder) (compiler) #1 SMP … Debian 6.1.55-1 (2023-09-29)`: see init/version.c.
_BANNER = regex(
    r"Linux version (?P<release>(?P<version>\d{1,9}\.\d{1,9}(?:\.\d{1,9}){0,2})(?P<candidate>-rc\d{1,3})?[!-~]*)"
)
# `CPU: 3 PID: 1 Comm: init Not tainted 6.1.0-13-amd64 #1  Debian 6.1.55-1`: see lib/dump_stack.c.
_IN_REPORT = regex(
    r"(?:Not tainted|Tainted: [A-Z ]{1,40}) (?P<release>(?P<version>\d{1,9}\.\d{1,9}(?:\.\d{1,9}){0,2})"
    r"(?P<candidate>-rc\d{1,3})?[!-~]*)"
)
# After the number of the build, distributions name the release that theirs is based on: `Debian 6.1.55-1`.
_BUILD = regex(r" #\d")
_NUMBERS = regex(r"(?<![\d.])\d{1,9}(?:\.\d{1,9}){2,3}(?![\d.])")


class Banner(Struct, frozen=True):
    """A kernel's banner, split at its parts."""

    text: str
    """The line that has it, cut at `LONGEST`."""
    release: str
    """What `uname -r` prints: `6.1.0-13-amd64`."""
    version: Version
    """The release of Linux itself, as far as the banner names it: 6.1.55 for Debian's `6.1.0-13-amd64`."""
    builder: str
    """The text between the release and the number of the build: who built the kernel, and with which compiler."""
    build: str
    """The text from the number of the build on, without a blank in front: `#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1`."""


def read_banner(text: str) -> Banner | None:
    """Return the parts of a banner; None if the text has none."""
    return _read(_BANNER.search(text[:LONGEST]), text)


def read_report_line(text: str) -> Banner | None:
    """Return the kernel that a line of a crash report names, with an empty `builder`; None if it names none."""
    return _read(_IN_REPORT.search(text[:LONGEST]), text)


def _read(found: re.Match[str] | None, text: str) -> Banner | None:
    version = parse_tag(found["version"] + (found["candidate"] or "")) if found is not None else None
    if found is None or version is None:
        return None
    rest = text[found.end() : LONGEST]
    at = _BUILD.search(rest)
    builder, build = (rest[: at.start()], rest[at.start() :]) if at is not None else (rest, "")
    return Banner(
        text[:LONGEST].strip(), found["release"], _spelled_out(version, build), builder.strip(), build.strip()
    )


def _spelled_out(version: Version, build: str) -> Version:
    """Return the release that the end of a banner spells out, else `version`.

    Distributions name every kernel of a series after its first release, `6.1.0-13`, and add the real release later in
    the banner. So the largest version of the same series counts.
    """
    own = series(version)
    others = [other for text in _NUMBERS.findall(build) if (other := parse_tag(text)) is not None]
    return without_zeros(max([version, *(other for other in others if series(other) == own)]))


def spelled_version(version: Version) -> str:
    """Return a version as tags of Linux spell it, without the `v`: `6.1.55`, `6.5-rc3`."""
    numbers = ".".join(map(str, version.numbers))
    return numbers if version == version.final else f"{numbers}-rc{version.candidate}"
