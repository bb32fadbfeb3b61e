"""Fast versions, in numba, of the functions that are marked @may_be_replaced.

The plain ones come first: they say what is computed, and are what these are tested against.  Each
fast version takes the arguments of the plain one of its name, and returns NotImplemented for those
that it does not take: all want float32, most a certain size or layout.  No array, whatever its
shape, takes a kernel outside its bounds: the fast version looks before it calls one.

`prange` is a range whose steps are shared out to numba's threads.  All threads work on one call;
where several of Python's threads call, they take turns.  numba's threads do not survive a fork: in
a process that was forked the plain functions compute.
"""

import functools
import os
import threading

# Threads that wait for work spin for a while before they sleep.  GNU OpenMP's are told to spin a
# hundredth of what they would, LLVM's for a millisecond: on an idle machine that is enough, on a
# busy one each turn that they spin is one that another thread needs (docs/reliability.md has the
# times).  numba reads this when its threads start.
SPIN = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}
if not {"OMP_WAIT_POLICY", *SPIN} & os.environ.keys():  # nobody has decided
    os.environ.update(SPIN)

import numba

from nnlite.fast import conv, elementwise, matmul
from nnlite.replace import put_in

TURN = threading.RLock()
FORKED = threading.Event()


def in_turn(function):
    """The function, called by one thread at a time, and declining everything after a fork."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if FORKED.is_set():
            return NotImplemented
        with TURN:
            return function(*args, **kwargs)

    return call


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=FORKED.set)

# These need SciPy, which takes as long to import as NumPy: it is when they are first called.


def csr_matmul(a, x):
    """nnlite.sparse.csr_matmul, by nnlite/fast/sparse.py."""
    from nnlite.fast import sparse

    return sparse.csr_matmul(a, x)


def network_outputs(network, x, out):
    """nnlite.sparse.network.network_outputs, by nnlite/fast/network.py."""
    from nnlite.fast import network as fast_network

    return fast_network.network_outputs(network, x, out)


def layer_outputs(network, x):
    """nnlite.sparse.network.layer_outputs, by nnlite/fast/network.py."""
    from nnlite.fast import network as fast_network

    return fast_network.layer_outputs(network, x)


def network_input_gradient(network, outputs, dy):
    """nnlite.sparse.network.network_input_gradient, by nnlite/fast/network.py."""
    from nnlite.fast import network as fast_network

    return fast_network.network_input_gradient(network, outputs, dy)


if not numba.config.DISABLE_JIT:
    put_in(
        matmul=in_turn(matmul.matmul),
        relu=in_turn(elementwise.relu),
        relu_gradient=in_turn(elementwise.relu_gradient),
        drop=in_turn(elementwise.drop),
        adam_update=in_turn(elementwise.adam_update),
        conv2d=in_turn(conv.conv2d),
        conv2d_input_gradient=in_turn(conv.conv2d_input_gradient),
        conv2d_filter_gradient=in_turn(conv.conv2d_filter_gradient),
        csr_matmul=in_turn(csr_matmul),
        network_outputs=in_turn(network_outputs),
        layer_outputs=in_turn(layer_outputs),
        network_input_gradient=in_turn(network_input_gradient),
    )
