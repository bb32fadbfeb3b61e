"""A window to play in: an image, noise, pruning, and what becomes of outputs and ratio.

    python experiments/explore.py                                          drawn digits
    python experiments/explore.py --data mnist --preset standard

Sliders choose a test image, the class that the noise asks for, its limit, and how much is pruned
from every dense layer by mean activation; the button goes to the next image that is fooled: read
right without the noise, and wrong with it.  Needs an interactive matplotlib backend; the page
play.html, which reproduce.py writes, shows the same in a browser.  The network and its noise are
made if they are not in runs/.
"""

import argparse
import sys

import matplotlib
import numpy as np
from lab import forms, nets, pruning, script
from matplotlib.patches import Patch
from matplotlib.widgets import Button, Slider

from nnlite import prune
from nnlite.noise import add_noise

START = {"image": 0, "noise asks for": 3, "limit": 0.25, "pruned": 0}
RIGHT = {"facecolor": "C2", "edgecolor": "white", "hatch": "//"}
WRONG = {"facecolor": "C3", "edgecolor": "white", "hatch": None}
OTHER = {"facecolor": "C0", "edgecolor": "white", "hatch": None}
CHUNK = 100  # images that are read at once in the search for one that is fooled


class Explorer:
    """The window: `figure`, and `update`, which draws what the sliders say."""

    def __init__(self, figure, network, scores, test):
        self.figure, self.network, self.scores, self.test = figure, network, scores, test
        self.limits = [0.0, *sorted({limit for _, limit in network.bank})]
        self.picture, self.bars = self.make_axes()
        self.sliders = self.make_sliders()
        self.button = Button(self.figure.add_axes((0.05, 0.27, 0.2, 0.05)), "next fooled")
        self.button.on_clicked(self.next_fooled)
        self.next_fooled()

    def make_axes(self):
        """The image and the bars, to be filled by `update`."""
        left = self.figure.add_axes((0.05, 0.36, 0.38, 0.54))
        left.set(xticks=[], yticks=[])
        right = self.figure.add_axes((0.52, 0.42, 0.44, 0.48))
        right.set(xticks=range(10), xlabel="class", ylabel="output")
        right.grid(alpha=0.3, axis="y")
        kinds = {"what it is": RIGHT, "what it is read as, if wrong": WRONG}
        patches = [Patch(label=label, **style) for label, style in kinds.items()]
        right.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
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
            sliders[name] = Slider(axes, name, low, high, valinit=START[name], valstep=step)
            sliders[name].on_changed(self.update)
        return sliders

    def next_fooled(self, _event=None):
        """Go to the next image that is fooled, the one shown being the last that is looked at."""
        order = np.roll(np.arange(len(self.test.labels)), -1 - int(self.sliders["image"].val))
        for start in range(0, len(order), CHUNK):
            places = order[start : start + CHUNK]
            fooled = self.are_fooled(places)
            if fooled.any():
                self.sliders["image"].set_val(places[fooled.argmax()])
                return
        self.update()
        self.picture.axes.set_title("this noise fools no image")

    def are_fooled(self, places):
        """(n,) boolean of test images: whether they are read right, and wrong with the noise."""
        images, labels = self.test.images[places], self.test.labels[places]
        right, still = (
            self.outputs(x).argmax(axis=1) == labels for x in (images, self.with_noise(images))
        )
        return right & ~still

    def with_noise(self, images):
        """The images with the noise that is chosen."""
        target, limit = int(self.sliders["noise asks for"].val), self.sliders["limit"].val
        return add_noise(images, self.network.bank[target, limit]) if limit else images

    def outputs(self, images):
        """(N, 10) of the network, pruned as is chosen."""
        model, sparsity = self.network.model, self.sliders["pruned"].val
        with prune.applied(model, prune.keep_masks(self.scores, sparsity)):
            return model.predict(images)

    def update(self, _value=None):
        """Draw what the sliders say; returns the outputs (10,)."""
        k = int(self.sliders["image"].val)
        image, label = self.with_noise(self.test.images[k : k + 1]), self.test.labels[k]
        outputs = self.outputs(image)
        read = outputs.argmax()

        self.picture.set_data(image[0, ..., 0])
        self.picture.axes.set_title(f"a {label}, read as {read}")
        for i, (bar, height) in enumerate(zip(self.bars, outputs[0])):
            bar.set_height(height)
            bar.set(**RIGHT if i == label else WRONG if i == read else OTHER)
        axes, low, high = self.bars[0].axes, outputs.min(), outputs.max()
        axes.set_ylim(min(low, 0) - 0.1, max(high, 1) + 0.1)
        axes.set_title(f"ratio of the two largest: {describe(self.network.ratio(outputs)[0])}")
        self.figure.canvas.draw_idle()
        return outputs[0]


def describe(ratio):
    """The ratio as text, and what it means where it is no number."""
    if np.isnan(ratio):
        return "undefined\n(no output is positive)"
    return "infinite\n(only the largest is positive)" if np.isinf(ratio) else f"{ratio:.4g}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", choices=nets.MODELS, default="ann-lq", help="which network, ann-lq by default"
    )
    script.add_options(parser)
    parser.add_argument(
        "--preset", choices=list(forms.PRESETS), default="quick", help=script.PRESET_HELP
    )
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
