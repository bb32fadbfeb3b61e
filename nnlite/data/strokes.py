"""Handwritten-looking digits drawn by code: a stand-in for MNIST that needs no download.

A table holds several ways to write each digit, as control points of smooth pen strokes.
To draw an image: take a way at random, shake its points, warp and slant the path, choose a
pen, draw the path in a box of 20 x 20 pixels, and put the box into 28 x 28 pixels so that
the ink's centre of mass is in the middle, as MNIST does.

    images, labels = make_digits(30_000, np.random.default_rng(0))
"""

import functools

import numpy as np

from nnlite.checks import check_count, check_labels, check_rng

# A string is one way to write a digit. "x,y" is a control point on a 0..100 grid, y downwards;
# "|" is a corner: the pen stays down and a new curve starts from the point reached;
# "/" is a pen lift. A curve through two points is a straight line.
# fmt: off
GLYPHS = {
    0: ["62,6 34,6 14,40 22,84 52,98 82,76 82,28 56,4 38,8",
        "38,6 16,36 20,78 48,98 78,82 84,40 62,8", "60,10 26,14 8,48 26,88 66,90 94,56 72,12",
        "72,14 46,2 20,24 14,62 34,94 68,92 86,56 76,16 46,6",
        "40,6 70,8 88,44 76,86 46,98 18,76 14,32 40,4 58,6",
        "58,22 42,4 16,30 16,74 46,98 78,82 84,34 62,6 42,6"],
    1: ["50,0 50,100", "32,20 54,0|52,98/28,98 78,97", "46,0 50,30 49,65 55,100", "54,0 46,100",
        "62,0 38,100", "42,14 54,0|52,100", "70,0 30,100"],
    2: ["18,22 40,3 68,8 76,28 54,62 14,96|86,94", "16,14 44,4 74,8 70,32 40,66 12,92|52,94 90,88",
        "30,12 50,2 62,18 48,58 20,92|56,90 92,88", "14,10 50,4 80,6|48,50 12,94|90,94",
        "28,22 46,4 66,16 62,46 40,78 16,94 8,82 24,70 50,86 94,84",
        "18,18 46,2 74,14 70,44 40,78 14,94|40,86 66,94 92,88",
        "16,30 30,6 58,4 70,24 62,56 44,86 20,94 8,78 22,64 48,74 72,92 92,88",
        "30,18 50,2 64,20 58,54 42,86 24,92 20,78 36,74 54,88 70,96",
        "34,30 14,26 24,8 56,2 74,20 66,52 40,86 14,94 8,80 28,72 56,88 84,94",
        "14,32 36,6 66,10 66,38 42,66 12,82 4,92 22,92 42,74 66,82 98,88"],
    3: ["18,14 44,2 72,12 72,34 42,46|72,56 80,80 54,98 16,90",
        "16,6 78,6|42,42|72,50 82,74 60,96 14,90", "26,12 50,4 66,16 42,42|62,52 62,78 48,100",
        "20,16 46,2 70,16 60,38 38,46 62,52 78,74 54,98 18,88",
        "20,10 52,3 72,16 60,36 32,50|66,56 76,78 50,98 16,92",
        "18,8 48,6 80,4 62,26 36,44|70,48 80,72 58,96 14,92",
        "26,16 46,4 64,14 56,34 36,42|74,48 86,74 58,97 14,86",
        "20,18 50,2 70,18 56,38 36,46 66,56 74,82 46,98 18,92 20,78"],
    4: ["22,4 16,34 18,56|50,56 84,50/76,2 72,50 66,100", "18,6 12,46 36,58 74,48/78,4 72,100",
        "62,0 10,64|92,62/64,0 62,100", "12,10 8,42 24,56 60,50 84,40/84,0 76,50 70,100",
        "30,4 12,54|88,50/72,10 60,100", "22,4 14,42|72,42/78,0 62,100",
        "20,4 14,46|74,42|80,4|64,100"],
    5: ["82,4 34,6|26,44|52,38 78,54 76,82 48,98 14,90", "96,4 48,10|40,38|64,50 56,80 26,96 2,86",
        "30,6 24,44|54,38 80,56 72,86 42,98 12,90/30,6 84,4",
        "80,8 48,4 30,20 36,40 64,52 74,74 54,96 16,92",
        "92,4 44,10|30,46|58,42 70,62 54,88 10,96",
        "76,6 30,6|28,40|50,46 72,62 70,86 44,98 16,92",
        "34,4 22,42|48,36 74,44 82,68 62,94 20,96/34,6 90,2",
        "74,6 30,6|22,42|50,32 80,44 86,72 62,96 28,96 12,82"],
    6: ["74,12 58,3 34,20 18,56 28,90 56,98 78,80 70,58 44,54 22,72",
        "50,2 22,36 10,72 30,96 66,96 90,78 76,60 42,64 18,82",
        "58,0 38,34 26,72 36,96 58,98 72,82 60,66 40,72 30,88",
        "36,0 28,50 28,86 48,98 72,86 70,62 48,54 30,68",
        "44,0 22,40 18,74 40,98 72,92 84,66 66,52 46,66 44,92",
        "34,4 14,40 18,78 46,98 80,86 88,62 66,52 42,66 40,86",
        "58,0 34,34 24,72 40,98 66,90 70,66 54,58 40,76 38,92"],
    7: ["14,12 82,8|44,100", "14,38 18,14 42,6 68,10 72,32 62,66 54,100", "16,30 16,8|82,6|46,100",
        "20,14 70,6|50,100", "14,10 82,8|60,50 44,100/28,52 78,48", "12,10 80,6|58,44 46,100",
        "12,14 44,6 78,10 74,34 56,66 48,100", "14,36 18,10|50,8 84,6|62,50 50,100",
        "12,8 82,6|62,44 40,100/24,58 84,52"],
    8: ["74,20 52,2 28,14 34,36 60,54 74,78 52,98 26,82 34,58 60,40 74,22",
        "50,2 30,12 32,36 50,46 68,36 70,12 48,2/50,46 26,60 24,86 50,98 76,86 74,60 48,46",
        "66,6 40,4 24,22 44,46 70,68 64,94 36,96 24,74 46,48 76,20 86,2",
        "78,6 52,40 26,74 36,97 60,92 66,70 42,44 28,20 46,2 72,8",
        "80,12 46,2 20,18 40,42 66,62 70,88 46,98 34,80 54,50 80,24 78,8",
        "84,4 48,6 26,22 44,44 64,66 58,92 38,98 26,80 46,52 72,30 88,8",
        "72,24 58,4 34,8 24,28 42,46 64,60 66,84 44,98 24,84 38,54 66,38 72,20"],
    9: ["74,20 54,4 28,14 22,40 44,50 68,34 76,10|70,60 66,100",
        "70,18 50,4 30,16 30,36 50,42 68,28 72,10|70,100",
        "60,6 34,10 18,32 30,50 58,42 78,12|72,58 66,100",
        "64,18 46,6 28,22 34,42 58,38 66,16 68,50 60,100",
        "72,24 58,6 36,4 18,24 22,48 44,56 66,42 74,20|70,62 66,100",
        "70,40 48,52 26,42 24,16 46,2 68,12 74,36 70,70 62,100",
        "80,16 52,6 22,20 16,44 40,54 66,40 80,16|74,58 72,100",
        "70,30 62,6 34,4 16,30 28,60 54,58 72,24|76,62 74,100",
        "72,4 42,8 24,30 34,50 60,44 76,22|66,60 48,100",
        "70,14 44,4 20,22 30,46 56,42 74,16|74,50 60,88 28,96"],
}
# fmt: on
SAMPLES = 72  # points along a drawn path, over all its strokes
BOX, SIZE = 20, 28  # pixels: the box that the ink fills, and the image
CHUNK = 1000  # images drawn at once: it bounds the memory

