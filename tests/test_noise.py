"""Universal noise: known steps, its bounds, its effect on a trained model, errors."""

import numpy as np
import pytest
from easy import CLASSES, SIDE, as_images, easy_images, linear_model

from nnlite import quadratic
from nnlite.container import write_arrays
from nnlite.noise import add_noise, load_bank, noise_chain, save_bank, universal_noise


def rate(model, images, target):
    return np.mean(model.predict(images).argmax(axis=1) == target)


@pytest.mark.parametrize("target", range(CLASSES))
def test_noise_makes_a_trained_model_see_the_target(target, trained, rng):
    model, images = trained
    noise = universal_noise(model, images, target, 0.4, rng=rng, steps=60, batch_size=50)
    fresh, labels = easy_images(400, rng)
    others = fresh[labels != target]
    assert np.mean(model.predict(fresh).argmax(axis=1) == labels) > 0.99
    assert rate(model, others, target) < 0.02
    success = rate(model, add_noise(others, noise), target)
    assert success > 0.6
    shuffled = rng.permutation(noise.ravel()).reshape(noise.shape)  # its place is what matters
    assert rate(model, add_noise(others, shuffled), target) < success / 2


def test_noise_of_three_known_steps():
    """Pixels of weight 4, -2 and 1: each step moves them by step_size times 1, -1/2 and 1/4."""
    noise = universal_noise(
        linear_model([4, -2, 1]),
        as_images([0.5, 0.5, 0.5]),
        1,
        0.25,
        rng=np.random.default_rng(0),
        step="normalised",
        steps=3,
        step_size=0.1,
    )
    assert np.allclose(noise.ravel(), [0.25, -0.15, 0.075], atol=1e-6)


def test_plain_steps_follow_the_gradient_itself():
    """Outputs 0 and 0: the quadratic cost towards class 1 has the gradient -w by the pixels."""
    model = linear_model([0.5, -0.25])
    options = {"rng": np.random.default_rng(0), "loss": quadratic, "step": "plain", "steps": 1}
    noise = universal_noise(model, as_images([0.5, 1.0]), 1, 0.5, step_size=0.2, **options)
    assert np.allclose(noise.ravel(), [0.1, -0.05], atol=1e-7)


def test_steps_of_adam():
    """The first is step_size along the sign of the gradient, whatever its size."""
    model, images = linear_model([4, -2, 0]), as_images([0.5, 0.5, 0.5])
    options = {"rng": np.random.default_rng(0), "step": "adam", "step_size": 0.1}
    noise = universal_noise(model, images, 1, 0.5, steps=1, **options)
    assert np.allclose(noise.ravel(), [0.1, -0.1, 0], atol=1e-6)


def test_l2_pulls_the_noise_to_zero():
    """Where the model asks for nothing, v <- v - step_size * l2 * v."""
    model, images = linear_model([0, 0]), as_images([0.5, 0.5])
    start = np.float32([[[0.2], [-0.4]]])
    options = {"rng": np.random.default_rng(0), "step": "plain", "step_size": 0.5, "steps": 2}
    noise = universal_noise(model, images, 1, 0.5, l2=0.2, start=start, **options)
    assert np.allclose(noise.ravel(), [0.2 * 0.9**2, -0.4 * 0.9**2])


def test_a_start_is_clipped_to_the_limit_and_left_alone():
    start = np.float32([[[0.2], [-0.4]]])
    start.setflags(write=False)
    options = {"rng": np.random.default_rng(0), "start": start, "steps": 1}
    noise = universal_noise(linear_model([0, 0]), as_images([0.5, 0.5]), 1, 0.3, **options)
    assert np.allclose(noise.ravel(), [0.2, -0.3])


@pytest.mark.parametrize("step", ["normalised", "plain"])
def test_a_run_in_two_parts_is_the_run_in_one(step, trained):
    """Both draw the same batches one after the other; Adam would forget its running means."""
    model, images = trained
    whole_rng, rng = (np.random.default_rng(0) for _ in range(2))
    options = {"step": step, "step_size": 0.1, "batch_size": 20}
    whole = universal_noise(model, images, 1, 0.3, rng=whole_rng, steps=7, **options)
    half = universal_noise(model, images, 1, 0.3, rng=rng, steps=3, **options)
    half = universal_noise(model, images, 1, 0.3, rng=rng, steps=4, start=half, **options)
    assert np.array_equal(whole, half)


