"""Where a message came from: commits, tags and releases."""
