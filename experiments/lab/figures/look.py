"""The look of the four networks, the same in every figure."""

NETWORKS = {
    "ann-lq": {"color": "C0", "marker": "o"},
    "ann-sce": {"color": "C1", "marker": "v"},
    "cnn-lq": {"color": "C2", "marker": "s"},
    "cnn-sce": {"color": "C3", "marker": "^"},
}
FILLINGS = {"pruned": {"markerfacecolor": "white"}, "pruned less": {"markerfacecolor": "0.65"}}
