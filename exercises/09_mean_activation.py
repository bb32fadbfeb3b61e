"""9. The mean activation of every weight, in one pass.

How far does a weight move its output, on average over the images?  The posts' score is

    score[i, j] = abs(mean over the images n of x[n, i] * w[i, j])

and the posts find it in a loop: for every image, multiply all weights by their inputs, and add the
products up.  Of a layer of 784 x 300 and 500 images these are 118 million products.  Do without the
loop, and without an array (N, n_in, n_out), which would be as many numbers.

    w  (n_in, n_out)    x  (N, n_in), the inputs of the layer    score  like w

Page   docs/pruning.md#scores
Check  .venv/bin/python exercises/check.py mean_activation
"""

import numpy as np


def mean_activation(w, x):
    """The score of every weight."""
    raise NotImplementedError("your turn")


# Hint: w[i, j] is the same for all images.  What can be taken out of a mean?
