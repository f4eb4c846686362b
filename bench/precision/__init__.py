"""How many of the messages that are listed for a tree are log calls with the text that they print."""
