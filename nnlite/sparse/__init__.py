"""Sparse inference: convolutions as sparse matrices, fast sparse products, pruned networks.

from nnlite.sparse import SparseNetwork, csr_matmul, decouple, unroll
"""

from nnlite.sparse.decouple import decouple
from nnlite.sparse.kernels import csr_matmul, csr_matmul_naive
from nnlite.sparse.layers import Convolution, Linear, unroll
from nnlite.sparse.network import SparseNetwork

__all__ = [
    "Convolution",
    "Linear",
    "SparseNetwork",
    "csr_matmul",
    "csr_matmul_naive",
    "decouple",
    "unroll",
]
