"""The posts' networks as plain arrays, and as models of nnlite and of PyTorch.

A network is a list [(w, b), ...]: filters w (kh, kw, c_in, c_out) of a convolution of stride 1 that
keeps the size, or dense weights w (n_in, n_out), in nnlite's order of neurons.  ReLU follows every
layer but the last.

nnlite and PyTorch are imported by the functions that use them: neither is to weigh on the memory
of the other's process.
"""

import itertools

import numpy as np

IMAGE = (28, 28, 1)
NETWORKS = {  # (kernel, filters) of the convolutions, neurons of the hidden dense layers
    "ann": ((), (1500, 1000, 800)),
    "cnn": (((7, 12), (5, 15), (3, 25), (3, 20)), (1500, 500)),
}
PRUNED = (0.98, 0.9, 0.0)  # fraction of zeros in each dense layer of the CNN


def shapes(network, width=1):
    """Shapes of all weights; `width` times as many hidden dense neurons as the posts have."""
    convolutions, hidden = NETWORKS[network]
    channels = [IMAGE[2], *(filters for _, filters in convolutions)]
    filters = [(k, k, c_in, c_out) for (k, c_out), c_in in zip(convolutions, channels)]
    sizes = [IMAGE[0] * IMAGE[1] * channels[-1], *(round(n * width) for n in hidden), 10]
    return [*filters, *itertools.pairwise(sizes)]


def random_weights(network, width=1):
    """[(w, b), ...], always the same."""
    rng, weights = np.random.default_rng(0), []
    for shape in shapes(network, width):
        w = rng.standard_normal(shape, np.float32)
        w *= np.sqrt(2 / np.prod(shape[:-1]))  # He's: all layers have outputs of about one size
        weights.append((w, 0.1 * rng.standard_normal(shape[-1], np.float32)))
    return weights


def pruned_weights(network, sparsities):
    """The same with such a fraction of each dense layer's weights at zero, the others larger."""
    rng = np.random.default_rng(3)
    convolutions, dense = convolutions_and_dense(random_weights(network))
    kept = ((rng.random(w.shape) >= s) / np.sqrt(1 - s) for (w, _), s in zip(dense, sparsities))
    return convolutions + [(np.float32(w * mask), b) for (w, b), mask in zip(dense, kept)]


def random_images(n):
    return np.random.default_rng(1).random((n, *IMAGE), dtype=np.float32)


def convolutions_and_dense(weights):
    return [pair for pair in weights if pair[0].ndim == 4], [p for p in weights if p[0].ndim == 2]


def channels_first(weights):
    """The same with the first dense layer's inputs in the order channel, row, column."""
    convolutions, dense = convolutions_and_dense(weights)
    if convolutions and dense:
        (w, b), c = dense[0], convolutions[-1][0].shape[3]
        rows = w.reshape(-1, c, w.shape[1]).swapaxes(0, 1).reshape(w.shape)
        dense = [(rows, b), *dense[1:]]
    return [*convolutions, *dense]


def nnlite_model(weights, drop_prob=0.0):
    """A Sequential, with dropout after the hidden dense layers."""
    import nnlite as nn

    convolutions, dense = convolutions_and_dense(weights)
    rng, layers = np.random.default_rng(0), []
    for w, _ in convolutions:
        layers += [nn.Conv2D(*w.shape[2:], w.shape[0], rng=rng, init="unset"), nn.ReLU()]
    layers.append(nn.Flatten())
    for w, _ in dense:
        layers += [nn.Dense(*w.shape, rng=rng, init="unset"), nn.ReLU()]
        layers.append(nn.Dropout(drop_prob, rng=rng))
    model = nn.Sequential(layers[:-2] if dense else layers)  # the outputs are raw
    for layer, (w, b) in zip((layer for layer in model.layers if layer.params), weights):
        layer.w.value, layer.b.value = w, b
    return model


def torch_model(weights, drop_prob=0.0, channels_last=True):
    """The same in PyTorch, for images (N, C, H, W)."""
    import torch
    from torch import nn

    class Flatten(nn.Module):
        """In the order row, column, channel, in which channels-last images lie: no copy."""

        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    weights = weights if channels_last else channels_first(weights)
    convolutions, dense = convolutions_and_dense(weights)
    modules = []
    for w, _ in convolutions:
        modules += [nn.Conv2d(*w.shape[2:], w.shape[0], padding="same"), nn.ReLU()]
    modules.append(Flatten() if channels_last else nn.Flatten())
    for w, _ in dense:
        modules += [nn.Linear(*w.shape), nn.ReLU(), nn.Dropout(drop_prob)]
    model = nn.Sequential(*modules[:-2])
    for module, (w, b) in zip((m for m in model if hasattr(m, "weight")), weights):
        w = w.T if w.ndim == 2 else w.transpose(3, 2, 0, 1)
        module.weight.data, module.bias.data = torch.tensor(w), torch.tensor(b)
    return model.to(memory_format=torch.channels_last) if channels_last else model


def torch_images(images, channels_last=True):
    """(N, H, W, C) -> a tensor (N, C, H, W), in either order in memory."""
    import torch

    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    return x.contiguous(
        memory_format=torch.channels_last if channels_last else torch.contiguous_format
    )
