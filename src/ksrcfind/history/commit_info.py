"""Describe commits: message, first release, and related commits (backports, fixes and reverts)."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ksrcfind.history.commit_diff import changed_source_files
from ksrcfind.history.commits import RawCommit, describe, read_commits
from ksrcfind.history.provenance import Commit, Related, Release
from ksrcfind.history.related_commits import Kind, Mention, RelatedCommits, upstream_of
from ksrcfind.history.releases import Releases
from ksrcfind.tree.database import ObjectDatabase


class CommitInfo:
    """Reads and describes commits of one repository. Commits that were read stay in memory."""

    def __init__(self, objects: ObjectDatabase, releases: Releases, related_commits: RelatedCommits) -> None:
        self._objects = objects
        self._releases = releases
        self._related_commits = related_commits
        self._commits: dict[str, RawCommit] = {}

    def is_current(self) -> bool:
        """Return whether tags, branches and HEAD are unchanged since they were read."""
        return self._releases.is_current() and self._related_commits.is_current()

    def read(self, ids: Iterable[str]) -> dict[str, RawCommit]:
        """Return commits, by their full ids. Commits that the repository does not have are left out.

        Also looks up the first releases of all these commits at once, so that `release` is fast afterwards.
        """
        wanted = list(dict.fromkeys(ids))
        new = [commit_id for commit_id in wanted if commit_id not in self._commits]
        self._commits.update((commit.id, commit) for commit in read_commits(self._objects, new))
        self._releases.of_many(commit_id for commit_id in wanted if commit_id in self._commits)
        return {commit_id: self._commits[commit_id] for commit_id in wanted if commit_id in self._commits}

    def release(self, commit_id: str) -> Release:
        """Return the first release that has a commit."""
        return self._releases.of(commit_id)

    def releases(self, names: Sequence[str]) -> dict[str, Release]:
        """Return the first release of the commits that ids or the beginnings of ids name; others are left out."""
        found = dict(zip(names, self._objects.ids(f"{name}^{{commit}}" for name in names), strict=True))
        there = self._releases.of_many(commit_id for commit_id in found.values() if commit_id is not None)
        return {name: there[commit_id] for name, commit_id in found.items() if commit_id is not None}

    def changed_files(self, commit_id: str) -> list[str]:
        """Return the source files that a commit added or changed.

        Empty for a first commit, and at the edge of a shallow clone, where the commit's parent is missing.
        """
        commit = self.read([commit_id]).get(commit_id)
        if commit is None or not commit.parents or not self.read(commit.parents[:1]):
            return []
        return changed_source_files(self._objects, commit.parents[0], commit.id, "AM")

    def describe(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits with all fields of the output record, by their full ids.

        Commits that the repository does not have are left out.
        """
        return {commit_id: self._described(commit) for commit_id, commit in self.read(ids).items()}

    def upstream(self, commit: RawCommit) -> Related | None:
        """Return the upstream commit that a backport names in its message.

        None if the message names none, or if the repository does not have it.
        """
        name = self._related_commits.upstream(commit.message)
        found = self.read([name]).get(name) if name is not None else None
        return Related(found.id, found.subject, self.release(found.id)) if found is not None else None

    def _described(self, commit: RawCommit) -> Commit:
        """Return a commit with its related commits."""
        upstream = self.upstream(commit)
        naming = self._related_commits.naming(commit.id)
        of_upstream = self._related_commits.naming(upstream.commit) if upstream is not None else []
        backports = self._related(naming, Kind.BACKPORT)
        order = self._releases.order
        return replace(
            describe(commit, self.release(commit.id)),
            upstream=upstream,
            backports=tuple(sorted(backports, key=lambda item: -order.get(item.release.first_tag or "", -1))),
            fixed_by=tuple(self._related([*naming, *of_upstream], Kind.FIX, originals=True)),
            reverted_by=tuple(self._related(naming, Kind.REVERT, originals=True)),
        )

    def _related(self, mentions: Iterable[Mention], kind: Kind, *, originals: bool = False) -> list[Related]:
        """Return the commits that mention another one in one way (`kind`), oldest first.

        With `originals`, a backport is left out if its original commit is in the list too.
        """
        raw = self.read(mention.commit for mention in mentions if mention.kind is kind)
        if originals:
            raw = {name: commit for name, commit in raw.items() if not _copies(commit, raw)}
        ordered = sorted(raw.values(), key=lambda commit: (commit.committer.date, commit.id))
        return [Related(commit.id, commit.subject, self.release(commit.id)) for commit in ordered]


def _copies(commit: RawCommit, others: Iterable[str]) -> bool:
    """Return whether a commit is, by its own message, a backport of one of the other commits."""
    names = tuple(upstream_of(commit.message))
    return bool(names) and any(other.startswith(names) for other in others)
