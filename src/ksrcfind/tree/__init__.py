"""Reading source trees: git repositories, checkouts, revisions and plain directories.

    from ksrcfind.tree.open import open_snapshot

    snapshot = open_snapshot(Path.cwd())                 # the tree around the current directory, edits included
    snapshot = open_snapshot(Path("linux"), "v5.9")      # a revision, from git objects
    for path, data in snapshot.read_many(snapshot.files((".c", ".h"), ("Makefile", "Kbuild"))): ...
    snapshot.grep(["exiting", "victim"], (".c", ".h"))   # {"mm/oom_kill.c": {"exiting", "victim"}}

A snapshot is the files of a tree at one moment. `snapshot.repository` is the git repository, from which `history` reads
commits; it is None for a plain directory.
"""
