"""Results are kept under all that they depend on: every field of every Config, and nothing else."""

import ast
import dataclasses
from pathlib import Path

import confidence_attacked
import confidence_curves
import confidence_images
import cost_or_l2
import is_it_the_border
import longer
import make_noise
import noise_anew
import noise_on_pruned
import noise_ways
import one_convolution
import output_range
import prune_ann
import prune_cnn_dense
import prune_decoupled
import prune_layers
import pytest
import score_table
import single_images
import training_study
from lab import cache, script

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
STUDIES = [
    *(make_noise, noise_ways, prune_ann, prune_layers, prune_cnn_dense, noise_on_pruned),
    *(prune_decoupled, confidence_curves, confidence_images, output_range, score_table),
    *(is_it_the_border, noise_anew, single_images, confidence_attacked, cost_or_l2, longer),
    *(one_convolution, training_study),
]
NAMES = {  # groups, words and classes: changing one changes the rows themselves, or text for people
    *("GROUPS", "FORMS", "WORDS", "SCORES", "CONTROLS", "ATTACKERS", "TOGETHER", "AT_MOST"),
}


def changed(value):
    """Other values than this one, each changed in one place, with the place."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            for place, other in changed(getattr(value, field.name)):
                yield f"{field.name}{place}", dataclasses.replace(value, **{field.name: other})
    elif isinstance(value, tuple):
        yield ", one less", value[:-1]
        for k, item in enumerate(value):
            for place, other in changed(item):
                yield f"[{k}]{place}", (*value[:k], other, *value[k + 1 :])
    elif isinstance(value, bool):
        yield "", not value
    else:
        yield "", value + ("x" if isinstance(value, str) else 1)


@pytest.mark.parametrize("study", STUDIES, ids=script.name_of)
@pytest.mark.parametrize("preset", ["quick", "standard"])
def test_every_field_of_every_config_is_part_of_the_key(study, preset, few_digits):
    cfg = study.PRESETS[preset]
    keys = {cache.digest(script.made_by(cfg, few_digits)): "unchanged"}
    for place, other in changed(cfg):
        if other == cfg:  # an empty tuple has no item less
            continue
        key = cache.digest(script.made_by(other, few_digits))
        assert key not in keys, f"{place} and {keys[key]} have one key"
        keys[key] = place
    assert len(keys) > 10


def test_other_images_have_another_key(few_digits):
    images = few_digits.test.images.copy()
    images[7, 14, 14] = 0.123
    other = dataclasses.replace(few_digits, test=few_digits.test._replace(images=images))
    cfg = prune_ann.QUICK
    assert few_digits.name == other.name
    assert cache.digest(script.made_by(cfg, few_digits)) != cache.digest(script.made_by(cfg, other))


def functions(path):
    """{name: [its node, ...]} of all functions and methods of a file."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


def names_in(node):
    """All names and attributes that a function reads."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


@pytest.mark.parametrize("study", STUDIES, ids=script.name_of)
def test_what_is_computed_reads_no_constant_that_is_not_in_the_config(study):
    """Whoever changed such a constant would be shown the old results."""
    own = functions(Path(study.__file__))
    shared = {}
    for path in (EXPERIMENTS / "lab").glob("*.py"):
        if path.stem not in ("script", "tasks", "cache", "tables", "page", "sentences", "play"):
            for name, nodes in functions(path).items():
                shared.setdefault(name, []).extend(nodes)
    left, seen, constants = ["compute"], set(), set()
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in [*own.get(name, []), *shared.get(name, [])]:
            for other in names_in(node):
                if other.isupper() and len(other) > 1:
                    constants.add(other)
                left.append(other)
    assert len(seen & (own.keys() | shared.keys())) > 3
    assert constants <= NAMES, constants - NAMES
