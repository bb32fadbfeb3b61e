"""Layers in front of a network: what they take away, an attacker who follows the gradient sees."""

import numpy as np


class InputMask:
    """A layer that sets some inputs (N, H, W, C) to zero."""

    params = ()

    def __init__(self, keep):
        self.keep, self.cache = keep, None

    def forward(self, x, train=False):
        return x * self.keep

    def backward(self, dy):
        return dy * self.keep


class BlackAndWhite:
    """A layer that makes each input 0 or 1; backwards it does nothing, so that an attacker can
    follow the gradient behind it (Athalye et al., 2018)."""

    params = ()

    def __init__(self):
        self.cache = None

    def forward(self, x, train=False):
        return np.round(x)

    def backward(self, dy):
        return dy
