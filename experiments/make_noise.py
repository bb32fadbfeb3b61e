"""Universal noise for the posts' networks, and what the first post says of making it.

    python experiments/make_noise.py --data mnist --preset standard     35 minutes on two cores
    python experiments/make_noise.py                                    drawn digits

From "Pruning, cost functions and adversarial noise": the noise of each class as a picture, how well
it works on each network, and the claim that noise made on a softmax-cross-entropy network works on
the linear-quadratic one too, less well.

Noise is trained on training images and measured on test images.  The vectors of a network are kept
in runs/.  Writes make-noise.json, noise-vectors.png, noise-limits.png.
"""

import base64
import functools
import itertools
from dataclasses import dataclass

import numpy as np
from lab import banks, forms, nets, script
from lab.attacked import under_noise
from lab.tables import markdown, percent

import nnlite
from nnlite import plots


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    networks: tuple  # (name, nets.Config) each
    noise: banks.Config = banks.Config()
    random_vectors: int = 3  # of random signs, the control, at each limit
    transfer_limits: tuple = (0.25,)
    shown_limits: tuple = (0.15, 0.25, 0.35)  # in the table, and as pictures of the first network
    recipe: int = 1  # to be raised when the code changes results


PRESETS = {
    name: Config(tuple((model, nets.preset(model, name)) for model in nets.MODELS))
    for name in ("quick", "standard")
}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Clean:
    """accuracy: without noise."""

    network: str
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        model, _ = prepared(cfg, self.network, self.seed, data, runs)
        return {"accuracy": nnlite.accuracy(model, *data.test)}


@dataclass(frozen=True)
class OwnNoise:
    """A network under the noise that was made on it, a vector for each class.

    accuracy   under each vector
    success    of each vector: fraction of images of other classes that are read as its class
    random     accuracy under random signs, mean over some vectors of them
    """

    network: str
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        model, bank = prepared(cfg, self.network, self.seed, data, runs)
        random = [
            under_noise(model, *data.test, 0, random_signs(self.limit, data.image_shape, k))
            for k in range(cfg.random_vectors)
        ]
        return {
            **under_each_vector(model, bank, self.limit, data),
            "random": np.mean([measured["accuracy"] for measured in random]),
        }


@dataclass(frozen=True)
class Transfer:
    """accuracy, success: of noise made on one network and used on another, mean over classes."""

    made_on: str
    used_on: str
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        _, bank = prepared(cfg, self.made_on, self.seed, data, runs)
        model, _ = prepared(cfg, self.used_on, self.seed, data, runs)
        measured = under_each_vector(model, bank, self.limit, data)
        return {name: np.mean(values) for name, values in measured.items()}


@dataclass(frozen=True)
class Picture:
    """vectors: those of all classes, as text."""

    network: str
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        _, bank = prepared(cfg, self.network, self.seed, data, runs)
        return {"vectors": as_text([bank[k, self.limit] for k in range(data.n_classes)])}


@functools.lru_cache(maxsize=2)  # Transfer takes two
def prepared(cfg, name, seed, data, runs):
    """(model, its noise)"""
    network = nets.trained(name, dict(cfg.networks)[name], data, seed, runs)
    return network.model, banks.bank(network, data, runs, cfg.noise)


def under_each_vector(model, bank, limit, data):
    """accuracy, success: of the vector of each class, on test images."""
    classes = range(data.n_classes)
    measured = [under_noise(model, *data.test, k, bank[k, limit]) for k in classes]
    return {name: [each[name] for each in measured] for name in ("accuracy", "success")}


def random_signs(limit, shape, seed):
    """The control: every pixel at one of its limits."""
    return np.random.default_rng(seed).choice(np.float32([-limit, limit]), size=shape)


def as_text(vectors):
    """Vectors (K, 28, 28, 1) as bytes, hundredths of a pixel unit, in base64."""
    hundredths = np.rint(100 * np.array(vectors))
    return base64.b64encode(hundredths.astype(np.int8).tobytes()).decode()


def from_text(text):
    """(K, 28, 28), pixel units."""
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(-1, 28, 28) / 100


def needs(cfg, seeds):
    return forms.needs(cfg, seeds)


def rows(cfg, seeds):
    """The networks under their own noise; then, of the first seed, on each other's."""
    names = [name for name, _ in cfg.networks]
    for name, _ in cfg.networks:
        for seed in forms.seeds_of(name, seeds):
            yield Clean(name, seed)
            for limit in cfg.noise.limits:
                yield OwnNoise(name, seed, limit)
        for limit in cfg.shown_limits if name == names[0] else cfg.shown_limits[-1:]:
            yield Picture(name, seeds[0], limit)
    for limit, made_on, used_on in itertools.product(cfg.transfer_limits, names, names):
        yield Transfer(made_on, used_on, seeds[0], limit)


# Tables and figures


def names_of(results):
    return [name for name, _ in results.config["networks"]]


def clean(results, network):
    """(seeds,): accuracy without noise."""
    return [row["accuracy"] for row in results.select(Clean, network=network)]


def under_own(results, network, limit):
    """(seeds,): accuracy under the network's own noise, mean over the classes it asks for."""
    rows = results.select(OwnNoise, network=network, limit=limit)
    return [np.mean(row["accuracy"]) for row in rows]


def under_random(results, network, limit):
    """(seeds,): accuracy under random signs."""
    return [row["random"] for row in results.select(OwnNoise, network=network, limit=limit)]


def limits_table(results):
    """Accuracy of each network under its own noise."""
    limits = results.config["shown_limits"]
    lines = []
    for network in names_of(results):
        own = [percent(under_own(results, network, limit)) for limit in limits]
        random = percent(under_random(results, network, limits[-1]))
        lines.append([network, percent(clean(results, network), 2), *own, random])
    header = ["network", "no noise", *(f"limit {limit:.2f}" for limit in limits)]
    return markdown([*header, f"random signs, {limits[-1]:.2f}"], lines)


def transfer_table(results, limit):
    """Accuracy under noise that was made on one network and is used on another."""
    names, lines = names_of(results), []
    for made_on in names:
        used = results.select(Transfer, made_on=made_on, limit=limit)
        lines.append([f"made on {made_on}", *(percent(row["accuracy"]) for row in used)])
    return markdown([f"limit {limit:.2f}", *(f"used on {name}" for name in names)], lines)


def table(results):
    transfers = [transfer_table(results, limit) for limit in results.config["transfer_limits"]]
    return "\n\n".join([limits_table(results), *transfers])


def draw(results, out):
    plots.save_figure(draw_vectors(results), out / "noise-vectors.png", colors=128)
    plots.save_figure(draw_limits(results), out / "noise-limits.png")


def draw_vectors(results):
    """The pictures, above each vector how often it gets its way."""
    vectors, titles = {}, {}
    for row in results.select(Picture):
        label = f"{row['network']}\nlimit {row['limit']:.2f}"
        fields = {name: row[name] for name in ("network", "seed", "limit")}
        (measured,) = results.select(OwnNoise, **fields)
        vectors[label] = from_text(row["vectors"])
        titles[label] = [f"{100 * success:.0f} %" for success in measured["success"]]
    return plots.noise_grid(vectors, titles)


def draw_limits(results):
    """Accuracy from no noise up to the highest limit."""
    limits, own, random = results.config["noise"]["limits"], {}, {}
    for network in names_of(results):
        for lines, under in ((own, under_own), (random, under_random)):
            each = [under(results, network, limit) for limit in limits]
            lines[network] = np.array([clean(results, network), *each])
    return plots.accuracy_against_limit([0, *limits], own, random)


if __name__ == "__main__":
    script.main("make_noise")