def test_in_a_chain_each_noise_starts_from_the_one_before(trained):
    model, images = trained
    options = {"steps": 5, "batch_size": 20}
    chain = noise_chain(model, images, 2, (0.1, 0.3), rng=np.random.default_rng(0), **options)
    assert list(chain) == [(2, 0.1), (2, 0.3)]
    rng = np.random.default_rng(0)
    first = universal_noise(model, images, 2, 0.1, rng=rng, **options)
    second = universal_noise(model, images, 2, 0.3, rng=rng, start=first, **options)
    assert np.array_equal(chain[2, 0.1], first) and np.array_equal(chain[2, 0.3], second)
    assert rate(model, add_noise(images, second), 2) > rate(model, add_noise(images, first), 2)


def test_limits_of_a_chain_must_ascend(trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match=r"\[0\.3, 0\.1\].*ascend"):
        noise_chain(model, images, 2, (0.3, 0.1), rng=rng)


def test_a_bank_is_found_again_with_what_made_it(tmp_path, rng):
    bank = {(3, 0.25): rng.random((4, 4, 1), np.float32), (9, 1e-3): np.zeros((4, 4, 1))}
    made_by = {"model": "small", "steps": 50, "limits": [0.25, 0.001]}
    save_bank(tmp_path / "bank.npz", bank, made_by)
    loaded, about = load_bank(tmp_path / "bank.npz")
    assert about == made_by and list(loaded) == list(bank)
    for pair, noise in bank.items():
        assert np.array_equal(loaded[pair], noise) and loaded[pair].dtype == noise.dtype


