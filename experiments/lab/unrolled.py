"""A network written out as matrices, with what an attacker needs: the gradient by its images.

model = Unrolled(nnlite.sparse.unroll(network, (28, 28, 1)))
noise = nnlite.noise.universal_noise(model, images, 3, 0.25, rng=rng)
"""

import numpy as np
from scipy.sparse import issparse

from nnlite.layers import matmul
from nnlite.sparse import SparseNetwork
from nnlite.sparse.product import csr_matmul


class Unrolled:
    """The layers of nnlite.sparse.unroll, pruned or not, forward and backward."""

    def __init__(self, layers):
        self.network = SparseNetwork(layers)  # dense layers that are not pruned are arrays there
        self.transposed = [layer.matrix.T for layer in self.network.layers]
        self.transposed = [m.tocsr() if issparse(m) else m for m in self.transposed]

    def predict(self, images, batch_size=None):
        return self.network.predict(images, batch_size)

    def input_gradient(self, images, labels, loss):
        """d loss(outputs, labels) / d images."""
        layers, outputs = self.network.layers, [images]
        for layer in layers:
            outputs.append(layer.forward(outputs[-1]))
        _, d = loss(outputs[-1], labels)
        for layer, matrix, y in zip(layers[::-1], self.transposed[::-1], outputs[::-1]):
            if layer.relu:
                d = d * (y > 0)
            d = (csr_matmul if layer.is_sparse else matmul)(matrix, np.ascontiguousarray(d.T)).T
        return d.reshape(images.shape)
