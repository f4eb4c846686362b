"""Questions about one revision: a line is read, matched, and its history found."""
