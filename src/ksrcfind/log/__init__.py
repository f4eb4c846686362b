"""What was logged: from the text of a log to its records."""
