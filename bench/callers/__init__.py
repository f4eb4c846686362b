"""Compares the callers that ksrcfind lists with those of cscope."""
