"""The history index: what every commit changed in the texts of C files, read once, and histories made from it.

`diffs` reads git's diffs, `hunk_texts` finds the texts in them, `edits` stores them by commit and file, `build` runs
the pass over the commits in several processes, `graph` answers which commit is an ancestor of which, `lookup` finds the
edits of a text, and `follow` makes the history of a message from them.
"""
