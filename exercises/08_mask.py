"""8. A mask that survives Adam.

keep_mask: True where a weight is kept, False at the round(sparsity * size) smallest scores.  The
count is exact; of equal scores the first in row order goes first.

masked_step: one step of training after which the pruned weights are exactly 0, and the others
where Adam puts them.  Adam is warm: its running means remember gradients from before the weights
were pruned.  And l2 has a gradient of its own.

    scores, w, g  (n_in, n_out)            sparsity  in [0, 1]
    mask          booleans, like w         adam      adam(w, g) returns w after a step

Page   docs/pruning.md#masks and docs/backprop.md#then-the-step
Check  .venv/bin/python exercises/check.py mask
"""

import numpy as np


def keep_mask(scores, sparsity):
    """The mask, booleans of the shape of scores."""
    raise NotImplementedError("your turn")


def masked_step(w, g, mask, adam):
    """w after the step."""
    raise NotImplementedError("your turn")


# Hint: with equal scores a threshold prunes too many or too few; np.argsort says who goes first,
# if it is told to be stable.  And what is done to a gradient, Adam may undo; what is done after the
# step, nobody does.
