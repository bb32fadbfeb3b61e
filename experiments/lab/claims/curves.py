"""What confidence_curves.py found, as arrays."""

import numpy as np

from lab.published import CONFIDENCE, STRONG

AT_90, AT_80 = 0, 1  # places in "at": the thresholds that keep 90 and 80 % of clean images


def rows_of(curves, title, limit=None, part="test"):
    """The rows of a network such as "ann-lq, pruned"; at the post's limit unless given."""
    network, _, form = title.partition(", ")
    fields = {"network": network, "form": form or "whole", "part": part}
    return curves.select("Form", **fields, limit=limit or curves.config["limit"])


def kept(rows, group="corrupted", at=AT_90):
    """(seeds,): the fraction of the images of a group that a threshold keeps."""
    return np.array([row["at"][at][f"{group}_kept"] for row in rows])


def accepted_and_wrong(rows, at=AT_90):
    """(seeds,): of all attacked images, whether they are read right or wrong."""
    return np.array(
        [
            row["at"][at]["corrupted_kept"]
            * row["images"]["corrupted"]
            / (row["images"]["corrupted"] + row["images"]["ineffective"])
            for row in rows
        ]
    )


def infinite(rows, group):
    """(seeds,): the fraction of the images of a group whose only positive output is the first."""
    return np.array([row["only_first_positive"][group] / row["images"][group] for row in rows])


def auroc(scores, title, score):
    """(seeds,): how well a score tells clean from attacked images of a network, see score_table.py,
    under noise of the strongest limit."""
    network, _, form = title.partition(", ")
    return np.array(
        [
            record["auroc"][0]
            for row in scores.select("Scores", network=network, form=form or "whole")
            for record in row["scores"]
            if (record["question"], record["limit"], record["score"]) == ("clean", STRONG, score)
        ]
    )


def values(rows, what):
    return np.array([row[what] for row in rows])


def published(title):
    """half_noisy, [threshold 90, corrupted 90, threshold 80, corrupted 80]: numbers or None."""
    _, half_noisy, *cells = CONFIDENCE[title]
    half_noisy, *cells = (float(cell) if cell else None for cell in (half_noisy, *cells))
    return half_noisy, (cells[0], cells[2], cells[3], cells[5])
