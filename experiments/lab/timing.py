"""How long a call takes."""

import time

import numpy as np


def median_seconds(function, repeats):
    """Seconds of a call of a function of no arguments, the median of so many."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))
