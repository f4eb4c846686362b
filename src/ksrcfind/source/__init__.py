"""C source to messages: scanning, parsing, expansion, linking."""
