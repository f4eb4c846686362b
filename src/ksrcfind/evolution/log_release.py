"""Which release a log is of: what the kernel's banner names, or what the lives of its messages leave."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ksrcfind.history.provenance import Change
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.tree.versions import Version, kernel_of, parse_tag, series

# `6.1.0-13-amd64`, `6.5.0-rc3+`, `2.6.32-431.el6.x86_64` (the `uname -r` of init/version.c).
_RELEASE = re.compile(r"Linux version (?P<version>\d{1,9}\.\d{1,9}(?:\.\d{1,9}){0,2})(?P<candidate>-rc\d{1,3})?")
# Behind the number of the build, distributions name the release that theirs is made of: `Debian 6.1.55-1`.
_BUILD = re.compile(r" #\d")
_BARE = re.compile(r"\A[^0-9]*")
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
    own = series(version)
    others = [other for text in told if (other := parse_tag(text)) is not None]
    best = max([version, *(other for other in others if series(other) == own)])
    return Version(_trimmed(best.numbers), best.stage, best.candidate)


def tag_of(banner: str, tags: Sequence[ReleaseTag]) -> ReleaseTag | None:
    """Return the tag of the release that a banner names: one that it spells out, else the nearest before it.

    None if it is no banner or all tags are later. `tags` are in order.
    """
    wanted = banner_release(banner)
    if wanted is None:
        return None
    # `Debian 6.1.55-1` spells out debian/6.1.55-1, `(Ubuntu 6.2.0-39.40~22.04.1-generic …)` Ubuntu-6.2.0-39.40.
    spelled = [tag for tag in tags if (name := _BARE.sub("", tag.name)).count(".") > 1 and "-" in name]
    for tag in reversed(spelled):
        if re.search(rf"(?<![\w.]){re.escape(_BARE.sub('', tag.name))}(?![\w.-])", banner):
            return tag
    return nearest_tag(wanted, tags)


def nearest_tag(wanted: Version, tags: Sequence[ReleaseTag]) -> ReleaseTag | None:
    """Return the tag of a release, else the last one before it; None if all are later. `tags` are in order."""
    kernels = [(_comparable(kernel_of(tag.name, tag.version)), tag) for tag in tags]
    earlier = [item for item in kernels if item[0] <= _comparable(wanted)]
    return max(earlier, key=lambda item: (item[0], item[1].version))[1] if earlier else None


@dataclass(frozen=True, slots=True)
class Span:
    """The releases that know most lines of a log."""

    first: ReleaseTag
    last: ReleaseTag
    lines: int
    """So many lines each of the two knows."""


LEAST = 3
"""Lines that must be known for a log to say anything of its release."""


def narrowed(known: Sequence[tuple[ReleaseTag, int]]) -> Span | None:
    """Return which releases, in order and each with the lines that it knows, know most.

    None if all of them know as many, or hardly any.
    """
    most = max((lines for _, lines in known), default=0)
    best = [tag for tag, lines in known if lines == most]
    return Span(best[0], best[-1], most) if most >= LEAST and len(best) < len(known) else None


def oldest_possible(
    introduced: Iterable[Change], order: Mapping[str, int], backports: Callable[[str], Iterable[str | None]]
) -> tuple[Change, str] | None:
    """Return which of the messages of a log came last, and the first release tag that has it.

    `order` gives the place of each release tag, `backports` the tags of the releases that got a commit as a backport:
    the log may be of one of these.
    """

    def places(tags: Iterable[str | None]) -> list[int]:
        return [order[tag] for tag in tags if tag is not None and tag in order]

    names = {place: tag for tag, place in order.items()}
    dated = [(place, change) for change in introduced for place in places([change.release.first_tag])]
    best: tuple[int, Change] | None = None
    for place, change in sorted(dated, key=lambda item: -item[0]):
        if best is not None and place <= best[0]:
            break
        first = min([place, *places(backports(change.commit))])
        if best is None or first > best[0]:
            best = first, change
    return (best[1], names[best[0]]) if best is not None else None


def _comparable(version: Version) -> Version:
    return Version(_trimmed(version.numbers), version.stage, version.candidate)


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return `6.1.0` as `6.1`, as tags have it; `6.0` stays."""
    while len(numbers) > 2 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers
