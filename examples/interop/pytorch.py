"""Weights and masks to PyTorch and back, bit for bit.

What has no counterpart, such as padding "same" with stride 2, is refused.  PyTorch's images are
(N, C, H, W); neuron_order.py says what that means for a Flatten.
"""

import numpy as np
import torch
from agreement import digits
from counterparts import layer_of, module_of
from neuron_order import channels_first, channels_last, weights
from torch.nn.utils import prune

import nnlite as nn


def to_torch(model, shape):
    """The torch.nn.Sequential that computes what a model does for images of shape (H, W, C)."""
    modules = [module_of(layer) for layer in model.layers]
    for module, name, p, window in weights(model, modules, shape):
        size = getattr(module, name).shape
        setattr(module, name, torch.nn.Parameter(channels_first(p.value, window, size)))
        if p.mask is not None:
            prune.custom_from_mask(module, name, channels_first(p.mask, window, size))
    return torch.nn.Sequential(*modules).eval()


def from_torch(modules, shape, rng):
    """The Sequential that computes what a torch.nn.Sequential does; rng is for Dropout."""
    model = nn.Sequential([layer_of(module, rng) for module in modules])
    for module, name, p, window in weights(model, modules, shape):
        mask = getattr(module, f"{name}_mask", None)
        value = getattr(module, name) if mask is None else getattr(module, f"{name}_orig") * mask
        p.value = channels_last(value, window, p.value.shape)
        p.mask = None if mask is None else channels_last(mask, window, p.value.shape) != 0
    return model


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    layers = [nn.Conv2D(1, 8, 3, 2, 1, rng=rng), nn.ReLU(), nn.Conv2D(8, 8, 3, rng=rng), nn.ReLU()]
    model = nn.Sequential([*layers, nn.Flatten(), nn.Dense(14 * 14 * 8, 10, rng=rng)])
    nn.prune.apply(model, nn.prune.keep_masks(nn.prune.scores(model, nn.prune.magnitude), 0.5))
    images = nn.data.strokes.make_digits(100, rng)[0]

    modules = to_torch(model, (28, 28, 1))
    outputs = modules(torch.tensor(images.transpose(0, 3, 1, 2))).detach()
    print(f"outputs, PyTorch and nnlite: {digits(outputs, model.predict(images))}")
    back = from_torch(modules, (28, 28, 1), rng)
    for (name, p), q in zip(model.named_params.items(), back.params):
        masks = "" if p.mask is None else f", its mask: {digits(q.mask, p.mask)}"
        print(f"{name}, there and back: {digits(q.value, p.value)}{masks}")
