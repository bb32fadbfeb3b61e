"""Attackers who want to be believed: their images are read wrong, and the network is sure of it.

Each takes (network, images, labels, limit, others) and returns a list of outputs (N, 10): what the
network says of each version of the images that it can choose from.

network   a forms.Network, which has universal noise of its own
others    a Context: what the attacker knows beside
"""

from dataclasses import dataclass

import numpy as np

import nnlite
from lab.attacked import other_class
from nnlite.attack_losses import lead_of_label, margin_loss
from nnlite.attacks import pgd
from nnlite.confidence import continuous_ratio
from nnlite.losses import one_hot, quadratic
from nnlite.noise import add_noise, universal_noise


@dataclass(frozen=True)
class Context:
    """Training images, clean images to copy and the range of their largest output, and effort."""

    train: np.ndarray
    clean: np.ndarray
    clean_labels: np.ndarray
    range: tuple  # of the largest output of clean images
    cfg: object  # with noise_steps, steps, scales
    rng: np.random.Generator


# One vector for all images


def random_class(network, images, labels, limit, others):
    """The post's: the vector of a random other class."""
    targets = other_class(labels, others.rng)
    return [network.model.predict(network.with_noise(images, targets, limit))]


def scaled(network, images, labels, limit, others):
    """The vector of a random other class, drawn once more, and weaker versions of it."""
    targets = other_class(labels, others.rng)
    vectors = np.stack([network.bank[k, limit] for k in range(10)])[targets]
    scales = np.float32(others.cfg.scales)
    return [network.model.predict(add_noise(images, scale * vectors)) for scale in scales]


def best_of_ten(network, images, labels, limit, others):
    """The vectors of all classes."""
    vectors = [network.bank[k, limit] for k in range(10)]
    return [network.model.predict(add_noise(images, vector)) for vector in vectors]


def vectors_to_one_hot(network, images, labels, limit, others):
    """Vectors that ask for the outputs 1 and 0, not only for a class; of all classes."""
    made = [
        universal_noise(
            *(network.model, others.train, target, limit),
            rng=np.random.default_rng(target),
            steps=others.cfg.noise_steps,
            loss=quadratic,
        )
        for target in range(10)
    ]
    return [network.model.predict(add_noise(images, vector)) for vector in made]


# Another change for each image; targets are a random other class and the second largest output


def to_one_hot(network, images, labels, limit, others):
    """Towards the outputs 1 and 0."""
    return each_target(network, images, labels, limit, others, one_hot_of, quadratic, closeness)


def copied(network, images, labels, limit, others):
    """Towards the outputs of a clean image of the target class."""
    return each_target(network, images, labels, limit, others, outputs_of, quadratic, closeness)


def highest_ratio(network, images, labels, limit, others):
    """Towards the highest ratio of outputs, the largest staying where it is for clean images; after
    softmax also towards that of probabilities, by the margin, which is its logarithm."""
    low, high = others.range

    def goal(outputs, targets):
        outside = np.abs(outputs.max(axis=1) - np.clip(outputs.max(axis=1), low, high))
        believed = (lead_of_label(outputs, targets) > 0) & (outside == 0)
        return np.where(believed, continuous_ratio(outputs) - 100, -1000 - outside)

    found = each_target(network, images, labels, limit, others, classes_of, ratio_loss, goal)
    if network.after_softmax:
        found += each_target(network, images, labels, limit, others, classes_of, margin_loss, lead)
    return found


def each_target(network, images, labels, limit, others, aim, loss, goal):
    second = second_class(network.model.predict(images), labels)
    found = []
    for targets in (second, other_class(labels, others.rng)):
        attacked = pgd(
            *(network.model, images, aim(network, targets, others), limit),
            rng=others.rng,
            loss=loss,
            goal=goal,
            targeted=True,
            steps=others.cfg.steps,
        )
        found.append(network.model.predict(attacked))
    return found


def second_class(outputs, labels):
    """The class of the largest output beside the right one, (N,)."""
    return nnlite.attack_losses.best_other(outputs, labels)


def classes_of(network, targets, others):
    return targets


def one_hot_of(network, targets, others):
    return one_hot(targets, 10)


def outputs_of(network, targets, others):
    """The outputs for random clean images of the target classes, (N, 10); 1 and 0 where the network
    reads no clean image of the class right."""
    of_class = [np.flatnonzero(others.clean_labels == k) for k in range(10)]
    known = np.array([len(of_class[k]) > 0 for k in targets])
    chosen = [others.rng.choice(of_class[k]) for k in targets[known]]
    outputs = one_hot(targets, 10)
    outputs[known] = network.model.predict(others.clean[chosen])
    return outputs


def closeness(outputs, wanted):
    """Minus the squared distance to the wanted outputs, less 1: never reached, so never left."""
    return -np.sum((outputs - wanted) ** 2, axis=1) - 1


def lead(outputs, targets):
    """Lead of the target over the other classes, less 1000: never reached, so never left."""
    return lead_of_label(outputs, targets) - 1000


def ratio_loss(outputs, targets):
    """mean(largest other output / output of the target), the latter at least 0.1."""
    rows, other = np.arange(len(outputs)), second_class(outputs, targets)
    first, second = np.maximum(outputs[rows, targets], 0.1), outputs[rows, other]
    gradient = np.zeros_like(outputs)
    gradient[rows, other] = 1 / first
    gradient[rows, targets] = -second / first**2
    return float(np.mean(second / first)), gradient / len(outputs)


ATTACKERS = {
    "random class": random_class,
    "random class, scaled": scaled,
    "best of ten": best_of_ten,
    "vectors to one-hot": vectors_to_one_hot,
    "single, to one-hot": to_one_hot,
    "single, copies a clean image": copied,
    "single, highest ratio": highest_ratio,
}
