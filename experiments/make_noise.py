"""Universal noise for the posts' networks, and what the first post says of making it.

    python experiments/make_noise.py --data mnist --preset standard     forty minutes on two cores
    python experiments/make_noise.py                                    drawn digits, two minutes

From "Pruning, cost functions and adversarial noise": the noise of each class as a picture, how well
it works on each network, and three claims.  Noise could not be made with linear outputs and a
quadratic cost; it could with softmax and cross-entropy put on the trained network; noise made on a
softmax-cross-entropy network works too, less well.

Noise is trained on training images and measured on test images; ways of training it are compared
on validation images.  The vectors of a network are kept in runs/.
Writes make-noise.json, noise-vectors.png, noise-limits.png, noise-ways.png.
"""

import base64
import itertools
import sys
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import study
from study import markdown, percent, under_noise
from tqdm import tqdm

import nnlite
from nnlite import plots
from nnlite.noise import noise_chain, universal_noise

RECIPE = 1  # to be raised when this file or nnlite changes its results


NETWORKS = {"ann-lq": study.ANN_SEEDS, "ann-sce": study.ANN_SEEDS, "cnn-lq": (0,), "cnn-sce": (0,)}
TRANSFER_LIMITS = (0.25,)
SHOWN_LIMITS = (0.15, 0.25, 0.35)

# Ways of making it, each for these classes: (step, step size, numbers of steps).  "chain" goes up
# through the limits, with so many steps of Adam at each.
WAY_TARGETS, WAY_LIMIT = (3, 5), 0.25
WAYS = (
    ("adam", 0.03, (25, 50, 100, 200, 400)),
    ("chain", 0.03, (25, 50, 100)),
    ("normalised", 0.1, (25, 50, 100, 200, 400)),
    ("plain", 0.1, (400, 5000)),
)
WAY_LOSSES = ("softmax_cross_entropy", "quadratic")
WAY_L2 = (0.0, 0.02)  # 0.02 [Hvass-Labs notebook 12]


def random_noise(limit, rng):
    """The control: every pixel at one of its limits."""
    return rng.choice(np.float32([-limit, limit]), size=(28, 28, 1))


def mean_under_random_noise(model, images, labels, limit):
    noises = [random_noise(limit, np.random.default_rng(k)) for k in range(3)]
    return np.mean([under_noise(model, images, labels, 0, v)["accuracy"] for v in noises])


def measure_bank(model, noises, data, rows, name):
    """Each vector of its own bank, and random noise, on the test images."""
    images, labels = data.test
    own, random = {}, {}
    for (k, limit), noise in noises.items():
        key = f"{name}, class {k}, limit {limit}"
        own[f"{k} {limit}"] = rows.get(key, under_noise, model, images, labels, k, noise)
    for limit in noise_banks.CONFIG.limits:
        key = f"{name}, random, limit {limit}"
        random[limit] = rows.get(key, mean_under_random_noise, model, images, labels, limit)
    return {"clean": nnlite.accuracy(model, images, labels), "own": own, "random": random}


def mean_over_vectors(model, bank, limit, images, labels):
    each = [under_noise(model, images, labels, k, bank[k, limit]) for k in range(10)]
    return {key: np.mean([one[key] for one in each]) for key in each[0]}


def measure_transfer(models, banks, data, rows):
    """{limit: {made on: {used on: mean over the classes}}}, seed 0 of every network."""
    found = {limit: {source: {} for source in banks} for limit in TRANSFER_LIMITS}
    for limit, source, target in itertools.product(TRANSFER_LIMITS, banks, models):
        key = f"made on {source}, used on {target}, limit {limit}"
        args = models[target], banks[source], limit, *data.test
        found[limit][source][target] = rows.get(key, mean_over_vectors, *args)
    return found


def measure_way(model, data, way):
    options = {key: way[key] for key in ("step", "step_size", "steps", "l2")}
    options |= {"loss": getattr(nnlite, way["loss"]), "rng": np.random.default_rng(way["target"])}
    args = model, data.train.images, way["target"]
    if way["step"] == "chain":
        limits = [limit for limit in noise_banks.CONFIG.limits if limit <= way["limit"]]
        noise = noise_chain(*args, limits, **options | {"step": "adam"})[way["target"], limits[-1]]
    else:
        noise = universal_noise(*args, way["limit"], **options)
    measured = (data.validation, data.test)
    validation, test = (under_noise(model, *part, way["target"], noise) for part in measured)
    return {"validation_success": validation["success"], **test}


def measure_ways(model, data, rows):
    """Success and accuracy for every way of making noise and every number of steps."""
    found = []
    ways = list(itertools.product(WAYS, WAY_LOSSES, WAY_L2))
    for (step, step_size, numbers), loss, l2 in tqdm(ways, unit="way", disable=None):
        for steps, target in itertools.product(numbers, WAY_TARGETS):
            way = {"step": step, "step_size": step_size, "loss": loss, "l2": l2}
            way |= {"steps": steps, "target": target, "limit": WAY_LIMIT}
            key = ", ".join(f"{k} {v}" for k, v in way.items())
            found.append(way | rows.get(key, measure_way, model, data, way))
    return found


def as_text(noises, limit):
    """The ten vectors of a limit for the picture: bytes, hundredths of a pixel unit, in base64."""
    hundredths = np.rint([100 * noises[k, limit][..., 0] for k in range(10)])
    return base64.b64encode(hundredths.astype(np.int8).tobytes()).decode()


def from_text(text):
    """(10, 28, 28), pixel units."""
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(10, 28, 28) / 100


