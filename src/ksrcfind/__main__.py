"""Runs the program: `ksrcfind`, or `python -m ksrcfind`."""

import gc
import sys

FEW_COLLECTIONS = (100_000, 50, 100)
"""Thresholds of the garbage collector: an index brings in objects by the hundred thousand, none of them in cycles."""


def main() -> None:
    """Run with the arguments of the process, and end it."""
    gc.set_threshold(*FEW_COLLECTIONS)
    try:
        # Here, so that Ctrl-C is as quiet in the first tenth of a second as it is later.
        from ksrcfind.cli.main import run  # noqa: PLC0415
        from ksrcfind.cli.terminal import open_missing_streams  # noqa: PLC0415

        open_missing_streams()
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + 2)


if __name__ == "__main__":
    main()
