"""Handwritten-looking digits drawn by code: a stand-in for MNIST that needs no download.

A digit is a few pen strokes. A table holds several ways to write each one, as control
points of smooth curves. To draw an image: take one way at random, shake its points, warp
and slant the path, choose a pen, draw the path in a box of 20 x 20 pixels, and put the
box into 28 x 28 pixels so that the ink's centre of mass is in the middle, as MNIST does.

    images, labels = make_digits(30_000, np.random.default_rng(0))
"""

import functools

import numpy as np

# One line per way of writing. "x,y" is a control point on a 0..100 grid, y downwards;
# "|" a corner: the pen stays down and a new curve starts at the point just reached;
# "/" a pen lift. A curve of two points is a straight line.
GLYPHS = {
    0: [
        "52,2 28,10 14,38 16,70 36,96 62,94 82,66 82,30 66,8 46,4",
        "62,8 42,2 20,18 12,52 22,84 48,98 74,86 88,54 80,20 58,4 36,10",
        "52,2 36,14 28,50 36,86 52,98 66,84 72,48 64,14 48,2",
        "36,8 18,34 16,70 40,97 72,88 86,54 76,20 52,8",
        "72,16 52,2 26,16 14,50 24,86 50,98 76,84 86,50 78,20 62,5 44,10",
        "40,6 64,4 84,26 88,60 72,90 46,98 20,82 12,48 24,18 44,4 60,8",
        "58,22 44,4 22,20 12,54 26,90 54,97 80,76 86,38 70,8 44,4",
    ],
    1: [
        "50,0 50,100",
        "54,0 46,100",
        "62,0 38,100",
        "70,0 30,100",
        "50,0 53,35 52,70 46,100",
        "46,0 50,30 49,65 55,100",
        "42,14 54,0|52,100",
        "32,22 54,0|52,98/28,98 78,97",
    ],
    2: [
        "20,24 38,4 66,6 76,26 64,54 38,82 20,94 12,84 26,74 46,86 66,96 90,86",
        "18,22 40,3 68,8 76,28 54,62 14,96|86,94",
        "20,28 30,6 58,2 78,18 72,42 46,68 14,96|50,90 90,96",
        "16,14 44,4 74,8 70,32 40,66 12,92|52,94 90,88",
        "30,36 20,20 36,4 64,4 78,24 66,54 36,84 14,96|46,88 86,92",
        "28,22 46,4 66,16 62,46 40,78 16,94 8,82 24,70 50,86 94,84",
        "14,10 50,4 80,6|48,50 12,94|90,94",
        "18,18 46,2 74,14 70,44 40,78 14,94|40,86 66,94 92,88",
    ],
    3: [
        "18,14 44,2 72,12 72,34 42,46|72,56 80,80 54,98 16,90",
        "16,6 78,6|42,42|72,50 82,74 60,96 14,90",
        "20,16 46,2 70,16 60,38 38,46 62,52 78,74 54,98 18,88",
        "20,10 52,3 72,16 60,36 32,50|66,56 76,78 50,98 16,92",
        "18,8 48,6 80,4 62,26 36,44|70,48 80,72 58,96 14,92",
        "26,16 46,4 64,14 56,34 36,42|74,48 86,74 58,97 14,86",
        "14,16 46,2 78,14 68,36 44,46|66,54 70,78 48,96 20,94",
    ],
    4: [
        "22,4 16,34 18,56|50,56 84,50/76,2 72,50 66,100",
        "18,6 12,46 36,58 74,48/78,4 72,100",
        "62,0 10,64|92,64/64,0 62,100",
        "30,4 12,54|88,50/72,10 60,100",
        "70,4 36,28 14,56|76,54/70,4 68,50 60,100",
        "22,4 14,42|72,42/78,0 62,100",
        "20,4 14,46|74,42|80,4|64,100",
        "26,0 18,30 8,56 20,60 50,52 88,48/70,16 58,100",
    ],
    5: [
        "82,4 34,6|26,44|52,38 78,54 76,82 48,98 14,90",
        "30,6 24,44|54,38 80,56 72,86 42,98 12,90/30,6 84,4",
        "80,8 48,4 30,20 36,40 64,52 74,74 54,96 16,92",
        "92,4 44,10|30,46|58,42 70,62 54,88 10,96",
        "76,6 30,6|28,40|50,46 72,62 70,86 44,98 16,92",
        "34,4 22,42|48,36 74,44 82,68 62,94 20,96/34,6 90,2",
        "90,2 40,8 32,36|62,48 66,76 40,96 8,86",
    ],
    6: [
        "62,2 36,32 20,66 30,92 56,98 76,82 68,62 46,58 24,74",
        "74,12 58,3 34,20 18,56 28,90 56,98 78,80 70,58 44,54 22,72",
        "50,2 22,36 10,72 30,96 66,96 90,78 76,60 42,64 18,82",
        "58,0 38,34 26,72 36,96 58,98 72,82 60,66 40,72 30,88",
        "36,0 28,50 28,86 48,98 72,86 70,62 48,54 30,68",
        "60,2 32,36 20,72 40,98 68,90 72,66 50,56 26,72 14,86",
        "66,0 40,22 22,60 30,92 58,97 78,78 68,56 44,56 26,76",
    ],
    7: [
        "14,12 82,8|44,100",
        "12,10 80,6|58,44 46,100",
        "14,10 82,8|60,50 44,100/28,52 78,48",
        "16,26 16,8|82,6|46,100",
        "14,20 30,6 56,12 84,4|52,50 40,100",
        "12,14 44,6 78,10 74,34 56,66 48,100",
        "18,20 22,8 78,8|66,50 62,100",
        "20,14 70,6|50,100",
    ],
    8: [
        "74,20 52,2 28,14 34,36 60,54 74,78 52,98 26,82 34,58 60,40 74,22",
        "50,2 30,12 32,36 50,46 68,36 70,12 48,2/50,46 26,60 24,86 50,98 76,86 74,60 48,46",
        "66,6 40,4 24,22 44,46 70,68 64,94 36,96 24,74 46,48 76,20 86,2",
        "78,6 52,40 26,74 36,97 60,92 66,70 42,44 28,20 46,2 72,8",
        "66,14 48,2 32,16 44,40 64,60 66,86 46,98 30,82 44,54 62,34 66,14",
        "72,16 50,2 30,14 38,32 66,54 82,78 54,98 20,82 34,54 62,34 72,16",
        "80,12 46,2 20,18 40,42 66,62 70,88 46,98 34,80 54,50 80,24 78,8",
    ],
    9: [
        "74,20 54,4 28,14 22,40 44,50 68,34 76,10|70,60 66,100",
        "74,18 50,3 24,18 24,42 50,50 72,32 76,10|78,60 62,94 28,94",
        "72,10 44,4 20,26 28,48 54,42 76,12|60,60 46,100",
        "70,18 50,4 30,16 30,36 50,42 68,28 72,10|70,100",
        "60,6 34,10 18,32 30,50 58,42 78,12|72,58 66,100",
        "78,12 46,2 16,22 26,46 60,46 78,14|74,60 60,86 34,98",
        "64,18 46,6 28,22 34,42 58,38 66,16 68,50 60,100",
    ],
}
SAMPLES = 72  # points along a drawn path, over all its strokes
BOX, SIZE = 20, 28  # pixels: the ink's larger side, and the image
CHUNK = 1000  # images drawn at once, which bounds the memory

