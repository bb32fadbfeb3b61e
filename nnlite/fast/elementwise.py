"""Adam, ReLU and dropout in one pass over memory each.

In NumPy every operation is a pass over memory: Adam makes 23 of them a step.  These kernels read
and write each number once, on all threads where there are many.
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import all_float32, njit

FEW = 2**15  # up to so many numbers one thread is done about when a second would have begun


def for_any_size(loop):
    """The loop as a kernel: for few numbers on the thread that calls it, for many on all."""
    alone, together = njit()(loop), njit(parallel=True)(loop)

    def kernel(x, *others):
        (alone if x.size <= FEW else together)(x, *others)

    return kernel


def adam_update(w, g, m, v, mask, *, lr, betas, eps, l2, t, tiny, tiny_v):
    """nnlite.optim.adam_update, of float32 arrays of one shape, m and v in C order."""
    arrays = (w, g, m, v) if mask is None else (w, g, m, v, mask)
    if not all_float32(w, g, m, v) or any(np.shape(a) != w.shape for a in arrays):
        return NotImplemented
    if not (m.flags.carray and v.flags.carray):  # in C order, and may be written to
        return NotImplemented
    beta1, beta2 = betas
    lr_t, correction = lr / (1 - beta1**t), 1 / (1 - beta2**t)  # of the bias of m and of v
    numbers = 1 - beta1, 1 - beta2, lr_t, correction, eps, l2, tiny, tiny_v
    new_w = np.empty(w.shape, np.float32)
    mask = None if mask is None else mask.reshape(-1)
    arrays = (a.reshape(-1) for a in (new_w, w, g, m, v))
    adam_kernel(*arrays, mask, *map(np.float32, numbers))
    return new_w


@for_any_size
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
    """nnlite.layers.relu, in the memory order of x."""
    if not all_float32(x):
        return NotImplemented
    y = np.empty_like(x)
    relu_kernel(flat(in_order_of(y, x)), flat(y))
    return y


@for_any_size
def relu_kernel(x, y):
    for k in prange(x.size):
        y[k] = np.float32(0) if x[k] <= 0 else x[k]  # nan stays


def relu_gradient(y, dy):
    """nnlite.layers.relu_gradient, in the memory order of y."""
    if not all_float32(y, dy) or y.shape != dy.shape:
        return NotImplemented
    dx = np.empty_like(y)
    relu_gradient_kernel(flat(in_order_of(dx, y)), flat(in_order_of(dx, dy)), flat(dx))
    return dx


@for_any_size
def relu_gradient_kernel(y, dy, dx):
    for k in prange(y.size):
        dx[k] = dy[k] if y[k] > 0 else np.float32(0)


def drop(x, draws, drop_prob):
    """nnlite.layers.drop, in the memory order of x."""
    if not all_float32(x) or draws.dtype != np.uint16 or draws.shape != x.shape:
        return NotImplemented
    y, dropped = np.empty_like(x), min(round(drop_prob * 2**16), 2**16 - 1)
    scale = np.float32(2**16 / (2**16 - dropped))
    x, draws = flat(in_order_of(y, x)), flat(in_order_of(y, draws))
    drop_kernel(x, draws, np.uint16(dropped), scale, flat(y))
    return y


@for_any_size
def drop_kernel(x, draws, dropped, scale, y):
    for k in prange(x.size):
        y[k] = x[k] * scale if draws[k] >= dropped else np.float32(0)


def flat(x):
    """The memory of an array without gaps in one dimension, whatever order its axes lie in."""
    return x.ravel(order="K")


def in_order_of(y, x):
    """x in the memory order of y, which has the same shape: no gaps, the axes in the same order."""
    same = np.empty_like(y, dtype=x.dtype)
    if same.strides == x.strides:
        return x
    same[...] = x
    return same
