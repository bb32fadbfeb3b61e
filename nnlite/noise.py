"""Universal adversarial noise: one vector that, added to any image, asks for one class.

How well it succeeds depends on network, class and limit; measure it on images that it was
not trained on.

The posts' noise vectors, after notebooks 11 and 12 of the Hvass-Labs TensorFlow tutorials;
in the literature, targeted universal perturbations under an L-infinity bound
(Moosavi-Dezfooli et al. 2017).
"""

import numpy as np

from nnlite.checks import as_float, check_count, check_number, check_rng
from nnlite.losses import softmax_cross_entropy


def add_noise(images, noise):
    """clip(images + noise, 0, 1): what the network sees.

    images (N, H, W, C), noise (H, W, C) or one per image (N, H, W, C), pixel units 0 to 1
    """
    images = as_float(images, name="images")
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
    steps=200,
    step_size=0.1,
    batch_size=250,
):
    """Noise, every pixel within +-limit, trained to make `model` see class `target`.

    Each step takes a random batch of `images` and moves the noise against the gradient of
    the loss towards `target`, divided by its largest entry:

        noise <- clip(noise - step_size * g / max|g|, -limit, limit)

    model       any model; softmax and cross-entropy may be put on one that was trained
                without (the posts' way), being just another `loss`
    images      (N, H, W, C) training images in [0, 1]
    target      class wanted, an int;  limit, step_size  in pixel units, 0 to 1
    Returns noise of shape (H, W, C) in the dtype of the images.  Raises ValueError for a
    class that the model does not have or a limit outside [0, 1].
    """
    limit = check_number("limit", limit, "[0, 1]")
    step_size = check_number("step_size", step_size)
    labels = np.full(check_count("batch_size", batch_size), check_count("target", target, 0))
    rng, steps = check_rng(rng), check_count("steps", steps)
    if len(images) == 0:
        raise ValueError("no images given; noise is trained on at least one")
    noise = np.zeros_like(images[0])
    for _ in range(steps):
        batch = images[rng.integers(len(images), size=batch_size)]
        moved = batch + noise
        dx = model.input_gradient(np.clip(moved, 0, 1), labels, loss)
        dx = dx * ((moved >= 0) & (moved <= 1))  # a clipped pixel does not follow the noise
        g = dx.sum(axis=0)
        largest = np.abs(g).max()
        if largest == 0:  # nothing left to gain in float32
            break
        if not np.isfinite(largest):
            raise ValueError(f"the gradient is {largest}; are weights and images finite?")
        noise = np.clip(noise - step_size * (g / largest), -limit, limit).astype(images.dtype)
    return noise
