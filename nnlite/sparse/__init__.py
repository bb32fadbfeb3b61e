"""Sparse inference: convolutions as sparse matrices, fast sparse products, pruned networks.

from nnlite.sparse import SparseNetwork, csr_matmul, decouple, unroll
"""

from nnlite.sparse.decouple import decouple
from nnlite.sparse.layers import Convolution, Linear, unroll
from nnlite.sparse.network import SparseNetwork
from nnlite.sparse.product import csr_matmul, csr_matmul_naive

__all__ = [
    "Convolution",
    "Linear",
    "SparseNetwork",
    "csr_matmul",
    "csr_matmul_naive",
    "decouple",
    "unroll",
]
