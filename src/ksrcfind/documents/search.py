"""`documents_about`: the documents of a tree that quote a message or name its function."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ksrcfind.documents.record import Document
from ksrcfind.documents.title import title_of
from ksrcfind.documents.word_list import LARGEST, WordList, words_of
from ksrcfind.regex import regex
from ksrcfind.source.template import masked

MOST = 3
"""Documents that are named for a message, and for a function."""

_LONGEST = 1000  # characters of a message that are looked for
_READ = 4  # documents that are read for a text; those with the most of its rare words
_FEW = 1000  # documents; in a tree with fewer, a word that one of them has is not more common for that
_COMMON = 2.0  # bits that a word tells about a document if more than MOST_DOCUMENTS have it
_LEAST_BITS = 22.0  # of the words that a document has in sequence: fewer are a phrase, not this message
_LEAST_WORDS = 4
_SHARE = 0.6  # of the bits of all the words of a message, which a document has in sequence
_MOST_NAMING = 6  # documents; a name in more of them is a common interface or an example
_GENERAL = 2  # parts of a name, separated by `_`: several files may have a function of such a name
_LEAST_NAME = 7  # characters of the name of a function
_NO_MENTION = regex(rb"\+0x|<-|=>|\||\[<|->|[0-9a-f]{8}|\bfunc ")  # traces, and examples of dynamic debug
_WORD = regex(rb"[A-Za-z0-9_]++")
_IN_MANY_PATHS = frozenset(
    b"documentation drivers driver core api admin guide kernel linux include main common misc device devices rst txt c"
    b" h userspace media".split()
)
_SUFFIXES = (b".c", b".h", b".S")
_IN_NAME = regex(rb"[\w/+-]")
# A word next to a conversion is a part of a longer one: `eth%d`. Paths and addresses are in documents for other
# reasons.
_NOT_QUOTED = regex(r"(?<![\w.-])(?:[\w.-]*+(?:\0[\w.-]*+)++|[\w.-]++[/@][\w./-]*+)")
# Examples in documents have these names; they say nothing about the functions of a driver with the same name.
_EXAMPLES = regex(r"(?:my|foo|bar|example|sample|xxx|test|do|driver|device|init|exit|probe|module|cleanup|start)_")
_ARCHITECTURE = regex(
    r"Documentation/(?:arch/)?"
    r"(arc|arm|arm64|ia64|loongarch|m68k|mips|nios2|openrisc|parisc|powerpc|riscv|s390|sh|sparc|um|x86|xtensa)/"
)

Read = Callable[[str], bytes]
"""Returns the content of a document. Raises `FileNotFoundError`."""


def documents_about(words: WordList, read: Read, path: str, function: str | None, printed: str) -> list[Document]:
    """Return the documents that quote a format, and those that name the function that prints it, in the file `path`."""
    found = list(_quoting(words, read, function, printed))
    known = {each.path for each in found}
    if function is not None:
        found += [each for each in _naming(words, read, path, function) if each.path not in known]
    return [each for each in found if not _is_of_other_architecture(each.path, path)]


def _is_of_other_architecture(document: str, path: str) -> bool:
    """Return whether a document is about an architecture, and the code at a path of another one."""
    own = path.split("/")[1] if path.startswith("arch/") else None
    about = _ARCHITECTURE.match(document)
    return own is not None and about is not None and about[1] != own


def _quoting(words: WordList, read: Read, function: str | None, printed: str) -> Iterator[Document]:
    """Yield the documents that have the literal words of a format in sequence."""
    text = masked(printed)[0][:_LONGEST]
    if function is not None and "_" in function:
        text = text.replace(function, "\0")  # The message that a document quotes may be another one of this function.
    runs = [words_of(run.encode()) for run in _NOT_QUOTED.sub("\0", text).split("\0")]
    if sum(map(len, runs)) < _LEAST_WORDS:
        return
    bits: dict[bytes, float] = {}
    known: dict[int, float] = {}  # bits of the rare words that a document has
    for word in dict.fromkeys(word for run in runs for word in run):
        documents = words.documents(word)
        if documents is None:
            bits[word] = _COMMON
            continue
        bits[word] = math.log2(max(len(words.paths), _FEW) / max(1, len(documents)))
        for number in documents:
            known[number] = known.get(number, 0.0) + bits[word]
    needed = max(_LEAST_BITS, _SHARE * sum(bits[word] for run in runs for word in run))
    possible = needed - _COMMON * sum(bits[word] == _COMMON for run in runs for word in run)
    likely = sorted((number for number in known if known[number] >= possible), key=lambda number: -known[number])
    found = []
    for number in likely[:_READ]:
        data = _read(words.paths[number], read)
        content = b" %b " % b" ".join(words_of(data))
        best, word_number = max((_longest(content, run, bits) for run in runs), default=(0.0, 0))
        if best >= needed:
            found.append((-best, number, _document(words.paths[number], data, word_number)))
    yield from (document for _, _, document in sorted(found, key=lambda each: each[:2])[:MOST])


def _read(path: str, read: Read) -> bytes:
    """Return the content of a document; empty if it is gone, or has become too large."""
    try:
        data = read(path)
    except FileNotFoundError:
        return b""
    return data if len(data) <= LARGEST else b""


def _longest(text: bytes, run: Sequence[bytes], bits: dict[bytes, float]) -> tuple[float, int]:
    """Return the bits of the longest part of a run of words that a text has, and the number of its first word there.

    `text` has one blank around each word.
    """
    best, first = 0.0, 0
    low, high = 0, 1
    while high <= len(run):
        position = text.find(b" %b " % b" ".join(run[low:high])) if low < high else 0
        if position < 0:
            low += 1
            continue
        value = sum(bits[word] for word in run[low:high])
        if value > best and high - low >= _LEAST_WORDS:
            best, first = value, text.count(b" ", 0, position)
        high += 1
    return best, first


def _document(path: str, data: bytes, word_number: int) -> Document:
    """Return a document that quotes a message from its word of a number on."""
    match = next(islice(_WORD.finditer(data), word_number, None), None)
    line = data.count(b"\n", 0, match.start()) + 1 if match else 1
    return Document(path, line, title_of(path, data), "message")


def _naming(words: WordList, read: Read, code: str, function: str) -> Iterator[Document]:
    """Yield the documents that name a function of the file `code`."""
    if "_" not in function.strip("_") or len(function) < _LEAST_NAME or _EXAMPLES.match(function.lstrip("_")):
        return
    documents = words.documents(function.lower().encode())
    if not documents or len(documents) > _MOST_NAMING:
        return
    # Many files have a `set_type()`; `pcmcia/locking.rst` means the one in `drivers/pcmcia/`.
    is_general = len(function.strip("_").split("_")) <= _GENERAL
    own = _names_of(code)
    found = []
    for number in documents:
        if is_general and not own & _names_of(words.paths[number]):
            continue
        data = _read(words.paths[number], read)
        places = [place for place in _places(data, function.encode()) if not _NO_MENTION.search(_line(data, place))]
        if places:
            line = data.count(b"\n", 0, places[0]) + 1
            path = words.paths[number]
            found.append((-len(places), number, Document(path, line, title_of(path, data), "function")))
    yield from (document for _, _, document in sorted(found, key=lambda each: each[:2])[:MOST])


def _names_of(path: str) -> frozenset[bytes]:
    """Return the words in a path that say what its file is about."""
    return frozenset(words_of(path.replace("_", " ").encode())) - _IN_MANY_PATHS


def _places(data: bytes, name: bytes) -> Iterator[int]:
    """Yield where a document names a function: not as a part of a longer name or a path, nor as a field `(*name)`."""
    position = data.find(name)
    while position >= 0:
        before, after = data[max(0, position - 2) : position], data[position + len(name) : position + len(name) + 2]
        if not (
            _IN_NAME.match(before[-1:])
            or before.endswith(b".")
            or _IN_NAME.match(after)
            or before == b"(*"
            or after in _SUFFIXES
        ):
            yield position
        position = data.find(name, position + len(name))


def _line(data: bytes, position: int) -> bytes:
    start = data.rfind(b"\n", 0, position) + 1
    end = data.find(b"\n", position)
    return data[start : end if end >= 0 else len(data)]
