"""Why there is no message at a line of the source, and where the nearest one is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ksrcfind.match.answer import Reason
from ksrcfind.match.names import closest_path
from ksrcfind.source.message import Message


@dataclass(frozen=True, slots=True)
class Absence:
    """Explains why places of one tree have no message. Similar file names are searched once for each missing file."""

    messages: Callable[[str], Sequence[Message]]
    """Returns the messages of a file."""
    length: Callable[[str], int | None]
    """Returns how many lines a file has, None if there is no such file."""
    files: Callable[[], Iterable[str]]
    """Returns the paths of all files."""
    _missing: dict[str, str] = field(default_factory=dict)

    def reason(self, path: str, line: int) -> Reason:
        """Return why there is no message at a place, with the place that was probably meant."""
        return Reason("no_message_here", self._text(path, line))

    def _text(self, path: str, line: int) -> str:
        messages = self.messages(path)
        if messages and line <= max(message.line_end for message in messages):
            return f"There is no log call at {path}:{line}.{_nearest(line, messages)}"
        length = self.length(path)
        if length is None:
            if path not in self._missing:
                self._missing[path] = self._about_missing(path)
            return self._missing[path]
        if line > length:
            return f"{path} has only {length:,} lines; there is no line {line}.{_nearest(line, messages)}"
        if not messages:
            return f"There is no log call at {path}:{line}. This file has no log calls."
        return f"There is no log call at {path}:{line}.{_nearest(line, messages)}"

    def _about_missing(self, path: str) -> str:
        files = list(self.files())
        inside = path.rstrip("/") + "/"
        if any(file.startswith(inside) for file in files):
            return f"{path} is a directory. Name a file in it."
        meant = closest_path(path, files)
        similar = f" Did you mean {meant}?" if meant is not None else " Paths are relative to the root of the tree."
        return f"There is no source file {path} in this tree.{similar}"


def _nearest(line: int, messages: Iterable[Message]) -> str:
    """Return a sentence that names the call nearest to a line, empty if there is none."""
    nearest = min(messages, key=lambda message: _away(line, message), default=None)
    if nearest is None:
        return ""
    function = f" in {nearest.function}()" if nearest.function else ""
    return f" The nearest is at line {nearest.line_start}{function}."


def _away(line: int, message: Message) -> int:
    return max(message.line_start - line, line - message.line_end, 0)
