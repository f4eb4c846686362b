"""List the source files that one commit changed."""

from ksrcfind.tree.database import ObjectDatabase

SOURCE_SUFFIXES = (".c", ".h", ".S")


def changed_source_files(objects: ObjectDatabase, parent: str, commit: str, kinds: str) -> list[str]:
    """Return the source files that differ between two commits. A renamed file counts as one deleted and one added file.

    `kinds` are letters of `git diff --diff-filter`: A added, D deleted, M modified, T changed its type.
    """
    changes = objects.changed(parent, commit)
    return [change.path for change in changes if change.kind in kinds and change.path.endswith(SOURCE_SUFFIXES)]
