"""What the kernel's documentation has about a message: documents, kernel-doc comments and the help of Kconfig.

`word_list` says which documents have a word, `search` finds the passage in them, and `beside_code` reads what is next
to the code.
"""