def run(data, preset, runs=kept.RUNS, say=print):
    measured, firsts, banks, vectors, made_by = {}, {}, {}, {}, []
    for name, seeds in NETWORKS.items():
        for seed in seeds if preset == "standard" else (0,):
            model, about = study.network(name, preset, seed, data, runs, say)
            noises = noise_banks.bank(model, about, data, runs, say=say)
            made_by.append(study.made_by(about))
            own = f"{data.name}-{name}-{preset}-seed{seed}-under-noise"
            rows = kept.Rows(runs, own, noise_banks.measured_by(about, RECIPE))
            measured[f"{name} {seed}"] = measure_bank(model, noises, data, rows, name)
            if seed == 0:
                firsts[name], banks[name] = model, noises
                shown = SHOWN_LIMITS if name == "ann-lq" else SHOWN_LIMITS[-1:]
                vectors[name] = {limit: as_text(noises, limit) for limit in shown}
            say(f"{name}, seed {seed}: measured")
    everything = {"models": made_by, "noise": asdict(noise_banks.CONFIG), "recipe": RECIPE}
    rows = kept.Rows(runs, f"{data.name}-{preset}-noise-ways-and-transfer", everything)
    transfer = measure_transfer(firsts, banks, data, rows)
    say("transfer: measured")
    ways = measure_ways(firsts["ann-lq"], data, rows)
    return {
        "config": asdict(noise_banks.CONFIG),
        "banks": measured,
        "transfer": transfer,
        "ways": ways,
        "vectors": vectors,
    }


def mean_over_classes(results, network, limit, key="accuracy"):
    """(seeds,): the mean over the ten classes, for each seed of a network."""
    return [
        np.mean([row[key] for pair, row in one["own"].items() if pair.split(" ")[1] == str(limit)])
        for name, one in results["banks"].items()
        if name.split(" ")[0] == network
    ]


def of_network(results, network):
    return [one for name, one in results["banks"].items() if name.split(" ")[0] == network]


def limits_table(results):
    """Accuracy of each network under its own noise, mean over the ten classes."""
    rows = []
    for network in NETWORKS:
        each = of_network(results, network)
        rows.append([network, percent([one["clean"] for one in each], 2)])
        rows[-1] += [percent(mean_over_classes(results, network, k)) for k in SHOWN_LIMITS]
        strongest = str(SHOWN_LIMITS[-1])
        rows[-1].append(percent([one["random"][strongest] for one in each]))
    header = ["network", "no noise", *(f"limit {k:.2f}" for k in SHOWN_LIMITS)]
    return markdown([*header, f"random signs, {SHOWN_LIMITS[-1]:.2f}"], rows)


def transfer_table(results, limit):
    found = results["transfer"][str(limit)]
    rows = [
        [f"made on {source}", *(percent(found[source][target]["accuracy"]) for target in found)]
        for source in found
    ]
    return markdown([f"limit {limit:.2f}", *(f"used on {target}" for target in found)], rows)


def ways_of(results):
    """{(step, loss, l2): {steps: [rows, one for each class]}}"""
    found = {}
    for row in results["ways"]:
        way = row["step"], row["loss"], row["l2"]
        found.setdefault(way, {}).setdefault(row["steps"], []).append(row)
    return found


def ways_table(results):
    rows = []
    for (step, loss, l2), numbers in ways_of(results).items():
        grown = {n: percent(mean(each, "validation_success")) for n, each in numbers.items()}
        growth = (f"{n}: {success}" for n, success in grown.items())
        last = numbers[max(numbers)]
        cells = [percent(mean(last, key)) for key in ("success", "accuracy")]
        rows.append([loss.replace("_", " "), step, f"{l2:g}", ", ".join(growth), *cells])
    header = ["loss", "step", "l2", "success after so many steps, validation images"]
    return markdown([*header, "success at the end, test images", "accuracy there"], rows)


def mean(rows, key):
    return np.mean([row[key] for row in rows])


def table(results):
    transfers = [transfer_table(results, limit) for limit in TRANSFER_LIMITS]
    return "\n\n".join([limits_table(results), *transfers, ways_table(results)])


def draw(results, out):
    rows, titles = {}, {}
    for network, limits in results["vectors"].items():
        for limit, text in limits.items():
            row = f"{network}\n{float(limit):.2f}"
            rows[row] = from_text(text)
            own = results["banks"][f"{network} 0"]["own"]
            titles[row] = [f"{own[f'{k} {limit}']['success']:.0%}" for k in range(10)]
    plots.save_figure(plots.noise_grid(rows, titles), out / "noise-vectors.png", colors=64)

    limits = results["config"]["limits"]
    lines = {
        network: np.array(
            [[one["clean"] for one in of_network(results, network)]]
            + [mean_over_classes(results, network, limit) for limit in limits]
        )
        for network in NETWORKS
    }
    random = {
        network: np.array(
            [[one["clean"] for one in of_network(results, network)]]
            + [[one["random"][str(k)] for one in of_network(results, network)] for k in limits]
        )
        for network in NETWORKS
    }
    figure = plots.accuracy_against_limit([0, *limits], lines, random)
    plots.save_figure(figure, out / "noise-limits.png")

    ways = {
        way: {n: mean(each, "validation_success") for n, each in numbers.items()}
        for way, numbers in ways_of(results).items()
    }
    plots.save_figure(plots.success_against_steps(ways), out / "noise-ways.png")


if __name__ == "__main__":
    study.main("make-noise", sys.modules[__name__])
