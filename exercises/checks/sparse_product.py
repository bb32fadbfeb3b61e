"""Exercise 13, against SciPy: right first, then how fast."""

import numpy as np
import scipy.sparse

from checks.compare import Check
from checks.timing import fastest

TOO_SLOW = 0.5  # seconds for 10 images: not compiled, and no need to wait for 1000


def cases(rng):
    """Two matrices of which some rows are empty."""
    cases = []
    for shape, n in (((4, 3), 2), ((20, 30), 17)):
        a = rng.normal(size=shape) * (rng.random(shape) < 0.3)
        a[[1, -1]], a[0, -1], a[2, 0] = 0, 1, 2  # neither first nor last column is empty
        a = scipy.sparse.csr_array(a)
        cases.append((a.data, a.indices, a.indptr, rng.normal(size=(shape[1], n))))
    return cases


def sparse_product(data, columns, starts, x):
    return matrix(data, columns, starts, x) @ x


def matrix(data, columns, starts, x):
    return scipy.sparse.csr_array((data, columns, starts), shape=(len(starts) - 1, len(x)))


def per_row(data, columns, starts, x, row):
    """y, a row of it being row(values (k, 1), rows of x (k, N)) where there are any."""
    y = np.zeros((len(starts) - 1, x.shape[1]))
    for r in range(len(y)):
        part = slice(starts[r], starts[r + 1])
        if part.start < part.stop:
            y[r] = row(data[part, None], x[columns[part]])
    return y


def one_too_many(data, columns, starts, x):
    """Rows that end with the first value of the next."""
    y = np.zeros((len(starts) - 1, x.shape[1]))
    for r in range(len(y)):
        part = slice(starts[r], starts[r + 1] + 1)
        y[r] = data[part] @ x[columns[part]]
    return y


MISTAKES = (
    (
        lambda *args: per_row(*args, lambda values, rows: (values * rows)[-1]),
        "Only the last value of a row counts: += in place of =.",
    ),
    (
        lambda *args: per_row(*args, lambda values, rows: rows.sum(axis=0)),
        "The values are missing: value * x[column].",
    ),
    (one_too_many, "One too many: row r ends before starts[r + 1]."),
    (
        lambda *args: per_row(*args, lambda values, rows: values[:-1, 0] @ rows[:-1]),
        "One too few: row r goes to starts[r + 1] - 1, which a range leaves to you to write.",
    ),
    (
        lambda data, columns, starts, x: np.add.reduceat(data[:, None] * x[columns], starts[:-1]),
        "Empty rows: np.add.reduceat gives them a value of the next row. They are 0.",
    ),
    (
        lambda data, columns, starts, x: per_row(
            data, np.arange(len(data)) % len(x), starts, x, lambda values, rows: values[:, 0] @ rows
        ),
        "The column is that of the value, columns[p], not its position.",
    ),
)
CHECKS = (Check(sparse_product, ("y",), cases, MISTAKES),)


def in_use(exercise):
    """How many times SciPy takes the learner's time, for the first layer of the posts' network."""
    rng = np.random.default_rng(0)
    a = scipy.sparse.random_array((1500, 784), density=0.1, rng=rng, dtype=np.float32).tocsr()
    x = rng.random((784, 1000), dtype=np.float32)
    for images in (10, 1000):
        some = np.ascontiguousarray(x[:, :images])
        args = a.data, a.indices, a.indptr, some
        exercise.sparse_product(*args)  # which compiles it
        mine, scipys = fastest(exercise.sparse_product, *args), fastest(a.__matmul__, some)
        if mine > TOO_SLOW:
            break
    return (
        f"On 1500 x 784, 90 % zeros, and {images} images: {1000 * mine:.3g} ms, SciPy "
        f"{1000 * scipys:.3g} ms: {scipys / mine:.2g} times as fast as SciPy."
    )
