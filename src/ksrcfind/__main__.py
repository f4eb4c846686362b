"""Runs the program: `ksrcfind`, or `python -m ksrcfind`."""

import gc
import sys

FEW_COLLECTIONS = (100_000, 50, 100)
"""Thresholds of the garbage collector: an index brings in objects by the hundred thousand, none of them in cycles."""


def main() -> None:
    """Run with the arguments of the process, and end it."""
    gc.set_threshold(*FEW_COLLECTIONS)
    try:
        from ksrcfind.cli.main import run  # Ctrl-C during the imports ends the run quietly, too
        from ksrcfind.cli.terminal import open_missing_streams

        open_missing_streams()
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + 2)


if __name__ == "__main__":
    main()
