"""Source locations: resolves the one that a log line names, and finds the log calls at given locations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.engine.histories import NO_HISTORY_ASKED, HistoryService
from ksrcfind.finding import Finding, HistoryMode, Input
from ksrcfind.history.request import Request
from ksrcfind.match.absence import Absence
from ksrcfind.match.answer import Answer, Match, Place, Tier
from ksrcfind.match.place import named_place, nearest_call, own_place

if TYPE_CHECKING:
    from ksrcfind.backend import Backend
    from ksrcfind.history.provenance import Provenance
    from ksrcfind.log.line import LogLine
    from ksrcfind.source.message import Message

SWITCHED_OFF = "This call is switched off, by a comment or by #if 0: nothing prints it."


class PlaceResolver:
    """Resolves the source location that a line names."""

    def __init__(self, backend: "Backend") -> None:
        self._messages = backend.messages
        self._source = backend.source

    def named_by(self, log: "LogLine", answer: Answer) -> Place | None:
        """Return the source location that a log line names, with the call at that location.

        None if the line names no location, or none of this tree.
        """
        first = answer.matches[0]
        named = own_place(first)
        path: str | None = first.message.path
        if named is None:
            named = named_place(log.body)
            path = self._path_in_tree(named.path, first.message.path) if named is not None else None
        if named is None or path is None:
            return None
        # __LINE__ can be any line of a call over several lines, so any call that covers the line counts.
        for message in self._messages.of(path):
            if message.line_start <= named.line <= message.line_end:
                return Place(path, named.line, named.function or message.function, message.call, 0)
        if path == first.message.path and named.function == first.message.function:
            away = first.message.line_start - named.line
            return Place(path, named.line, named.function, first.message.call, away)
        call, drift = nearest_call(self._source.place_calls(path), named.line) or (None, None)
        return Place(path, named.line, named.function, call, drift)

    def _path_in_tree(self, path: str, printed_by: str) -> str | None:
        """Return the file of the tree that the compiler names `path`, which may be absolute. None if there is none.

        `printed_by` is the file of the message that printed the path.
        """
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        if f"/{printed_by}".endswith("/" + "/".join(parts)):
            return printed_by
        for start in range(len(parts)):
            shorter = "/".join(parts[start:])
            if self._source.has_file(shorter) or self._messages.of(shorter):
                return shorter
        return None


class CallsAt:
    """Finds the log calls at source locations, and the histories of these calls."""

    def __init__(self, backend: "Backend", histories: HistoryService) -> None:
        self._backend = backend
        self._histories = histories

    def findings(self, places: Sequence[tuple[str, int]], history: HistoryMode) -> Iterator[Finding]:
        """Yield what the log call at each source location (path, line) prints, in the order of `places`.

        A call inside a comment or `#if 0` is found as well; its finding has a note. Locations in one file share a run
        of `git blame`.
        """
        messages, source = self._backend.messages, self._backend.source
        found: list[list[Message]] = []
        switched_off: set[int] = set()
        messages.prefetch(path for path, _line in places)
        for number, (path, line) in enumerate(places):
            here = _around(line, messages.of(path))
            if not here and (here := _around(line, messages.switched_off(path, line))):
                switched_off.add(number)
            found.append(here)
        traced: dict[int, Provenance] = {}
        if history is not HistoryMode.OFF:
            asked = [number for number, here in enumerate(found) if here]
            requests = [Request(found[number][0], at=places[number]) for number in asked]
            traced = dict(zip(asked, self._histories.trace(requests), strict=True))
        absence = Absence(messages.of, source.length, source.paths)
        for number, ((path, line), here) in enumerate(zip(places, found, strict=True)):
            finding = self._finding(path, line, here, traced.get(number, NO_HISTORY_ASKED), absence)
            yield replace(finding, notes=(SWITCHED_OFF,)) if number in switched_off else finding

    def _finding(
        self, path: str, line: int, messages: Sequence["Message"], provenance: "Provenance", absence: Absence
    ) -> Finding:
        source, info = Input(None, None, f"{path}:{line}", truncated=False), self._backend.info
        if not messages:
            return Finding(source, None, info, Answer("place", absence.reason(path, line), (), 0), ())
        matches = tuple(Match(Tier.EXACT, 1.0, 1.0, message, message.forms[0], ()) for message in messages[:1])
        return Finding(source, None, info, Answer("place", None, matches, 0), (provenance,))


def _around(line: int, messages: Iterable["Message"]) -> list["Message"]:
    """Return those of the messages whose calls cover a source line, the innermost call first."""
    here = [message for message in messages if message.line_start <= line <= message.line_end]
    return sorted(here, key=lambda message: (message.line_end - message.line_start, -message.line_start))
