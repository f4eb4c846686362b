"""Which source files a commit changed, and which names a file had."""

from dataclasses import dataclass

from ksrcfind.tree.database import ObjectDatabase
from ksrcfind.tree.git import Git

SOURCE = (".c", ".h", ".S")
MOST_RENAMES = 8
"""Names of one file that are gone back to."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A commit that gave a file its name."""

    commit: str
    before: str
    after: str


def changed_files(objects: ObjectDatabase, parent: str, commit: str, kinds: str) -> list[str]:
    """Return the source files that differ between two commits, renames seen as one file gone and one new.

    `kinds` are letters of `git diff --diff-filter`: A added, D deleted, M modified, T of another type.
    """
    changes = objects.changed(parent, commit)
    return [change.path for change in changes if change.kind in kinds and change.path.endswith(SOURCE)]


def renames(git: Git, commit: str, path: str, first: str) -> list[Rename]:
    """Return how a file got from its `first` name to its path in a commit, newest rename first.

    Ends early where git does not see it.
    """
    found: list[Rename] = []
    while path != first and len(found) < MOST_RENAMES:
        # Of a merge only what it does itself counts.
        listed = git.run(
            "log", "-1", "--format=%H %P", "--diff-filter=A", "--no-renames", commit, "--", f":(top,literal){path}"
        )
        added, *parents = listed.decode().split() or [""]
        if not parents:
            break
        fields = _diff(git, "-M", "--diff-filter=R", "--name-status", parents[0], added)
        sources = {after: before for before, after in zip(fields[1::3], fields[2::3], strict=False)}
        if path not in sources:
            break
        found.append(Rename(added, sources[path], path))
        commit, path = parents[0], sources[path]
    return found


def _diff(git: Git, *options: str) -> list[str]:
    output = git.run("diff-tree", "-r", "-z", *options)
    return [field.decode("utf-8", "surrogateescape") for field in output.split(b"\0")]
