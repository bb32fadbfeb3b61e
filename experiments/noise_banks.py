"""The noise of a network for every class and limit, made once and found again in runs/.

noise = noise_banks.bank(model, about, data, runs)[3, 0.25]      asks for class 3, within 0.25
"""

import itertools
from dataclasses import asdict, dataclass

import kept
import numpy as np
import study
from tqdm import tqdm

from nnlite.noise import load_bank, noise_chain, save_bank

RECIPE = 1  # to be raised when this file or nnlite changes what it makes


@dataclass(frozen=True)
class Config:
    """How noise is made.  In brackets: the post, its notebooks, or us."""

    limits: tuple = (0.10, 0.15, 0.20, 0.25, 0.30, 0.35)  # pixel units [post], each a start
    # for the next [ours]
    step: str = "adam"  # [ours; notebook: plain]
    step_size: float = 0.03  # [ours; notebook: 0.1]
    steps: int = 50  # at each limit [ours; notebook: 5000 in all]
    batch_size: int = 250  # images [notebook]


CONFIG = Config()


def bank(model, about, data, runs, *, wanted=None, masks="none", cfg=None, say=print):
    """{(target, limit): noise} for a network, made if it is not in `runs`.

    about    what train.trained knows of the model;  masks: a text for what was pruned since
    wanted   (target, limit) pairs; all ten classes at all limits by default
    The noise of a class and a limit is the same whatever else is wanted.
    """
    cfg = cfg or CONFIG
    wanted = wanted or tuple(itertools.product(range(10), cfg.limits))
    if not {limit for _, limit in wanted} <= set(cfg.limits):
        raise ValueError(f"noise is made at the limits {cfg.limits}; wanted are {wanted}")
    highest = {k: max(limit for target, limit in wanted if target == k) for k, _ in wanted}
    made_by = {"model": study.made_by(about), "masks": masks, "noise": asdict(cfg)}
    made_by |= {"highest": sorted(highest.items()), "recipe": RECIPE}
    name = f"{data.name}-{about['label']}-seed{about['seed']}-noise"
    path = kept.path(runs, name, made_by, ".npz")
    found = load_bank(path)[0] if path.exists() else {}
    missing = [target for target in highest if (target, highest[target]) not in found]
    if missing:
        say(f"{path.stem}: noise for {len(missing)} classes")
    for target in tqdm(missing, unit="class", disable=None):
        limits = [limit for limit in cfg.limits if limit <= highest[target]]
        rng = np.random.default_rng([about["seed"], target])
        options = {"step": cfg.step, "step_size": cfg.step_size, "steps": cfg.steps}
        options |= {"batch_size": cfg.batch_size, "rng": rng}
        found |= noise_chain(model, data.train.images, target, limits, **options)
        save_bank(path, found, made_by)
    return found


def measured_by(about, recipe, **settings):
    """What measurements under the noise of a network depend on, for kept.Rows."""
    noise = {**asdict(CONFIG), "recipe": RECIPE}
    return {"model": study.made_by(about), "noise": noise, "recipe": recipe, **settings}
