"""A bundle: one file that answers for a revision without tree and git. Its format, its writer, and answers from it."""
