"""Find the first release tag and the first release that contain a commit.

Only ancestry and the versions in tag names decide; dates and git's own sorting never do.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from ksrcfind.caching import Cache, cached
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.ancestry import FirstTags, first_tags
from ksrcfind.history.provenance import Release
from ksrcfind.history.state import parents_state
from ksrcfind.tree.repository import Repository, has_commit_graph
from ksrcfind.tree.versions import DEFAULT_PATTERNS, Version, parse_tag, release_versions

# Number of commits up to which git is asked for each: 0.02 s with a commit-graph. For more, one walk is faster.
FEW = 8
TAGS = "tags-1"
"""Name of the cache entry with all tags and the commits that they point to."""
LONG = 20_000
"""Number of commits in a history from which on the user is advised to write a commit-graph."""


class ReleaseTag(Struct, frozen=True):
    """A tag that names a release."""

    name: str
    commit: str
    """The commit that the tag points to."""
    version: Version


def release_named(name: str, tags: Sequence[ReleaseTag]) -> ReleaseTag:
    """Return the release that a user names by its tag, with or without the letters before the number: `v6.1`, `6.1`.

    `tags` are sorted by version. Raises `KsrcfindError` with the nearest releases if there is no such tag.
    """
    version = parse_tag(name)
    for tag in tags:
        if name == tag.name or version == tag.version:
            return tag
    last = f"The last release here is {tags[-1].name}." if tags else "There are no release tags here."
    if version is None or not tags:
        raise KsrcfindError(f"no such release: {name}", f"A release is named by its tag, such as v6.1. {last}")
    earlier = [tag.name for tag in tags if tag.version < version][-1:]
    later = [tag.name for tag in tags if tag.version > version][:1]
    nearest = f"The nearest are {' and '.join(earlier + later)}. " if later else ""
    raise KsrcfindError(f"no such release: {name}", f"{nearest}{last}")


class Releases:
    """The releases of one repository, by the tags that it had when they were first read."""

    def __init__(
        self, repository: Repository, patterns: tuple[str, ...] = DEFAULT_PATTERNS, cache: Cache | None = None
    ) -> None:
        self._repository = repository
        self._patterns = patterns
        self._cache = cache
        self._known: dict[str, str | None] = {}
        self._table: FirstTags | None = None
        self._asked = 0
        self._walked = False
        self._was: str | None = None
        self.contains: Callable[[str, str], bool | None] | None = None
        """Returns whether a commit is another one or an ancestor of it, from a history index; None if it does not know.

        None without an index.
        """

    def is_current(self) -> bool:
        """Return whether the tags are unchanged since they were read."""
        if "_leads" not in self.__dict__:
            return True
        state = self._state()
        return (state is not None and state == self._was) or tag_targets(self._repository) == self._leads

    def _state(self) -> str | None:
        return self._repository.objects.state("refs/tags/")

    @cached_property
    def _leads(self) -> dict[str, str | None]:
        self._was = self._state()
        kind = dict[str, str | None]
        return cached(self._cache, TAGS, self._was, kind, lambda: tag_targets(self._repository))

    @cached_property
    def _read(self) -> tuple[tuple[ReleaseTag, ...], tuple[str, ...]]:
        leads = self._leads
        versions = release_versions(leads, self._patterns)
        tags = [ReleaseTag(name, leads[name] or "", version) for name, version in versions.items() if leads[name]]
        tags.sort(key=lambda tag: (tag.version, tag.name))
        return tuple(tags), tuple(sorted(name for name in versions if not leads[name]))

    @property
    def tags(self) -> tuple[ReleaseTag, ...]:
        """The release tags, earliest version first."""
        return self._read[0]

    @cached_property
    def order(self) -> dict[str, int]:
        """Name of each release tag → its position, earliest version first."""
        return {tag.name: number for number, tag in enumerate(self.tags)}

    @property
    def ignored(self) -> tuple[str, ...]:
        """Tags with a release name that point to no commit (v2.6.11 of Linux points to a tree)."""
        return self._read[1]

    @property
    def advice(self) -> str | None:
        """Advice to write a commit-graph; None unless this run walked through a long history without one."""
        if not self._walked or self._table is None or len(self._table) < LONG or self._has_graph:
            return None
        write = f"git -C {shlex.quote(str(self._repository.root))} commit-graph write --reachable --changed-paths"
        return f"this repository has no commit-graph; history is faster with one: {write}"

    def of(self, commit: str) -> Release:
        """Return the first tag and release of one commit (full id)."""
        return self.of_many([commit])[commit]

    def of_many(self, commits: Iterable[str]) -> dict[str, Release]:
        """Return the first tag and release of each commit (full ids).

        Both are None for a commit that no release contains.
        """
        wanted = list(dict.fromkeys(commits))
        self._find([commit for commit in wanted if commit not in self._known])
        return {commit: self._release(self._known[commit]) for commit in wanted}

    def finals_containing(self, commit: str) -> Iterator[str]:
        """Yield the tags of the final releases that contain a commit (full id), earliest version first."""
        finals = [tag for tag in self.tags if tag.version == tag.version.final]
        return (tag.name for tag in self._containing(commit, finals))

    def commit_of(self, tag: str) -> str:
        """Return the commit that a release tag points to. Raises `KeyError`."""
        return self._commits[tag]

    def prepare(self) -> None:
        """Build the table of the first tags of all commits now, so that later questions are fast."""
        self._table_of_all()

    def _find(self, commits: list[str]) -> None:
        if not commits:
            return
        if not self.tags:
            self._known.update(dict.fromkeys(commits))
            return
        table = self._table or self._kept_table()
        # A log asks for its commits in several calls: their total decides.
        self._asked += len(commits)
        fast = self._has_graph or self._cache is None or self._all_indexed
        if table is None and self._asked <= FEW and fast:
            for commit in commits:
                self._known[commit] = self._ask(commit)
            return
        table = table or self._table_of_all()
        for commit in commits:
            number = table.get(commit)
            self._known[commit] = None if number is None else self.tags[number].name

    def _ask(self, commit: str) -> str | None:
        """Return the first release tag that contains one commit."""
        return next((tag.name for tag in self._containing(commit, self.tags)), None)

    def _containing(self, commit: str, tags: Iterable[ReleaseTag]) -> Iterator[ReleaseTag]:
        """Yield the tags that contain a commit, in their order; git is asked only if it must be."""
        names: set[str] | None = None
        for tag in tags:
            is_in = self.contains(tag.commit, commit) if self.contains is not None else None
            if is_in is None:
                names = self._names_containing(commit) if names is None else names
                is_in = f"refs/tags/{tag.name}" in names
            if is_in:
                yield tag

    def _names_containing(self, commit: str) -> set[str]:
        """Return the full names of all tags that contain a commit."""
        # `git tag` reuses what it read for earlier tags; `git for-each-ref` walks again for each tag (4.5 s).
        listed = self._repository.git.answer("tag", "--no-column", "--format=%(refname)", f"--contains={commit}")
        return set((listed or "").split("\n"))  # No tag contains a commit that the repository does not have.

    def _table_of_all(self) -> FirstTags:
        self._table = self._table or self._kept_table()
        if self._table is None:
            self._walked = True
            self._table = first_tags(self._repository.git, [tag.commit for tag in self.tags])
            if self._cache is not None:
                self._cache.put(self._name, self._table.data)
        return self._table

    def _kept_table(self) -> FirstTags | None:
        data = self._cache.get(self._name) if self._cache is not None else None
        if data is not None:
            try:
                self._table = FirstTags(data)
            except ValueError:  # Damaged: it is computed again.
                return None
        return self._table

    @cached_property
    def _name(self) -> str:
        """Name of the table in the cache. It contains a digest of everything that the table depends on."""
        state = hashlib.sha256()
        for tag in self.tags:
            state.update(f"{tag.commit} {tag.version}\n".encode())
        state.update(parents_state(self._repository).encode())
        return f"first-tags-{state.hexdigest()[:32]}"

    @property
    def _all_indexed(self) -> bool:
        """Whether the history index has every release, so that git need not be asked which ones contain a commit."""
        contains = self.contains
        return contains is not None and all(contains(tag.commit, tag.commit) is not None for tag in self.tags)

    @cached_property
    def _has_graph(self) -> bool:
        return has_commit_graph(self._repository)

    def _release(self, tag: str | None) -> Release:
        if tag is None:
            return Release(None, None)
        return Release(tag, self._finals.get(self._versions[tag].final))

    @cached_property
    def _commits(self) -> dict[str, str]:
        return {tag.name: tag.commit for tag in self.tags}

    @cached_property
    def _versions(self) -> dict[str, Version]:
        return {tag.name: tag.version for tag in self.tags}

    @cached_property
    def _finals(self) -> dict[Version, str]:
        return {tag.version: tag.name for tag in reversed(self.tags)}


def tag_targets(repository: Repository) -> dict[str, str | None]:
    """Return each tag with the commit that it points to; None for a tag of another object."""
    return repository.objects.tags()
