"""A model of nnlite as an estimator of the Adversarial Robustness Toolbox (ART)."""

import numpy as np
from art.estimators import BaseEstimator, LossGradientsMixin, NeuralNetworkMixin
from art.estimators.classification import ClassGradientsMixin, ClassifierMixin

import nnlite as nn
from nnlite.losses import one_hot


class ArtClassifier(
    ClassGradientsMixin, ClassifierMixin, LossGradientsMixin, NeuralNetworkMixin, BaseEstimator
):
    """A trained model, for attacks that follow gradients and for those that only predict."""

    input_shape = None  # of one image

    def __init__(self, model, input_shape, nb_classes):
        super().__init__(model=model, clip_values=(0, 1), channels_first=False)
        self.input_shape, self.nb_classes = input_shape, nb_classes

    def fit(self, x, y, **kwargs):
        raise NotImplementedError("train the model with nnlite before")

    def predict(self, x, batch_size=500, **kwargs):
        return self.model.predict(x, batch_size)

    def get_activations(self, x, layer, batch_size=500, framework=False):
        """Outputs of the layer of that number."""
        return nn.Sequential(self.model.layers[: layer + 1]).predict(x, batch_size)

    def loss_gradient(self, x, y, **kwargs):
        return self.model.input_gradient(x, y, nn.softmax_cross_entropy)

    def class_gradient(self, x, label=None, **kwargs):
        """Gradients of outputs: (N, classes, ...); with a label, or one an image, (N, 1, ...)."""
        self.model.forward(x)
        labels = range(self.nb_classes) if label is None else [label]
        wanted = [one_hot(np.broadcast_to(k, len(x)), self.nb_classes) for k in labels]
        return np.stack([self.model.backward_input(dy) for dy in wanted], axis=1)
