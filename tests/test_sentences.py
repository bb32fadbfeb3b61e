"""The sentences above the tables of the page follow from the numbers."""

from types import SimpleNamespace

from lab import sentences


def pruning(*rows):
    fields = ("score", "sparsity", "accuracy")
    return SimpleNamespace(pruning=[dict(zip(fields, row)) for row in rows])


def test_pruning_helps_where_noise_loses_before_accuracy_does():
    said = sentences.of_pruning(
        pruning(
            ("magnitude", 0.0, [0.98, 0.2, 0.4]),
            ("magnitude", 0.5, [0.975, 0.4, 0.5]),
            ("magnitude", 0.9, [0.9, 0.8, 0.8]),  # too late: accuracy has fallen
            ("mean_activation", 0.0, [0.98, 0.2, 0.4]),
            ("mean_activation", 0.5, [0.981, 0.2, 0.41]),
        )
    )
    assert "By magnitude yes: with up to 50% removed" in said and "unpruned 98.0%" in said
    assert "is 45.0% instead of 30.0%" in said and "90%" not in said
    assert "By mean activation no: with up to 50% removed" in said


def test_confidence_says_what_passes_the_first_threshold():
    at = [{"keep": 0.9, "corrupted_kept": 0.5}, {"keep": 0.8, "corrupted_kept": 0.4}]
    less = [{"keep": 0.9, "corrupted_kept": 0.07}]
    rows = [
        {"sparsity": 0.0, "limit": 0.35, "at": at},
        {"sparsity": 0.0, "limit": 0.15, "at": less},
        {"sparsity": 0.8, "limit": 0.15, "at": less},
    ]
    first, second = sentences.of_confidence(SimpleNamespace(confidence=rows)).split(". ")
    assert first == (
        "The threshold that keeps 90% of the clean images keeps 7% of the images corrupted by "
        "noise within 0.15 and 50% of the images corrupted by noise within 0.35"
    )
    assert second.startswith("With 80% of the weights pruned it keeps 7% of")


def test_gallery_counts_what_is_read_as_something_else():
    def digit(*read):
        return {
            "first": 3,
            "noise": [{"limit": 0.1 * (k + 1), "read": r} for k, r in enumerate(read)],
        }

    gallery = {"lowest": [digit(2, 2), digit(3, 2)], "highest": [digit(3, 3), digit(3, 8)]}
    said = sentences.of_gallery(SimpleNamespace(gallery=gallery))
    assert "within 0.10, 1 of 2 digits of low ratio and 0 of 2 of high ratio" in said
    assert "within 0.20, 2 of 2 digits of low ratio and 1 of 2 of high ratio" in said


def scores(ratio, margin):
    rows = [("right", 0.0, 0.9, 0.95), ("clean", 0.35, ratio, margin)]
    return SimpleNamespace(
        scores=[
            {"question": question, "limit": limit, "score": name, "auroc": [value]}
            for question, limit, *values in rows
            for name, value in zip(("ratio", "margin"), values)
        ]
    )


def test_scores_name_the_best_and_explain_what_is_below_one_half():
    said = sentences.of_scores(scores(0.6, 0.4))
    assert "Right is told from wrong best by margin (0.950; the ratio: 0.900)" in said
    assert "noise within 0.35 best by ratio (0.600; the ratio: 0.600)" in said
    assert "the noise makes the network surer" in said
    assert "surer" not in sentences.of_scores(scores(0.6, 0.5))
