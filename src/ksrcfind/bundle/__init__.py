"""Bundles: indexes in one file that work without a kernel tree and without git. Format, writer and backend."""
