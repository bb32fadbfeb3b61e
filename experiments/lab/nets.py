"""The posts' networks: built, trained from the last checkpoint on, kept and found again.

    cfg = nets.preset("ann-lq", "standard")
    network = nets.trained("ann-lq", cfg, data, seed=0, runs=cache.RUNS)
    network.model, network.test_accuracy

ann   784-1500-1000-800-10          lq    quadratic cost of the raw outputs
cnn   7x7x12, 5x5x15, 3x3x25,       sce   softmax and cross-entropy
      3x3x20, 1500, 500, 10
"""

import json
import logging
import math
import shutil
import time
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

import nnlite
from lab import cache
from nnlite.checkpoint import load_checkpoint, save_checkpoint

log = logging.getLogger("lab")


@dataclass(frozen=True)
class Config:
    """What makes a network what it is.  In brackets: a post, the posts' notebooks, or us."""

    loss: str  # of the raw outputs, a function of nnlite.losses
    l2: float  # factor of sum(w^2)/2 beside that loss, biases included [notebook, same scale]
    hidden: tuple  # neurons of the hidden dense layers [post]
    convolutions: tuple = ()  # (kernel, filters) each, stride 1, padding "same" [notebook]
    steps: int = 7920  # batches: 36 passes over MNIST [ours; post: 100,000]
    lr: float = 3e-4  # of Adam [ours; notebook: 1e-5]
    schedule: str = "cosine"  # half a cosine down to 0 [ours; notebook: constant]
    drop_prob: float = 0.0  # after each hidden dense layer [notebook; post: 0.7]
    output_relu: bool = False  # a ReLU on the outputs too [post, as a variant]
    batch_size: int = 250  # images [post]
    recipe: int = 1  # to be raised when the code changes what a Config trains

    @property
    def after_softmax(self):
        """Whether the network was trained with softmax, so that probabilities are its outputs."""
        return self.loss == "softmax_cross_entropy"


# The notebooks take the mean of the quadratic cost over the 10 outputs too, so that their l2 of
# 1e-4 is ten times as strong there as beside cross-entropy: 1e-3 beside nnlite.quadratic.
LQ = {"loss": "quadratic", "l2": 1e-3}
SCE = {"loss": "softmax_cross_entropy", "l2": 1e-4}
ANN = {"hidden": (1500, 1000, 800)}
CNN = {
    "hidden": (1500, 500),
    "convolutions": ((7, 12), (5, 15), (3, 25), (3, 20)),
    "steps": 3960,  # 18 passes
    "schedule": "warm-up, cosine",
}
MODELS = {
    "ann-lq": Config(**ANN, **LQ),
    "ann-sce": Config(**ANN, **SCE),
    "cnn-lq": Config(**CNN, **LQ),
    "cnn-sce": Config(**CNN, **SCE),
}


def preset(model, name):
    """The Config of a model of MODELS in one of the presets quick, standard, paper."""
    cfg = MODELS[model]
    if name == "quick" and cfg.convolutions:
        small = {"convolutions": ((3, 4), (3, 4)), "hidden": (200, 100), "steps": 1200, "lr": 1e-3}
        return replace(cfg, **small, schedule="cosine")
    if name == "quick":
        return replace(cfg, hidden=(500, 300), steps=4800, lr=1e-3)
    if name == "paper" and cfg.convolutions:
        return replace(cfg, steps=100_000, lr=1e-4, schedule="late drop")
    if name == "paper":
        return replace(cfg, steps=100_000, lr=1e-5, schedule="constant")
    return cfg


@dataclass(frozen=True, eq=False)
class Trained:
    """A network that was trained, and what is known of it."""

    model: nnlite.Sequential
    name: str  # such as "ann-lq"
    seed: int
    config: Config
    data: str  # the digest of the data it was trained on
    test_accuracy: float
    validation_accuracy: float
    seconds: float  # of training
    versions: dict  # of the packages that trained it
    history: list  # a dict for each pass, see `fit`

    @property
    def made_by(self):
        """What the weights depend on, for the names of what is measured with them."""
        return made_by(self.config, self.data, self.seed)


def made_by(cfg, data, seed):
    return {"data": data, "seed": seed, "config": cfg}


def build(cfg, rng, image_shape=(28, 28, 1), n_classes=10):
    """The untrained network; `rng` draws its weights and, in training, what is dropped."""
    height, width, c_in = image_shape
    layers = []
    for kernel, filters in cfg.convolutions:
        layers += [nnlite.Conv2D(c_in, filters, kernel, init="posts", rng=rng), nnlite.ReLU()]
        c_in = filters
    layers += [nnlite.Flatten()]
    n_in = height * width * c_in
    for n_out in cfg.hidden:
        layers += [nnlite.Dense(n_in, n_out, init="posts", rng=rng), nnlite.ReLU()]
        if cfg.drop_prob:
            layers += [nnlite.Dropout(cfg.drop_prob, rng=rng)]
        n_in = n_out
    layers += [nnlite.Dense(n_in, n_classes, init="posts", rng=rng)]
    return nnlite.Sequential(layers + [nnlite.ReLU()] * cfg.output_relu)


