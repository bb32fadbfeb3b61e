"""How long a function takes."""

import time


def fastest(function, *args, rounds=3):
    """Seconds of the fastest of some calls, the least disturbed one."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        function(*args)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
