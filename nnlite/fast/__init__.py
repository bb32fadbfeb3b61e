"""Fast versions, in numba, of the functions that are marked @may_be_replaced.

The plain ones come first: they say what is computed, and are what these are tested against.  Each
fast version takes the arguments of the plain one of its name, and returns NotImplemented for those
that it does not take: all want float32, most a certain size or layout.  No array, whatever its
shape, takes a kernel outside its bounds: the fast version looks before it calls one.

`prange` is a range whose steps are shared out to numba's threads.  These do not survive a fork: a
process forked after a kernel has run must not run one.  Start processes by "spawn".
"""

import numba

from nnlite.fast import conv, elementwise, matmul, network, sparse
from nnlite.replace import put_in

if not numba.config.DISABLE_JIT:
    put_in(
        matmul=matmul.matmul,
        relu=elementwise.relu,
        relu_gradient=elementwise.relu_gradient,
        drop=elementwise.drop,
        adam_update=elementwise.adam_update,
        conv2d=conv.conv2d,
        conv2d_input_gradient=conv.conv2d_input_gradient,
        conv2d_filter_gradient=conv.conv2d_filter_gradient,
        csr_matmul=sparse.csr_matmul,
        network_outputs=network.network_outputs,
    )
