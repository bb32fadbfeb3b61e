"""13. A sparse product, faster than SciPy's.

A CSR matrix a (M, K) keeps what is not zero, row by row: the values, the column of each, and where
each row begins.  Row r has the values data[starts[r]:starts[r + 1]], which may be none.

    data, columns   (non-zeros,)        x   (K, N)
    starts          (M + 1,)            y   (M, N), y = a @ x

Be right first, in any way.  Then be fast: the check takes the first layer of the posts' network,
nine tenths of it zeros, and shows how many times as fast as SciPy yours is.

Page   docs/sparse-inference.md#the-definition
Check  .venv/bin/python exercises/check.py sparse_product
"""

import numba
import numpy as np


def sparse_product(data, columns, starts, x):
    """y, in the dtype of x."""
    raise NotImplementedError("your turn")


# Hint: every value adds a row to a row, y[r] += value * x[column].  Put @numba.njit over the
# function and write all three loops out.  Read value and column before the innermost loop, which
# goes over the images: the compiler cannot know that y does not lie over them, and would read them
# again for each image.  The page goes on from there, a step at a time.
