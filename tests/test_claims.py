"""The ledger: the page is that of the results, every claim of the posts has its row, and verdicts
follow the numbers."""

import copy
import dataclasses

import claims
import noise_ways
import numpy as np
import pytest
from covered import COVERED, NUMBERS
from lab import cache, script
from lab.claims import page
from lab.claims.claim import FAILS, HOLDS, PARTLY, PENDING, claims_of, near_verdict, of_seeds
from lab.claims.sentences import SENTENCES
from small import NETS, NOISE

DOCS = cache.ROOT / "docs"


@pytest.fixture(scope="module")
def measured():
    return claims.measured(DOCS / "results")


def verdict_of(name, results):
    return page.CLAIMS[name].decide(results)[1]


def test_the_page_is_that_of_the_results(measured):
    assert (DOCS / "claims.md").read_text() == page.write(measured)


def test_every_claim_and_number_of_the_posts_has_its_row():
    named = {name for rows in [*COVERED.values(), *NUMBERS.values()] for name in rows}
    assert named <= page.CLAIMS.keys()


def test_rows_have_names_of_their_own_rules_and_scripts():
    every = [claim for module in page.SECTIONS.values() for claim in claims_of(module)]
    assert len(every) == len(page.CLAIMS)
    for claim in every:
        assert claim.rule and "|" not in claim.says + claim.rule, claim.name
        for name in claim.scripts:
            assert (cache.ROOT / "experiments" / f"{name}.py").exists()


def test_what_is_not_computed_has_no_verdict(measured):
    for name, claim in page.CLAIMS.items():
        some = {k: v for k, v in measured.items() if k not in claim.scripts}
        if claim.scripts:
            ours, verdict = claim.decide(some)
            assert ours.startswith(PENDING) and verdict == "", name
    assert all(s.verdicts.keys() <= page.CLAIMS.keys() and s.verdicts for s in SENTENCES)
    assert len(SENTENCES) == 10


# Verdicts follow the numbers


def without_gain(results, curve):
    """Results of prune_ann.py in which a curve's searched networks are as the unpruned."""
    changed = copy.deepcopy(results)
    for row in changed.select("Searched", curve=curve):
        (unpruned,) = changed.select("Pruned", seed=row["seed"], settings=())
        row["accuracy"] = unpruned["accuracy"]
    return changed


def test_what_gains_nothing_is_not_the_best(measured):
    ann = measured["prune_ann"]
    assert verdict_of("activation-gains-most", {"prune_ann": ann}) == HOLDS
    changed = {**measured, "prune_ann": without_gain(ann, "mean_activation")}
    assert verdict_of("activation-gains-most", changed) == FAILS
    assert verdict_of("activation-helps-all-vectors", changed) == FAILS
    assert verdict_of("no-retraining", changed) == FAILS
    with pytest.raises(ValueError, match="cutting_helps rests on 'activation-gains-most'"):
        page.write(changed)


def test_one_seed_that_differs_makes_it_partly(measured):
    ann = copy.deepcopy(measured["prune_ann"])
    assert verdict_of("activation-drops-sooner", {"prune_ann": ann}) == HOLDS
    ann.select("Searched", curve="mean_activation")[0]["sparsity"] = 0.99
    assert verdict_of("activation-drops-sooner", {"prune_ann": ann}) == PARTLY


def attacked(network, score, replayed, anew, **fields):
    """A row of noise_on_pruned.py, the same under each of two vectors."""
    kinds = {"replayed": replayed, "anew": anew}
    under = {kind: [{"accuracy": a, "success": 0}] * 2 for kind, a in kinds.items()}
    row = {"kind": "Attacked", "network": network, "score": score, "sparsity": 0.8, "layer": None}
    return {**row, **fields, **under}


@pytest.mark.parametrize("anew, verdict", [(0.39, HOLDS), (0.25, PARTLY), (0.15, FAILS)])
def test_how_much_is_left_against_who_knows(anew, verdict):
    rows = [attacked("ann", None, 0.2, 0.2), attacked("ann", "mean_activation", 0.5, anew)]
    results = script.Results("mnist", "standard", [0], {}, {}, rows)
    ours, found = page.CLAIMS["dense-gain-remains"].decide({"noise_on_pruned": results})
    assert found == verdict
    assert ours.startswith(f"30.0 points gained under replayed noise, {100 * anew - 20:.1f} under")


