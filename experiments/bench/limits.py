"""What this machine can do at most: multiply and add in registers, and read from caches and memory.

    python experiments/bench/limits.py          ten seconds; leave the machine alone

GFLOP/s, and GB/s by the kB that each thread reads, of all threads together.  The other benchmarks
are to be seen beside these limits; NUMBA_NUM_THREADS sets the number of threads.
"""

import json

from shared import machine, script


def main():
    parser = script.parser(__doc__)
    parser.add_argument("--only", action="store_true", help="as JSON, for the other benchmarks")
    args = parser.parse_args()
    limits = machine.limits()
    if args.only:
        print(json.dumps(limits))
        return
    for name, value in limits.items():
        print(name, value)


if __name__ == "__main__":
    main()