def test_a_file_that_is_no_bank_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        load_bank(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("not a bank")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", made_by=np.array([{}], dtype=object))
    for name in ("text", "other", "pickled"):
        with pytest.raises(ValueError, match=rf"{name}\.npz is not a complete nnlite noise bank"):
            load_bank(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    "bank, message",
    [
        ({(3, 0.25): np.ones((4, 4), int)}, "noise has dtype int64"),
        ({(3, 0.25): np.ones((4, 4), np.float16)}, "noise has dtype float16"),
        ({(3, 0.25): np.ma.masked_array([1.0, 2.0], [True, False])}, "noise is a masked array"),
        ({(3, 0.25): None}, "noise is None"),
        ({(3, float("nan")): np.ones(3)}, "limit is nan"),
        ({(3.5, 0.25): np.ones(3)}, r"target is 3\.5"),
        ({("3", 0.25): np.ones(3)}, "target is '3'"),
        ({3: np.ones(3)}, r"a bank is a dict \{\(target, limit\): noise\}"),
        ([np.ones(3)], "a bank is a dict"),
        (None, "a bank is a dict"),
    ],
)
def test_a_bank_that_could_not_be_loaded_is_not_saved(bank, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_bank(tmp_path / "bank.npz", bank, {})
    assert not list(tmp_path.iterdir())


def test_numpy_numbers_name_the_same_noise(tmp_path):
    limit = np.float32(0.1)  # not 0.1
    save_bank(tmp_path / "bank.npz", {(np.int64(3), limit): np.ones(3), (4, 1): np.zeros(3)}, {})
    bank, _ = load_bank(tmp_path / "bank.npz")
    assert list(bank) == [(3, float(limit)), (4, 1.0)] and bank[3, limit] is bank[3, float(limit)]


@pytest.mark.parametrize(
    "arrays",
    [
        {"3": np.ones(3)},
        {"3 0.25 1": np.ones(3)},
        {"three 0.25": np.ones(3)},
        {"-3 0.25": np.ones(3)},
        {"3 nan": np.ones(3)},
        {"3 0.25": np.ones(3, int)},
        {"3 0.25": np.ones(3), "3 0.250": np.zeros(3)},
    ],
)
def test_a_bank_that_save_bank_does_not_write_is_refused(arrays, tmp_path):
    path = tmp_path / "bank.npz"
    write_arrays(path, "nnlite noise bank", {"made_by": {}}, arrays)
    with pytest.raises(ValueError, match=r"bank\.npz is not a complete nnlite noise bank .*delete"):
        load_bank(path)


def test_a_clipped_pixel_does_not_follow_the_noise():
    """A white pixel takes one step up; from then on its noise changes nothing."""
    model, images = linear_model([1, 1]), as_images([1, 0.5])
    noise = universal_noise(
        model,
        images,
        1,
        0.5,
        rng=np.random.default_rng(0),
        step="normalised",
        steps=3,
        step_size=0.1,
    )
    assert np.allclose(noise.ravel(), [0.1, 0.3], atol=1e-6)


def test_noise_follows_the_loss_it_is_given():
    """Output 1 is 2: quadratic wants it down to 1, the default as high as it gets."""
    model, images = linear_model([2, 2]), as_images([0.5, 0.5])
    options = {"rng": np.random.default_rng(0), "steps": 1, "step_size": 0.1}
    assert np.allclose(universal_noise(model, images, 1, 0.5, **options), 0.1)
    assert np.allclose(universal_noise(model, images, 1, 0.5, loss=quadratic, **options), -0.1)


def test_noise_sees_many_images():
    """A pixel that is white in one image still counts in the other."""
    model, images = linear_model([1, 1]), as_images([1, 0.5], [0.5, 1])
    noise = universal_noise(model, images, 1, 0.5, rng=np.random.default_rng(0), steps=4)
    assert np.all(noise > 0.01)


@pytest.mark.parametrize("limit", [0, 0.07, 0.3, 1])
def test_no_pixel_exceeds_the_limit(limit, trained, rng):
    model, images = trained
    noise = universal_noise(model, images, 2, limit, rng=rng, steps=20, step_size=0.1)
    assert noise.shape == (SIDE, SIDE, 1)
    assert np.abs(noise).max() <= np.float32(limit)
    assert np.any(np.abs(noise) == np.float32(limit))


@pytest.mark.parametrize("image_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model_dtype", [np.float32, np.float64])
def test_noise_has_the_dtype_of_the_images(image_dtype, model_dtype, trained, rng):
    model, images = trained
    images = images.astype(image_dtype)
    noise = universal_noise(model.astype(model_dtype), images, 1, 0.2, rng=rng, steps=2)
    assert noise.dtype == image_dtype
    assert add_noise(images, noise).dtype == image_dtype


def test_the_seed_decides_the_noise(trained):
    model, images = trained
    a, b, c = (
        universal_noise(model, images, 1, 0.2, rng=np.random.default_rng(s), steps=5, batch_size=10)
        for s in (0, 0, 1)
    )
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_making_noise_changes_neither_model_nor_images_nor_earlier_noise(trained, rng):
    model, images = trained
    images.setflags(write=False)
    grads = [p.grad for p in model.params]
    for p in model.params:
        p.value.setflags(write=False)
        p.grad.setflags(write=False)
    first = universal_noise(model, images, 1, 0.2, rng=rng, steps=3)
    copy = first.copy()
    universal_noise(model, images, 2, 0.2, rng=rng, steps=3)
    assert np.array_equal(first, copy)
    assert all(p.grad is grad for p, grad in zip(model.params, grads))


def test_where_nothing_is_left_to_gain_the_noise_stays_zero():
    """The softmax is 1 to the last bit of float32, so the gradient is exactly 0."""
    noise = universal_noise(
        linear_model([1000]), as_images([0.5]), 1, 0.2, rng=np.random.default_rng(0)
    )
    assert np.array_equal(noise, np.zeros((1, 1, 1)))


def test_gradients_too_small_to_invert_still_give_a_step():
    """100 * exp(-101) is a denormal float32, and 0.1 divided by it is infinite."""
    model = linear_model([0, 0])
    model.params[0].value = np.float32([[-101, 0], [-101, 0]])
    options = {"rng": np.random.default_rng(0), "steps": 1, "batch_size": 1}
    options |= {"step": "normalised", "step_size": 0.1}
    noise = universal_noise(model, as_images([0.5, 0.5]), 1, 0.2, **options)
    assert np.allclose(noise, 0.1)


def test_add_noise_clips_to_the_range_of_images():
    images, noise = as_images([0.2, 0.5, 0.9]), as_images([-0.5, 0.25, 0.5])[0]
    images.setflags(write=False)
    assert np.allclose(add_noise(images, noise).ravel(), [0, 0.75, 1])


def test_add_noise_adds_the_same_to_every_image(rng):
    images, noise = rng.random((5, 3, 3, 1)), rng.uniform(-0.5, 0.5, (3, 3, 1))
    noisy = add_noise(images, noise)
    assert noisy.min() == 0 and noisy.max() == 1
    for image, result in zip(images, noisy):
        inside = (result > 0) & (result < 1)
        assert np.array_equal((image + noise)[inside], result[inside])


def test_add_noise_takes_one_noise_per_image():
    noisy = add_noise(as_images([0.2, 0.5], [0.3, 0.9]), as_images([0.1, -0.6], [0, 0.05]))
    assert np.allclose(noisy.reshape(2, 2), [[0.3, 0], [0.3, 0.95]])


def test_add_noise_refuses_noise_that_would_broadcast(rng):
    """(28, 28) added to (N, 28, 28, 1) would make (N, 28, 28, 28)."""
    with pytest.raises(ValueError, match=r"noise .*\(28, 28\)"):
        add_noise(rng.random((5, 28, 28, 1)), np.zeros((28, 28)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"target": 4}, r"labels run from 4 to 4; with 4 classes"),
        ({"target": -1}, "target is -1"),
        ({"target": 1.0}, r"target is 1\.0"),
        ({"limit": -0.1}, r"limit is -0\.1"),
        ({"limit": 2}, r"limit is 2; .*\[0, 1\]"),
        ({"limit": float("nan")}, "limit is nan"),
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"step_size": float("nan")}, "step_size is nan"),
        ({"l2": -1}, "l2 is -1"),
        ({"step": "sgd"}, "step is 'sgd'; .*adam, normalised, plain"),
        ({"start": np.zeros((6, 6))}, r"start has shape \(6, 6\); one image has \(6, 6, 1\)"),
        ({"rng": 0}, r"rng is 0.*default_rng"),
    ],
)
def test_bad_options_are_named(options, message, trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match=message):
        universal_noise(model, images, **{"target": 1, "limit": 0.2, "rng": rng} | options)


