"""Where the gain of pruning comes from: the border of the images, the first layer, or the rest?

    python experiments/is_it_the_border.py --data mnist --preset standard   50 minutes on two cores
    python experiments/is_it_the_border.py                                  drawn digits

"Pruning, cost functions and adversarial noise" finds that a network pruned by mean activation
stands noise better, and that the first layer matters most.  A pixel that is black in every image
has a mean activation of 0, so pruning cuts such pixels off first; noise lights them all.  The
controls here take away the same inputs, or as many weights, in other ways.

Each network is attacked by the post's eight vectors, made for the unpruned network (replayed); by
vectors made for the network as it is (anew); by attacks on single images; by random signs.
Writes is-it-the-border.json and is-it-the-border.png.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
from lab import attackers, banks, nets, pruning, script
from lab.attackers import accuracy_under, stronger_noise, worst_accuracy
from lab.controls import CONTROLS, Parts, behind
from lab.figures.attacks import gains
from lab.prepared import Made
from lab.published import ANN_NOISE, ANN_SPARSITY, SCORED_IMAGES
from lab.tables import markdown, percent

import nnlite
from nnlite import plots, prune
from nnlite.attacks import random_signs


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    network: nets.Config  # ann-lq
    noise: banks.Config = banks.Config()
    attack: attackers.Config = attackers.Config()
    vectors: tuple = ANN_NOISE  # (target, limit) [post]
    sparsity: float = ANN_SPARSITY  # of each layer that is pruned [post]
    single_limits: tuple = (0.1, 0.2)
    sign_limit: float = 0.35
    frame: int = 4  # pixels: MNIST's digits are drawn in a box of 20 x 20
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("ann-lq", "standard"))
QUICK = replace(
    STANDARD,
    network=nets.preset("ann-lq", "quick"),
    vectors=ANN_NOISE[:2],
    single_limits=(0.2,),
    attack=attackers.Config(noise_steps=30, images=300, steps=10),
)
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2, 3, 4)}


@dataclass(frozen=True)
class Attacked:
    """A network under everything.

    clean      accuracy without noise;  inputs: how many still reach the first layer
    replayed   under each of cfg.vectors, made for the unpruned network
    anew       under each, made for the network as it is
    single     on attacked single images, at each of cfg.single_limits
    signs      under random signs
    """

    control: str
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        network, bank, parts = prepared(cfg, self.seed, data, runs)
        masks, inputs = CONTROLS[self.control](parts, cfg)
        model = network.model
        saved = {}
        if "compensated" in self.control:
            saved = prune.compensate(model, masks, parts.statistics)
        if masks:
            attacked = pruning.pruned(model, masks)
        else:
            attacked = behind(inputs, model, data.image_shape)
        prune.undo(model, saved)
        result = under_everything(attacked, data, bank, cfg)
        reaching = masks[parts.first].any(axis=1) if parts.first in masks else inputs
        return {"inputs": 784 if reaching is None else reaching.sum(), **result}


def under_everything(model, data, bank, cfg):
    test = data.test
    vectors = [(target, limit, bank[target, limit]) for target, limit in cfg.vectors]
    anew = [stronger_noise(model, data, *vector, cfg.attack) for vector in vectors]
    signs = random_signs(test.images, cfg.sign_limit, rng=np.random.default_rng(0))
    return {
        "clean": nnlite.accuracy(model, *test),
        "replayed": [accuracy_under(model, test, noise) for _, _, noise in vectors],
        "anew": [accuracy_under(model, test, noise) for noise in anew],
        "single": [worst_accuracy(model, data, k, cfg.attack) for k in cfg.single_limits],
        "signs": nnlite.accuracy(model, signs, test.labels),
    }


@functools.lru_cache(maxsize=1)
def prepared(cfg, seed, data, runs):
    """(network, its noise, Parts)"""
    network = nets.trained("ann-lq", cfg.network, data, seed, runs)
    bank = banks.bank(network, data, runs, cfg.noise)
    rng = np.random.default_rng([seed, 1])
    images, weights = data.train.images, prune.dense_weights(network.model)
    statistics = pruning.statistics_of(network.model, images, cfg.scored_images, rng)
    scores = pruning.every_score(network.model, statistics, rng)
    return network, bank, Parts(weights, statistics, scores, seed)


def needs(cfg, seeds):
    return [Made("ann-lq", cfg.network, seed, cfg.noise) for seed in seeds]


def rows(cfg, seeds):
    for seed in seeds:
        for control in CONTROLS:
            yield Attacked(control, seed)


# Table and figure


KINDS = ("replayed", "anew")
WORDS = {
    "replayed": "vectors of the unpruned network",
    "anew": "vectors made anew",
    "single": "attacks on single images",
}


def of_control(results, control, kind):
    """(seeds,): accuracies, means over the vectors."""
    return [np.mean(row[kind]) for row in results.select(Attacked, control=control)]


def table(results):
    limits = results.config["single_limits"]
    lines = []
    for control in CONTROLS:
        rows = results.select(Attacked, control=control)
        single = [percent([row["single"][k] for row in rows]) for k in range(len(limits))]
        lines.append(
            [
                control,
                f"{np.mean([row['inputs'] for row in rows]):.0f}",
                percent([row["clean"] for row in rows]),
                *(percent(of_control(results, control, kind)) for kind in KINDS),
                *single,
                percent([row["signs"] for row in rows]),
            ]
        )
    header = ["accuracy", "inputs", "no noise", "eight vectors, replayed", "made anew"]
    header += [f"single images, limit {limit:.1f}" for limit in limits]
    return markdown([*header, f"random signs, {results.config['sign_limit']:.2f}"], lines)


def draw(results, out):
    """How many points each control gains over the unpruned network, under each attacker."""
    plain = {kind: of_control(results, "unpruned", kind) for kind in WORDS}
    lines = {
        control: {
            kind: np.subtract(of_control(results, control, kind), plain[kind]) for kind in plain
        }
        for control in list(CONTROLS)[1:]
    }
    plots.save_figure(gains(lines, WORDS), out / "is-it-the-border.png")


if __name__ == "__main__":
    script.main("is_it_the_border")
