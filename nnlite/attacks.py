"""Attacks on single images: for each its own change, every pixel within +-limit and in [0, 1].

    attacked = pgd(model, images, labels, 0.2, rng=rng)
    others = square(model, images, labels, 0.2, rng=rng)
    fooled = ~right_under_all(model, [attacked, others], labels)

What all of them take:

    model      has predict, and input_gradient for attacks that follow gradients
    images     (N, H, W, C) in [0, 1]
    labels     (N,) the right classes; with targeted=True, the classes that are wanted.  For a loss
               and a goal that take them so, other targets (N, ...)
    limit      in pixel units, 0 to 1: of all images, or of each (N,)
    goal       a function (outputs, labels) -> (N,), above 0 where the attacker has what he wants:
               such images are left as they are.  By default another class than the right one wins,
               or the wanted one does
    loss       a function (outputs, labels) -> (value, gradient), which is raised, or with
               targeted=True lowered; see nnlite.attack_losses for others

All return attacked images of the shape and dtype of the images.  They raise ValueError for a limit
outside [0, 1], pixels outside [0, 1] or labels that do not fit.  docs/attacks.md says what is to be
believed of the numbers.
"""

import numpy as np

from nnlite.attack_losses import lead_of_label, lead_of_others
from nnlite.checks import (
    as_array,
    as_float,
    check_count,
    check_flag,
    check_function,
    check_labels,
    check_list,
    check_model,
    check_number,
    check_outputs,
    check_rng,
)
from nnlite.losses import softmax_cross_entropy

# Noise that knows nothing of the network: the controls


def random_signs(images, limit, *, rng):
    """Every pixel is moved by +limit or -limit, and clipped to [0, 1]."""
    images, limit = check_images(images, limit)
    signs = check_rng(rng).choice(np.array([-1, 1], images.dtype), size=images.shape)
    return np.clip(images + limit * signs, 0, 1)


def gaussian(images, limit, *, rng):
    """Gaussian noise of the norm that random signs have, clipped to [0, 1].

    Some of its pixels are moved further than the limit.
    """
    images, limit = check_images(images, limit)
    noise = check_rng(rng).standard_normal(size=images.shape, dtype=images.dtype)
    mean_square = np.mean(noise**2, axis=(1, 2, 3), keepdims=True)
    return np.clip(images + limit * noise / np.sqrt(mean_square), 0, 1)


# Attacks that follow the gradient


def fgsm(model, images, labels, limit, *, loss=softmax_cross_entropy, targeted=False):
    """clip(images + limit * sign(d loss / d images), 0, 1): one step (Goodfellow et al., 2015).

    Arguments and errors: see nnlite.attacks.
    """
    images, limit = check_images(images, limit)
    labels = check_wanted(labels, len(images))
    direction = -1 if check_flag("targeted", targeted) else 1
    check_model(model, "input_gradient")
    gradient = np.concatenate(
        [model.input_gradient(images[part], labels[part], loss) for part in parts(len(images))]
    )
    moved = images + direction * limit * np.sign(gradient)
    return np.clip(moved, 0, 1).astype(images.dtype, copy=False)


