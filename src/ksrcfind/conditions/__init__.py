"""Under what conditions a log call runs: the conditions in its function, the assignments before it, its configuration.

Pure: bytes of C source in, frozen records out. `circumstances.circumstances` is the entry.
"""
