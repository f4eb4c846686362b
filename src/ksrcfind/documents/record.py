"""The record of a piece of documentation."""

from msgspec import Struct


class Document(Struct, frozen=True):
    """A piece of documentation about a message or its function."""

    path: str
    line: int
    """1-based."""
    title: str
    """Title of the document, of the kernel-doc comment, or of the configuration symbol."""
    about: str
    """`message` (quotes its text), `function` (names its function), `kernel-doc` (the comment above the function) or
    `configuration` (the help of the symbol that builds the file)."""
