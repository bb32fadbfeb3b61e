"""The noise of a network for every class and limit, made once and found again in runs/.

noise = banks.bank(network, data, runs, cfg)[3, 0.25]      asks for class 3, within 0.25
"""

import itertools
import logging
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from lab import cache
from nnlite.noise import load_bank, noise_chain, save_bank

log = logging.getLogger("lab")


@dataclass(frozen=True)
class Config:
    """How noise is made.  In brackets: the post, its notebooks, or us."""

    limits: tuple = (0.10, 0.15, 0.20, 0.25, 0.30, 0.35)  # pixel units [post], each a start
    # for the next [ours]
    step: str = "adam"  # [ours; notebook: plain]
    step_size: float = 0.03  # [ours; notebook: 0.1]
    steps: int = 50  # at each limit [ours; notebook: 5000 in all]
    batch_size: int = 250  # images [notebook]
    recipe: int = 1  # to be raised when the code changes what is made


def bank(network, data, runs, cfg, *, wanted=None, pruned=""):
    """{(target, limit): noise} for a nets.Trained, made if it is not in `runs`.

    wanted   (target, limit) pairs; all classes at all limits by default
    pruned   a text that stands for what was removed from the network since it was trained
    The noise of a class and a limit is the same whatever else is wanted.
    """
    wanted = wanted or tuple(itertools.product(range(data.n_classes), cfg.limits))
    if not {limit for _, limit in wanted} <= set(cfg.limits):
        raise ValueError(f"noise is made at the limits {cfg.limits}; wanted are {wanted}")
    highest = {k: max(limit for target, limit in wanted if target == k) for k, _ in wanted}
    made_by = {"network": network.made_by, "pruned": pruned, "noise": cfg}
    made_by |= {"highest": sorted(highest.items())}
    readable = f"{data.name}-{network.name}-seed{network.seed}-noise"
    path = cache.path(runs, readable, made_by, ".npz")
    found = kept(path)
    if any((target, limit) not in found for target, limit in highest.items()):
        with cache.only_one(path):
            found = made(network, data, cfg, highest, path, made_by)
    return found


def made(network, data, cfg, highest, path, made_by):
    """What `path` has, and what it lacks, written after each class."""
    found = kept(path)
    missing = [target for target, limit in highest.items() if (target, limit) not in found]
    log.info(f"{path.stem}: noise for {len(missing)} classes")
    options = {"step": cfg.step, "step_size": cfg.step_size, "steps": cfg.steps}
    for target in tqdm(missing, unit="class", disable=None):
        limits = [limit for limit in cfg.limits if limit <= highest[target]]
        rng = np.random.default_rng([network.seed, target])
        found |= noise_chain(
            *(network.model, data.train.images, target, limits),
            **options,
            batch_size=cfg.batch_size,
            rng=rng,
        )
        save_bank(path, found, cache.plain(made_by))
    return found


def kept(path):
    return load_bank(path)[0] if path.exists() else {}
