"""Whether the listed conditions of a log call are those under which its source runs it."""
