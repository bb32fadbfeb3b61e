"""A window to play in: an image, noise, pruning, and what becomes of outputs and ratio.

    python experiments/explore.py                                          drawn digits
    python experiments/explore.py --data mnist --preset standard

Sliders choose a test image, the class that the noise asks for, its limit, and how much is pruned
from every dense layer by mean activation.  Needs an interactive matplotlib backend.  The network
and its noise are made if they are not in runs/.
"""

import argparse
import sys

import matplotlib
import numpy as np
from lab import forms, nets, pruning, script
from matplotlib.widgets import Slider

from nnlite import prune
from nnlite.noise import add_noise


class Explorer:
    """The window: `figure`, and `update`, which draws what the sliders say."""

    def __init__(self, figure, network, scores, test):
        self.figure, self.network, self.scores, self.test = figure, network, scores, test
        self.limits = [0.0, *sorted({limit for _, limit in network.bank})]
        self.picture, self.bars = self.make_axes()
        self.sliders = self.make_sliders()
        self.update()

    def make_axes(self):
        """The image and the bars, to be filled by `update`."""
        left = self.figure.add_axes((0.05, 0.36, 0.38, 0.54))
        left.set(xticks=[], yticks=[])
        right = self.figure.add_axes((0.52, 0.42, 0.44, 0.48))
        right.set(xticks=range(10), xlabel="class", ylabel="output")
        right.grid(alpha=0.3, axis="y")
        picture = left.imshow(np.zeros((28, 28)), cmap="gray", vmin=0, vmax=1)
        return picture, right.bar(range(10), np.zeros(10), color="C0")

    def make_sliders(self):
        """{name: Slider}, all of which call `update`."""
        ranges = {
            "image": (0, len(self.test.labels) - 1, 1),
            "noise asks for": (0, 9, 1),
            "limit": (0, self.limits[-1], self.limits),
            "pruned": (0, 0.99, 0.01),
        }
        sliders = {}
        for k, (name, (low, high, step)) in enumerate(ranges.items()):
            axes = self.figure.add_axes((0.2, 0.22 - 0.06 * k, 0.6, 0.04))
            sliders[name] = Slider(axes, name, low, high, valinit=low, valstep=step)
            sliders[name].on_changed(self.update)
        return sliders

    def update(self, _value=None):
        """Draw what the sliders say; returns the outputs (10,)."""
        chosen = {name: slider.val for name, slider in self.sliders.items()}
        k, target = int(chosen["image"]), int(chosen["noise asks for"])
        image, label = self.test.images[k], self.test.labels[k]
        if chosen["limit"]:
            image = add_noise(image, self.network.bank[target, chosen["limit"]])
        model = self.network.model
        with prune.applied(model, prune.keep_masks(self.scores, chosen["pruned"])):
            outputs = model.predict(image[None])

        self.picture.set_data(image[..., 0])
        for i, (bar, height) in enumerate(zip(self.bars, outputs[0])):
            bar.set_height(height)
            bar.set_color("C2" if i == label else "C3" if i == outputs.argmax() else "C0")
        self.picture.axes.set_title(f"a {label}, read as {outputs.argmax()}")
        axes, low, high = self.bars[0].axes, outputs.min(), outputs.max()
        axes.set_ylim(min(low, 0) - 0.1, max(high, 1) + 0.1)
        axes.set_title(f"ratio of the two largest: {self.network.ratio(outputs)[0]:.4g}")
        self.figure.canvas.draw_idle()
        return outputs[0]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=nets.MODELS, default="ann-lq")
    script.add_options(parser)
    parser.add_argument("--preset", choices=list(forms.PRESETS), default="quick")
    args = parser.parse_args()
    import matplotlib.pyplot as plt  # looks for a backend

    if matplotlib.get_backend().lower() == "agg":
        sys.exit(f"{parser.prog}: matplotlib finds no way to open a window; install PyQt6, say")
    with script.ending_well(parser):
        data, cfg = script.load(script.data_source(args.data)), forms.PRESETS[args.preset]
        network = forms.network(args.model, "whole", 0, cfg, data, args.runs)
        scores = pruning.scores_of(network.model, data.train.images, 0, cfg.scored_images)
        explorer = Explorer(
            plt.figure(figsize=(8, 6)), network, scores["mean_activation"], data.test
        )
        plt.show()
    return explorer  # sliders that nobody holds are forgotten


if __name__ == "__main__":
    main()
