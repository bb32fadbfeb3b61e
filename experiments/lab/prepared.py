"""What most rows begin with: a network, its noise, the scores of its weights, noisy test images.

Rows of one network follow each other and share them: they are kept until another is asked for.
`cfg` is the script's Config, with the fields noise and scored_images.
"""

import functools
from dataclasses import dataclass

from lab import banks, nets, pruning
from lab.attacked import noisy_sets


@dataclass(frozen=True)
class Trained:
    """A network, to be trained before the rows that need it."""

    name: str
    network: nets.Config
    seed: int

    def compute(self, cfg, data, runs):
        nets.trained(self.name, self.network, data, self.seed, runs)


@dataclass(frozen=True)
class Made:
    """A network and its noise, to be made before the rows that need them."""

    name: str
    network: nets.Config
    seed: int
    noise: banks.Config

    def compute(self, cfg, data, runs):
        network = nets.trained(self.name, self.network, data, self.seed, runs)
        banks.bank(network, data, runs, self.noise)


@functools.lru_cache(maxsize=1)
def scored(name, net_cfg, seed, cfg, data, runs):
    """(network, its noise, the scores of its weights)"""
    network = nets.trained(name, net_cfg, data, seed, runs)
    bank = banks.bank(network, data, runs, cfg.noise)
    scores = pruning.scores_of(network.model, data.train.images, seed, cfg.scored_images)
    return network, bank, scores


@functools.lru_cache(maxsize=1)
def with_noisy_tests(name, net_cfg, seed, cfg, data, runs):
    """(network, scores, test images without noise and with that of each of cfg.vectors)"""
    network, bank, scores = scored(name, net_cfg, seed, cfg, data, runs)
    return network, scores, noisy_sets(data.test.images, bank, cfg.vectors)
