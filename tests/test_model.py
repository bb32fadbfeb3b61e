"""Sequential: predict, astype, repr, errors; and the file that save writes and load reads."""

import io
import zipfile

import numpy as np
import pytest

from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    load,
    prune,
    quadratic,
    save,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_forward_applies_the_layers_in_order(rng):
    model = Sequential([Dense(2, 3, rng=rng), ReLU(), Dense(3, 2, rng=rng)]).astype(np.float64)
    x, (w1, b1, w2, b2) = rng.normal(size=(4, 2)), (p.value for p in model.params)
    assert np.allclose(model.forward(x), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-14)


def test_parameters_are_named_by_position(network):
    assert list(network.named_params) == ["0.w", "0.b", "3.w", "3.b", "6.w", "6.b"]
    assert list(network.named_params.values()) == network.params


def test_dropout_is_off_unless_asked_for(network, images):
    assert np.array_equal(network.forward(images), network.forward(images))
    assert not np.array_equal(network.forward(images, train=True), network.forward(images))


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_predict_does_not_depend_on_the_batch_size(batch_size, network, images):
    model = network.astype(np.float64)
    assert np.allclose(model.predict(images, batch_size), model.forward(images), rtol=1e-13)


def test_predict_takes_no_more_than_a_batch_at_once(network, images, monkeypatch):
    sizes, forward = [], network.forward

    def spy(x):
        sizes.append(len(x))
        return forward(x)

    monkeypatch.setattr(network, "forward", spy)
    network.predict(images, batch_size=3)
    assert sizes == [3, 3, 2]


def test_predict_of_no_images(network):
    y = network.predict(np.ones((0, 5, 4, 2), np.float32))
    assert y.shape == (0, 3) and y.dtype == np.float32


def test_outputs_and_gradients_are_not_overwritten_later(network, images, labels):
    images.setflags(write=False)
    labels.setflags(write=False)

    def run(x):
        _, doutputs = quadratic(outputs := network.forward(x), labels)
        dx = network.backward(doutputs)
        arrays = [outputs, doutputs, dx, *(p.grad for p in network.params)]
        return [*arrays, network.predict(x), network.input_gradient(x, labels, quadratic)]

    first = run(images)
    copies = [a.copy() for a in first]
    run(images[::-1] / 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, copies))


def test_astype_makes_an_independent_copy(network, images):
    before = network.predict(images)
    model = network.astype(np.float64)
    assert {p.value.dtype for p in model.params} == {np.dtype(np.float64)}
    assert np.allclose(model.predict(images), before, atol=1e-5)
    for p in model.params:
        p.value[:] = 0
    assert np.array_equal(network.predict(images), before)


def test_astype_and_back_is_exact(network):
    model = network.astype(np.float64).astype(np.float32)
    for p, q in zip(network.params, model.params):
        assert q.value.dtype == np.float32 and np.array_equal(p.value, q.value)


def test_astype_keeps_masks_and_forgets_gradients(network, images, rng):
    prune.apply(network, prune.keep_masks(network, prune.magnitude, 0.5))
    network.forward(images)
    network.backward(rng.normal(size=(8, 3)))
    model = network.astype(np.float64)
    assert all(p.grad is None for p in model.params)
    for p, q in zip(network.params, model.params):
        assert (p.mask is None and q.mask is None) or np.array_equal(p.mask, q.mask)


def test_astype_forgets_the_forward_pass(network, images):
    """Its float32 cache would make float32 gradients of float64 parameters."""
    network.forward(images)
    with pytest.raises(ValueError, match="backward before forward"):
        network.astype(np.float64).backward(np.ones((8, 3)))


@pytest.mark.parametrize("dtype", [int, np.float16, complex])
def test_astype_refuses_other_dtypes(dtype, network):
    with pytest.raises(ValueError, match=f"dtype is {np.dtype(dtype)}"):
        network.astype(dtype)


def test_repr_shows_layers_shapes_and_sparsity(rng):
    model = Sequential(
        [
            Conv2D(1, 2, 3, rng=rng),
            Conv2D(2, 2, (3, 1), (1, 2), 0, rng=rng),
            ReLU(),
            Flatten(),
            Dropout(0.25, rng=rng),
            Dense(40, 25, rng=rng),
        ]
    )
    prune.apply(model, prune.keep_masks(model, prune.magnitude, 0.9))
    assert repr(model).splitlines() == [
        "Sequential: 1,059 parameters, sparsity 0.850",
        "  0  Conv2D(1, 2, 3, 1, 'same')         w (3, 3, 1, 2)  b (2,)"
        "  20 parameters, sparsity 0.000",
        "  1  Conv2D(2, 2, (3, 1), (1, 2), 0)    w (3, 1, 2, 2)  b (2,)"
        "  14 parameters, sparsity 0.000",
        "  2  ReLU()",
        "  3  Flatten()",
        "  4  Dropout(0.25)",
        "  5  Dense(40, 25)                      w (40, 25)  b (25,)"
        "  1,025 parameters, sparsity 0.878",
    ]


