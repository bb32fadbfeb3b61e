"""Attackers who know the network as it is: noise made anew, and attacks on single images.

Nothing is chosen on test images: which of two vectors is the stronger is asked on validation
images, and the attacks on single images are the worst case of all that were tried.
"""

from dataclasses import dataclass

import numpy as np

import nnlite
from nnlite.attack_losses import cross_entropy_at, margin_loss
from nnlite.attacks import pgd, right_under_all
from nnlite.noise import add_noise, universal_noise


@dataclass(frozen=True)
class Config:
    """How hard the attackers try [ours]."""

    noise_steps: int = 100  # of Adam, from zero and from the noise of the unpruned network
    step_size: float = 0.03
    batch_size: int = 250
    images: int = 1000  # the first of the test images, for attacks on single ones
    steps: int = 40
    temperature: float = 0.1  # of the cross-entropy, for outputs that lie close together
    recipe: int = 1  # to be raised when the code changes results


def stronger_noise(model, data, target, limit, start, cfg):
    """Noise for the network as it is: trained from zero and from `start`, or `start` itself,
    whichever leaves the lower accuracy on validation images.

    target   a class, or None: away from the right one
    start    noise that was made for another network, or None
    """
    starts = [None] if start is None else [None, start]
    found = [trained_noise(model, data, target, limit, v, cfg, cfg.noise_steps) for v in starts]
    found += starts[1:]
    return min(found, key=lambda noise: accuracy_under(model, data.validation, noise))


def until_settled(model, data, target, limit, noise, cfg, settled, doublings):
    """(noise, points, steps): trained on for as many steps as it has had, and again, until these
    take less than `settled` of the accuracy on validation images.

    doublings   of cfg.noise_steps, which it is taken to have had before, at most; 1 or more
    points      what the last half of the steps took; if nothing, the noise stays as it was
    steps       how many were tried in all
    """
    steps, before = cfg.noise_steps, accuracy_under(model, data.validation, noise)
    for _ in range(doublings):
        again = trained_noise(model, data, target, limit, noise, cfg, steps)
        after = accuracy_under(model, data.validation, again)
        took, steps = max(0.0, before - after), 2 * steps
        if took > 0:
            noise, before = again, after
        if took < settled:
            break
    return noise, took, steps


def trained_noise(model, data, target, limit, start, cfg, steps):
    images, labels = data.train
    return universal_noise(
        *(model, images, target, limit),
        rng=np.random.default_rng(10 if target is None else target),
        step_size=cfg.step_size,
        steps=steps,
        batch_size=cfg.batch_size,
        start=start,
        labels=labels if target is None else None,
    )


def accuracy_under(model, part, noise):
    return nnlite.accuracy(model, add_noise(part.images, noise), part.labels)


def worst_accuracy(model, data, limit, cfg):
    """Accuracy on single images that PGD attacks with two losses, the worse for each image."""
    images, labels = (values[: cfg.images] for values in data.test)
    losses, rng = (cross_entropy_at(cfg.temperature), margin_loss), np.random.default_rng(0)
    attacked = [
        pgd(model, images, labels, limit, rng=rng, loss=loss, steps=cfg.steps) for loss in losses
    ]
    return np.mean(right_under_all(model, attacked, labels))
