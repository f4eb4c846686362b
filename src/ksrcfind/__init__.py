"""From a kernel log line to the code that printed it and the commit that brought it."""

__version__ = "0.1.0"
