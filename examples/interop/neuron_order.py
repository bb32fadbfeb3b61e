"""How weights lie in PyTorch and in nnlite.

PyTorch has (N, C, H, W) and filters (c_out, c_in, kh, kw), nnlite (N, H, W, C) and filters (kh, kw,
c_in, c_out).  Behind a Flatten PyTorch therefore counts neurons channel after channel and nnlite
pixel after pixel: a Dense there is turned as if it were a filter as large as the image.
"""

import numpy as np
import torch

from nnlite import Flatten


def weights(model, modules, shape):
    """(module, "weight" or "bias", Parameter, window) of all that is learnt.

    The window, (H, W, C), is what a weight matrix reads: as much as a filter, or the whole image.
    """
    x, image = np.zeros((1, *shape), np.float32), None
    for layer, module in zip(model.layers, modules):
        image = x.shape[1:] if isinstance(layer, Flatten) and x.ndim == 4 else image
        if layer.params:
            size = layer.w.value.shape[:-1]
            yield module, "weight", layer.w, size if len(size) == 3 else image or (1, 1, *size)
            yield module, "bias", layer.b, (1, 1, 1)
            image = None
        x = layer.forward(x)


def channels_first(array, window, shape):
    """A tensor (n_out, C, H, W), in that shape, of an array (H, W, C, n_out)."""
    return torch.tensor(array.reshape(*window, -1).transpose(3, 2, 0, 1).reshape(shape))


def channels_last(tensor, window, shape):
    """The way back."""
    filters = tensor.detach().numpy().copy().reshape(-1, window[2], *window[:2])
    return filters.transpose(2, 3, 1, 0).reshape(shape)
