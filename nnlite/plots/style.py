"""One look for all figures: colour and marker say which class, the line says which limit.

axes.plot(x, y, ls=limit_style(0.25), **class_look(3))
"""

# Of the classes 0 to 9.  They stay apart for eyes that see less red, green or blue, from one
# another and from black: tests/test_style.py calculates how far.
COLORS = (
    *("#98c29f", "#0f8a82", "#db8850", "#3435ae", "#cdb900"),
    *("#a90044", "#693c82", "#a178fe", "#874403", "#1fc8f4"),
)
MARKERS = "hvs^DoX<>p"  # and these without any colour

LINES = {  # the stronger the noise, the fuller the line
    0.10: (0, (1, 2)),
    0.15: (0, (4, 2, 1, 2, 1, 2)),
    0.20: (0, (5, 2, 1, 2)),
    0.25: (0, (4, 2)),
    0.30: (0, (10, 2)),
    0.35: "-",
}


def class_look(target):
    """Color and marker of a class, as keywords of matplotlib; None, for no noise: plain black."""
    if target is None:
        return {"color": "black", "marker": ""}
    return {"color": COLORS[target], "marker": MARKERS[target]}


def limit_style(limit):
    """Line style of noise of that limit, in pixel units; of the nearest one that has a style."""
    return LINES[min(LINES, key=lambda known: abs(known - limit))]
