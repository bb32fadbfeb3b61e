"""Adam, ReLU and dropout in one pass over memory each.

In NumPy every operation is a pass over memory: Adam makes 23 of them a step.  These kernels read
and write each number once, on all threads.
"""

import numpy as np
from numba import njit, prange


def adam_update(w, g, m, v, mask, *, lr, betas, eps, l2, t, tiny, tiny_v):
    """nnlite.optim.adam_update for float32 arrays of one shape, m and v in C order."""
    beta1, beta2 = betas
    lr_t, correction = lr / (1 - beta1**t), 1 / (1 - beta2**t)  # of the bias of m and of v
    numbers = 1 - beta1, 1 - beta2, lr_t, correction, eps, l2, tiny, tiny_v
    new_w = np.empty(w.shape, np.float32)
    mask = None if mask is None else mask.reshape(-1)
    arrays = (a.reshape(-1) for a in (new_w, w, g, m, v))
    adam_kernel(*arrays, mask, *map(np.float32, numbers))
    return new_w


@njit(parallel=True, cache=True, error_model="numpy")
def adam_kernel(new_w, w, g, m, v, mask, share1, share2, lr_t, correction, eps, l2, tiny, tiny_v):
    zero = np.float32(0)
    for k in prange(w.size):
        g_k = g[k] + l2 * w[k]
        m_k = m[k] + share1 * (g_k - m[k])
        v_k = v[k] + share2 * (g_k * g_k - v[k])
        w_k = w[k] - lr_t * m_k / (np.sqrt(v_k * correction) + eps)
        # Written so that nan, of which no comparison is true, stays.
        m[k] = zero if abs(m_k) < tiny else m_k
        v[k] = zero if v_k < tiny_v else v_k
        w_k = zero if abs(w_k) < tiny else w_k
        if mask is not None:
            w_k = w_k if mask[k] else zero
        new_w[k] = w_k


def relu(x):
    """max(x, 0), in the memory order of x."""
    y = np.empty_like(x)
    relu_kernel(flat(in_order_of(y, x)), flat(y))
    return y


@njit(parallel=True, cache=True)
def relu_kernel(x, y):
    for k in prange(x.size):
        y[k] = np.float32(0) if x[k] <= 0 else x[k]  # nan stays


def where_positive(y, dy):
    """dy where y > 0, else 0, in the memory order of y."""
    dx = np.empty_like(y)
    where_positive_kernel(flat(y), flat(in_order_of(y, dy)), flat(dx))
    return dx


@njit(parallel=True, cache=True)
def where_positive_kernel(y, dy, dx):
    for k in prange(y.size):
        dx[k] = dy[k] if y[k] > 0 else np.float32(0)


def drop(x, draws, threshold, scale):
    """x * scale where draws >= threshold, else 0;  draws are uint16, one for each x."""
    y = np.empty_like(x)
    x, draws = flat(in_order_of(y, x)), flat(in_order_of(y, draws))
    drop_kernel(x, draws, np.uint16(threshold), np.float32(scale), flat(y))
    return y


@njit(parallel=True, cache=True)
def drop_kernel(x, draws, threshold, scale, y):
    for k in prange(x.size):
        y[k] = x[k] * scale if draws[k] >= threshold else np.float32(0)


def flat(x):
    """The memory of an array without gaps in one dimension, whatever order its axes lie in."""
    return x.ravel(order="K")


def in_order_of(y, x):
    """x, lying in memory as y does: without gaps, the axes in the same order."""
    if x.shape != y.shape:
        raise ValueError(f"shapes differ: {x.shape} and {y.shape}")
    same = np.empty_like(y, dtype=x.dtype)
    if same.strides == x.strides:
        return x
    same[...] = x
    return same