# How much the digits vary. Lengths are in units of the table's grid unless said otherwise.
JITTER = 4.0  # standard deviation of each coordinate of a control point
WARP, WAVE = 12, 2.5  # smooth waves: largest push, largest phase change over half a digit
ASPECT = 0.2  # standard deviation of log(width / height)
SLANT = 0.17, 0.26  # shear to the right: mean and standard deviation
TURN = 0.12  # standard deviation of the rotation, radians
PEN = 1.27, 0.3  # median radius in pixels, standard deviation of its logarithm
PRESSURE = 0.15  # standard deviation of the pen's relative swelling along a path
TAPER = 0.3  # an end of a path is thinner by at most this fraction
GREY = 0.8  # the palest ink; the darkest is 1
SIGMA = 0.6  # pixels: width of the bump that each sample puts on the image


def catmull_rom(n):
    """Rows (M, n) that turn n control points into M points of a smooth curve through them."""
    t = np.linspace(0, 1, 32)[:, None]
    cubics = (
        np.hstack(
            [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]
        )
        / 2
    )
    # A piece needs a point on either side: at the ends go straight on, to 2*p[0] - p[1].
    extended = np.eye(n + 2, n, k=-1)
    extended[0, :2] = 2, -1
    extended[-1, -2:] = -1, 2
    return np.concatenate([cubics @ extended[i : i + 4] for i in range(n - 1)])


