"""What serves a question: the messages of revisions as matching asks for them, and answers without an index."""