@pytest.mark.parametrize("strongest, verdict", [(0.4, HOLDS), (0.25, PARTLY), (0.15, FAILS)])
def test_what_is_left_of_the_table_against_the_strongest(strongest, verdict):
    """Rows as noise_anew.py writes them."""

    def row(form, replayed, strongest):
        found = {"replayed": [replayed] * 8, "strongest": [strongest] * 8}
        return {"kind": "Attacked", "network": "ann", "form": form, "seed": 0, "eight": found}

    pruned = [[["mean_activation", 0.81]], [["magnitude", 0.90]]]
    rows = [row([], 0.2, 0.2), *(row(form, 0.5, strongest) for form in pruned)]
    results = script.Results("mnist", "standard", [0], {}, {}, rows)
    assert verdict_of("table-gain-remains", {"noise_anew": results}) == verdict
    ours, _ = page.CLAIMS["decoupled-gain-remains"].decide({"noise_anew": results})
    assert ours == "not computed yet"


@pytest.mark.parametrize("single, verdict", [([0.5, 0.5], HOLDS), ([0.5, 0.2], PARTLY)])
def test_other_kinds_of_noise_once_they_are_measured(single, verdict):
    """Rows as is_it_the_border.py writes them."""

    def row(control, accuracy, single):
        under = {"clean": 0.98, "replayed": [accuracy] * 8, "anew": [accuracy] * 8}
        found = {**under, "single": single, "signs": accuracy}
        return {"kind": "Attacked", "control": control, "seed": 0, "inputs": 784, **found}

    rows = [row("unpruned", 0.4, [0.2, 0.2]), row("all layers by mean activation", 0.6, single)]
    config = {"single_limits": [0.1, 0.2]}
    results = script.Results("mnist", "standard", [0], config, {}, rows)
    assert verdict_of("other-kinds-of-noise", {"is_it_the_border": results}) == verdict


def test_speed_in_proportion_is_time_for_each_entry():
    def case(milliseconds):
        return {name: {"median_ms": milliseconds} for name in ("SciPy", "NumPy dense", "nnlite")}

    times = {80: 40, 90: 20, 95: 10}
    bench = {"cases": {f"ann, {k} % zeros, batch 1000": case(ms) for k, ms in times.items()}}
    assert verdict_of("speed-in-proportion", {"bench/sparse": bench}) == HOLDS
    bench["cases"]["ann, 95 % zeros, batch 1000"] = case(20)
    assert verdict_of("speed-in-proportion", {"bench/sparse": bench}) == FAILS


def test_words_and_nearness():
    assert of_seeds([0.5, 0.6]) == "55.0 (50.0 to 60.0), 2 seeds"
    assert of_seeds([0.5]) == "50.0, one seed"
    assert [near_verdict([x], 0.5) for x in (0.46, 0.41, 0.39)] == [HOLDS, PARTLY, FAILS]


def test_a_gain_of_the_table_is_that_of_its_rows(measured):
    ann = measured["prune_ann"]
    before, after = (
        np.mean([row["accuracy"][1:] for row in ann.select("Pruned", settings=settings)])
        for settings in ((), (("mean_activation", 0.81),))
    )
    ours, _ = page.CLAIMS["gain-by-activation"].decide(measured)
    assert ours.startswith(f"{100 * (after - before):.1f} (")


# One row again


def test_a_row_is_computed_again_by_its_script(few_digits, runs, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    fields = {"network": NETS["ann-lq"], "noise": NOISE, "ways": (("plain", 0.1, (2,)),)}
    tiny = dataclasses.replace(noise_ways.PRESETS["quick"], targets=(3,), **fields)
    monkeypatch.setitem(noise_ways.PRESETS, "quick", tiny)
    name, _, ours, *_ = claims.row_again("softmax-makes-noise", few_digits, "quick", runs)
    assert name == "`softmax-makes-noise`" and ours.startswith("success plain")
    assert (tmp_path / "results" / "strokes-quick" / "noise-ways.json").exists()


def test_an_unknown_row_is_named(few_digits, tmp_path):
    with pytest.raises(ValueError, match="no row 'nonsense'; rows are ann-accuracy, "):
        claims.row_again("nonsense", few_digits, "quick", tmp_path)