def compile_way(text):
    """One way of the table -> control points (P, 2), basis (SAMPLES, P), joined (SAMPLES-1,).

    The path is basis @ points, samples evenly spaced. It is linear in the points, so the
    basis is worked out once and then serves shaken points too. joined is false where the
    pen is lifted between a sample and the next.
    """
    points, sections = [], []
    for number, stroke in enumerate(text.split("/")):
        for i, section in enumerate(stroke.split("|")):
            start = len(points) - (i > 0)  # after a corner, share the point reached
            points += [point.split(",") for point in section.split()]
            sections.append((number, start, len(points)))
    points = np.array(points, float)
    curves = [np.pad(catmull_rom(b - a), ((0, 0), (a, len(points) - b))) for _, a, b in sections]
    stroke = np.repeat([number for number, _, _ in sections], [len(c) for c in curves])
    rows = np.concatenate(curves)
    step = np.hypot(*np.diff(rows @ points, axis=0).T)
    step[np.diff(stroke) > 0] = 0  # a lifted pen leaves no length
    length = np.append(0, step.cumsum())
    even = np.linspace(0, length[-1], SAMPLES)
    basis = np.array([np.interp(even, length, column) for column in rows.T]).T
    return points, basis, np.diff(np.interp(even, length, stroke)) == 0


@functools.cache
def tables():
    """compile_way of every way, stacked; zeros pad the control points to one number."""
    ways = [compile_way(text) for digit in range(10) for text in GLYPHS[digit]]
    width = max(len(points) for points, _, _ in ways)
    return (
        np.array([np.pad(p, ((0, width - len(p)), (0, 0))) for p, _, _ in ways]),
        np.array([np.pad(b, ((0, 0), (0, width - len(p)))) for p, b, _ in ways]),
        np.array([joined for _, _, joined in ways]),
    )


def trace(ways, rng):
    """Paths (N, SAMPLES, 2), one per way (N,): shaken, warped, squeezed, slanted, turned."""
    points, basis, _ = tables()
    n, one = len(ways), (len(ways), 1)
    noise = rng.normal(0, JITTER, (n, points.shape[1] + 1, 2))
    noise = (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)  # neighbours move together
    path = basis[ways] @ (points[ways] + noise) / 50 - 1  # from 0..100 to -1..1
    for _ in range(2):
        phase = path @ rng.uniform(-WAVE, WAVE, (n, 2, 1)) + rng.uniform(0, 2 * np.pi, (n, 1, 1))
        path = path + rng.uniform(-WARP, WARP, (n, 1, 2)) / 50 * np.sin(phase)
    x, y = path[..., 0], path[..., 1]
    x = x * np.exp(rng.normal(0, ASPECT, one)) - y * rng.normal(*SLANT, one)
    turn = rng.normal(0, TURN, one)
    return np.stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=2
    )


def press(n, rng):
    """Radius of the pen along n paths, pixels (n, SAMPLES): a slow wave, with thinner ends."""
    t = np.linspace(0, 1, SAMPLES)
    radius = PEN[0] * np.exp(rng.normal(0, PEN[1], (n, 1)))
    wave = np.sin(np.pi * (t * rng.uniform(1, 2, (n, 1)) + rng.uniform(0, 2, (n, 1))))
    first, last = rng.uniform(0, TAPER, (2, n, 1))
    ends = 1 - first * np.exp(-t / 0.08) - last * np.exp((t - 1) / 0.08)
    return radius * (1 + rng.normal(0, PRESSURE, (n, 1)) * wave) * ends


