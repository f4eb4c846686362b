"""What kernel messages mean: a knowledge base of entries, each tied to the messages that it explains."""
