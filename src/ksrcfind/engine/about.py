"""Finds what a line is about: the code that a report complains about, not the code that printed the report.

The kernel prints its reports in a few places for everyone: `lib/bug.c` prints the BUG of a file system. What such a
report is about is, in this order: the place that the line names; the first function of its stack that is not generic
code; the place of the call that printed it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import About, Finding
from ksrcfind.log.report import Frame

if TYPE_CHECKING:
    from ksrcfind.backend import Source

GENERIC = (
    # Printing, faults, scheduling, locks, memory: in the stack of almost every report.
    *("arch/", "include/", "init/", "ipc/", "kernel/", "lib/", "mm/", "tools/", "virt/"),
    # What every driver, file system and protocol calls or is called by.
    *("block/", "crypto/", "drivers/base/", "io_uring/", "net/core/", "security/"),
)
"""Beginnings of the paths of generic code."""

GENERIC_FILES = ("fs/", "net/")
"""Directories whose own files are generic code, and whose subdirectories are not: `fs/namei.c`, `net/socket.c`."""

ABOUT_THEMSELVES = ("mm/oom_kill.c", "mm/page_alloc.c")
"""Files of generic code whose reports are about this code, whoever is on the stack: memory is short."""

MOST_FRAMES = 40
"""Limit of functions of one stack that are looked up."""

MOST_NAMES = 400
"""Limit of functions that are looked up for a log, at a time."""


def is_generic(path: str) -> bool:
    """Return whether a file is generic code, which is in the stacks of other code's reports."""
    return path.startswith(GENERIC) or any(
        path.startswith(directory) and "/" not in path[len(directory) :] for directory in GENERIC_FILES
    )


class AboutService:
    """Adds to findings what they are about, and the subsystem of that."""

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._places: dict[str, tuple[tuple[str, int], ...]] = {}
        """Function → files and lines that define it, as far as they were looked up."""

    def prepare(self, stacks: Iterable[tuple[Finding, Sequence[Frame]]]) -> None:
        """Look up the functions of the stacks that decide what findings are about, in one pass over the tree.

        The stacks come in the order of their importance: beyond the limit, the functions of the last ones are left out.
        """
        wanted = dict.fromkeys(
            frame.function for finding, frames in stacks if _by_stack(finding) for frame in frames[:MOST_FRAMES]
        )
        names = [name for name in wanted if name not in self._places][:MOST_NAMES]
        if not names:
            return
        try:
            found = list(self._source.all_definitions(names))
        except KsrcfindError:  # A bundle has no source.
            found = []
        places: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
        for path, definition in found:
            if definition.kind == "function" and definition.name in places:
                places[definition.name].append((path, definition.line))
        self._places |= {name: tuple(own) for name, own in places.items()}

    def of(self, finding: Finding, frames: Sequence[Frame] = ()) -> About | None:
        """Return what a finding is about; None if no message matches.

        `frames` is the stack of its report, whose functions `prepare` looked up.
        """
        match = finding.match
        if match is None:
            return None
        place = finding.answer.points_to
        if place is not None:
            return About(place.path, place.line, place.function)
        message = match.message
        by_stack = _first_specific(frames[:MOST_FRAMES], self._places) if _by_stack(finding) else None
        return by_stack or About(message.path, message.line_start, message.function)


def _by_stack(finding: Finding) -> bool:
    """Return whether the stack decides what a report is about: generic code printed it and it names no place."""
    match = finding.match
    if match is None or finding.log is None or finding.answer.points_to is not None:
        return False
    path = match.message.path
    return is_generic(path) and path not in ABOUT_THEMSELVES


def _first_specific(frames: Sequence[Frame], places: Mapping[str, Sequence[tuple[str, int]]]) -> About | None:
    """Return the first function of a stack that is not generic code and is defined in one file."""
    for frame in frames:
        found = places.get(frame.function, ())
        if frame.module is not None and len(found) > 1:
            name = frame.module.replace("-", "_")
            found = [place for place in found if name in place[0].replace("-", "_")] or found
        if len({path for path, _ in found}) == 1 and not is_generic(found[0][0]):
            return About(*found[0], frame.function)
    return None
