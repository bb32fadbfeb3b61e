"""What the two posts publish, for MNIST: accuracies and fractions, in [0, 1] where not texts.

From the text of "Pruning, cost functions and adversarial noise" and "Output analysis" and, where
it says so, read from their figures.
"""

# Noise vectors along the pruning axis: (target class, limit in pixel units).
ANN_NOISE = ((3, 0.25), (2, 0.25), (1, 0.15), (5, 0.10), (5, 0.35), (8, 0.20), (7, 0.30), (9, 0.20))
CNN_NOISE = ((3, 0.25), (2, 0.25), (1, 0.35), (5, 0.25), (5, 0.35), (4, 0.25), (7, 0.30), (9, 0.30))

# Accuracy without noise, then under ANN_NOISE [figure: best_performance_table]; the key says what
# was pruned in every layer: by which score and to which sparsity.
ANN_TABLE = {
    (): (0.9865, 0.1993, 0.2764, 0.9073, 0.9590, 0.2595, 0.5790, 0.2263, 0.5818),
    (("magnitude", 0.90),): (
        *(0.9818, 0.4110, 0.3624, 0.8814, 0.9686, 0.5395, 0.9081, 0.2379, 0.7646),
    ),
    (("mean_activation", 0.81),): (
        *(0.9814, 0.4868, 0.5708, 0.9163, 0.9669, 0.5732, 0.9156, 0.2969, 0.7841),
    ),
    (("magnitude", 0.85), ("mean_activation", 0.80)): (
        *(0.9801, 0.5111, 0.5035, 0.8971, 0.9657, 0.5809, 0.9241, 0.2862, 0.8017),
    ),
}
COMBINED_LESS = 0.07  # in the curves, combined pruning takes so much less by mean activation

# Accuracy of the unpruned CNN without noise [text], then under CNN_NOISE [figure, +-0.01].
CNN_UNPRUNED = (0.993, 0.27, 0.23, 0.45, 0.32, 0.14, 0.55, 0.36, 0.24)

CNN_WITHOUT_LOSS = {1: 0.98}  # dense layer: sparsity "with no drop in performance" [text]

SCORED_IMAGES = 2000  # for mean activations, there from the test set [text]

# The second post.  Accuracy without noise and with noise on half of the images; threshold, clean
# and corrupted images kept, at 90 % of the clean and at 80 %: cells of a table, in percent [text].
CONFIDENCE = {
    "ann-lq": ("98.65", "55.28", "6.6", "90", "44", "18.2", "80", "17.5"),
    "ann-lq, pruned": ("98.28", "62.96", "3.4", "90", "25", "7.0", "80", "9"),
    "cnn-lq": ("99.3", "76.89", "", "90", "5", "", "", ""),
    "cnn-lq, pruned": ("", "", "", "90", "5", "", "", ""),
}
ANN_SPARSITY = 0.80  # removed from every layer by mean activation [text]
CNN_SPARSITIES = (0.96, 0.95)  # from the first two dense layers [notebook]
CLEAN_RANGE = (0.5, 1.1)  # of the largest output of clean images [text]
CORRUPTED_OUTSIDE = 0.3  # of the corrupted images, of the dense network [text]
WEAK, STRONG = 0.15, 0.35  # limits of the noise in the galleries [text]
STILL_RIGHT = {"lowest": (0, 0), "highest": (7, 0)}  # of nine, under weak and strong noise [figure]

# The author's later figures of the same networks: fraction of images that FGSM and PGD of 100
# steps with cross-entropy fool, at LATER_LIMITS [figure].
LATER_LIMITS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
LATER = {  # network: FGSM, PGD
    "ann-lq": (
        (0.098, 0.526, 0.848, 0.953, 0.989, 0.999),
        (0.096, 0.612, 0.918, 0.983, 0.995, 1.0),
    ),
    "ann-lq, pruned": (
        *((0.081, 0.238, 0.640, 0.880, 0.955, 0.990), (0.081, 0.249, 0.719, 0.928, 0.987, 0.996)),
    ),
    "ann-sce": ((0.368, 0.863, 0.955, 0.985, 0.992, 0.996), (0.421, 0.949, 0.997, 1.0, 1.0, 1.0)),
    "cnn-lq": (
        (0.079, 0.259, 0.430, 0.552, 0.677, 0.765),
        (0.112, 0.587, 0.842, 0.940, 0.972, 0.982),
    ),
    "cnn-sce": (
        (0.096, 0.406, 0.676, 0.819, 0.905, 0.950),
        (0.118, 0.597, 0.925, 0.992, 0.999, 1.0),
    ),
}


def is_comparable(results):
    """Whether the posts' numbers may stand beside these: both are of MNIST."""
    return results.data == "mnist"
