"""Files in the user's cache directory: cached facts, and the index of each revision.

`cache` holds values that can be computed again at any time. `segment` and `revision` hold what answers questions:
files that are written once, under a temporary name, and renamed when they are whole. Readers therefore need no lock.
`store` is the directory that holds both for one tree.
"""
