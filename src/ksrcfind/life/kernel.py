"""Which release a log is of: what the kernel's banner names, and the tag nearest to it."""

import re
from collections.abc import Sequence

from ksrcfind.history.releases import ReleaseTag
from ksrcfind.history.versions import Version, parse_tag

# `6.1.0-13-amd64`, `6.5.0-rc3+`, `2.6.32-431.el6.x86_64` (the `uname -r` of init/version.c).
_RELEASE = re.compile(r"Linux version (?P<version>\d{1,9}\.\d{1,9}(?:\.\d{1,9}){0,2})(?P<candidate>-rc\d{1,3})?")
# Behind the number of the build, distributions name the release that theirs is made of: `Debian 6.1.55-1`.
_BUILD = re.compile(r" #\d")
_NUMBERS = re.compile(r"(?<![\d.])\d{1,9}(?:\.\d{1,9}){2,3}(?![\d.])")


def banner_release(banner: str) -> Version | None:
    """Return the release that a kernel's banner names; None if it is no banner.

    Distributions call every kernel of a series by the first one of it, `6.1.0-13`, and say behind which it really is:
    of the numbers there that begin like it the largest counts.
    """
    found = _RELEASE.search(banner)
    version = parse_tag(found["version"] + (found["candidate"] or "")) if found is not None else None
    if found is None or version is None:
        return None
    build = _BUILD.search(banner, found.end())
    told = _NUMBERS.findall(banner, build.end()) if build is not None else []
    series = version.numbers[: 3 if version.numbers[0] == 2 else 2]
    others = [other for text in told if (other := parse_tag(text)) is not None]
    best = max([version, *(other for other in others if other.numbers[: len(series)] == series)])
    return Version(_trimmed(best.numbers), best.stage, best.candidate)


def nearest_tag(wanted: Version, tags: Sequence[ReleaseTag]) -> ReleaseTag | None:
    """Return the tag of a release, else the last one before it; None if all are later. `tags` are in order."""
    earlier = [tag for tag in tags if _comparable(tag.version) <= _comparable(wanted)]
    return max(earlier, key=lambda tag: _comparable(tag.version), default=None)


def _comparable(version: Version) -> Version:
    return Version(_trimmed(version.numbers), version.stage, version.candidate)


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return `6.1.0` as `6.1`, as tags have it; `6.0` stays."""
    while len(numbers) > 2 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers
