"""The file that save writes and load reads."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

from nnlite import (
    Adam,
    Conv2D,
    Dense,
    ReLU,
    Sequential,
    load,
    prune,
    quadratic,
    save,
)
from nnlite.container import opened, write_arrays
from nnlite.init import INITIALISERS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def pruned(network):
    prune.apply(network, prune.keep_masks(prune.scores(network, prune.magnitude), 0.6))
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


# What a layer says of itself


class Doubling(ReLU):
    """Its constructor is that of ReLU, and so are its args."""

    def forward(self, x, train=False):
        return super().forward(2 * x)


class Power:
    """y = x^n, without a parameter."""

    params, args = (), ("n", "note")

    def __init__(self, n, note="", *, rng):
        self.n, self.note, self.rng = n, note, rng

    def forward(self, x, train=False):
        self.cache = x
        return x**self.n

    def backward(self, dy):
        return dy * self.n * self.cache ** (self.n - 1)

    def __repr__(self):
        return f"Power({self.n})"


def test_layers_of_ones_own_are_found_by_name(images, rng, path):
    model = Sequential([Doubling(), Power(3, "cubed", rng=rng), Power(2, rng=rng)])
    save(model, path)
    loaded = load(path, layers=[Power, Doubling])
    assert [type(layer) for layer in loaded.layers] == [Doubling, Power, Power]
    assert [(layer.n, layer.note) for layer in loaded.layers[1:]] == [(3, "cubed"), (2, "")]
    assert np.array_equal(loaded.forward(images), model.forward(images))
    assert loaded.layers[1].rng is None
    assert load(path, rng=rng, layers=(Power, Doubling)).layers[2].rng is rng


def test_numpys_numbers_among_the_arguments_come_back_as_numbers(path):
    save(Sequential([Power(np.int64(2), np.arange(3), rng=None)]), path)
    (layer,) = load(path, layers=[Power]).layers
    assert (type(layer.n), layer.n, layer.note) == (int, 2, [0, 1, 2])


def test_a_class_that_has_changed_since_is_named(rng, path):
    save(Sequential([Power(2, rng=rng)]), path)

    def constructor(self, n, note, shift, rng):
        pass

    changed = type("Power", (Power,), {"__init__": constructor, "args": ("n", "note", "shift")})
    with pytest.raises(ValueError, match=r"has a Power that the class given does not .* 'shift'"):
        load(path, layers=[changed])


@pytest.mark.parametrize("layers", [(), [Doubling]])
def test_a_layer_of_unknown_class_is_named_with_the_remedy(layers, rng, path):
    save(Sequential([Power(2, rng=rng), Doubling(), Power(3, rng=rng)]), path)
    missing = "Power" if layers else "Power, Doubling"
    with pytest.raises(ValueError, match=rf"model\.npz has .*pass layers=\[{missing}\] to load"):
        load(path, layers=layers)


class Silent:
    """It does not say what its constructor takes."""

    params = ()
    forward = backward = None


class Leaky(ReLU):
    """A constructor of its own, and the args of another."""

    def __init__(self, slope):
        super().__init__()
        self.slope = slope


class Forgetful(Leaky):
    args = ("slope", "offset")


class Sloppy(Leaky):
    args = "slope"


@pytest.mark.parametrize(
    "layer, message",
    [
        (Silent(), r"cannot save a Silent: .*add args = \(\.\.\.\)"),
        (Leaky(0.1), r"cannot save a Leaky: .*add args"),
        (Forgetful(0.1), r"cannot save ReLU\(\): it has no attribute 'offset'"),
        (Sloppy(0.1), "it has no attribute 's'.*args is a tuple"),
        (Power(2, {1, 2}, rng=None), r"cannot save .* its note is \{1, 2\}"),
        (type("ReLU", (ReLU,), {})(), "two classes are called ReLU.*rename yours"),
    ],
)
def test_a_layer_that_could_not_be_built_again_is_not_saved(layer, message, path):
    with pytest.raises(ValueError, match=message):
        save(Sequential([layer]), path)
    assert not path.exists()


def test_two_classes_of_one_name_are_refused(rng, path):
    twin = type("Power", (Power,), {})
    for layers in ([Power, twin], [type("Dense", (Power,), {})]):
        with pytest.raises(ValueError, match="two classes are called"):
            load(path, layers=layers)
    with pytest.raises(ValueError, match="two classes are called Power"):
        save(Sequential([Power(2, rng=rng), twin(2, rng=rng)]), path)


def test_a_layer_in_place_of_its_class_is_named(rng, path):
    with pytest.raises(ValueError, match=r"Power\(2\) is not a class"):
        load(path, layers=[Power(2, rng=rng)])


ARCHITECTURE = (
    '{"format": "nnlite model 1", "layers": [["Conv2D", {"c_in": 2, "c_out": 3, "kernel": [3, 3], '
    '"stride": [2, 1], "padding": "same"}], ["ReLU", {}], ["Flatten", {}], '
    '["Dense", {"n_in": 36, "n_out": 7}], ["Dropout", {"drop_prob": 0.4}], ["ReLU", {}], '
    '["Dense", {"n_in": 7, "n_out": 3}]]}'
)


def test_the_format_stays(network, images, path):
    """Files written with the first version can be read, and layers are still described so."""
    arrays = {name: p.value for name, p in network.named_params.items()}
    np.savez(path, architecture=np.array(ARCHITECTURE), **arrays)
    assert np.array_equal(load(path).predict(images), network.predict(images))
    save(network, path)
    with opened(path, "nnlite model", "") as saved:
        assert saved.about == {"layers": json.loads(ARCHITECTURE)["layers"]}
        assert list(saved.listed) == list(network.named_params)


def test_a_failing_save_keeps_the_old_file(network, path, monkeypatch):
    save(network, path)
    before = path.read_bytes()

    def disk_full(file, array, **options):
        file.write(b"half an array")
        raise OSError("no space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", disk_full)
    with pytest.raises(OSError, match="no space left"):
        save(network, path)
    assert list(path.parent.iterdir()) == [path] and path.read_bytes() == before


def test_saving_into_a_missing_folder_names_it(network, tmp_path):
    with pytest.raises(FileNotFoundError, match="runs does not exist; create it"):
        save(network, tmp_path / "runs" / "model.npz")


def test_loading_a_missing_file_names_it(path):
    with pytest.raises(FileNotFoundError, match=r"no nnlite model .*model\.npz"):
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
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": [["Dense", {}]]}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": [[["Dense"], {}]]}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": [["ReLU", {"n": 1}]]}')),
        npz(architecture=np.array('{"format": "nnlite model 1", "layers": 3}')),
        npz(architecture=np.array([{}], dtype=object)),
    ],
)
def test_what_is_not_a_model_is_refused(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz is not a complete nnlite model"):
        load(path)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"3.w": np.ones((36, 8), np.float32)},
            r"3\.w has .* shape \(36, 8\); .*\(36, 7\) are needed",
        ),
        ({"3.w": np.ones((7, 36), np.float32)}, r"3\.w has .* shape \(7, 36\)"),
        ({"0.b": np.ones(3, int)}, r"0\.b has dtype int64 .*; float32 or float64 and \(3,\)"),
        ({"0.b": None}, r"0\.b is missing"),
        ({"3.w.mask": np.ones((7, 36), bool)}, r"mask has .*\(7, 36\); bool and \(36, 7\)"),
        ({"3.w.mask": np.ones((36, 7))}, r"mask has dtype float64 .*; bool"),
        ({"7.w": np.ones(3)}, r"7\.w belongs to no layer"),
        ({"1.w.mask": np.ones(3, bool)}, r"1\.w\.mask belongs to no layer"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(version, changes, message, network, path):
    save(pruned(network), path)
    with opened(path, "nnlite model", "") as saved:
        about, arrays = saved.about, saved.arrays() | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    if version == 2:
        write_arrays(path, "nnlite model", about, arrays)
    else:
        np.savez(path, architecture=np.array(ARCHITECTURE), **arrays)
    with pytest.raises(ValueError, match=rf"model\.npz is not a complete .*{message}"):
        load(path)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda b: b.astype(np.float16), r"cannot save 0\.b, a ndarray of float16"),
        (lambda b: b.astype(">f4"), r"cannot save 0\.b, a ndarray of >f4"),
        (lambda b: b.astype(int), r"0\.b has dtype int64 and shape \(3,\); float32 or float64"),
        (lambda b: b.astype(object), r"cannot save 0\.b, a ndarray of object"),
        (lambda b: np.ma.masked_less(b, 0), r"cannot save 0\.b, a MaskedArray"),
        (lambda b: list(b), r"cannot save 0\.b, a list"),
        (lambda b: np.append(b, b), r"0\.b has .* shape \(6,\); .*\(3,\) are needed"),
    ],
)
def test_what_load_would_refuse_is_not_saved(change, message, network, path):
    save(network, path)
    before = path.read_bytes()
    network.layers[0].b.value = change(network.layers[0].b.value)
    with pytest.raises(ValueError, match=message):
        save(network, path)
    assert path.read_bytes() == before


def test_a_mask_that_no_longer_fits_is_not_saved(network, path):
    network.layers[0].b.mask = np.ones(3, bool)
    network.layers[0].b.value = np.ones(4, np.float32)
    with pytest.raises(ValueError, match=r"a mask is None or a boolean array of shape \(4,\)"):
        save(network, path)
    assert not path.exists()


def test_only_a_network_is_saved(path):
    for other in (None, Dense, [1, 2]):
        with pytest.raises(ValueError, match=r"model is .*; a network is needed"):
            save(other, path)


class Moody(Power):
    """It can be built once."""

    built = 0

    def __init__(self, n, note="", *, rng):
        Moody.built += 1
        if Moody.built > 1:
            raise OSError("once is enough")
        super().__init__(n, note, rng=rng)

    args = Power.args


def test_a_layer_whose_constructor_fails_is_not_saved(rng, path):
    model = Sequential([Moody(2, rng=rng)])
    with pytest.raises(ValueError, match=r"cannot save .*OSError: once is enough"):
        save(model, path)
    assert not path.exists()


@pytest.mark.parametrize(
    "layer",
    [
        ["Dense", {"n_in": 30_000, "n_out": 30_000}],
        ["Dense", {"n_in": 30_000, "n_out": 30_000, "init": "he"}],
        ["Dense", {"n_in": 10**12, "n_out": 10**12}],
        ["Conv2D", {"c_in": 5_000, "c_out": 5_000, "kernel": [30, 30]}],
    ],
)
def test_a_small_file_makes_no_large_layer(layer, path):
    """Nothing is drawn, and nothing allocated, that is not in the file."""
    write_arrays(path, "nnlite model", {"layers": [layer]}, {})
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"model\.npz is not a complete nnlite model"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_loading_draws_no_weights(network, images, path, monkeypatch):
    save(network, path)
    for name in ("default", "he", "posts"):
        monkeypatch.setitem(INITIALISERS, name, None)
    assert np.array_equal(load(path).predict(images), network.predict(images))


@pytest.mark.parametrize("field, value", [("flag_bits", 1), ("compress_type", 99)])
def test_a_zip_file_that_python_cannot_read_is_refused(field, value, path):
    """Encrypted, or compressed in a way unknown to it: other exceptions than a bad zip file's."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("architecture.npy", npy(np.array("{}")))
        setattr(file.filelist[0], field, value)
    with pytest.raises(ValueError, match=r"model\.npz is not a complete"):
        load(path)
