"""Reads the references of a repository from their files: HEAD, one file for each reference, and `packed-refs`.

A file with content that git would not write raises `OddReferencesError`; the caller then asks git.
"""

import hashlib
import os
from pathlib import Path

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.tree import disk
from ksrcfind.tree.trees import raw, text

ID = regex(rb"[0-9a-f]{40}")
# No more than names that every version of git takes.
NAME = regex(rb"refs(?:/[^\0-\x20\x7f~^:?*\[\\/.][^\0-\x20\x7f~^:?*\[\\/]*)+")
SYMBOLIC = b"ref: "
LARGEST = 64 << 20


class OddReferencesError(ValueError):
    """Only git can interpret the references of this repository."""


class Reference(Struct, frozen=True):
    """The object that a reference names."""

    id: str
    peeled: str | None = None
    """Id of the object that a tag object names, or the same as `id` if `id` is no tag object. None if not recorded."""


class References(Struct, frozen=True):
    """All references of a repository, and its HEAD, at one moment."""

    head: str | None
    """Id of the commit that HEAD names. None in a repository without commits."""
    branch: str | None
    """Full name of the branch that is checked out. None if HEAD is detached."""
    named: dict[str, Reference]
    """Full name → reference, sorted in git's order."""

    def state(self, *prefixes: str) -> str:
        """Return a digest of HEAD and of the references whose names begin with one of the prefixes."""
        digest = hashlib.sha256(raw(f"{self.head} {self.branch}"))
        for name, one in self.named.items():
            if name.startswith(prefixes):
                digest.update(raw(f"\0{name}\0{one.id}\0{one.peeled}"))
        return digest.hexdigest()


def read(git_directory: Path, common: Path) -> References:
    """Return all references of a repository. Raises `OddReferencesError` if only git can interpret them.

    `git_directory` is `.git` of the working tree; `common` is that of the main working tree.
    """
    try:
        # Single files first, as git does: a reference that is packed at this moment is then found at least once.
        loose = {name: _content(common / os.fsdecode(name)) for name in _loose(common / "refs")}
        found = _packed(_content(common / "packed-refs"))
        symbolic: dict[bytes, bytes] = {}
        for name, value in loose.items():
            if value.startswith(SYMBOLIC):
                symbolic[name] = _target(value)
            else:
                found[name] = Reference(_id(value))
        head = _content(git_directory / "HEAD")
    except (OSError, ValueError) as error:
        raise OddReferencesError from error
    for name, target in symbolic.items():
        if target not in found or target in symbolic:
            raise OddReferencesError
        found[name] = found[target]
    branch = _target(head) if head.startswith(SYMBOLIC) else None
    at_head = found.get(branch) if branch is not None else Reference(_id(head))
    named = {text(name): found[name] for name in sorted(found)}
    return References(
        at_head.id if at_head is not None else None,
        text(branch) if branch is not None else None,
        named,
    )


def _packed(data: bytes) -> dict[bytes, Reference]:
    found: dict[bytes, Reference] = {}
    last = b""
    full = tags = False
    for line in data.split(b"\n"):
        if line.startswith(b"#"):
            full, tags = b" fully-peeled " in line + b" ", b" peeled " in line + b" "
        elif line.startswith(b"^"):
            found[last] = Reference(found[last].id, _id(line[1:]))
        elif line:
            name_id, _, last = line.partition(b" ")
            if not _is_name(last) or last in found:
                raise OddReferencesError
            known = full or (tags and last.startswith(b"refs/tags/"))
            own = _id(name_id)
            found[last] = Reference(own, own if known else None)
    return found


def _loose(directory: Path) -> list[bytes]:
    """Return the names of the references that have a file of their own below a directory."""
    found: list[bytes] = []
    pending = [(b"refs/", os.fsencode(directory))]
    while pending:
        prefix, place = pending.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append((name + b"/", entry.path))
                elif entry.name.endswith(b".lock"):
                    continue
                elif not entry.is_file(follow_symlinks=False) or not _is_name(name):
                    raise OddReferencesError
                else:
                    found.append(name)
    return found


def _is_name(name: bytes) -> bool:
    return (
        NAME.fullmatch(name) is not None
        and b".." not in name
        and b"@{" not in name
        and not name.endswith(b".")
        and not any(part.endswith(b".lock") for part in name.split(b"/"))
    )


def _target(value: bytes) -> bytes:
    name = value.removeprefix(SYMBOLIC).strip()
    if not _is_name(name):
        raise OddReferencesError
    return name


def _id(value: bytes) -> str:
    name = value.removesuffix(b"\n")
    if ID.fullmatch(name) is None or not name.strip(b"0"):
        raise OddReferencesError
    return name.decode()


def _content(path: Path) -> bytes:
    """Return the bytes of a file of references. Empty if there is no `packed-refs` file."""
    try:
        with disk.open_regular(path, os.O_NOFOLLOW) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        if path.name == "packed-refs" and not os.path.lexists(path):
            return b""
        raise
    if len(data) > LARGEST:
        raise OddReferencesError
    return data
