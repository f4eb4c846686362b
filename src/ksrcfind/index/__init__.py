"""Building an index: parses and links the files of a tree, and writes their messages for `search`."""