def test_repr_of_a_parameter(rng):
    p = Dense(4, 2, rng=rng).w
    p.value[:2] = 0
    assert repr(p) == "Parameter(4, 2), float32, sparsity 0.500"


# Errors


def test_no_layers_are_refused():
    with pytest.raises(ValueError, match=r"at least one layer .* got \[\]"):
        Sequential([])


def test_the_same_layer_twice_is_refused(rng):
    layer = Dense(3, 3, rng=rng)
    with pytest.raises(ValueError, match=r"each layer object once, got \[Dense\(3, 3\), ReLU"):
        Sequential([layer, ReLU(), layer])


@pytest.mark.parametrize("inner", [[ReLU()], [Dense(3, 3, rng=np.random.default_rng(0))]])
def test_a_nested_sequential_is_refused_with_the_remedy(inner):
    with pytest.raises(ValueError, match=r"unpack it: \*model\.layers"):
        Sequential([Sequential(inner), ReLU()])


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"<built-in function max> is not a layer.* no forward"):
        Sequential([max])


def test_a_class_instead_of_a_layer_is_refused():
    """ReLU without its brackets."""
    with pytest.raises(ValueError, match="ReLU'> is not a layer"):
        Sequential([ReLU])


def test_backward_before_forward_is_refused(network):
    with pytest.raises(ValueError, match="backward before forward"):
        network.backward(np.ones((8, 3)))


@pytest.mark.parametrize("input_gradient", [True, False])
@pytest.mark.parametrize("shape", [(8, 4), (7, 3), (3,), ()])
def test_an_upstream_gradient_of_the_wrong_shape_is_refused(shape, input_gradient, network, images):
    network.forward(images)
    with pytest.raises(ValueError, match=r"dy has shape \(.*\); .* have shape \(8, 3\)"):
        network.backward(np.ones(shape), input_gradient)


def test_images_of_the_wrong_shape_are_refused(network):
    with pytest.raises(ValueError, match=r"Conv2D\(2, 3, .*\(N, H, W, 2\), got \(8, 5, 4, 1\)"):
        network.forward(np.ones((8, 5, 4, 1)))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_predict_names_a_bad_batch_size(batch_size, network, images):
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}"):
        network.predict(images, batch_size)


# The file


def pruned(network):
    prune.apply(network, prune.keep_masks(network, prune.magnitude, 0.6))
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loaded_model_is_the_saved_one(dtype, network, images, path):
    model = pruned(network).astype(dtype)
    save(model, path)
    loaded = load(path)
    assert repr(loaded) == repr(model)
    assert list(loaded.named_params) == list(model.named_params)
    for p, q in zip(model.params, loaded.params):
        assert q.value.dtype == dtype and np.array_equal(p.value, q.value)
        assert (p.mask is None and q.mask is None) or np.array_equal(p.mask, q.mask)
    y = loaded.predict(images)
    assert y.dtype == dtype and np.array_equal(y, model.predict(images))


@pytest.mark.parametrize("padding", ["same", "valid", 2])
@pytest.mark.parametrize("kernel, stride", [(3, 2), ((3, 2), (2, 1)), (2, (1, 3))])
def test_a_loaded_convolution_has_its_options(kernel, stride, padding, rng, path):
    model = Sequential([Conv2D(2, 3, kernel, stride, padding, rng=rng, init="he")])
    save(model, path)
    loaded, x = load(path), rng.random((2, 6, 7, 2))
    for name in ("c_in", "c_out", "kernel", "stride", "padding"):
        assert getattr(loaded.layers[0], name) == getattr(model.layers[0], name)
    assert np.array_equal(loaded.forward(x), model.forward(x))


def test_save_writes_the_name_it_was_given(network, tmp_path):
    save(network, str(tmp_path / "model"))
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_saving_leaves_the_model_as_it_is(network, images, path):
    before = network.predict(images)
    save(network, path)
    assert np.array_equal(network.predict(images), before)


def test_loaded_dropout_without_rng_predicts_but_does_not_train(network, images, path):
    save(network, path)
    model = load(path)
    model.predict(images)
    with pytest.raises(ValueError, match=r"no generator.* rng=np\.random\.default_rng"):
        model.forward(images, train=True)


def test_loaded_dropout_with_rng_trains(network, images, path):
    save(network, path)
    network.layers[4].rng = np.random.default_rng(3)
    y = load(path, rng=np.random.default_rng(3)).forward(images, train=True)
    assert np.array_equal(y, network.forward(images, train=True))


def test_a_loaded_model_goes_on_like_the_saved_one(network, images, labels, path):
    save(pruned(network), path)
    models = network, load(path, rng=np.random.default_rng(3))
    network.layers[4].rng = np.random.default_rng(3)
    for model in models:
        adam = Adam(model.params, l2=1e-3)
        for _ in range(5):
            _, doutputs = quadratic(model.forward(images, train=True), labels)
            model.backward(doutputs, input_gradient=False)
            adam.step()
    for p, q in zip(*(model.params for model in models)):
        assert np.array_equal(p.value, q.value)


