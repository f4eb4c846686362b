"""What a history is asked for: a message, and the source line whose blame is its last change."""

from msgspec import Struct

from ksrcfind.source.message import Message

Place = tuple[str, int]
"""Path and 1-based line."""


class Request(Struct, frozen=True):
    """A message whose history is wanted."""

    message: Message
    at: Place | None = None
    """Path and line in the question, if the message was found by its place."""


def wording_place(request: Request) -> Place:
    """Return the path and line whose blame is the last change of a message.

    If the wording has several lines, this is the requested line if it holds a part of the wording, else the line with
    most of the text, and the first of equally long ones. For a message without literal text, it
    is the line of the call.
    """
    message = request.message
    if not message.text_lines:
        return message.path, message.line_start
    for part in message.text_lines:
        if request.at == (part.path, part.line):
            return part.path, part.line
    longest = max(message.text_lines, key=lambda part: part.length)
    return longest.path, longest.line
