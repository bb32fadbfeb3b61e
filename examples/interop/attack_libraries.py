"""nnlite attacked by ART, of which it is an estimator, and by Foolbox, through PyTorch's autograd.

Both follow the gradients that nnlite computes; their FGSM and PGD end where nnlite's own do.
"""

import itertools

import foolbox
import numpy as np
import torch
from agreement import digits
from art.attacks import evasion
from art_estimator import ArtClassifier
from torch_module import TorchModule

import nnlite as nn

STEPS, STEP_SIZE = 10, 0.25  # of PGD; the size in parts of the limit


def last_step():
    """A goal that each step comes nearer to: nnlite leaves alone what is fooled, others do not."""
    step = itertools.count(-(10**6))
    return lambda outputs, labels: np.full(len(outputs), next(step), np.float32)


def by_nnlite(model, images, labels, limit):
    options = {"steps": STEPS, "step_size": STEP_SIZE, "random_start": False, "goal": last_step()}
    pgd = nn.attacks.pgd(model, images, labels, limit, rng=np.random.default_rng(0), **options)
    return nn.attacks.fgsm(model, images, labels, limit), pgd


def by_art(model, images, labels, limit):
    estimator = ArtClassifier(model, images.shape[1:], 1 + labels.max())
    fgsm = evasion.FastGradientMethod(estimator, eps=limit)
    options = {"eps_step": STEP_SIZE * limit, "max_iter": STEPS, "verbose": False}
    pgd = evasion.ProjectedGradientDescentNumpy(estimator, eps=limit, **options)
    return fgsm.generate(images, labels), pgd.generate(images, labels)


def by_foolbox(model, images, labels, limit):
    module = foolbox.PyTorchModel(TorchModule(model), bounds=(0, 1), device="cpu")
    options = {"abs_stepsize": STEP_SIZE * limit, "steps": STEPS, "random_start": False}
    attacks = foolbox.attacks.LinfFastGradientAttack(), foolbox.attacks.LinfPGD(**options)
    inputs = torch.from_numpy(images), torch.from_numpy(labels)
    return [attack.run(module, *inputs, epsilon=limit).numpy() for attack in attacks]


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    layers = [nn.Flatten(), nn.Dense(784, 50, rng=rng), nn.ReLU(), nn.Dense(50, 10, rng=rng)]
    model, images = nn.Sequential(layers), nn.data.strokes.make_digits(100, rng)[0]
    task = model, images, model.predict(images).argmax(axis=1), 0.1
    for library, attacked in (("ART", by_art(*task)), ("Foolbox", by_foolbox(*task))):
        for name, theirs, ours in zip(("FGSM", "PGD"), attacked, by_nnlite(*task)):
            print(f"{name} of {library}: {digits(theirs, ours)}")
