"""Analyse a whole log: match each row, answer equal rows from a cache, group repeats, count and sort."""
