"""Universal adversarial noise: one vector that, added to any image, asks for one class, or for
any class but the right one.

    noise = universal_noise(model, images, target=3, limit=0.25, rng=rng)
    outputs = model.predict(add_noise(test_images, noise))

How well it succeeds depends on network, class and limit; measure it on images that it was
not trained on.

The posts' noise vectors, after notebooks 11 and 12 of the Hvass-Labs TensorFlow tutorials;
in the literature, targeted universal perturbations under an L-infinity bound
(Moosavi-Dezfooli et al. 2017; targeted ones, Hirano & Takemoto 2020).
docs/adversarial-noise.md compares ways to train them.
"""

import numpy as np

from nnlite.checks import (
    as_array,
    as_float,
    check_count,
    check_model,
    check_name,
    check_number,
    check_rng,
)
from nnlite.container import opened, write_arrays
from nnlite.losses import softmax_cross_entropy
from nnlite.optim import SGD, Adam
from nnlite.parameter import Parameter

STEPS = ("adam", "normalised", "plain")
BANK = "nnlite noise bank"  # as its file calls it


def add_noise(images, noise):
    """clip(images + noise, 0, 1): what the network sees.

    images (N, H, W, C), noise (H, W, C) or one per image (N, H, W, C), pixel units 0 to 1
    Raises ValueError for images outside [0, 1].
    """
    images = check_pixels(as_float(images, name="images"))
    noise = as_float(noise, images.dtype, name="noise")
    if noise.shape not in (images.shape[1:], images.shape):
        raise ValueError(
            f"the noise has shape {noise.shape}; expected is that of one image, "
            f"{images.shape[1:]}, or of all of them"
        )
    return np.clip(images + noise, 0, 1)


def universal_noise(
    model,
    images,
    target,
    limit,
    *,
    rng,
    loss=softmax_cross_entropy,
    step="adam",
    step_size=0.03,
    steps=100,
    batch_size=250,
    l2=0.0,
    start=None,
    labels=None,
):
    """Noise v, every pixel within +-limit, trained to make `model` see class `target`.

    Each step takes a random batch of `images`, the gradient g of

        loss(model(clip(images + v, 0, 1)), target) + l2 * sum(v^2) / 2

    by v, and then v <- clip(v - step, -limit, limit), where the step is

        "adam"        that of nnlite.Adam with lr = step_size
        "normalised"  step_size * g / max|g|: the largest change is the same every time
        "plain"       step_size * g: the posts' way, with 0.1 and 5000 steps

    model       any model; softmax and cross-entropy may be put on one that was trained
                without (the posts' way), being just another `loss`
    images      (N, H, W, C) training images in [0, 1]
    target      class wanted, an int; None with labels (N,), the images' classes: the loss is raised
                that the model has with them, so that it sees any other class
    limit       in pixel units, 0 to 1
    rng         draws the batches, batch_size images for each of so many steps
    start       (H, W, C) noise to begin with, clipped to the limit; None: zeros
    Returns noise of shape (H, W, C) in the dtype of the images.  Raises ValueError for a
    class that the model does not have, a limit outside [0, 1] or a step of another name.
    """
    limit = check_number("limit", limit, "[0, 1]")
    batch_size = check_count("batch_size", batch_size)
    rng, steps, l2 = check_rng(rng), check_count("steps", steps), check_number("l2", l2)
    check_model(model, "input_gradient")
    images = as_float(images, name="images")
    if images.size == 0:
        raise ValueError("no images given; noise is trained on at least one")
    check_pixels(images)
    check_name("step", step, STEPS)
    wanted, direction = check_wanted(target, labels, len(images))
    noise = Parameter(start_from(start, images[0], limit))
    optimiser = (Adam if step == "adam" else SGD)([noise], lr=check_number("step_size", step_size))
    for _ in range(steps):
        chosen = rng.integers(len(images), size=batch_size)
        g = noise_gradient(model, images[chosen], noise.value, wanted[chosen], loss)
        g = direction * g + l2 * noise.value
        largest = np.abs(g).max()
        if largest == 0:  # nothing to gain from these images in float32
            continue
        if not np.isfinite(largest):
            raise ValueError(f"the gradient is {largest}; are weights and images finite?")
        noise.grad = (g / largest if step == "normalised" else g).astype(images.dtype)
        optimiser.step()
        noise.value = np.clip(noise.value, -limit, limit).astype(images.dtype)
    return noise.value


