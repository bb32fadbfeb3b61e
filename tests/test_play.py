"""The page to play with: what it holds, and what a real browser makes of it."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
import reproduce
from browser import needs_browser, run_in
from lab import cache, forms, page, play, pruning
from small import NETS, NOISE

import nnlite
from nnlite import prune
from nnlite.confidence import top_two_ratio
from nnlite.data import strokes
from nnlite.noise import add_noise

DOCS_PAGE = Path(__file__).parents[1] / "docs" / "play.html"
FORMS = forms.Config(tuple(NETS.items()), NOISE)
SPARSITIES = (0.0, 0.5, 0.8, 0.9)
CONFIG = reproduce.Config(NETS["ann-lq"], NOISE, sparsities=SPARSITIES)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return forms.network("ann-lq", "whole", 0, FORMS, few_digits, runs)


@pytest.fixture(scope="module")
def digits(few_digits):
    return reproduce.first_of_each_class(*few_digits.test)


@pytest.fixture(scope="module")
def results(network, few_digits, digits):
    others = dict.fromkeys(page.Results.__dataclass_fields__)
    return page.Results(
        **others
        | {"data": "strokes", "accuracy": nnlite.accuracy(network.model, *few_digits.test)}
        | {"digits": reproduce.to_bytes(digits.images)}
        | {"play": play.measure(network, few_digits, CONFIG, digits)}
    )


@pytest.fixture(scope="module")
def folder(network, results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    nnlite.save(network.model, folder / "model.npz")
    cache.write_json(folder / "results.json", results)
    play.write(folder)
    return folder


# What is measured


def test_settings_hold_accuracies_and_thresholds_of_the_pruned_network(
    network, results, few_digits
):
    (found,) = (
        s
        for s in results.play["settings"]
        if (s["score"], s["sparsity"]) == ("mean_activation", 0.8)
    )
    scores = reproduce.pruning.scores_of(
        network.model, few_digits.train.images, 0, CONFIG.scored_images
    )
    masks = prune.keep_masks(scores["mean_activation"], 0.8)
    pruned = network.without(masks, "pruned")
    images, labels = few_digits.test
    limits = results.play["limits"]
    for target, limit in ((3, 0.25), (9, 0.35)):
        noisy = add_noise(images, network.bank[target, limit])
        at = 1 + target * len(limits) + limits.index(limit)
        expected = nnlite.accuracy(pruned.model, noisy, labels)
        assert found["accuracy"][at] == pytest.approx(expected, abs=0.006)  # an image of 200
    ratios = pruned.ratio_of_right(*few_digits.validation)
    for keep, threshold in zip((0.9, 0.8), found["thresholds"], strict=True):
        assert np.mean(ratios >= threshold * 0.999) >= keep > np.mean(ratios >= threshold * 1.001)


def test_no_threshold_keeps_images_whose_ratio_is_undefined():
    assert play.thresholds_of(np.array([np.nan, 1, 2, 3, 4, 5, 6.0])) == [None, 1.0]
    assert play.thresholds_of(np.array([2, np.inf, np.inf, np.inf, np.inf])) == [2.0, np.inf]
    assert play.thresholds_of(np.array([])) == [None, None]


def test_the_first_example_is_fooled_and_no_longer_when_pruned(network, results, digits):
    noisy = add_noise(digits.images, network.bank[3, 0.25])
    fooled = network.model.predict(noisy).argmax(axis=1) != digits.labels
    assert fooled.any() and fooled[results.play["first"]]
    assert (
        network.model.predict(digits.images)[results.play["first"]].argmax()
        == (digits.labels[results.play["first"]])
    )


def test_weights_are_rounded_as_finely_as_there_is_room(network):
    model = network.model
    size = lambda bits: sum(  # noqa: E731
        len(play.packed(play.integers(p.value, bits)[0]))
        for p in prune.dense_weights(model).values()
    )
    assert play.compact(model)[0] == 15
    bits, layers = play.compact(model, room=size(9))
    assert bits == 9
    for name, (w, scale) in layers.items():
        assert np.abs(w * scale - model.named_params[name].value).max() <= 0.501 * scale
        assert np.abs(w).max() == 2**9 - 1
    with pytest.raises(ValueError, match="too large"):
        play.compact(model, room=10)


# In a browser


@needs_browser
def test_javascript_computes_what_the_model_predicts(folder, network, digits, few_digits, tmp_path):
    """At every sparsity, by both scores, with noise and without."""
    script = """
      const found = {};
      for (const score of ["magnitude", "mean_activation"])
        for (let sparsity = 0; sparsity < sparsities.length; sparsity++)
          for (const limit of [0, 4]) {
            chosen = { target: 3, limit, score, sparsity };
            prune();
            found[[score, sparsities[sparsity], limit]] = {
              left: layers.map(({ kept }) => kept.filter((weight) => weight !== 0).length),
              outputs: examples.slice(0, 30).map(({ image }) =>
                [...forward(layers, withNoise(image))]),
            };
          }
      return found;"""
    found = run_in(folder / "play.html", script, tmp_path)
    model, rounded = network.model, play.rounded(network.model)
    images = reproduce.to_bytes(digits.images[:30])[..., None] / np.float32(255)
    rng = np.random.default_rng([0, 1])
    statistics = pruning.statistics_of(rounded, few_digits.train.images, CONFIG.scored_images, rng)
    assert len(found) == 2 * len(SPARSITIES) * 2
    for key, answer in found.items():
        score, sparsity, limit = key.split(",")
        noise = network.bank[3, 0.25] if int(limit) else np.zeros((28, 28, 1), np.float32)
        scores = prune.scores(rounded, getattr(prune, score), statistics)
        masks = prune.keep_masks(scores, float(sparsity))
        with prune.applied(rounded, masks):
            left = [np.count_nonzero(p.value) for p in prune.dense_weights(rounded).values()]
            assert answer["left"] == left
            outputs = rounded.predict(add_noise(images, noise))
        assert np.allclose(answer["outputs"], outputs, atol=1e-3)
        with prune.applied(model, masks):
            outputs = model.predict(add_noise(images, noise))
        assert np.allclose(answer["outputs"], outputs, atol=1e-3)


@needs_browser
def test_ratios_are_those_of_the_library(folder, tmp_path):
    outputs = [[0.9, 0.3, 0.1], [0.2, 0.5, -1], [0.5, -0.1, 0], [-0.1, -0.3, -0.2]]
    script = f"return {outputs}.map((o) => String(twoLargest(o).ratio));"
    found = [
        float(text.replace("Infinity", "inf"))
        for text in run_in(folder / "play.html", script, tmp_path)
    ]
    assert np.allclose(found, top_two_ratio(np.array(outputs)), equal_nan=True)


def glyphs():
    """[(digit, strokes), ...]: every way of writing in nnlite.data.strokes, its points joined."""
    found = []
    for digit, ways in strokes.GLYPHS.items():
        for way in ways:
            points, basis, joined = strokes.compile_way(way)
            lifts = np.flatnonzero(~joined) + 1
            found.append((digit, [part.tolist() for part in np.split(basis @ points, lifts)]))
    return found


@needs_browser
def test_a_drawing_is_fitted_and_centred_as_mnist_is(folder, tmp_path):
    drawn = [parts for _, parts in glyphs()]
    script = f"""
      const moved = (strokes) => strokes.map((s) => s.map(([x, y]) => [0.4 * x + 50, 0.4 * y + 9]));
      return {json.dumps(drawn)}.map((s) => [[...drawnImage(s)], [...drawnImage(moved(s))]]);"""
    images = np.array(run_in(folder / "play.html", script, tmp_path)).reshape(-1, 2, 28, 28)
    same = np.isclose(images[:, 0], images[:, 1]).all(axis=(1, 2))  # wherever, and of any size;
    assert np.mean(same) > 0.9  # but half a pixel may be rounded either way
    images = images[:, 0]
    assert images.min() == 0 and 0.9 < images.max(axis=(1, 2)).min() <= images.max() <= 1
    for image in images:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        across, down = image.sum(axis=0) @ np.arange(28), image.sum(axis=1) @ np.arange(28)
        assert np.allclose([across / image.sum(), down / image.sum()], 14, atol=0.55)


@needs_browser
def test_controls_work_and_say_what_they_do(folder, network, digits, tmp_path):
    script = """
      const set = (name, value) => {
        element(name).value = value;
        element(name).dispatchEvent(new Event("input"));
      };
      const pressed = (key) => element("digit").dispatchEvent(
        new KeyboardEvent("keydown", { key, cancelable: true }));
      const found = { first: [shown.example, element("verdict").textContent] };
      set("target", 5); set("limit", 5); set("sparsity", 2);
      found.chosen = chosen;
      found.heard = ["limit", "sparsity"].map((n) => element(n).getAttribute("aria-valuetext"));
      set("sparsity", 0);
      element("fooled").click();
      found.fooled = shown.example;
      found.outputs = element("outputs").tBodies[0].innerText;
      set("limit", 0);
      element("fooled").click();
      found.none = element("verdict").textContent;
      element("clear").click();
      found.empty = element("verdict").textContent;
      const scrolls = [" ", "ArrowDown", "ArrowRight", " ", "ArrowDown", "x"].map(pressed);
      found.keys = [scrolls, shown.strokes];
      found.unnamed = [...document.querySelectorAll(
          "input, select, button, svg, canvas:not(button canvas)")]
        .filter((e) => !(e.labels?.length || e.textContent.trim() || e.ariaLabel
                         || e.getAttribute("aria-labelledby")))
        .map((e) => e.outerHTML);
      return found;"""
    found = run_in(folder / "play.html", script, tmp_path)
    assert found["chosen"] == {"target": 5, "limit": 5, "score": "mean_activation", "sparsity": 2}
    assert found["heard"] == ["0.30", "80 %"]
    noisy = add_noise(digits.images, network.bank[5, 0.30])
    read = network.model.predict(noisy).argmax(axis=1)
    right = network.model.predict(digits.images).argmax(axis=1) == digits.labels
    fooled = np.flatnonzero(right & (read != digits.labels))
    number, verdict = found["first"]
    assert found["fooled"] == min(fooled, key=lambda k: (k <= number, k))
    assert f"but it is a {digits.labels[number]}" in verdict
    assert "asked for" in found["outputs"] and "what it is" in found["outputs"]
    assert "choose a limit" in found["none"] and "Draw a digit" in found["empty"]
    path = [[[140, 140], [140, 150], [150, 150]]]
    assert found["keys"] == [[False] * 5 + [True], path]  # dispatched, and not prevented
    assert found["unnamed"] == []


@needs_browser
def test_a_pointer_draws(folder, tmp_path):
    script = """
      const canvas = element("digit"), { left, top, width } = canvas.getBoundingClientRect();
      canvas.setPointerCapture = () => {};  // of a pointer that does not exist
      const point = (kind, x, y) => canvas.dispatchEvent(new PointerEvent("pointer" + kind, {
        clientX: left + x * width / 280, clientY: top + y * width / 280 }));
      point("down", 140, 40); point("move", 140, 120); point("move", 141, 121);
      point("move", 140, 240); point("up", 140, 240); point("move", 20, 20);
      update();
      return [shown.strokes, [...current().image]];"""
    (stroke,), image = run_in(folder / "play.html", script, tmp_path)
    assert np.allclose(stroke, [[140, 40], [140, 120], [140, 240]], atol=0.01)
    image = np.array(image).reshape(28, 28)
    assert image[4:24, 13:15].min() > 0.4 and image[:, :11].max() == image[:, 17:].max() == 0


@needs_browser
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_is_wider_than_the_window(folder, tmp_path, width):
    """Windows without a screen are at least 500 pixels wide, frames are not."""
    text = (folder / "play.html").read_text(encoding="utf-8")
    text = html.escape(text + "<script>window.loaded = ready;</script>")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<!doctype html><meta charset="utf-8"><iframe id="frame" width="{width}" height="844" '
        f'srcdoc="{text}"></iframe><script>const ready = new Promise((done) => '
        "{ frame.onload = done; });</script>",
        encoding="utf-8",
    )
    script = """
      await frame.contentWindow.loaded;
      const { clientWidth, scrollWidth } = frame.contentDocument.documentElement;
      return [clientWidth, scrollWidth];"""
    shown, needed = run_in(outer, script, tmp_path)
    assert width - 20 < shown <= width and needed == shown


# The page of the docs


def test_the_page_of_the_docs_is_small_and_loads_nothing_from_elsewhere():
    text = DOCS_PAGE.read_text(encoding="utf-8")
    assert len(text.encode()) < 3_000_000
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//\w+\.\w+/|\bsrc=|@import|url\(", text)
    links = re.findall(r'href="([^"]+)"', text)
    assert links and all((DOCS_PAGE.parent / link).exists() for link in links)


@pytest.mark.parametrize("name", ["play.css", *play.SCRIPTS])
def test_the_page_of_the_docs_is_made_of_these_files(name):
    assert (play.WEB / name).read_text(encoding="utf-8") in DOCS_PAGE.read_text(encoding="utf-8")


@needs_browser
def test_the_page_of_the_docs_reads_drawn_digits(tmp_path):
    """Its network knows MNIST alone: drawings must be like those."""
    digits, drawn = zip(*glyphs(), strict=True)
    script = f"""
      chosen = {{ ...chosen, limit: 0, sparsity: 0 }};
      prune();
      return {json.dumps(drawn)}.map((strokes) => read(drawnImage(strokes)));"""
    assert np.mean(np.array(run_in(DOCS_PAGE, script, tmp_path)) == digits) > 0.9
