"""Finds the documentation of a message: documents, the kernel-doc comment of its function, the help in Kconfig."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ksrcfind.documents.beside_code import kconfig_paths, kernel_doc, symbol_help
from ksrcfind.documents.search import documents_about

if TYPE_CHECKING:
    from ksrcfind.backend import Source
    from ksrcfind.conditions.record import Circumstances
    from ksrcfind.documents.record import Document
    from ksrcfind.match.answer import Match


def documents_of(source: "Source", match: "Match", data: bytes, found: "Circumstances | None") -> Iterator["Document"]:
    """Yield the documentation of a match: first documents that quote it, last what is about all of its file.

    `data` has the bytes of the message's file, `found` the circumstances of its call. `Documentation/` is searched
    only if the tree is indexed. This takes 5 ms; documents that were changed since are read as they are now.
    """
    message = match.message
    words = source.document_words()
    if words is not None:
        yield from documents_about(words, source.read, message.path, message.function, match.form.printed)
    if found is None:
        return
    if found.function is not None:
        comment = kernel_doc(message.path, data, found.function, found.function_lines[0])
        if comment is not None:
            yield comment
    symbols = [each.symbol for each in found.configuration if each.line is None]
    if symbols:
        yield from _help(source, message.path, symbols[-1])


def _help(source: "Source", path: str, symbol: str) -> Iterator["Document"]:
    """Yield the help of the symbol that builds a file, from the nearest Kconfig that has it."""
    for kconfig in kconfig_paths(path):
        try:
            found = symbol_help(kconfig, source.read(kconfig), symbol)
        except FileNotFoundError:
            continue
        if found is not None:
            yield found
            return
