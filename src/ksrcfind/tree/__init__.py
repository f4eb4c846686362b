"""Where source comes from: git repositories, revisions and plain directories.

    from ksrcfind.tree.open import open_snapshot

    snapshot = open_snapshot(Path.cwd())                 # the tree around the current directory, edits included
    snapshot = open_snapshot(Path("linux"), "v5.9")      # a revision, from git objects
    for path, data in snapshot.read_many(snapshot.files((".c", ".h"), ("Makefile", "Kbuild"))): ...
    snapshot.grep(["exiting", "victim"], (".c", ".h"))   # {"mm/oom_kill.c": {"exiting": 1, "victim": 7}}

`snapshot.repository` is None for a plain directory; otherwise `history.History` asks it.
"""
