"""Parse commit objects: author, committer, message, trailers, and the URLs in trailers."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone

from msgspec import Struct

from ksrcfind.history.provenance import Commit, Person, Release
from ksrcfind.regex import regex
from ksrcfind.tree.database import ObjectDatabase

PERSON = regex(rb"(?P<name>[^<]*)<(?P<email>[^>]*)>(?:.*?(?P<seconds>-?\d{1,18}) (?P<zone>[+-]\d{1,6}))?.*", re.DOTALL)
TRAILER = regex(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*+)[ \t]*+:[ \t]*+(?P<value>.*+)")
PICKED = regex(r"\(cherry picked from commit [0-9a-f]{7,64}.*\)")
# Notes of maintainers among the trailers: `[akpm@linux-foundation.org: fix typo]`.
NOTE = regex(r"\[.*\]?")
URL = regex(r"https?://[^\s<>\"]+")
# A commit may choose only character sets, not other codecs of Python (`unicode_escape`, `idna`).
CHARACTER_SET = regex(
    r"(?:us-)?ascii|(?:utf|iso|latin|windows|cp|koi8|euc|gb|big5|shift|sjis)[\w-]{0,20}", re.IGNORECASE
)
LINKING = {"link", "closes", "buglink", "bugzilla", "references", "url", "ref", "addresses", "patchwork"}


class RawCommit(Struct, frozen=True):
    """The content of a commit object."""

    id: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str
    """The message, decoded by the commit's encoding header. Undecodable bytes become U+FFFD."""

    @property
    def subject(self) -> str:
        """The first paragraph in one line, as `git log --oneline` shows it."""
        first = re.split(r"\n[ \t]*\n", self.message.strip("\n"), maxsplit=1)[0]
        return " ".join(line.strip() for line in first.split("\n")).strip()


def parse_commit(commit_id: str, data: bytes) -> RawCommit:
    """Return the parsed commit object. Broken parts are left out or replaced; nothing raises."""
    head, _, body = data.partition(b"\n\n")
    parents: list[str] = []
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif key and key not in fields:  # Continued lines (signatures) begin with a blank: their key is empty.
            fields[key] = value
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace").strip()
    return RawCommit(
        commit_id,
        tuple(parents),
        _person(fields.get(b"author", b""), encoding),
        _person(fields.get(b"committer", b""), encoding),
        _decode(body, encoding),
    )


def read_commits(objects: ObjectDatabase, ids: Iterable[str]) -> Iterator[RawCommit]:
    """Yield the commits with these full ids, in the order of the ids. Missing commits are left out."""
    wanted = list(ids)
    for commit_id, found in zip(wanted, objects.read_many(wanted), strict=True):
        if found is not None and found[0] == "commit":
            yield parse_commit(commit_id, found[1])


def describe(commit: RawCommit, release: Release) -> Commit:
    """Return a commit with the fields of the output record, except its related commits."""
    trailers = parse_trailers(commit.message)
    return Commit(
        commit.id, commit.subject, commit.message, commit.author, commit.committer, release, trailers, links(trailers)
    )


def parse_trailers(message: str) -> dict[str, list[str]]:
    """Return the trailers of a commit message: key → values, both in the order of the message.

    Like `git interpret-trailers`, but for kernel messages: a blank line between trailers does not end them, and keys
    that differ only in case (`cc`, `Cc`) are one key, spelled as it first appears.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.rstrip())
    found: list[tuple[str, str]] = []
    for paragraph in reversed(paragraphs[1:]):
        block = _trailer_block(paragraph)
        if block is None:
            break
        found[:0] = block
    result: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for key, value in found:
        result.setdefault(spelled.setdefault(key.lower(), key), []).append(value)
    return result


def links(trailers: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the URLs of `Link:` and similar trailers, without repeats."""
    values = [value for key, values in trailers.items() if key.lower() in LINKING for value in values]
    return tuple(dict.fromkeys(url.rstrip(".,;)") for value in values for url in URL.findall(value)))


def _trailer_block(paragraph: str) -> list[tuple[str, str]] | None:
    """Return the trailers of a paragraph that consists of trailers; None if the paragraph is prose."""
    found: list[tuple[str, str]] = []
    other = 0
    for line in paragraph.strip("\n").split("\n"):
        trailer = TRAILER.fullmatch(line)
        if trailer is not None:
            found.append((trailer["key"], trailer["value"].strip()))
        elif line[:1] in {" ", "\t"} and found:  # The value of the trailer above continues.
            key, value = found[-1]
            found[-1] = key, f"{value} {line.strip()}".strip()
        elif not PICKED.fullmatch(line.strip()) and not NOTE.fullmatch(line.strip()):
            other += 1
    signed = any(key.lower().endswith("-by") for key, _ in found)
    if found and (other == 0 or (signed and other <= 3 * len(found))):
        return found
    # A paragraph with only a note or a cherry-pick line can stand between two paragraphs of trailers.
    return [] if not found and other == 0 else None


def _person(text: bytes, encoding: str) -> Person:
    match = PERSON.fullmatch(text)
    if match is None:
        return Person(_decode(text, encoding).strip(), "", datetime(1970, 1, 1, tzinfo=UTC))
    return Person(
        _decode(match["name"], encoding).strip(),
        _decode(match["email"], encoding).strip(),
        _date(int(match["seconds"] or 0), match["zone"] or b"+0000"),
    )


def _date(seconds: int, zone: bytes) -> datetime:
    """Return a time in its zone. A time that `datetime` cannot represent becomes the nearest one that it can."""
    digits = zone[1:].rjust(4, b"0")
    minutes = int(digits[:-2]) * 60 + int(digits[-2:])
    offset = timedelta(minutes=min(minutes, 14 * 60) * (-1 if zone.startswith(b"-") else 1))
    try:
        return datetime.fromtimestamp(seconds, timezone(offset))
    except (OverflowError, ValueError, OSError):
        bound = datetime.max if seconds > 0 else datetime(1970, 1, 1)
        return bound.replace(microsecond=0, tzinfo=UTC)


def _decode(data: bytes, encoding: str) -> str:
    if CHARACTER_SET.fullmatch(encoding):
        try:
            return data.decode(encoding)
        except (LookupError, ValueError):
            pass
    return data.decode("utf-8", "replace")
