"""Analyse a whole log: match each row, reuse answers for similar rows, group rows by message, count and sort."""