def test_integer_images_are_refused(trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match="255"):
        universal_noise(model, (255 * images).astype(np.uint8), 1, 0.2, rng=rng)


def test_images_outside_0_to_1_are_refused(trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        universal_noise(model, 255 * images, 1, 0.2, rng=rng)


@pytest.mark.parametrize("pixel", [np.nan, 1.01, -0.01, np.inf])
def test_no_pixel_of_any_image_may_lie_outside(pixel, trained, rng):
    """nan would make the noise zero without a word."""
    model, images = trained
    many = np.tile(images, (1 + 2000 // len(images), 1, 1, 1))
    many[-1, -1, -1, 0] = pixel
    with pytest.raises(ValueError, match=r"outside \[0, 1\], from .* to "):
        universal_noise(model, many, 1, 0.2, rng=rng, steps=1)


def test_noise_is_not_made_in_half_precision(trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match=r"images has dtype float16.*astype\(np\.float32\)"):
        universal_noise(model, images.astype(np.float16), 1, 0.2, rng=rng)


def test_weights_that_are_nan_are_refused(trained, rng):
    model, images = trained
    model = model.astype(np.float32)
    model.params[0].value = np.full_like(model.params[0].value, np.nan)
    with pytest.raises(ValueError, match="gradient is nan"):
        universal_noise(model, images, 1, 0.2, rng=rng)


def test_integer_noise_or_images_are_refused_by_add_noise():
    image = np.zeros((1, 2, 2, 1))
    with pytest.raises(ValueError, match=r"images has dtype uint8.*255"):
        add_noise(image.astype(np.uint8), image[0])
    with pytest.raises(ValueError, match="noise has dtype int64"):
        add_noise(image, image[0].astype(int))


def test_no_images_are_refused(trained, rng):
    model, images = trained
    with pytest.raises(ValueError, match="images"):
        universal_noise(model, images[:0], 1, 0.2, rng=rng)


def test_noise_away_from_the_right_classes(trained, rng):
    model, images = trained
    labels = model.predict(images).argmax(axis=1)
    options = {"rng": rng, "steps": 60, "batch_size": 50}
    noise = universal_noise(model, images, None, 0.4, labels=labels, **options)
    assert np.abs(noise).max() <= 0.4 + 1e-6
    fresh, right = easy_images(400, rng)
    assert np.mean(model.predict(add_noise(fresh, noise)).argmax(axis=1) == right) < 0.5


def test_noise_asks_for_a_class_or_leads_away_from_them(trained, rng):
    model, images = trained
    labels = np.zeros(len(images), int)
    with pytest.raises(ValueError, match="one of the two"):
        universal_noise(model, images, 1, 0.4, rng=rng, labels=labels)
    with pytest.raises(ValueError, match="target is None"):
        universal_noise(model, images, None, 0.4, rng=rng)
    with pytest.raises(ValueError, match=r"labels have shape \(3,\)"):
        universal_noise(model, images, None, 0.4, rng=rng, labels=labels[:3])
