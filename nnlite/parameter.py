"""Parameter: a trainable array, its gradient and its pruning mask.

The three live in one object so that they cannot fall out of step.  Layers read
`value` and assign `grad`; optimisers change `value` and enforce `mask`.
"""

import numpy as np

from nnlite.checks import as_float, check_mask


class Parameter:
    """A trainable array.

    value   float32 or float64 array
    grad    array of the same shape, assigned (never accumulated) by `backward`; None before
    mask    None, or a boolean array of the same shape: True = kept, False = pruned
    """

    def __init__(self, value):
        self.value = as_float(value, name="value")
        self.grad = None
        self.mask = None

    @property
    def mask(self):
        """None, or a boolean array: True = kept.  What is assigned is checked and copied."""
        return self._mask

    @mask.setter
    def mask(self, mask):
        self._mask = None if mask is None else check_mask(mask, self.value.shape)

    @property
    def sparsity(self):
        """Fraction of entries that are exactly zero, in [0, 1]."""
        return float(1 - np.count_nonzero(self.value) / self.value.size)

    def __getstate__(self):
        """All but the gradient: what pickle and copy take along."""
        return {**vars(self), "grad": None}

    def __repr__(self):
        return f"Parameter{self.value.shape}, {self.value.dtype}, sparsity {self.sparsity:.3f}"


def named_params(layer):
    """{"w": Parameter, "b": Parameter}: the parameters of one layer by attribute name."""
    return {name: p for name, p in vars(layer).items() if isinstance(p, Parameter)}
