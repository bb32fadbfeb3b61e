"""The exercises as a learner may solve them, in plain NumPy: {exercise: its functions}."""

import numba
import numpy as np


def dense_backward(x, w, dy):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def relu(x):
    return np.maximum(x, 0)


def relu_gradient(y, dy):
    return dy * (y > 0)


def softmax_cross_entropy(f, labels):
    f, rows = f - f.max(axis=1, keepdims=True), np.arange(len(f))
    log_p = f - np.log(np.exp(f).sum(axis=1, keepdims=True))
    df = np.exp(log_p)
    df[rows, labels] -= 1
    return -log_p[rows, labels].mean(), df / len(f)


def adam(w, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def im2col(x, kernel, stride):
    (n, height, width, channels), (kh, kw), (sh, sw) = x.shape, kernel, stride
    ho, wo = (height - kh) // sh + 1, (width - kw) // sw + 1
    cols = np.empty((n, ho, wo, kh, kw, channels), x.dtype)
    for i in range(kh):
        for j in range(kw):
            cols[:, :, :, i, j] = x[:, i : i + sh * ho : sh, j : j + sw * wo : sw]
    return cols.reshape(n * ho * wo, kh * kw * channels)


def padded(x, zeros):
    return np.pad(x, ((0, 0), *zeros, (0, 0)))


def conv2d(x, w, b, stride, zeros):
    x = padded(x, zeros)
    ho, wo = ((x.shape[k + 1] - w.shape[k]) // stride[k] + 1 for k in (0, 1))
    y = im2col(x, w.shape[:2], stride) @ w.reshape(-1, w.shape[3]) + b
    return y.reshape(len(x), ho, wo, -1)


def conv2d_filter_gradient(x, dy, kernel, stride, zeros):
    cols = im2col(padded(x, zeros), kernel, stride)
    dw = cols.T @ dy.reshape(-1, dy.shape[3])
    return dw.reshape(*kernel, x.shape[3], dy.shape[3]), dy.sum(axis=(0, 1, 2))


def conv2d_input_gradient(dy, w, stride, zeros, size):
    (n, ho, wo, _), (kh, kw, c_in, _), (sh, sw) = dy.shape, w.shape, stride
    (top, bottom), (left, right) = zeros
    dx = np.zeros((n, top + size[0] + bottom, left + size[1] + right, c_in), dy.dtype)
    for i in range(kh):
        for j in range(kw):
            dx[:, i : i + sh * ho : sh, j : j + sw * wo : sw] += dy @ w[i, j].T
    return dx[:, top : top + size[0], left : left + size[1]]


def keep_mask(scores, sparsity):
    keep = np.ones(scores.size, bool)
    keep[np.argsort(scores, axis=None, kind="stable")[: round(sparsity * scores.size)]] = False
    return keep.reshape(scores.shape)


def masked_step(w, g, mask, adam):
    return adam(w, g) * mask


def mean_activation(w, x):
    return abs(w * x.mean(axis=0)[:, None])


def universal_noise(input_gradient, images, limit, step_size, steps):
    v = np.zeros(images.shape[1:], images.dtype)
    for _ in range(steps):
        moved = images + v
        seen = np.clip(moved, 0, 1)
        g = (input_gradient(seen) * (moved == seen)).mean(axis=0)
        v = np.clip(v - step_size * g / abs(g).max(), -limit, limit)
    return v


def top_two_ratio(outputs):
    ordered = np.sort(outputs, axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    return np.where(second > 0, first / second, np.where(first > 0, np.inf, np.nan))


def threshold_at(scores, keep):
    ordered = sorted(-np.inf if np.isnan(score) else score for score in scores)
    return ordered[-int(np.ceil(keep * len(scores)))]


def decouple(w, size, padding):
    (height, width), (kh, kw, c_in, c_out) = size, w.shape
    ho, wo = height + 2 * padding - kh + 1, width + 2 * padding - kw + 1
    a = np.zeros((ho, wo, c_out, height, width, c_in))
    for r, c, i, j in np.ndindex(ho, wo, kh, kw):
        row, column = r + i - padding, c + j - padding
        if 0 <= row < height and 0 <= column < width:
            a[r, c, :, row, column] = w[i, j].T
    return a.reshape(ho * wo * c_out, height * width * c_in)


@numba.njit
def sparse_product(data, columns, starts, x):
    y = np.zeros((len(starts) - 1, x.shape[1]), x.dtype)
    for r in range(len(y)):
        for p in range(starts[r], starts[r + 1]):
            value, column = data[p], columns[p]
            for n in range(x.shape[1]):
                y[r, n] += value * x[column, n]
    return y
