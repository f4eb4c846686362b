"""Who calls a function: by calls, by pointers in initialisers and arguments, and by registrations.

Pure: bytes of C source in, frozen records out. `resolve.callers_of` is the entry.
"""
