"""Which PyTorch module is which layer of nnlite; what has no counterpart is refused."""

from torch import nn

from nnlite import Conv2D, Dense, Dropout, Flatten, ReLU, Sigmoid, Tanh

SAME = {Flatten: nn.Flatten, ReLU: nn.ReLU, Sigmoid: nn.Sigmoid, Tanh: nn.Tanh}


def module_of(layer):
    """The module of a layer, with weights of its own; ValueError if there is none."""
    if isinstance(layer, Conv2D) and (layer.padding != "same" or layer.stride == (1, 1)):
        return nn.Conv2d(layer.c_in, layer.c_out, layer.kernel, layer.stride, layer.padding)
    if isinstance(layer, Dense):
        return nn.Linear(layer.n_in, layer.n_out)
    if isinstance(layer, Dropout):
        return nn.Dropout(layer.drop_prob)
    if type(layer) not in SAME:
        raise ValueError(f"{layer} has no counterpart in PyTorch")
    return SAME[type(layer)]()


def layer_of(module, rng):
    """The layer of a module, with weights of its own; ValueError if there is none.

    Whatever options the module has, its layer must become the same module again.
    """
    if isinstance(module, nn.Conv2d):
        padding = module.padding if isinstance(module.padding, str) else module.padding[0]
        sizes = module.in_channels, module.out_channels, module.kernel_size, module.stride
        layer = Conv2D(*sizes, padding, rng=rng)
    elif isinstance(module, nn.Linear):
        layer = Dense(module.in_features, module.out_features, rng=rng)
    elif isinstance(module, nn.Dropout):
        layer = Dropout(module.p, rng=rng)
    else:
        layer = next((ours() for ours, theirs in SAME.items() if type(module) is theirs), None)
    if layer is None or str(module_of(layer)) != str(module).replace("inplace=True", ""):
        raise ValueError(f"{module} has no counterpart in nnlite")
    return layer