def pgd(
    model,
    images,
    labels,
    limit,
    *,
    rng,
    loss=softmax_cross_entropy,
    goal=None,
    targeted=False,
    steps=40,
    step_size=None,
    restarts=1,
    random_start=True,
):
    """Projected gradient descent (Madry et al., 2018): from a random point within the limit,

        x <- clip(x + step_size * sign(d loss / d x), images - limit, images + limit),

    clipped to [0, 1] too, and of all x on the way the one that comes closest to the goal.

    step_size   in parts of the limit; 2.5 / steps by default
    restarts    beginnings; images that were fooled from one are not tried from the next
    The other arguments and errors: see nnlite.attacks.
    """
    images, limit = check_images(images, limit)
    labels, goal = check_wanted(labels, len(images)), check_goal(goal, targeted)
    check_model(model, "input_gradient", "predict")
    rng, steps, loss = check_rng(rng), check_count("steps", steps), check_function("loss", loss)
    fraction = check_number("step_size", 2.5 / steps if step_size is None else step_size)
    step = (-1 if targeted else 1) * fraction * limit
    check_flag("random_start", random_start)
    low, high = np.maximum(images - limit, 0), np.minimum(images + limit, 1)
    best, ahead = images.copy(), goal(model.predict(images), labels)
    for _ in range(check_count("restarts", restarts)):
        left = np.flatnonzero(~(ahead > 0))
        for part in parts(len(left)):
            i = left[part]
            start = rng.uniform(low[i], high[i]).astype(images.dtype) if random_start else images[i]
            x, reached = climb(model, start, labels[i], loss, goal, step[i], low[i], high[i], steps)
            better = reached > ahead[i]
            best[i[better]], ahead[i[better]] = x[better], reached[better]
    return best


def climb(model, x, labels, loss, goal, step, low, high, steps):
    """(x, goal): for each image the best point of its way, and what the goal is there."""
    x, best, ahead = x.copy(), x.copy(), np.full(len(x), -np.inf, x.dtype)
    left = np.arange(len(x))  # images that are not fooled yet
    for k in range(steps + 1):
        outputs, gradient = outputs_and_gradient(model, x[left], labels[left], loss)
        reached = goal(outputs, labels[left])
        better = left[reached > ahead[left]]
        best[better], ahead[left] = x[better], np.maximum(ahead[left], reached)
        going = ~(reached > 0)
        left = left[going]
        if k == steps or len(left) == 0:
            return best, ahead
        moved = x[left] + step[left] * np.sign(gradient[going])
        x[left] = np.clip(moved, low[left], high[left])


def outputs_and_gradient(model, images, labels, loss):
    """(outputs, d loss / d images), from one pass forward and one back."""
    seen = []

    def loss_that_remembers(outputs, labels):
        seen.append(outputs)
        return loss(outputs, labels)

    gradient = model.input_gradient(images, labels, loss_that_remembers)
    return seen[0], gradient


# Attacks that only ask for outputs


def square(model, images, labels, limit, *, rng, goal=None, targeted=False, queries=1000):
    """Random squares of +-limit, each kept if it brings the goal nearer (Andriushchenko et al.,
    2020): needs no gradient, and so finds what hidden gradients hide.

    queries   predictions of each image; the squares are large in the beginning, as in the paper
    The other arguments and errors: see nnlite.attacks.
    """
    images, limit = check_images(images, limit)
    labels, goal = check_wanted(labels, len(images)), check_goal(goal, targeted)
    check_model(model, "predict")
    rng, queries = check_rng(rng), check_count("queries", queries)
    n, height, width, channels = images.shape
    low, high = np.maximum(images - limit, 0), np.minimum(images + limit, 1)
    before = goal(model.predict(images), labels)
    left = np.flatnonzero(~(before > 0))
    stripes = rng.integers(2, size=(n, 1, width, channels), dtype=bool)
    x = images.copy()
    x[left] = np.where(stripes, high, low)[left]
    reached = goal(model.predict(x), labels)
    for k in range(queries):
        left = left[~(reached[left] > 0)]
        if len(left) == 0:
            break
        side = side_of_square(k / queries, height, width)
        rows = rng.integers(height - side + 1, size=(len(left), 1, 1)) + np.arange(side)[:, None]
        cols = rng.integers(width - side + 1, size=(len(left), 1, 1)) + np.arange(side)
        up = rng.integers(2, size=(len(left), 1, 1, channels), dtype=bool)
        places, tried = (left[:, None, None], rows, cols), x[left]
        tried[np.arange(len(left))[:, None, None], rows, cols] = np.where(
            up, high[places], low[places]
        )
        found = goal(model.predict(tried), labels[left])
        better = found > reached[left]
        x[left[better]], reached[left[better]] = tried[better], found[better]
    return np.where((reached > before)[:, None, None, None], x, images)


