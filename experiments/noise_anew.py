"""Universal noise by an attacker who knows the pruned network, and tries hard.

    python experiments/noise_anew.py --data mnist --preset standard     four hours on two cores
    python experiments/noise_anew.py                                    drawn digits, a minute

"Pruning, cost functions and adversarial noise" adds vectors that were made for the unpruned network
to the images of the pruned one.  Here each network is attacked as it is: by the post's eight
vectors, by one for each class, by one that asks for any class but the right one, and, for each
image, by the best of the ten.  Each is the strongest, by accuracy on validation images, of the
vector of the unpruned network, one made from zero, one made from that vector, and the stronger of
these after as many steps again, and again, until doubling them takes less than half a point.  The
training images of a step depend on the class that is asked for and on the number of the step only:
all networks are attacked with the same ones, and each doubling begins with the first.

The dense network is pruned as the post's table does, the convolutional one in its first dense layer
or in its convolutions, written out as sparse matrices.
Writes noise-anew.json and noise-anew.png.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
from lab import attackers, banks, forms, nets, pruning, script
from lab.attackers import accuracy_under, stronger_noise, until_settled
from lab.figures.attacks import gains
from lab.prepared import Made, scored
from lab.published import ANN_NOISE, ANN_TABLE, CNN_NOISE, SCORED_IMAGES
from lab.tables import describe, markdown, percent

import nnlite
import nnlite.sparse.prune as sparse_prune
from nnlite import plots, prune
from nnlite.attacks import right_under_all
from nnlite.noise import add_noise
from nnlite.sparse import SparseNetwork, unroll


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    ann: nets.Config
    cnn: nets.Config
    noise: banks.Config = banks.Config()
    ann_settings: tuple = tuple(ANN_TABLE)  # what is pruned from every dense layer [post]
    cnn_dense: float = 0.9  # from the first dense layer, by mean activation
    decoupled: float = 0.4  # from every convolution that is written out
    ann_vectors: tuple = ANN_NOISE  # (target, limit) each [post]
    cnn_vectors: tuple = CNN_NOISE  # [post]
    ten_limit: float = 0.25  # of the vectors for each class, and for none
    ann_attack: attackers.Config = attackers.Config()
    cnn_attack: attackers.Config = attackers.Config(noise_steps=50)
    settled: float = 0.005  # of accuracy: what twice the steps may still take
    doublings: int = 4  # of the steps, at most
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("ann-lq", "standard"), nets.preset("cnn-lq", "standard"))
QUICK = replace(
    STANDARD,
    ann=nets.preset("ann-lq", "quick"),
    cnn=nets.preset("cnn-lq", "quick"),
    ann_settings=STANDARD.ann_settings[::2],
    ann_vectors=ANN_NOISE[:1],
    cnn_vectors=CNN_NOISE[:1],
    ann_attack=attackers.Config(noise_steps=10),
    cnn_attack=attackers.Config(noise_steps=2),
    doublings=2,
)
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2, 3, 4)}
CNN_FORMS = (
    "whole",
    "first dense layer",
    "convolutions, magnitude",
    "convolutions, mean_activation",
)


@dataclass(frozen=True)
class Attacked:
    """Accuracies of a network, pruned or not, under replayed noise and under the strongest.

    clean        without noise
    eight        {"replayed": (8,), "strongest": (8,)}: under the post's vectors
    ten          the same, under the vector of each class
    best_of_ten  images that are read right under all ten
    untargeted   under one vector that asks for any other class
    steps        that were tried for each of these vectors from one beginning, (19,)
    last_steps   accuracy that the last half of them took, (19,)
    """

    network: str  # "ann" or "cnn"
    form: tuple | str  # what is pruned: a setting, or one of CNN_FORMS
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        vectors, attack = self.attackers(cfg)
        network, bank, scores = scored(*self.trained(cfg), cfg, data, runs)
        away = away_of_whole(*self.trained(cfg), cfg, attack, data, runs)
        replayed = [bank[pair] for pair in vectors] + [away]
        model = self.in_form(network.model, scores, cfg, data)
        pairs, made = [*vectors, (None, cfg.ten_limit)], {}
        for (target, limit), start in zip(pairs, replayed):
            if (target, limit) not in made:  # some of the eight are among the ten
                made[target, limit] = anew(model, data, target, limit, start, attack, cfg)
        strongest, last_steps, steps = zip(*(made[pair] for pair in pairs))
        found = [under_all(model, data.test, noise) for noise in (replayed, strongest)]
        clean = nnlite.accuracy(model, *data.test)
        both = {key: {"replayed": found[0][key], "strongest": found[1][key]} for key in found[0]}
        return {"clean": clean, **both, "steps": list(steps), "last_steps": list(last_steps)}

    def trained(self, cfg):
        return f"{self.network}-lq", getattr(cfg, self.network), self.seed

    def attackers(self, cfg):
        """((target, limit) of the eight and of the ten vectors, attackers.Config)"""
        eight = getattr(cfg, f"{self.network}_vectors")
        ten = [(target, cfg.ten_limit) for target in range(10)]
        return [*eight, *ten], getattr(cfg, f"{self.network}_attack")

    def in_form(self, model, scores, cfg, data):
        """The network that is attacked."""
        if self.form in ((), "whole"):
            return model
        if self.network == "ann":
            return pruning.pruned(model, pruning.masks_of(self.form, scores))
        if self.form == "first dense layer":
            name, values = next(iter(scores["mean_activation"].items()))
            return pruning.pruned(model, {name: prune.keep_mask(values, cfg.cnn_dense)})
        layers, score = unroll(model, data.image_shape), self.form.split(", ")[1]
        scores = pruning.scores_of(
            *(layers, data.train.images, self.seed, cfg.scored_images), pruning=sparse_prune
        )
        chosen = {i: scores[score][i] for i in range(len(cfg.cnn.convolutions))}
        return SparseNetwork(sparse_prune.apply(layers, prune.keep_masks(chosen, cfg.decoupled)))


@functools.lru_cache(maxsize=1)
def away_of_whole(name, net_cfg, seed, cfg, attack, data, runs):
    """Noise that asks the unpruned network for any class but the right one."""
    model = scored(name, net_cfg, seed, cfg, data, runs)[0].model
    return anew(model, data, None, cfg.ten_limit, None, attack, cfg)[0]


def anew(model, data, target, limit, start, attack, cfg):
    """(noise, points, steps) of the strongest that was found, see until_settled."""
    noise = stronger_noise(model, data, target, limit, start, attack)
    return until_settled(model, data, target, limit, noise, attack, cfg.settled, cfg.doublings)


def under_all(model, part, vectors):
    """Accuracies under the vectors of the eight, the ten and away, see Attacked."""
    *eight, away = (accuracy_under(model, part, noise) for noise in [*vectors[:-11], vectors[-1]])
    ten = [add_noise(part.images, noise) for noise in vectors[-11:-1]]
    return {
        "eight": eight,
        "ten": [nnlite.accuracy(model, images, part.labels) for images in ten],
        "best_of_ten": np.mean(right_under_all(model, ten, part.labels)),
        "untargeted": away,
    }


def needs(cfg, seeds):
    dense = [Made("ann-lq", cfg.ann, seed, cfg.noise) for seed in seeds]
    seeds = forms.seeds_of("cnn-lq", seeds)
    return [*dense, *(Made("cnn-lq", cfg.cnn, seed, cfg.noise) for seed in seeds)]


def rows(cfg, seeds):
    for seed in seeds:
        for settings in cfg.ann_settings:
            yield Attacked("ann", settings, seed)
    for seed in forms.seeds_of("cnn-lq", seeds):
        for form in CNN_FORMS:
            yield Attacked("cnn", form, seed)


# Table and figure


KINDS = ("replayed", "strongest")
VECTORS = {
    "eight": "the post's eight",
    "ten": "ten classes",
    "untargeted": "away from the right class",
    "best_of_ten": "best of ten",
}


def by_name(results):
    """{"dense network, magnitude 90 %": [the row of each seed], ...}"""
    named = {}
    for row in results.select(Attacked):
        named.setdefault(name_of(row, results.config), []).append(row)
    return named


def name_of(row, config):
    if row["network"] == "ann":
        return f"dense network, {describe(row['form'])}"
    if row["form"] == "whole":
        return "convolutional network, unpruned"
    share = config["cnn_dense" if row["form"].startswith("first") else "decoupled"]
    return f"convolutional network, {100 * share:.0f} % of {row['form'].replace('_', ' ')}"


def mean_under(row, vectors, kind):
    return np.mean(row[vectors][kind])


def table(results):
    lines = []
    for name, rows in by_name(results).items():
        cells = [
            percent([mean_under(row, vectors, kind) for row in rows])
            for vectors in VECTORS
            for kind in KINDS
        ]
        counts = [n for row in rows for n in row["steps"]]
        steps = " to ".join(map(str, sorted({min(counts), max(counts)})))
        took = percent([max(row["last_steps"]) for row in rows], 2)
        clean = percent([row["clean"] for row in rows])
        lines.append([name, clean, *cells, steps, took])
    header = [f"{words}, {kind}" for words in VECTORS.values() for kind in KINDS]
    settled = ["steps", "last half took at most"]
    return markdown(["accuracy", "no noise", *header, *settled], lines)


def draw(results, out):
    """Points gained over the unpruned network of the same seed, under each attacker."""
    words = {("eight", "replayed"): "the post's eight, replayed"}
    words |= {(vectors, "strongest"): f"{text}, strongest" for vectors, text in VECTORS.items()}
    lines, named = {}, by_name(results)
    for name, rows in named.items():
        whole = named[f"{name.partition(',')[0]}, unpruned"]
        if rows is not whole:
            pairs = list(zip(rows, whole))
            lines[name] = {
                key: [mean_under(row, *key) - mean_under(base, *key) for row, base in pairs]
                for key in words
            }
    plots.save_figure(gains(lines, words), out / "noise-anew.png")


if __name__ == "__main__":
    script.main("noise_anew")