@pytest.mark.parametrize("dropout", [True, False])
def test_load_refuses_a_seed(dropout, network, path):
    save(network if dropout else Sequential(network.layers[:4]), path)
    with pytest.raises(ValueError, match="rng is 0"):
        load(path, rng=0)


class Doubling(ReLU):
    def forward(self, x, train=False):
        return super().forward(2 * x)


@pytest.mark.parametrize("layer", [Doubling(), type("ReLU", (ReLU,), {})()])
def test_a_layer_that_nnlite_does_not_know_is_not_saved(layer, path):
    """Not even under the name of one that it knows."""
    with pytest.raises(ValueError, match=r"cannot save ReLU\(\); layers that can: Dense, Conv2D"):
        save(Sequential([layer]), path)
    assert not path.exists()


def test_a_failing_save_keeps_the_old_file(network, path, monkeypatch):
    save(network, path)
    before = path.read_bytes()

    def disk_full(file, **arrays):
        file.write(b"half a model")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.raises(OSError, match="no space left"):
        save(network, path)
    assert list(path.parent.iterdir()) == [path] and path.read_bytes() == before


def test_nobody_sees_half_a_file(network, path, monkeypatch):
    def look(file, **arrays):
        assert not path.exists()
        file.write(b"all of it")

    monkeypatch.setattr(np, "savez", look)
    save(network, path)
    assert path.read_bytes() == b"all of it" and list(path.parent.iterdir()) == [path]


def test_saving_into_a_missing_folder_names_it(network, tmp_path):
    with pytest.raises(FileNotFoundError, match="runs does not exist; create it"):
        save(network, tmp_path / "runs" / "model.npz")


def test_loading_a_missing_file_names_it(path):
    with pytest.raises(FileNotFoundError, match=r"no model file .*model\.npz"):
        load(path)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a text",
        npy(np.ones(3)),
        npz(),
        npz(architecture=np.ones(3)),
        npz(architecture=np.array("{}")),
        npz(architecture=np.array("[1, 2]")),
        npz(architecture=np.array('{"format": "nnlite model 0", "layers": []}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": []}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": [["Pool", {}]]}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": [["ReLU", {"n": 1}]]}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": 3}')),
        npz(architecture=np.array([{}], dtype=object)),
    ],
)
def test_what_is_not_a_model_is_refused(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz is not a complete nnlite model"):
        load(path)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"3.w": np.ones((36, 8), np.float32)}, r"3\.w has .* shape \(36, 8\)"),
        ({"3.w": np.ones((7, 36), np.float32)}, r"3\.w has .* shape \(7, 36\)"),
        ({"0.b": np.ones(3, int)}, r"0\.b has dtype int64"),
        ({"0.b": None}, r"0\.b"),
        ({"3.w.mask": np.ones((7, 36), bool)}, r"mask .*\(36, 7\).* shape \(7, 36\)"),
        ({"3.w.mask": np.ones((36, 7))}, r"mask .* got float64"),
        ({"3.w": np.full((36, 7), None)}, "Object arrays"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message, network, path):
    save(pruned(network), path)
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=rf"model\.npz is not a complete .*{message}"):
        load(path)


def test_nothing_is_unpickled(path):
    """An object array is a pickle, and a pickle runs what its author likes."""

    class Bomb:
        def __reduce__(self):
            return print, ("boom",)

    path.write_bytes(npz(architecture=np.array([Bomb()], dtype=object)))
    with pytest.raises(ValueError, match=r"is not a complete nnlite model.*allow_pickle=False"):
        load(path)


@pytest.fixture
def small_file(rng, path):
    """The bytes of a model file of about 1 kB, its path, and the weights in it."""
    model = Sequential([Dense(1, 2, rng=rng)])
    save(model, path)
    return path.read_bytes(), path, model.params


def test_a_truncated_file_is_refused_wherever_it_ends(small_file):
    content, path, _ = small_file
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"model\.npz is not a complete"):
            load(path)


def test_a_flipped_bit_is_refused_or_harmless(small_file):
    """Some bits of a zip file mean nothing, such as those of a date."""
    content, path, params = small_file
    refused = 0
    for i in range(len(content)):
        flipped = bytearray(content)
        flipped[i] ^= 1 << i % 8
        path.write_bytes(flipped)
        try:
            loaded = load(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert all(np.array_equal(p.value, q.value) for p, q in zip(params, loaded.params))
    assert refused > len(content) / 2


def test_every_bit_of_the_weights_counts(small_file):
    content, path, params = small_file
    start = content.index(params[0].value.tobytes())
    for bit in range(8 * params[0].value.nbytes):
        flipped = bytearray(content)
        flipped[start + bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"model\.npz is not a complete .*CRC"):
            load(path)


@pytest.mark.parametrize("field, value", [("flag_bits", 1), ("compress_type", 99)])
def test_a_zip_file_that_python_cannot_read_is_refused(field, value, path):
    """Encrypted, or compressed in a way unknown to it: other exceptions than a bad zip file's."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("architecture.npy", npy(np.array("{}")))
        setattr(file.filelist[0], field, value)
    with pytest.raises(ValueError, match=r"model\.npz is not a complete"):
        load(path)
