"""11. How sure is the network?  The ratio of its two largest outputs, and a threshold for it.

top_two_ratio: the largest output over the second largest; inf where only the largest is positive,
nan where none is.

threshold_at: the highest threshold that keeps at least a part of the scores.  A score is kept if
score >= threshold; nan never is.  The threshold is one of the scores.

    outputs  (N, n_out), raw, of a network without softmax    ratio  (N,)
    scores   (N,)    keep  in (0, 1]: the part of all N, those that are nan included

Page   docs/confidence.md#the-ratio-of-the-two-largest-outputs and docs/confidence.md#thresholds
Check  .venv/bin/python exercises/check.py ratio_and_threshold
"""

import numpy as np


def top_two_ratio(outputs):
    """The ratio of every image."""
    raise NotImplementedError("your turn")


def threshold_at(scores, keep):
    """The threshold."""
    raise NotImplementedError("your turn")


# Hint: np.sort sorts each row in ascending order.  Of 5 scores, 0.5 is 3 (at least!).  np.sort puts
# nan last, as if it were the largest; and an equal score is kept, too.
