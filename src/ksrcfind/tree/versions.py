"""Reads release tags as version numbers. Releases are ordered only by these numbers, never by date."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from ksrcfind.regex import regex

MAKEFILE = "Makefile"
"""Path of a kernel tree's Makefile, whose first lines name the release."""

DEFAULT_PATTERNS = ("v[0-9]*",)
"""Shell patterns of the release tags of Linux: `v5.9`, `v5.9-rc1`, `v5.9.2`."""

# `v5.9-rc1`, `RELEASE-4.17.0`, `drbd-9.0.10-0rc2`; not `v5.9-rc1-dontuse` or `v4.9-rt1`, which are no releases.
TAG = regex(
    r"[^0-9]*(?P<numbers>[0-9]{1,9}(?:(?:[._]|-(?!0(?:alpha|beta|pre|rc)))[0-9]{1,9})*)"
    r"(?:(?:-0|[._~-])?(?P<stage>alpha|beta|pre|rc)[.-]?(?P<number>[0-9]{1,9}))?"
)
DOTTED = regex(r"[0-9]{1,9}(?:\.[0-9]{1,9})+")
FINAL = 9
STAGES = {"alpha": 0, "beta": 1, "pre": 2, "rc": 3}


class Version(Struct, frozen=True, order=True):
    """A version number. A smaller version is earlier."""

    numbers: tuple[int, ...]
    """The numbers of the version: (2, 6, 35) for `v2.6.35`."""
    stage: int
    """0, 1, 2 and 3 for alpha, beta, pre and rc; 9 for a final release."""
    candidate: int
    """Number of the release candidate. 0 for a final release."""

    @property
    def final(self) -> "Version":
        """The final release of a release candidate: `v5.9` for `v5.9-rc1`."""
        return Version(self.numbers, FINAL, 0)


def parse_tag(name: str, *, tail: bool = False) -> Version | None:
    """Return the version that a tag names. None if the tag is not a version.

    `tail` allows text after the version, as in `5.4.0-42.el8`.
    """
    found = TAG.match(name) if tail else TAG.fullmatch(name)
    if found is None:
        return None
    numbers = [int(number) for number in re.split(r"[._-]", found["numbers"])]
    if tail:  # Numbers after the version order the tags that have the same version.
        numbers += [int(number) for number in re.findall(r"[0-9]{1,9}", name[found.end() :])]
    if found["stage"] is None:
        return Version(tuple(numbers), FINAL, 0)
    return Version(tuple(numbers), STAGES[found["stage"]], int(found["number"]))


# The head of Linux's own Makefile.
_MAKEFILE = regex(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)[ \t]*$", re.MULTILINE)


def makefile_release(makefile: str) -> str | None:
    """Return the release in the text of a kernel tree's Makefile: `6.1.192` or `6.2.0-rc1`. None if there is none."""
    said = {found[1]: found[2] for found in reversed(list(_MAKEFILE.finditer(makefile[:4096])))}
    numbers = [said.get(name, "") for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
    if not numbers[0].isdecimal() or not numbers[1].isdecimal():
        return None
    return ".".join(number for number in numbers if number) + said.get("EXTRAVERSION", "")


def without_zeros(version: Version) -> Version:
    """Return a version as tags write it: `6.1.0` as `6.1`; `6.0` stays."""
    numbers = version.numbers
    while len(numbers) > 2 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return Version(numbers, version.stage, version.candidate)


def series(version: Version) -> tuple[int, ...]:
    """Return the numbers of a release's stable series: (6, 1) for 6.1.55, (2, 6, 32) for 2.6.32.9."""
    return version.numbers[: 3 if version.numbers[0] == 2 else 2]


def release_versions(names: Iterable[str], patterns: tuple[str, ...] = DEFAULT_PATTERNS) -> dict[str, Version]:
    """Return tag → version for those of the tags `names` that are releases. The order is undefined.

    `patterns` are shell patterns. If no tag matches the default patterns, every tag that is a version of two or more
    numbers counts (`RELEASE-4.17.0`, `Ubuntu-6.2.0-39.40`). If there is no such tag either, every tag with text after a
    version counts (`kernel-5.14.0-362.el9`).
    """
    names = list(names)
    result: dict[str, Version] = {}
    for pattern in patterns:
        own = pattern not in DEFAULT_PATTERNS
        for name in names:
            if name not in result and fnmatchcase(name, pattern):
                version = parse_tag(name, tail=own)
                if version is not None:
                    result[name] = version
    if not result and patterns == DEFAULT_PATTERNS:
        result = _versions(names, tail=False) or _versions(names, tail=True)
    return result


def _versions(names: Iterable[str], *, tail: bool) -> dict[str, Version]:
    found = {name: version for name in names if (version := parse_tag(name, tail=tail)) is not None}
    return {name: version for name, version in found.items() if len(version.numbers) > 1}


def kernel_of(tag: str, version: Version) -> Version:
    """Return the version of the kernel in a distribution's tag: 6.2.0 for `Ubuntu-6.2.0-39.40`.

    `version` is the whole version that the tag names.
    """
    found = DOTTED.search(tag)
    if found is None:
        return version
    return Version(tuple(map(int, found[0].split("."))), version.stage, version.candidate)