# How much the digits vary: lengths on the 0..100 grid of the table, unless said otherwise.
JITTER = 2.2  # standard deviation of each control point
WARP = 5.0  # amplitude of the smooth deformation
SLANT = (0.15, 0.22)  # mean and standard deviation of the shear, to the right
TURN = 0.10  # standard deviation of the rotation, radians
ASPECT = 0.16  # standard deviation of log(width / height)
PEN = (1.45, 0.26)  # median radius in pixels, standard deviation of its logarithm
SIGMA = 0.6  # pixels: how sharply the nearest point of the path is picked


def catmull_rom(n_points, per_piece=32):
    """Rows that turn n_points control points into points of a smooth curve through them."""
    t = np.linspace(0, 1, per_piece, endpoint=False)[:, None]
    weights = (
        np.concatenate(
            [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2],
            axis=1,
        )
        / 2
    )
    # An extra point before the first and after the last, by continuing straight on.
    extend = np.eye(n_points + 2, n_points, k=-1)
    extend[0, :2] = extend[-1, -1:-3:-1] = 2, -1
    rows = [weights @ extend[i : i + 4] for i in range(n_points - 1)]
    return np.concatenate(rows + [np.eye(n_points)[-1:]])


def stroke_rows(sections):
    """Dense rows for one stroke: sections share the point at the corner between them."""
    n_points = sum(sections) - len(sections) + 1
    rows, start = [], 0
    for n in sections:
        wide = np.zeros((len(curve := catmull_rom(n)), n_points))
        wide[:, start : start + n] = curve
        rows.append(wide)
        start += n - 1
    return np.concatenate(rows)


