"""A whole log: read, explained line by line with the work for equal lines done once, folded, counted and ordered."""
