"""10. Noise that fools a network on all images at once.

Training moves the weights so that the loss falls.  Here the weights stay, and one picture of noise
v moves, the same for all images.  The loss asks for one class, whatever the images show:

    what the network sees   clip(images + v, 0, 1)
    g                       d loss / d v, the sum over the images
    v                       <- clip(v - step_size * g / max(abs(g)), -limit, limit)

beginning at v = 0.  A pixel that was clipped does not follow the noise: where images + v is below
0 or above 1, it adds nothing to g.  Where it is exactly 0 or 1, it does: black pixels are.

    images           (N, H, W, C), from 0 to 1           v, g   (H, W, C)
    input_gradient   input_gradient(x) returns d loss / d x for images x (N, H, W, C), like x

Page   docs/adversarial-noise.md#the-idea
Check  .venv/bin/python exercises/check.py universal_noise
"""

import numpy as np


def universal_noise(input_gradient, images, limit, step_size, steps):
    """v after the steps."""
    raise NotImplementedError("your turn")


# Hint: five lines inside a loop.  Keep moved = images + v: what the network sees is its clip, and
# which gradients count, it says too.
