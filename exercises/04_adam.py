"""4. A step of Adam (Kingma & Ba 2015).

Adam keeps a running mean of the gradient, m, and one of its square, v.  Each weight moves by the
one divided by the root of the other, so that every weight has a step size of its own.

    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g^2
    w <- w - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

Both means begin at 0 and are too small at first; dividing by 1 - beta^t makes that good.

    w, g, m, v   arrays of one shape: weights, their gradient, the two means
    t            number of the step, 1 for the first

Return new arrays, and leave those that were given as they are.

Page   docs/backprop.md#then-the-step
Check  .venv/bin/python exercises/check.py adam
"""

import numpy as np


def adam(w, g, m, v, t, lr, beta1, beta2, eps):
    """(w, m, v) after the step."""
    raise NotImplementedError("your turn")


# Hint: three lines, in the order above.  The corrected means are for this step only: what is
# returned, to go on from, is m and v without the correction.
