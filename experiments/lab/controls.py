"""Ways of taking inputs or weights away from a dense network, as controls for pruning.

Each is a function (Parts, cfg) -> ({"1.w": mask, ...}, inputs): the weights that are kept, and the
inputs (784,) that still reach the network, or None for all of them.  `cfg` has the fields sparsity,
of each layer that is pruned, and frame, in pixels.
"""

from dataclasses import dataclass

import numpy as np

import nnlite
from lab.layers import InputMask
from nnlite import prune


@dataclass(frozen=True)
class Parts:
    """What the controls are made of: the dense weights by name, their statistics and scores."""

    weights: dict
    statistics: dict
    scores: dict  # {score: {"1.w": array, ...}}
    seed: int

    @property
    def first(self):
        return next(iter(self.weights))

    def pruned(self, sparsity, score="mean_activation", layers=None):
        """Masks of some of the layers, all of them by default."""
        chosen = {
            name: s for name, s in self.scores[score].items() if name in (layers or self.weights)
        }
        return prune.keep_masks(chosen, sparsity)

    def of_inputs(self, order, sparsity):
        """A mask of the first layer without the first inputs in `order`, all weights of each."""
        n_in, n_out = self.weights[self.first].value.shape
        mask = np.ones((n_in, n_out), bool)
        mask[order[: round(sparsity * n_in)]] = False
        return {self.first: mask}


def nothing(parts, cfg):
    return {}, None


def all_layers(parts, cfg):
    return parts.pruned(cfg.sparsity), None


def first_layer(parts, cfg):
    return parts.pruned(cfg.sparsity, layers=[parts.first]), None


def other_layers(parts, cfg):
    return parts.pruned(cfg.sparsity, layers=list(parts.weights)[1:]), None


def connected(masks, name):
    """(n_in,) booleans: inputs that keep a weight of the layer."""
    return masks[name].any(axis=1)


def inputs_cut_off(parts, cfg):
    """The unpruned network without the inputs that pruning layer 1 disconnects."""
    masks, _ = first_layer(parts, cfg)
    return {}, connected(masks, parts.first)


def all_but_those(parts, cfg):
    """Layer 1 pruned, but the inputs that this disconnects keep all their weights."""
    masks, _ = first_layer(parts, cfg)
    off = ~connected(masks, parts.first)
    return {parts.first: masks[parts.first] | off[:, None]}, None


def darkest_inputs(parts, cfg):
    """As many weights of layer 1: all those of the inputs with the lowest mean."""
    return parts.of_inputs(np.argsort(parts.statistics[parts.first].mean), cfg.sparsity), None


def random_inputs(parts, cfg):
    """As many weights of layer 1: all those of random inputs."""
    n_in = parts.weights[parts.first].value.shape[0]
    return parts.of_inputs(
        np.random.default_rng([parts.seed, 2]).permutation(n_in), cfg.sparsity
    ), None


def random_weights(parts, cfg):
    """As many weights of layer 1, at random."""
    return parts.pruned(cfg.sparsity, "random", [parts.first]), None


def magnitude(parts, cfg):
    return parts.pruned(cfg.sparsity, "magnitude"), None


def frame(parts, cfg):
    """The unpruned network without a frame of pixels."""
    inside = np.zeros((28, 28), bool)
    inside[cfg.frame : -cfg.frame, cfg.frame : -cfg.frame] = True
    return {}, inside.ravel()


CONTROLS = {  # what the tables call them
    "unpruned": nothing,
    "all layers by mean activation": all_layers,
    "all layers, biases compensated": all_layers,
    "all layers by magnitude": magnitude,
    "layer 1 by mean activation": first_layer,
    "layer 1, biases compensated": first_layer,
    "layers 2 to 4 by mean activation": other_layers,
    "unpruned, inputs that layer 1 loses at 0": inputs_cut_off,
    "layer 1, but no input cut off": all_but_those,
    "layer 1, darkest inputs": darkest_inputs,
    "layer 1, random inputs": random_inputs,
    "layer 1, random weights": random_weights,
    "unpruned, frame at 0": frame,
}


def behind(inputs, model, shape):
    """The model behind an InputMask, if there is one."""
    if inputs is None:
        return model
    return nnlite.Sequential([InputMask(inputs.reshape(shape).astype(np.float32)), *model.layers])
