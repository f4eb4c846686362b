"""What can be logged: from C source to messages."""
