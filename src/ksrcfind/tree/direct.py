"""An `ObjectDatabase` that reads a repository in this process and starts few git processes.

This module reads references from their files and walks the trees. Objects come from one git process, or from libgit2
once `load` was called. A question that only git can answer, such as the revision `v5.9~3` or an ambiguous name, is
passed to git.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self, TypeVar

from ksrcfind.regex import regex
from ksrcfind.tree import references, trees
from ksrcfind.tree.database import Changed, MissingObjectError
from ksrcfind.tree.git import Git
from ksrcfind.tree.libgit import LibgitError, LibgitObjects
from ksrcfind.tree.objects import GitDatabase
from ksrcfind.tree.references import OddReferencesError, References
from ksrcfind.tree.trees import raw, text

ID = regex(r"[0-9a-f]{40}")
PREFIX = regex(r"[0-9a-f]{7,39}")
PLAIN = regex(r"(?!.*\.\.)(?!.*\.lock(?:/|\Z))[A-Za-z0-9_][A-Za-z0-9_+-]*(?:[./][A-Za-z0-9_][A-Za-z0-9_+-]*)*")
"""Matches reference names without special syntax: in a revision, such a name can only mean the reference."""
TAGGED = regex(rb"object ([0-9a-f]{40})\n")
NAMED = regex(rb"object [0-9a-f]{40}\ntype [a-z]+\ntag ([^\n]*)\n")
MOST_TAGS = 32
"""Most tag objects that are followed from a tag to its commit (a tag can name another tag)."""

_Answer = TypeVar("_Answer")


KNOWN_EXTENSIONS = {
    *("extensions.objectformat", "extensions.refstorage", "extensions.worktreeconfig"),
    *("extensions.preciousobjects", "extensions.noop"),
}


def usable(git: Git, git_directory: Path, common: Path, configuration: Mapping[str, str]) -> bool:
    """Return whether `DirectDatabase` reads a repository exactly as git does.

    It does if objects and references are stored in the usual format. Only git handles replaced objects, grafts, other
    reference formats and other hash functions.
    """
    extensions = {key for key in configuration if key.startswith("extensions.")}
    if not extensions <= KNOWN_EXTENSIONS or git.borrows_objects:
        return False
    if configuration.get("extensions.objectformat", "sha1") != "sha1":
        return False
    if configuration.get("extensions.refstorage", "files") != "files" or os.path.lexists(common / "info" / "grafts"):
        return False
    if any(key.endswith((".promisor", ".partialclonefilter")) for key in configuration):
        return False
    try:
        named = references.read(git_directory, common).named
    except OddReferencesError:
        return False
    return not any(name.startswith("refs/replace/") for name in named)


class AskGitError(Exception):
    """Only git can answer the question."""


_ASK_GIT = (AskGitError, LibgitError, OddReferencesError, trees.OddTreeError)


class DirectDatabase:
    """An `ObjectDatabase` for the repositories for which `usable` is true."""

    def __init__(self, git: Git, git_directory: Path, common: Path) -> None:
        self._arguments = git, git_directory, common
        self._git = GitDatabase(git)
        self._git_directory = git_directory
        self._common = common
        self._libgit: LibgitObjects | None = None
        self._loaded = False
        self._tree = lru_cache(maxsize=64)(self._read_tree)  # The files of one question share directories.

    def __reduce__(self) -> tuple[type[Self], tuple[Git, Path, Path]]:
        return type(self), self._arguments

    def load(self) -> None:
        """Load libgit2 to read objects, unless libgit2 cannot open the repository."""
        if not self._loaded:
            libgit = LibgitObjects(self._arguments[0].directory, self._git)
            self._libgit = libgit if libgit.usable() else None
            self._loaded = True

    @property
    def ids_are_final(self) -> bool:
        """True: `usable` excludes repositories with replaced objects or grafts."""
        return True

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes] | None]:
        """Implements `ObjectDatabase.read_many`."""
        return (self._libgit or self._git).read_many(names)

    def read_typed(self, name: str) -> tuple[str, bytes]:
        """Implements `ObjectDatabase.read_typed`."""
        found = next(self.read_many([name]))
        if found is None:
            raise MissingObjectError(name)
        return found

    def read(self, name: str) -> bytes:
        """Implements `ObjectDatabase.read`."""
        return self.read_typed(name)[1]

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Implements `ObjectDatabase.ids`."""
        return (self._libgit or self._git).ids(names)

    def commit(self, rev: str) -> str | None:
        """Implements `ObjectDatabase.commit`."""
        return _or_git(lambda: self._commit(rev), lambda: self._git.commit(rev))

    def head(self) -> str | None:
        """Implements `ObjectDatabase.head`."""
        return _or_git(self._head, self._git.head)

    def head_name(self) -> str | None:
        """Implements `ObjectDatabase.head_name`."""
        return _or_git(self._head_name, self._git.head_name)

    def references(self, *prefixes: str) -> dict[str, str]:
        """Implements `ObjectDatabase.references`."""
        return _or_git(
            lambda: {name: one.id for name, one in self._references().named.items() if name.startswith(prefixes)},
            lambda: self._git.references(*prefixes),
        )

    def state(self, *prefixes: str) -> str | None:
        """Implements `ObjectDatabase.state`."""
        return _or_git(lambda: self._references().state(*prefixes), self._git.state)

    def tags(self) -> dict[str, str | None]:
        """Implements `ObjectDatabase.tags`."""
        return _or_git(self._tags, self._git.tags)

    def tips(self) -> list[str]:
        """Implements `ObjectDatabase.tips`."""
        return _or_git(self._tips, self._git.tips)

    def blobs(self, commit: str) -> dict[str, str]:
        """Implements `ObjectDatabase.blobs`."""
        return _or_git(lambda: self._blobs(commit), lambda: self._git.blobs(commit))

    def blob(self, commit: str, path: str) -> str | None:
        """Implements `ObjectDatabase.blob`."""
        return _or_git(lambda: self._blob(commit, path), lambda: self._git.blob(commit, path))

    def changed(self, old: str, new: str) -> Sequence[Changed]:
        """Implements `ObjectDatabase.changed`."""
        return _or_git(lambda: self._changed(old, new), lambda: self._git.changed(old, new))

    def with_words(
        self, commit: str, words: Sequence[str], directory: str, suffixes: Iterable[str], name: str | None
    ) -> list[str]:
        """Implements `ObjectDatabase.with_words`."""
        ends = tuple(suffixes)
        return _or_git(
            lambda: self._with_words(commit, words, directory, ends, name),
            lambda: self._git.with_words(commit, words, directory, ends, name),
        )

    def close(self) -> None:
        """End the git process and close the repository in libgit2."""
        self._git.close()
        if self._libgit is not None:
            self._libgit.close()

    # The answers that this class computes itself. Any unusual data raises one of `_ASK_GIT`.

    def _references(self) -> References:
        return references.read(self._git_directory, self._common)

    def _commit(self, rev: str) -> str | None:
        if ID.fullmatch(rev):
            return self._peeled([rev])[0]
        if rev == "HEAD":
            return self._head()
        if not PLAIN.fullmatch(rev) or os.path.lexists(self._git_directory / rev):
            raise AskGitError
        named = self._references().named
        for pattern in ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}"):
            found = named.get(pattern.format(rev))
            if found is not None:
                return self._peeled([found.peeled or found.id])[0]
        if f"refs/remotes/{rev}/HEAD" in named or self._libgit is None or not PREFIX.fullmatch(rev):
            raise AskGitError
        expanded = self._libgit.expand(rev)
        return self._peeled([expanded])[0] if expanded is not None else None

    def _head(self) -> str | None:
        head = self._references().head
        commit = self._peeled([head])[0] if head is not None else None
        if commit is None or commit != head:
            raise AskGitError
        return commit

    def _head_name(self) -> str | None:
        found = self._references()
        if found.head is None:
            raise AskGitError
        tag = self._tag_on(found.head, found)
        if tag is not None or found.branch is None:
            return tag
        return self._short_branch(found.branch, found)

    def _tag_on(self, head: str, found: References) -> str | None:
        """Return the tag that `git describe --exact-match` prints for a commit. None if the commit has no tag."""
        tags = {name: one for name, one in found.named.items() if name.startswith("refs/tags/")}
        unpeeled = [name for name, one in tags.items() if one.peeled is None and one.id != head]
        ends = dict(zip(unpeeled, self._ends([tags[name].id for name in unpeeled]), strict=True))
        here = [name for name, one in tags.items() if head in (one.id, one.peeled, ends.get(name))]
        annotated = [name for name in here if tags[name].id != head]  # Git prefers tags that are objects.
        if len(annotated) > 1:
            raise AskGitError  # Git prefers the tag with the latest date, which is not known here.
        if annotated:
            own_name = NAMED.match(self.read(tags[annotated[0]].id))
            if own_name is None or text(own_name[1]) != annotated[0].removeprefix("refs/tags/"):
                raise AskGitError
        return (annotated or here)[0].removeprefix("refs/tags/") if here else None

    def _short_branch(self, branch: str, found: References) -> str:
        """Return the name of a branch without `refs/heads/`. Raises `AskGitError` if the short name is ambiguous."""
        short = branch.removeprefix("refs/heads/")
        others = ("refs/{}", "refs/tags/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
        if short == branch or any(other.format(short) in found.named for other in others):
            raise AskGitError
        if os.path.lexists(self._git_directory / short):
            raise AskGitError
        return short

    def _tags(self) -> dict[str, str | None]:
        named = self._references().named
        tags = {name: one for name, one in named.items() if name.startswith("refs/tags/")}
        ends = self._peeled([one.peeled or one.id for one in tags.values()], strict=True)
        return {name.removeprefix("refs/tags/"): end for name, end in zip(tags, ends, strict=True)}

    def _tips(self) -> list[str]:
        found = self._references()
        prefixes = ("refs/heads/", "refs/tags/", "refs/remotes/")
        ids = {one.peeled or one.id for name, one in found.named.items() if name.startswith(prefixes)}
        if found.head is not None:
            ids.add(found.head)
        return sorted({end for end in self._peeled(sorted(ids), strict=True) if end is not None})

    def _blobs(self, commit: str) -> dict[str, str]:
        tree = self._tree_of(commit)
        return dict(trees.files(self._all_trees(tree).__getitem__, tree))

    def _blob(self, commit: str, path: str) -> str | None:
        mode, object_id = trees.find(self._tree, self._tree_of(commit), raw(path)) or (0, "")
        return object_id if mode & trees.TYPE == trees.FILE else None

    def _changed(self, old: str, new: str) -> list[Changed]:
        if self._libgit is None:
            raise AskGitError
        one, other = self._tree_of(old), self._tree_of(new)
        return trees.changed(self._libgit.tree, one, other)

    def _with_words(
        self, commit: str, words: Sequence[str], directory: str, suffixes: tuple[str, ...], name: str | None
    ) -> list[str]:
        if self._libgit is None:
            raise AskGitError
        tree = self._tree_of(commit)
        wanted = raw(name) if name is not None else None
        found = dict(trees.named(self._libgit.tree, tree, wanted)) if wanted is not None else {}
        inside = raw(f"{directory}/") if directory else b""
        place = trees.find(self._libgit.tree, tree, inside[:-1]) if directory else (trees.DIRECTORY, tree)
        if place is not None and place[0] == trees.DIRECTORY:
            ends = tuple(raw(suffix) for suffix in suffixes)
            for file, (mode, object_id) in self._libgit.tree(place[1]).items():
                if mode & trees.TYPE == trees.FILE and file.endswith(ends):
                    found[inside + file] = object_id
        paths = sorted(found)
        needles = [raw(word) for word in words]
        kept: list[str] = []
        for path, item in zip(paths, self.read_many(found[path] for path in paths), strict=True):
            if item is None:
                raise AskGitError
            if all(needle in item[1] for needle in needles):
                kept.append(text(path))
        return kept

    def _tree_of(self, name: str) -> str:
        if not ID.fullmatch(name):
            raise AskGitError
        found = next(self.read_many([name]))
        if found is not None and found[0] == "tree":
            return name
        tree = re.match(rb"tree ([0-9a-f]{40})\n", found[1]) if found is not None and found[0] == "commit" else None
        if tree is None:
            raise AskGitError
        return tree[1].decode()

    def _read_tree(self, tree: str) -> trees.Entries:
        """Return the entries of a git tree object."""
        found = next(self.read_many([tree]))
        if found is None or found[0] != "tree" or (not found[1] and tree != trees.EMPTY):
            raise AskGitError
        return trees.parse(found[1])

    def _all_trees(self, tree: str) -> Mapping[str, trees.Entries]:
        """Return id → entries of a git tree object and of all tree objects below it.

        All tree objects of one depth are read together.
        """
        known: dict[str, trees.Entries] = {}
        level = {tree: None}
        for _ in range(trees.DEEPEST):
            below: dict[str, None] = {}
            for name, found in zip(level, self.read_many(level), strict=True):
                if found is None or found[0] != "tree" or (not found[1] and name != trees.EMPTY):
                    raise AskGitError
                known[name] = trees.parse(found[1])
                below |= {child: None for mode, child in known[name].values() if mode == trees.DIRECTORY}
            level = {child: None for child in below if child not in known}
            if not level:
                return known
        raise AskGitError

    def _peeled(self, ids: Sequence[str], *, strict: bool = False) -> list[str | None]:
        """Return for each object id the commit that it leads to: a commit itself, or the commit that a tag names.

        None for another object. A missing object is None as well; with `strict`, it raises `AskGitError`.
        """
        ends: dict[str, str | None] = {}
        waiting = {name: name for name in ids}
        for _ in range(MOST_TAGS):
            left: dict[str, str] = {}
            for (first, name), found in zip(waiting.items(), self.read_many(waiting.values()), strict=True):
                if found is None and (strict or first != name):
                    raise AskGitError
                if found is not None and found[0] == "tag":
                    inner = TAGGED.match(found[1])
                    if inner is None:
                        raise AskGitError
                    left[first] = inner[1].decode()
                else:
                    ends[first] = name if found is not None and found[0] == "commit" else None
            waiting = left
            if not waiting:
                return [ends[name] for name in ids]
        raise AskGitError

    def _ends(self, ids: Sequence[str]) -> list[str | None]:
        return self._peeled(ids, strict=True) if ids else []


def _or_git(own: Callable[[], _Answer], git: Callable[[], _Answer]) -> _Answer:
    """Return the result of `own`; if that finds that only git can answer, the result of `git`."""
    try:
        return own()
    except _ASK_GIT:
        return git()