def compile_glyph(glyph):
    """One line of the table -> (control points (P, 2), basis (SAMPLES, P), joined (SAMPLES-1,)).

    `basis @ points` is the path, evenly spaced; joined[i] is false where a pen lift lies
    between the points i and i + 1. The path is linear in the control points, so this work
    is done once, and shaken points go through the same basis.
    """
    points, rows, ends = [], [], []
    for stroke in glyph.split("/"):
        sections = [s.split() for s in stroke.split("|")]
        points.append([tuple(map(float, p.split(","))) for s in sections for p in s])
        rows.append(stroke_rows([len(s) + (i > 0) for i, s in enumerate(sections)]))
    curves = [r @ np.array(p) for r, p in zip(rows, points)]
    lengths = [np.hypot(*np.diff(c, axis=0).T).cumsum() for c in curves]
    total = sum(s[-1] for s in lengths)
    ends = np.rint(np.cumsum([s[-1] for s in lengths]) / total * SAMPLES).astype(int)

    basis = np.zeros((SAMPLES, sum(map(len, points))))
    joined = np.ones(SAMPLES - 1, bool)
    joined[ends[:-1] - 1] = False
    row = column = 0
    for dense, length, stop in zip(rows, lengths, ends):
        length = np.append(0, length)
        even = np.linspace(0, length[-1], stop - row)
        for k in range(dense.shape[1]):
            basis[row:stop, column + k] = np.interp(even, length, dense[:, k])
        row, column = stop, column + dense.shape[1]
    return np.concatenate(points), basis, joined


@functools.cache
def tables():
    """All ways of writing, padded to one number of control points, and where each digit's start."""
    ways = [compile_glyph(g) for digit in range(10) for g in GLYPHS[digit]]
    widest = max(len(points) for points, _, _ in ways)
    points = np.zeros((len(ways), widest, 2), np.float32)
    basis = np.zeros((len(ways), SAMPLES, widest), np.float32)
    for i, (p, b, _) in enumerate(ways):
        points[i, : len(p)] = p
        basis[i, :, : len(p)] = b
    joined = np.array([j for _, _, j in ways], np.float32)
    counts = np.array([len(GLYPHS[digit]) for digit in range(10)])
    return points, basis, joined, counts.cumsum() - counts, counts


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def write(ways, rng):
    """Paths (N, SAMPLES, 2) of the ways of writing, each shaken, warped, slanted and turned."""
    points, basis, *_ = tables()
    n = len(ways)
    path = basis[ways] @ (points[ways] + JITTER * normal(rng, n, points.shape[1], 2))
    path = path / 50 - 1
    for _ in range(2):  # a smooth wave of the plane in a random direction
        phase = path @ normal(rng, n, 2, 1) * 1.5 + np.pi * normal(rng, n, 1, 1)
        path = path + WARP / 50 * np.sin(phase) * normal(rng, n, 1, 2)
    return path @ np.swapaxes(linear_maps(n, rng), 1, 2)


def linear_maps(n, rng):
    """Matrices (N, 2, 2): width against height, then shear, then rotation."""
    squeeze = np.exp(ASPECT * normal(rng, n))
    slant = SLANT[0] + SLANT[1] * normal(rng, n)
    angle = TURN * normal(rng, n)
    maps = np.zeros((n, 2, 2), np.float32)
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 1] = squeeze, -slant, 1
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1) @ maps


def pen_radii(n, rng):
    """Radius of the pen along each path, in pixels (N, SAMPLES): pressure varies smoothly."""
    t = np.linspace(0, 1, SAMPLES, dtype=np.float32)
    width = PEN[0] * np.exp(PEN[1] * normal(rng, n, 1))
    wave = np.sin(np.pi * (1 + rng.random((n, 1), np.float32)) * t + np.pi * normal(rng, n, 1))
    thin_end = 0.3 * rng.random((n, 2), np.float32)
    taper = 1 - thin_end[:, :1] * np.exp(-t / 0.08) - thin_end[:, 1:] * np.exp((t - 1) / 0.08)
    return width * (1 + 0.15 * normal(rng, n, 1) * wave) * taper


def fit(path, radius):
    """Scale and shift paths so that the ink's larger side fills the box; pixels, (x, y) from 0."""
    low, high = path.min(axis=1, keepdims=True), path.max(axis=1, keepdims=True)
    room = BOX - 2 * radius.mean(axis=1)
    scale = room / (high - low).max(axis=(1, 2))
    return (path - (low + high) / 2) * scale[:, None, None] + (BOX - 1) / 2


