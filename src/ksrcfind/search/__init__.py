"""Search: queries over the messages of indexed revisions, and search without an index."""
