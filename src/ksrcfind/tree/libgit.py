"""Reads git objects in this process, with libgit2.

A git process takes 5 ms to start; libgit2 takes 60 ms to import and then answers at once. The repository is not
trusted: libgit2 reads only the repository's own configuration, and no program that this names runs while objects are
read. A repository of another owner is refused, whatever a configuration says. If libgit2 cannot read an object or would
read it differently, git reads it; all error messages come from git.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ksrcfind.regex import regex
from ksrcfind.tree import disk, trees
from ksrcfind.tree.objects import GitDatabase

if TYPE_CHECKING:
    import pygit2

ID = regex(r"[0-9a-f]{40}")
FILE_NAME = regex(r"(?P<tree>[0-9a-f]{40}):(?P<path>(?!\.{1,2}(?:/|\Z))[^/\0\n]+(?:/[^/\0\n]+)*)")
"""Matches the name of a file in a commit or tree, `ID:PATH`, with a path in normal form (no `.`, `..` or `//`)."""
KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
TREES = 8192
"""Most directories that are kept in memory. One version of Linux has 2,000 to 6,000."""


@lru_cache(maxsize=1)
def library() -> ModuleType | None:
    """Import libgit2 and keep it from reading configuration outside of repositories. None if it is too old."""
    import pygit2  # takes as long as twelve processes of git

    if not hasattr(pygit2.Odb, "read_header"):  # The only way to learn an object's size before it is in memory.
        return None
    level = pygit2.enums.ConfigLevel
    for place in (level.PROGRAMDATA, level.SYSTEM, level.XDG, level.GLOBAL):
        pygit2.settings.search_path[place] = ""
    pygit2.settings.owner_validation = True
    return pygit2


class LibgitObjects:
    """Reads the objects of one repository with libgit2. Objects that libgit2 cannot read come from a git process."""

    def __init__(self, root: Path, git: GitDatabase) -> None:
        self._root = root
        self._git = git
        self._local = threading.local()
        self.tree = lru_cache(maxsize=TREES)(self._tree)

    def usable(self) -> bool:
        """Return whether libgit2 can open the repository."""
        return self._opened() is not None

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes] | None]:
        """Yield (type, bytes) for each named object, in the order of `names`. None for a missing object."""
        for name in names:
            try:
                yield self._read(name)
            except _ASK_GIT:
                yield next(self._git.read_many([name]))

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Yield the id of each named object, in the order of `names`. None for a missing object."""
        for name in names:
            try:
                found = self._id(name)
                yield found if found is not None and self._has(found) else None
            except _ASK_GIT:
                yield next(self._git.ids([name]))

    def expand(self, prefix: str) -> str | None:
        """Return the object id that begins with `prefix`. None if there is none.

        Raises `LibgitError` if several ids begin with `prefix`.
        """
        opened = self._opened()
        if opened is None:
            raise LibgitError
        try:
            return str(opened.expand_id(prefix))
        except KeyError:
            return None
        except _failures() as error:
            raise LibgitError from error

    def close(self) -> None:
        """Close the repository of this thread."""
        self._local.opened = None
        self._git.close()

    def _opened(self) -> "pygit2.Repository | None":
        """Return the repository, which each process and thread opens for itself. None if libgit2 cannot open it."""
        own = os.getpid(), threading.get_ident()
        kept = getattr(self._local, "opened", None)
        if kept is None or kept[0] != own:
            kept = self._local.opened = (own, self._open())
        return kept[1]

    def _open(self) -> "pygit2.Repository | None":
        pygit2 = library()
        if pygit2 is None:
            return None
        try:
            return pygit2.Repository(os.fspath(self._root), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)  # type: ignore[no-any-return]
        except _failures():  # The repository has an unknown format or another owner.
            return None

    def _read(self, name: str) -> tuple[str, bytes] | None:
        object_id = self._id(name)
        return self._read_id(object_id) if object_id is not None else None

    def _read_id(self, object_id: str) -> tuple[str, bytes] | None:
        pygit2, opened = library(), self._opened()
        if pygit2 is None or opened is None:
            raise LibgitError
        try:
            oid = pygit2.Oid(hex=object_id)
            kind, size = opened.odb.read_header(oid)
            if size > disk.LARGEST:
                return KINDS[int(kind)], b""
            kind, data = opened.odb.read(oid)[:2]
            return KINDS[int(kind)], bytes(data)
        except KeyError:
            if opened.odb.exists(oid):
                raise LibgitError from None
            return None
        except _failures() as error:
            raise LibgitError from error

    def _has(self, object_id: str) -> bool:
        pygit2, opened = library(), self._opened()
        if pygit2 is None or opened is None:
            raise LibgitError
        oid = pygit2.Oid(hex=object_id)
        try:
            opened.odb.read_header(oid)
        except _failures() as error:
            if opened.odb.exists(oid):
                raise LibgitError from error
            return False
        return True

    def _id(self, name: str) -> str | None:
        """Return the id of the object that a name means. None for a path that does not exist.

        Raises `LibgitError` if only git can resolve the name.
        """
        if ID.fullmatch(name):
            return name
        file = FILE_NAME.fullmatch(name)
        if file is None:
            raise LibgitError
        tree = self.tree_of(file["tree"])
        if tree is None:
            return None
        found = trees.find(self.tree, tree, trees.raw(file["path"]))
        return found[1] if found is not None else None

    def tree_of(self, object_id: str) -> str | None:
        """Return the id of the tree of a commit; the id itself for a tree. None if the object does not exist.

        Raises `LibgitError` if only git can answer.
        """
        found = self._read_id(object_id)
        if found is None:
            return None
        kind, data = found
        if kind == "tree":
            return object_id
        tree = re.match(rb"tree ([0-9a-f]{40})\n", data) if kind == "commit" else None
        if tree is None:
            raise LibgitError
        return tree[1].decode()

    def _tree(self, tree: str) -> trees.Entries:
        found = self._read_id(tree)
        if found is None or found[0] != "tree" or (not found[1] and tree != trees.EMPTY):
            raise LibgitError
        return trees.parse(found[1])


class LibgitError(Exception):
    """Libgit2 cannot answer the question; git has to."""


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that pygit2 raises: its own, and those of Python that it uses for libgit2's errors."""
    import pygit2

    return pygit2.GitError, KeyError, ValueError, OSError, MemoryError


_ASK_GIT = (LibgitError, trees.OddTreeError)
