"""Runs the program: `ksrcfind`, or `python -m ksrcfind`."""

import sys


def main() -> None:
    """Run with the arguments of the process, and end it."""
    try:
        # Here, so that Ctrl-C is as quiet in the first tenth of a second as it is later.
        from ksrcfind.cli.app import run  # noqa: PLC0415

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + 2)


if __name__ == "__main__":
    main()
