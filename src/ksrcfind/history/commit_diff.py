"""Which source files a commit changed."""

from ksrcfind.tree.database import ObjectDatabase

SOURCE_SUFFIXES = (".c", ".h", ".S")


def changed_source_files(objects: ObjectDatabase, parent: str, commit: str, kinds: str) -> list[str]:
    """Return the source files that differ between two commits, renames seen as one file gone and one new.

    `kinds` are letters of `git diff --diff-filter`: A added, D deleted, M modified, T of another type.
    """
    changes = objects.changed(parent, commit)
    return [change.path for change in changes if change.kind in kinds and change.path.endswith(SOURCE_SUFFIXES)]
