"""The rows of a study are tasks that know nothing of each other: computed here, one after the
other on all threads, or in several processes, or on a Dask cluster.

A row is a frozen dataclass with

    compute(cfg, data, runs) -> result      what JSON can hold, or None where there is nothing

All three ways give the same results.  Processes load the data and the networks themselves.
"""

import contextlib
import functools
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import nnlite

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def here(rows, cfg, data, runs):
    """Yield (row, result), in order."""
    for row in rows:
        yield row, row.compute(cfg, data, runs)


def in_processes(rows, cfg, source, runs, workers):
    """Yield (row, result) as they are done, by processes that share the threads of the machine.

    source   name or folder of the data, see nnlite.data.load
    A process that dies takes down what the others were computing.  Then the first row that is left
    is computed alone: it may be the one that kills.  Raises RuntimeError in the end, when all other
    rows are done, if some always do.
    """
    left, deadly, alone = list(rows), [], False
    while left:
        try:
            chosen, n = (left[:1], 1) if alone else (list(left), workers)
            for row, result in in_pool(chosen, cfg, source, runs, n):
                left.remove(row)
                yield row, result
            alone = False
        except BrokenProcessPool:
            deadly += [left.pop(0)] if alone else []
            alone = not alone
    if deadly:
        raise RuntimeError(
            f"processes die computing these rows, for want of memory perhaps: "
            f"{', '.join(map(str, deadly))}"
        )


def in_pool(rows, cfg, source, runs, workers):
    """The same; raises BrokenProcessPool if a process dies."""
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=ignore_interrupts
    )
    others = multiprocessing.active_children()
    threads = str(max(1, os.cpu_count() // workers))
    try:
        with environment(dict.fromkeys(THREADS, threads)):  # read when a process starts
            futures = {pool.submit(compute, row, cfg, source, runs): row for row in rows}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for process in set(multiprocessing.active_children()).difference(others):
            process.terminate()
        pool.shutdown(cancel_futures=True)


def on_cluster(rows, cfg, source, runs, address):
    """Yield (row, result) as they are done by the workers of a Dask cluster.

    Each worker has one thread, finds this package, nnlite and the data, and writes networks to
    its own `runs` unless the folder is shared; Dask computes again what a dying worker leaves.
    """
    from distributed import Client

    with Client(address) as client, client.get_executor(pure=False) as pool:
        futures = {pool.submit(compute_on_worker, row, cfg, source, runs): row for row in rows}
        for future in as_completed(futures):
            yield futures[future], future.result()


def compute(row, cfg, source, runs):
    """The result of a row, in a process that does nothing else."""
    return row.compute(cfg, loaded(source), runs)


def compute_on_worker(row, cfg, source, runs):
    """The same in a Dask worker, on one thread: Dask tells BLAS, but not numba."""
    import numba
    from distributed import get_worker

    if get_worker().state.nthreads != 1:
        raise ValueError("rows change the networks that they share: start workers --nthreads 1")
    numba.set_num_threads(1)
    return compute(row, cfg, source, runs)


@functools.lru_cache(maxsize=1)
def loaded(source):
    return nnlite.data.load(source)


def ignore_interrupts():
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def environment(variables):
    """Set variables of the environment inside the `with`."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