def learning_rate(cfg, step):
    """The learning rate of Adam at a step of the schedule.

    The warm-up is for the first dense layer of the convolutional networks: it has 15,680 inputs,
    none negative, and a few full steps of the same sign leave most of its neurons dead.
    """
    if cfg.schedule in ("cosine", "warm-up, cosine"):
        warm = min(1, (step + 1) / 440) if cfg.schedule != "cosine" else 1
        return warm * cfg.lr * (1 + math.cos(math.pi * step / cfg.steps)) / 2
    if cfg.schedule == "late drop":  # 1e-4, then 5e-6 [notebook]; when is ours
        return cfg.lr if step < cfg.steps // 2 else cfg.lr / 20
    if cfg.schedule == "constant":
        return cfg.lr
    raise ValueError(f"schedule is {cfg.schedule!r}; it must be one of those in this function")


def fit(cfg, data, seed, checkpoint):
    """(model, history), from the checkpoint on if there is one.

    history holds for every pass: steps, seconds, mean loss, validation accuracy, and the
    fraction of weights that are exactly zero, layer by layer.
    """
    rng = np.random.default_rng(seed)
    model = build(cfg, rng, data.image_shape, data.n_classes)
    adam = nnlite.Adam(model.params, lr=cfg.lr, l2=cfg.l2)
    loss_function = getattr(nnlite, cfg.loss)
    if checkpoint.exists():
        history = load_checkpoint(checkpoint, model, adam, {"batches": rng})
    else:
        history = []
        save_checkpoint(checkpoint, model, adam, {"batches": rng}, history)
        check_space(checkpoint)

    with tqdm(total=cfg.steps, initial=adam.t, unit="step", disable=None) as bar:
        while adam.t < cfg.steps:
            start, losses = time.perf_counter(), []
            for x, y in nnlite.minibatches(*data.train, cfg.batch_size, rng):
                adam.lr = learning_rate(cfg, adam.t)
                loss, doutputs = loss_function(model.forward(x, train=True), y)
                if not math.isfinite(loss):
                    nnlite.check_finite(model, loss, x, adam.lr, adam.t)
                model.backward(doutputs, input_gradient=False)
                adam.step()
                losses.append(loss)
                bar.update()
                if adam.t == cfg.steps:
                    break
            nnlite.check_finite(model, loss, x, adam.lr, adam.t)
            weights = {name: p for name, p in model.named_params.items() if p.value.ndim > 1}
            history.append(
                {
                    "step": adam.t,
                    "seconds": round(time.perf_counter() - start, 2),
                    "loss": round(float(np.mean(losses)), 6),
                    "validation_accuracy": nnlite.accuracy(model, *data.validation),
                    "zero_weights": {name: round(p.sparsity, 5) for name, p in weights.items()},
                }
            )
            save_checkpoint(checkpoint, model, adam, {"batches": rng}, history)
    return model, history


def check_space(checkpoint):
    """A new checkpoint is written beside the old one: raise OSError unless both have room."""
    size, free = checkpoint.stat().st_size, shutil.disk_usage(checkpoint.parent).free
    if free < 2 * size:
        checkpoint.unlink()
        raise OSError(
            f"{free / 1e6:.0f} MB are free in {checkpoint.parent}, this run needs "
            f"{3 * size / 1e6:.0f} MB"
        )


def seconds_per_step(cfg, data):
    """Seconds of one training step, measured on a network that is thrown away."""
    rng = np.random.default_rng(0)
    model = build(cfg, rng, data.image_shape, data.n_classes)
    adam = nnlite.Adam(model.params, l2=cfg.l2)
    x, y = data.train.images[: cfg.batch_size], data.train.labels[: cfg.batch_size]
    times = []
    for _ in range(6):  # the first ones compile
        start = time.perf_counter()
        _, doutputs = getattr(nnlite, cfg.loss)(model.forward(x, train=True), y)
        model.backward(doutputs, input_gradient=False)
        adam.step()
        times.append(time.perf_counter() - start)
    return min(times)


def path_of(name, cfg, data, seed, runs):
    """Where the network is kept in `runs`; beside it are a .json, and while it trains, more."""
    readable = f"{data.name}-{name}-seed{seed}"
    return cache.path(runs, readable, made_by(cfg, data.digest, seed), ".npz")


def trained(name, cfg, data, seed, runs):
    """The network as Trained: loaded if `runs` has it, else trained and kept there.

    A run that was stopped, however it was, goes on where it last saved.
    """
    path = path_of(name, cfg, data, seed, runs)
    checkpoint = path.with_suffix(".checkpoint.npz")
    if not path.exists():
        with cache.only_one(path):
            if not path.exists():
                train_and_keep(cfg, data, seed, path, checkpoint)
    checkpoint.unlink(missing_ok=True)
    try:
        known, model = json.loads(path.with_suffix(".json").read_text()), nnlite.load(path)
    except ValueError as error:
        raise ValueError(f"{error}; or delete {path}, and it is trained again") from error
    return Trained(model, name, seed, cfg, data.digest, **known)


def train_and_keep(cfg, data, seed, path, checkpoint):
    """Train, and write the network to `path` and what is known of it beside."""
    minutes = cfg.steps * seconds_per_step(cfg, data) / 60
    log.info(f"{path.stem}: {cfg.steps:,} steps, about {minutes:.1f} minutes in all")
    model, history = fit(cfg, data, seed, checkpoint)
    known = {
        "test_accuracy": nnlite.accuracy(model, *data.test),
        "validation_accuracy": history[-1]["validation_accuracy"],
        "seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        "versions": cache.versions(),
        "history": history,
    }
    cache.write_json(path.with_suffix(".json"), known)
    nnlite.save(model, path)  # the last to be written: where it is, all is