def check_pixels(images):
    """Return the images if their values are in [0, 1], else raise ValueError."""
    low, high = (images.min(), images.max()) if images.size else (0, 1)  # nan if there is one
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images have values outside [0, 1], from {low:.4g} to {high:.4g}; noise is in pixel "
            f"units, 0 to 1"
        )
    return images


def check_wanted(target, labels, n):
    """(labels (n,) of the loss, 1 where it is lowered or -1 where it is raised)"""
    if target is not None and labels is not None:
        raise ValueError(f"target is {target!r} and labels are given; one of the two is needed")
    if labels is None:
        return np.full(n, check_count("target", target, 0)), 1
    labels = as_array(labels, "labels")
    if labels.shape != (n,):
        raise ValueError(f"labels have shape {labels.shape}; there are {n} images")
    return labels, -1


def noise_gradient(model, images, noise, labels, loss):
    """d loss / d noise, (H, W, C): summed over the images, of whose loss `loss` is the mean."""
    moved = images + noise
    dx = model.input_gradient(np.clip(moved, 0, 1), labels, loss)
    dx = dx * ((moved >= 0) & (moved <= 1))  # a clipped pixel does not follow the noise
    return dx.sum(axis=0)


def start_from(start, image, limit):
    """The noise to begin with, of the shape and dtype of an image."""
    if start is None:
        return np.zeros_like(image)
    start = as_float(start, image.dtype, name="start")
    if start.shape != image.shape:
        raise ValueError(f"start has shape {start.shape}; one image has {image.shape}")
    return np.clip(start, -limit, limit).astype(image.dtype)


def noise_chain(model, images, target, limits, *, rng, **options):
    """{(target, limit): noise}, limits in ascending order, each starting from the one before.

    options   of universal_noise but `start`, the same for every limit
    Raises ValueError for limits in another order.
    """
    limits = [check_number("limits", limit, "[0, 1]") for limit in as_array(limits, "limits")]
    if limits != sorted(limits):
        raise ValueError(f"limits are {limits}; each starts from the one before, so they ascend")
    chain, noise = {}, None
    for limit in limits:
        noise = universal_noise(model, images, target, limit, rng=rng, start=noise, **options)
        chain[target, limit] = noise
    return chain


def save_bank(path, bank, made_by):
    """Write {(target, limit): noise} and what it was made with to one .npz, whole or not at all.

    made_by   a dict that JSON can hold: the model, the data, the options
    Raises ValueError for what load_bank would refuse.
    """
    if not isinstance(bank, dict) or not all(np.shape(pair) == (2,) for pair in bank):
        raise ValueError("a bank is a dict {(target, limit): noise}, such as noise_chain returns")
    pairs = {checked_pair(*pair): as_float(noise, name="noise") for pair, noise in bank.items()}
    arrays = {f"{target} {limit}": noise for (target, limit), noise in pairs.items()}
    write_arrays(path, BANK, {"made_by": made_by}, arrays)


def load_bank(path):
    """(bank, made_by) as they were given to save_bank.  Nothing is unpickled.

    Raises FileNotFoundError if there is no such file, ValueError for one of another kind.
    """
    with opened(path, BANK, "delete it, and make the noise again") as saved:
        arrays, bank = saved.arrays(), {}
        for name, noise in arrays.items():
            target, limit = name.split(" ")
            bank[checked_pair(int(target), float(limit))] = as_float(noise, name=name)
        if len(bank) < len(arrays):
            raise ValueError(f"it has noise for the same class and limit twice: {list(arrays)}")
        return bank, saved.about["made_by"]


def checked_pair(target, limit):
    return check_count("target", target, 0), check_number("limit", limit)
