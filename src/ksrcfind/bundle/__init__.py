"""Bundles, single-file indexes that work without a tree and git: format, writer and backend."""