def ink(path, radius, joined):
    """Anti-aliased images (N, BOX, BOX) of paths (N, SAMPLES, 2) drawn with a round pen.

    A Gaussian bump at every sample, weighted by the length of path it stands for, adds up
    to about exp(-d^2 / (2 sigma^2)) at distance d from the path. The bumps are products of
    a function of x and one of y, so that their sum is one small matrix product per image.
    """
    step = np.hypot(*np.moveaxis(np.diff(path, axis=1), 2, 0)) * joined
    weight = np.zeros(path.shape[:2], np.float32)
    weight[:, 1:] += step / 2
    weight[:, :-1] += step / 2
    weight /= np.sqrt(2 * np.pi) * SIGMA
    ends = np.pad(1 - joined, ((0, 0), (1, 1)), constant_values=1)
    weight += (ends[:, 1:] + ends[:, :-1]) / 2  # the half of the bump missing at an end
    # Pressing harder moves the contour outwards: a bump exp(a/2s^2) as high looks, at
    # distance d, like one at sqrt(d^2 - a).
    thick = radius.mean(axis=1, keepdims=True)
    weight *= np.exp((radius**2 - thick**2) / (2 * SIGMA**2))
    pixels = np.arange(BOX, dtype=np.float32)[:, None]
    x, y = path[:, None, :, 0], path[:, None, :, 1]
    gx = np.exp((pixels - x) ** 2 / (-2 * SIGMA**2))  # (N, BOX, SAMPLES)
    gy = np.exp((pixels - y) ** 2 / (-2 * SIGMA**2)) * weight[:, None]
    total = gy @ np.swapaxes(gx, 1, 2)  # (N, BOX, BOX)
    distance = SIGMA * np.sqrt(-2 * np.log(np.clip(total, 1e-30, 1)))
    return np.clip(thick[:, :, None] - distance + 0.5, 0, 1)


def centre(drawn):
    """Put (N, BOX, BOX) into (N, SIZE, SIZE), the centre of mass at the middle pixel, as MNIST.

    The middle is index SIZE // 2, to the nearest whole pixel, and the mass is the drawn
    ink's, not the path's: pressure moves it.
    """
    mass = drawn.sum(axis=(1, 2))
    index = np.arange(BOX, dtype=np.float32)
    top = SIZE // 2 - drawn.sum(axis=2) @ index / mass
    left = SIZE // 2 - drawn.sum(axis=1) @ index / mass
    rows = np.clip(np.rint(top), 0, SIZE - BOX).astype(int)[:, None] + np.arange(BOX)
    columns = np.clip(np.rint(left), 0, SIZE - BOX).astype(int)[:, None] + np.arange(BOX)
    images = np.zeros((len(drawn), SIZE, SIZE), np.float32)
    images[np.arange(len(drawn))[:, None, None], rows[:, :, None], columns[:, None, :]] = drawn
    return images


def draw_digits(labels, rng):
    """Draw one handwritten-looking image per label.

    labels: integers 0..9, shape (N,); rng: numpy.random.Generator.
    Returns float32 images (N, 28, 28, 1), ink 1 on black 0. The same state of rng gives
    the same images. Raises ValueError for labels of another shape, type or range.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not (np.issubdtype(labels.dtype, np.integer) or labels.size == 0):
        raise ValueError(
            f"labels have shape {labels.shape} and dtype {labels.dtype}, "
            "expected integers of shape (N,)"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() <= 9:
        raise ValueError(f"labels lie in {labels.min()}..{labels.max()}, expected 0..9")
    images = np.empty((len(labels), SIZE, SIZE, 1), np.float32)
    for i in range(0, len(labels), CHUNK):
        images[i : i + CHUNK, :, :, 0] = draw_chunk(labels[i : i + CHUNK], rng)
    return images


def draw_chunk(labels, rng):
    _, _, joined, first, counts = tables()
    ways = first[labels] + rng.integers(counts[labels])
    radius = pen_radii(len(ways), rng)
    path = fit(write(ways, rng), radius)
    return centre(ink(path, radius, joined[ways]))


def make_digits(n, rng):
    """n drawn digits, uniformly at random: images (n, 28, 28, 1) and labels int64 (n,)."""
    labels = rng.integers(10, size=n)
    return draw_digits(labels, rng), labels
