"""Files in the user's cache directory: cached facts, and the index of each revision.

`cache` holds values that can be computed again at any time. `segment` (messages and word lists) and `revision` (which
segments a revision uses) are the index. These files are written under a temporary name and renamed when they are
complete, so readers need no lock. `store` is the directory that holds all of these files for one tree.
"""
