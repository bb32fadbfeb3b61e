"""Ways of making the noise of a class: losses, steps, l2, and how far each of them gets.

    python experiments/noise_ways.py --data mnist --preset standard     five minutes on two cores
    python experiments/noise_ways.py                                    drawn digits

From "Pruning, cost functions and adversarial noise": noise could not be made with linear outputs
and a quadratic cost; it could with softmax and cross-entropy put on the trained network.

Noise is trained on training images; the ways are compared on validation images, and the end of
each is measured on test images, too.  Writes noise-ways.json.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from lab import banks, nets, script
from lab.attacked import under_noise
from lab.prepared import Trained
from lab.tables import markdown, percent

import nnlite
from nnlite.noise import noise_chain, universal_noise


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named.

    noise   of which the ways take the size of batches, and "chain" the limits
    ways    (step, step size, numbers of steps) each.  "chain" goes up through the limits, with so
            many steps of Adam at each
    """

    network: nets.Config  # ann-lq
    noise: banks.Config = banks.Config()
    targets: tuple = (3, 5)
    limit: float = 0.25
    ways: tuple = (
        ("adam", 0.03, (25, 50, 100, 200, 400)),
        ("chain", 0.03, (25, 50, 100)),
        ("normalised", 0.1, (25, 50, 100, 200, 400)),
        ("plain", 0.1, (400, 5000)),  # 5000 [notebook]
    )
    losses: tuple = ("softmax_cross_entropy", "quadratic")  # functions of nnlite.losses
    l2: tuple = (0.0, 0.02)  # factor of sum(noise^2)/2; 0.02 [Hvass-Labs notebook 12]
    recipe: int = 1  # to be raised when the code changes results


PRESETS = {name: Config(nets.preset("ann-lq", name)) for name in ("quick", "standard")}
SEEDS = {"quick": (0,), "standard": (0,)}


@dataclass(frozen=True)
class Way:
    """A way of making the noise of a class: how often does it get what it asks for?

    validation_success   on validation images
    accuracy, success    on test images
    """

    seed: int
    step: str
    step_size: float
    loss: str
    l2: float
    steps: int
    target: int
    kept = True

    def compute(self, cfg, data, runs):
        model = nets.trained("ann-lq", cfg.network, data, self.seed, runs).model
        noise = self.noise(model, data.train.images, cfg)
        validation, test = (
            under_noise(model, *part, self.target, noise) for part in (data.validation, data.test)
        )
        return {"validation_success": validation["success"], **test}

    def noise(self, model, images, cfg):
        """The vector (28, 28, 1)."""
        options = {
            "step_size": self.step_size,
            "steps": self.steps,
            "batch_size": cfg.noise.batch_size,
            "loss": getattr(nnlite, self.loss),
            "l2": self.l2,
            "rng": np.random.default_rng(self.target),
        }
        if self.step == "chain":
            limits = [limit for limit in cfg.noise.limits if limit <= cfg.limit]
            chain = noise_chain(model, images, self.target, limits, step="adam", **options)
            return chain[self.target, cfg.limit]
        return universal_noise(model, images, self.target, cfg.limit, step=self.step, **options)


def needs(cfg, seeds):
    return [Trained("ann-lq", cfg.network, seed) for seed in seeds]


def rows(cfg, seeds):
    kinds = itertools.product(seeds, cfg.ways, cfg.losses, cfg.l2)
    for seed, (step, step_size, numbers), loss, l2 in kinds:
        for steps, target in itertools.product(numbers, cfg.targets):
            yield Way(seed, step, step_size, loss, l2, steps, target)


# Table


def ways_of(results):
    """{(step, loss, l2): {steps: [a row for each class]}}"""
    ways = {}
    for row in results.select(Way):
        numbers = ways.setdefault((row["step"], row["loss"], row["l2"]), {})
        numbers.setdefault(row["steps"], []).append(row)
    return ways


def mean(rows, name):
    return np.mean([row[name] for row in rows])


def growth(numbers):
    """{steps: success on validation images}, of a way of `ways_of`."""
    return {steps: mean(rows, "validation_success") for steps, rows in numbers.items()}


def table(results):
    """Success along the steps, and at the end, of every way of making noise."""
    lines = []
    for (step, loss, l2), numbers in ways_of(results).items():
        grown = (f"{steps}: {percent(success)}" for steps, success in growth(numbers).items())
        last = numbers[max(numbers)]
        end = [percent(mean(last, name)) for name in ("success", "accuracy")]
        lines.append([loss.replace("_", " "), step, f"{l2:g}", ", ".join(grown), *end])
    header = ["loss", "step", "l2", "success after so many steps, validation images"]
    return markdown([*header, "success at the end, test images", "accuracy there"], lines)


def draw(results, out):
    """Nothing: what there is to see is in the table."""


if __name__ == "__main__":
    script.main("noise_ways")
