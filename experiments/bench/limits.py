"""What this machine can do at most: multiply and add in registers, and read from caches and memory.

    python experiments/bench/limits.py          ten seconds; leave the machine alone

GFLOP/s, and GB/s by the kB that each thread reads, of all threads together.  The other benchmarks
are to be seen beside these limits; NUMBA_NUM_THREADS sets the number of threads.
"""

import argparse

from shared import machine

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    for name, value in machine.limits().items():
        print(name, value)
