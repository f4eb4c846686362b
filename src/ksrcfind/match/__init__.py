"""Which message explains a log line."""
