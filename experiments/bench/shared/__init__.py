"""What the benchmarks share: measuring time, the networks in each library, the machine's limits."""

import sys


def in_one_line(kind, error, traceback):
    """Show an exception; Ctrl-C, also in the seconds that imports take, as one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("\nStopped.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = in_one_line
