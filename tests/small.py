"""Small versions of the posts' networks and their noise, for tests of the scripts."""

from dataclasses import replace

from lab import banks, nets

SMALL_ANN = {"hidden": (40, 30, 20), "steps": 200, "lr": 2e-3}
SMALL_CNN = {"convolutions": ((3, 3),), "hidden": (30, 20), "steps": 60, "lr": 2e-3}
NETS = {
    name: replace(cfg, **SMALL_ANN if name.startswith("ann") else SMALL_CNN)
    for name, cfg in nets.MODELS.items()
}
NOISE = banks.Config(steps=5, batch_size=50)
