"""The list of its own log calls that a kernel built with CONFIG_PRINTK_INDEX has, as an index without a tree."""

RUNNING = "/sys/kernel/debug/printk/index"
"""The lists of the running kernel, one file for the image and for each module."""