def fit(path, radius):
    """Scale and move paths so that their ink's larger side fills the box: pixels (x, y)."""
    low, high = path.min(axis=1, keepdims=True), path.max(axis=1, keepdims=True)
    room = BOX - 2 * radius.mean(axis=1)[:, None, None]
    scale = room / (high - low).max(axis=2, keepdims=True)
    return (path - (low + high) / 2) * scale + (BOX - 1) / 2


def draw(path, radius, joined):
    """Anti-aliased ink (N, BOX, BOX), 0 to 1, along paths.

    Each sample of a path puts a Gaussian bump on the image, as high as the piece of path it
    stands for is long. At distance d from the path they add up to about
    exp(-d^2 / (2 SIGMA^2)), which gives d. A bump is a function of x times one of y, so the
    sum over samples is one small matrix product per image.
    """
    step = np.pad(np.hypot(*np.diff(path, axis=1).T).T * joined, ((0, 0), (1, 1)))
    height = (step[:, 1:] + step[:, :-1]) / (2 * np.sqrt(2 * np.pi) * SIGMA)
    # At the end of a stroke half of the sum is missing; put it back to get a round end.
    height += ((step[:, 1:] == 0) | (step[:, :-1] == 0)) / 2
    # A bump higher by exp(a / (2 SIGMA^2)) turns d^2 into d^2 - a: so the pen swells.
    mean = radius.mean(axis=1, keepdims=True)
    height *= np.exp((radius**2 - mean**2) / (2 * SIGMA**2))
    path, height, mean = (a.astype(np.float32)[:, None] for a in (path, height, mean))
    pixel = np.arange(BOX, dtype=np.float32)[:, None]
    across = np.exp((pixel - path[..., 0]) ** 2 / (-2 * SIGMA**2))  # (N, BOX, SAMPLES)
    down = np.exp((pixel - path[..., 1]) ** 2 / (-2 * SIGMA**2))
    total = (height * down) @ across.transpose(0, 2, 1)  # (N, BOX, BOX)
    distance = SIGMA * np.sqrt(-2 * np.log(np.clip(total, 1e-30, 1)))
    return np.clip(mean - distance + 0.5, 0, 1)


def centre(ink):
    """Put ink (N, BOX, BOX) into (N, SIZE, SIZE), its centre of mass on pixel SIZE // 2.

    To the nearest whole pixel, as in MNIST. Pressure moves the ink's centre off the path's.
    """
    at, mass = np.arange(BOX), ink.sum(axis=(1, 2))
    top, left = (np.rint(SIZE // 2 - ink.sum(axis=k) @ at / mass) for k in (2, 1))
    top, left = (np.clip(a, 0, SIZE - BOX).astype(int)[:, None, None] for a in (top, left))
    images = np.zeros((len(ink), SIZE, SIZE), np.float32)
    images[np.arange(len(ink))[:, None, None], top + at[:, None], left + at] = ink
    return images


def draw_digits(labels, rng):
    """Draw one digit per label, each in a handwriting of its own.

    labels   integers 0 to 9, shape (N,), else ValueError
    rng      numpy.random.Generator; the same state gives the same images
    Returns float32 (N, 28, 28, 1) from 0, paper, to 1, ink.
    """
    labels, rng = check_labels(labels, 10), check_rng(rng)
    counts = np.array([len(GLYPHS[digit]) for digit in range(10)])
    first = counts.cumsum() - counts  # where a digit's ways start in the tables
    images = np.empty((len(labels), SIZE, SIZE, 1), np.float32)
    for i in range(0, len(labels), CHUNK):
        digits = labels[i : i + CHUNK]
        ways = first[digits] + rng.integers(counts[digits])
        radius = press(len(ways), rng)
        path = fit(trace(ways, rng), radius)
        ink = draw(path, radius, tables()[2][ways])
        ink *= rng.uniform(GREY, 1, (len(ways), 1, 1)).astype(np.float32)
        images[i : i + CHUNK, ..., 0] = centre(ink)
    return images


def make_digits(n, rng):
    """`n` digits, uniform at random: images as in draw_digits, labels int64 (n,)."""
    labels = check_rng(rng).integers(10, size=check_count("n", n, 0))
    return draw_digits(labels, rng), labels
