"""One step of training (forward, backward, Adam) in nnlite, PyTorch and JAX.

Quadratic cost, l2, dropout after the hidden dense layers.  Each function takes the weights to begin
with, see shared/networks.py, and a batch, and returns a function of nothing that does a step and
returns the loss before it.
"""

import os
from functools import partial

import numpy as np

from shared.networks import nnlite_model, random_images, torch_images, torch_model

LR, L2, BETAS, EPS = 1e-4, 1e-3, (0.9, 0.999), 1e-8
LAYOUT = ("NHWC", "HWIO", "NHWC")  # the other order, NCHW, takes as long


def random_batch(n):
    """(images (n, 28, 28, 1), labels (n,))"""
    return random_images(n), np.random.default_rng(2).integers(0, 10, n)


def nnlite_step(weights, images, labels, drop_prob):
    import nnlite as nn

    model = nnlite_model(weights, drop_prob)
    adam = nn.Adam(model.params, lr=LR, l2=L2, betas=BETAS, eps=EPS)

    def step():
        loss, doutputs = nn.quadratic(model.forward(images, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()
        return loss

    return step


def torch_step(weights, images, labels, drop_prob, best):
    """best: channels last, Adam in one pass, denormal numbers flushed."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(best)
    model = torch_model(weights, drop_prob, channels_last=best)
    x = torch_images(images, channels_last=best)
    y = torch.nn.functional.one_hot(torch.from_numpy(labels), 10).float()
    options = {"lr": LR, "weight_decay": L2, "betas": BETAS, "eps": EPS, "fused": best or None}
    adam = torch.optim.Adam(model.parameters(), **options)

    def step():
        adam.zero_grad()
        loss = ((model(x) - y) ** 2).sum() / (2 * len(x))
        loss.backward()
        adam.step()
        return loss.item()

    return step


def jax_step(weights, images, labels, drop_prob):
    """Compiled as a whole; the old weights and running means give their memory to the new ones."""
    import jax
    from jax import numpy as jnp

    # Draws that need not be the same on several devices take less than half the time.
    jax.config.update("jax_threefry_partitionable", False)

    def drop(x, key):
        dropped = jax.random.bits(key, x.shape, jnp.uint16) < round(drop_prob * 2**16)
        return jnp.where(dropped, 0, x / (1 - drop_prob))

    def cost(weights, x, y, key):
        f = x
        for i, (w, b) in enumerate(weights):
            if w.ndim == 4:
                f = jax.lax.conv_general_dilated(f, w, (1, 1), "SAME", dimension_numbers=LAYOUT)
            else:
                f = f.reshape(len(f), -1) @ w
            f = f + b
            if i < len(weights) - 1:
                f = jax.nn.relu(f)
                if w.ndim == 2 and drop_prob:
                    f = drop(f, jax.random.fold_in(key, i))
        return ((f - y) ** 2).sum() / (2 * len(y))

    def adam(w, m, v, g, t):
        g = g + L2 * w
        m = BETAS[0] * m + (1 - BETAS[0]) * g
        v = BETAS[1] * v + (1 - BETAS[1]) * g**2
        root = jnp.sqrt(v / (1 - BETAS[1] ** t)) + EPS
        return w - LR * m / (1 - BETAS[0] ** t) / root, m, v

    @partial(jax.jit, donate_argnums=0)
    def update(state, x, y):
        weights, m, v, t, key = state
        key, now = jax.random.split(key)
        loss, g = jax.value_and_grad(cost)(weights, x, y, now)
        t = t + 1
        new = jax.tree.map(lambda *parts: adam(*parts, t), weights, m, v, g)
        weights, m, v = jax.tree.transpose(jax.tree.structure(weights), None, new)
        return (weights, m, v, t, key), loss

    x, y = jnp.array(images), jax.nn.one_hot(labels, 10)
    weights = jax.tree.map(jnp.array, weights)
    m, v = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
    state = [(weights, m, v, jnp.float32(0), jax.random.key(0))]

    def step():
        new, loss = update(state.pop(), x, y)
        state.append(jax.block_until_ready(new))
        return float(loss)

    return step
