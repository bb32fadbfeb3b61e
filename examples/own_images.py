"""Images of your own: files in a folder for each class.  Here the files are drawn first.

python examples/own_images.py     seconds; writes results/own-images/ and results/own-images.png
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import nnlite as nn
from nnlite import plots

rng = np.random.default_rng(0)
folder, classes = Path("results/own-images"), ["ellipse", "line", "rectangle"]
for name in classes:  # instead: put your files there
    (folder / name).mkdir(parents=True, exist_ok=True)
    for k in range(300):
        image = Image.new("L", (24, 24))
        corners = [*rng.integers(1, 8, 2), *rng.integers(15, 23, 2)]
        getattr(ImageDraw.Draw(image), name)([int(corner) for corner in corners], fill=255)
        image.save(folder / name / f"{k}.png")

files = rng.permutation([str(path) for path in sorted(folder.glob("*/*.png"))])
images = np.array([np.asarray(Image.open(f).convert("L").resize((24, 24))) for f in files])
labels = np.array([classes.index(Path(f).parent.name) for f in files])
parts = {"train": slice(600), "validation": slice(600, 750), "test": slice(750, None)}
data = nn.data.from_arrays("own", **{k: (images[part], labels[part]) for k, part in parts.items()})

model = nn.Sequential([nn.Flatten(), nn.Dense(24 * 24, data.n_classes, rng=rng)])
adam = nn.Adam(model.params)
for _ in range(20):
    for x, y in nn.minibatches(*data.train, 50, rng):
        model.backward(nn.softmax_cross_entropy(model.forward(x), y)[1], input_gradient=False)
        adam.step()
print(f"{nn.accuracy(model, *data.test):.1%} of the test images right")
surest_first = np.argsort(-nn.confidence.margin(model.predict(data.test.images)))
plots.save_figure(plots.digits(data.test.images[surest_first]), "results/own-images.png")
print("surest first: results/own-images.png")