def side_of_square(progress, height, width):
    """Pixels along a side, after a fraction of the queries: a square that covers 0.8 of the image
    at first, and half as much after each of the paper's times."""
    times = np.array([10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]) / 10000
    part = 0.8 / 2 ** np.count_nonzero(progress > times)
    return int(np.clip(round(np.sqrt(part * height * width)), 1, min(height, width)))


# What several attacks find together


def right_under_all(model, attacked, labels):
    """(N,) booleans: images that are read right under every attack, the worst case of each.

    attacked   a list of attacked images (N, H, W, C)
    """
    check_model(model, "predict")
    attacked = check_list("attacked", attacked, "a list of attacked images is needed")
    if not attacked:
        raise ValueError("attacked is empty; a list of attacked images is needed")
    return np.all([is_right(model, images, labels) for images in attacked], axis=0)


def is_right(model, images, labels):
    """(N,) booleans: images that are read right."""
    outputs = check_outputs(model.predict(images))
    labels = check_wanted(labels, len(outputs))
    return outputs.argmax(axis=1) == check_labels(labels, outputs.shape[1])


def smallest_limits(attack, model, images, labels, *, highest=1.0, halvings=8):
    """The smallest limit within which `attack` fools each image, (N,), found by bisection.

    attack     a function (images, labels, limits (M,)) -> attacked images, of some of the images
    halvings   so exact is it: to highest / 2^halvings, always from above
    0 where the image is read wrong by itself, inf where the highest limit is not enough.
    """
    check_function("attack", attack)
    check_model(model, "predict")
    highest = check_number("highest", highest, "[0, 1]")
    images, _ = check_images(images, highest)
    right, halvings = is_right(model, images, labels), check_count("halvings", halvings)
    low, high = np.zeros(len(images)), np.full(len(images), highest)

    def fooled(chosen, limits):
        attacked = attack(images[chosen], labels[chosen], limits)
        return ~is_right(model, attacked, labels[chosen])

    possible = np.flatnonzero(right)
    if len(possible):
        possible = possible[fooled(possible, high[possible])]
    for _ in range(halvings if len(possible) else 0):
        middle = (low[possible] + high[possible]) / 2
        found = fooled(possible, middle)
        high[possible[found]], low[possible[~found]] = middle[found], middle[~found]
    result = np.full(len(images), np.inf)
    result[possible], result[~right] = high[possible], 0
    return result


# What all of them ask of their arguments


def check_images(images, limit):
    """(images, limit (N, 1, 1, 1) in their dtype), else ValueError."""
    images = as_float(images, name="images")
    if images.ndim != 4 or images.size == 0:
        raise ValueError(f"images have shape {images.shape}; (N >= 1, H, W, C) is expected")
    low, high = images.min(), images.max()  # of nan if there is one
    if not 0 <= low <= high <= 1:
        raise ValueError(
            f"images have values outside [0, 1], from {low:.4g} to {high:.4g}; limits are in pixel "
            f"units, 0 to 1"
        )
    limit = as_array(limit, "limit", 0)
    fits = limit.shape in ((), (len(images),)) and limit.dtype != bool
    if not fits or not np.all((limit >= 0) & (limit <= 1)):
        raise ValueError(
            f"limit is {limit}; a number in [0, 1] is needed, or one for each of {len(images)} "
            f"images"
        )
    limit = np.broadcast_to(limit, len(images)).astype(images.dtype)
    return images, limit[:, None, None, None]


def check_wanted(labels, n):
    """What loss and goal are given for each of n images, else ValueError."""
    labels = as_array(labels, "labels")
    if len(labels) != n:
        raise ValueError(f"there are {n} images and {len(labels)} labels")
    return labels


def check_goal(goal, targeted):
    targeted = check_flag("targeted", targeted)
    if goal is None:
        return lead_of_label if targeted else lead_of_others
    return check_function("goal", goal)


def parts(n, size=500):
    """Slices of so many images each: what a network computes at a time."""
    return [slice(i, i + size) for i in range(0, n, size)]
