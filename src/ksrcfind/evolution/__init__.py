"""What becomes of messages: from one release to the next, and over a tree's whole history."""
