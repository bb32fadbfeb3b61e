"""A sparse matrix times a dense one: the definition, and SciPy's.

A CSR matrix keeps, row after row, the values that are not zero and the column of each.  Of a
layer a (n_out, n_in) and activations x (n_in, N), images side by side, every stored value is
one weight, and costs one multiplication and one addition for each image:

    y[row, :] += value * x[column, :]

The fast version, in nnlite/fast/sparse.py, does the same in another order of the loops.
"""

import numpy as np
import scipy.sparse

from nnlite.checks import as_array
from nnlite.replace import may_be_replaced


def csr_matmul_naive(a, x):
    """The definition, for a CSR matrix a (M, K) and x (K, N) or (K,): slow, to read and to test."""
    x = as_array(x)
    check_operands(a, x)
    y = np.zeros((a.shape[0], *x.shape[1:]), np.result_type(a.dtype, x.dtype))
    for row in range(a.shape[0]):
        for p in range(a.indptr[row], a.indptr[row + 1]):
            y[row] += a.data[p] * x[a.indices[p]]
    return y


@may_be_replaced
def csr_matmul(a, x):
    """a @ x for a scipy.sparse CSR matrix a (M, K) and a dense x (K, N) or (K,).

    float32 or float64, x in any memory order -> y (M, N) or (M,) of their common type.
    Raises ValueError for another format, type or shape, or indices outside the matrix.
    """
    x = as_array(x)
    check_operands(a, x)
    return a @ x


def check_operands(a, x):
    if not scipy.sparse.issparse(a) or a.format != "csr":
        raise ValueError(f"a is a {type(a).__name__}; a CSR matrix is needed: a.tocsr()")
    for name, dtype in (("a", a.dtype), ("x", x.dtype)):
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"{name} has dtype {dtype}; float32 or float64 is needed")
    if a.ndim != 2 or x.ndim not in (1, 2) or x.shape[0] != a.shape[1]:
        raise ValueError(
            f"a has shape {a.shape}, x {x.shape}; (M, K) and (K, N) or (K,) are needed"
        )
    check_indices(a)


def check_indices(a):
    """Raise ValueError if a CSR matrix leads outside itself: the products do not look."""
    if not is_whole(a):
        raise ValueError(
            f"the indices of a, {a.shape}, lead outside it, or are not those of its values: "
            f"they were changed in place; make the matrix again"
        )


def is_whole(a):
    """Whether the arrays of a CSR matrix fit together, and every column is inside."""
    starts, columns, values = a.indptr, a.indices, a.data
    if not starts.ndim == columns.ndim == values.ndim == 1 or len(starts) != a.shape[0] + 1:
        return False
    if {starts.dtype.kind, columns.dtype.kind} - {"i", "u"}:
        return False
    if starts[0] != 0 or starts[-1] > min(len(columns), len(values)):
        return False
    if np.any(starts[1:] < starts[:-1]):
        return False
    return not columns.size or 0 <= columns.min() <= columns.max() < min(a.shape[1], 2**31)
