"""Find the release of a log: from the kernel's banner, or from the releases that have its messages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from ksrcfind.history.provenance import Change
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.kernels.banner import read_banner
from ksrcfind.regex import regex
from ksrcfind.tree.versions import Version, kernel_of, without_zeros

_BARE = regex(r"\A[^0-9]*")


def banner_release(banner: str) -> Version | None:
    """Return the release of Linux that a kernel's banner names; None if the text is not a banner."""
    found = read_banner(banner)
    return found.version if found is not None else None


def tag_of(banner: str, tags: Sequence[ReleaseTag]) -> ReleaseTag | None:
    """Return the tag of the release in a banner: the tag that it contains, else the nearest earlier release.

    None if the text is not a banner or all tags are later. `tags` are in order.
    """
    release = banner_release(banner)
    if release is None:
        return None
    # `Debian 6.1.55-1` spells out debian/6.1.55-1, `(Ubuntu 6.2.0-39.40~22.04.1-generic …)` Ubuntu-6.2.0-39.40.
    spelled = [tag for tag in tags if (name := _BARE.sub("", tag.name)).count(".") > 1 and "-" in name]
    for tag in reversed(spelled):
        if re.search(rf"(?<![\w.]){re.escape(_BARE.sub('', tag.name))}(?![\w.-])", banner):
            return tag
    return nearest_tag(release, tags)


def nearest_tag(release: Version, tags: Sequence[ReleaseTag]) -> ReleaseTag | None:
    """Return the tag of a release, else the latest tag before it; None if all are later. `tags` are in order."""
    kernels = [(without_zeros(kernel_of(tag.name, tag.version)), tag) for tag in tags]
    earlier = [item for item in kernels if item[0] <= without_zeros(release)]
    return max(earlier, key=lambda item: (item[0], item[1].version))[1] if earlier else None


class Span(Struct, frozen=True):
    """The releases that can print the most lines of a log."""

    first: ReleaseTag
    last: ReleaseTag
    lines: int
    """Number of lines of the log that the first and the last release of the range can each print."""


LEAST = 3
"""Smallest number of lines that a release must be able to print to count as the release of a log."""


def narrowed(known: Sequence[tuple[ReleaseTag, int]]) -> Span | None:
    """Return the range of the releases that can print the most lines, given each release with its count, in order.

    None if all releases can print the same number, or fewer than `LEAST`.
    """
    most = max((lines for _, lines in known), default=0)
    best = [tag for tag, lines in known if lines == most]
    return Span(best[0], best[-1], most) if most >= LEAST and len(best) < len(known) else None


def oldest_possible(
    introduced: Iterable[Change], order: Mapping[str, int], backports: Callable[[str], Iterable[str | None]]
) -> tuple[Change, str] | None:
    """Return the change that was introduced last among the messages of a log, and the first release tag that has it.

    `order` is the position of each release tag; `backports` returns the tags of the releases with a backport of a
    commit, because the log may come from one of these.
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
