"""Search: the messages of indexed revisions as matching queries them, and search without an index."""
