"""What is common to all .npz files: damaged ones are refused, and none takes more than it holds."""

import contextlib
import copy
import errno
import io
import json
import os
import sys
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest

import nnlite
from nnlite import SGD, Dense, Sequential, container
from nnlite.checkpoint import load_checkpoint, save_checkpoint
from nnlite.container import opened, read_header, write_arrays
from nnlite.noise import load_bank, save_bank
from nnlite.sparse import SparseNetwork

KIND = "nnlite model"  # any kind: nothing here looks at what it says


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.npz"


def read(path):
    with opened(path, KIND, "mend it") as saved:
        return saved.about, saved.arrays()


def refused(path, message):
    return pytest.raises(ValueError, match=rf"file\.npz is not a complete .*{message}.*; mend it")


ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.mask": np.array([True, False]),
    "column after column": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(10, dtype=np.int32)[::3],
    "transposed": np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(1, 0, 2),
    "none": np.zeros((0, 3)),
    "one": np.array(3, np.int64),
}


def test_what_is_read_is_what_was_written(path):
    about = {"text": "ä\udc80", "numbers": [1, 2.5, 10**30, -0.0], "nothing": None}
    write_arrays(path, KIND, about, ARRAYS)
    found, arrays = read(path)
    assert found == about and list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and np.array_equal(arrays[name], array)
        assert arrays[name].flags.f_contiguous or not array.flags.f_contiguous
        assert arrays[name].flags.writeable


def test_numpy_numbers_and_tuples_become_what_json_knows(path):
    about = {"lr": np.float32(0.5), "t": np.int64(3), "pair": (1, 2), "states": np.arange(3)}
    write_arrays(path, KIND, about, {})
    assert read(path)[0] == {"lr": 0.5, "t": 3, "pair": [1, 2], "states": [0, 1, 2]}


def test_numpy_and_zip_read_the_file_too(path):
    write_arrays(path, KIND, {"layers": 3}, ARRAYS)
    with np.load(path) as arrays:
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        about = json.loads(archive.read("about.json"))
    assert about["format"] == "nnlite model 2" and about["layers"] == 3
    assert about["arrays"]["a"]["dtype"] == "float32" and about["arrays"]["a"]["shape"] == [2, 3]


def test_the_same_arrays_make_the_same_bytes(path):
    write_arrays(path, KIND, {"layers": 3}, ARRAYS)
    before = path.read_bytes()
    write_arrays(path, KIND, {"layers": 3}, ARRAYS)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "array, message",
    [
        (np.ones(3, np.float16), "ndarray of float16"),
        (np.ones(3, ">f4"), "ndarray of >f4"),
        (np.ones(3, complex), "ndarray of complex128"),
        (np.array([None]), "ndarray of object"),
        (np.array(["text"]), "ndarray of <U4"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "MaskedArray of float64"),
        ([1.0, 2.0], "list of no dtype"),
        (1.0, "float of no dtype"),
        (None, "NoneType of no dtype"),
    ],
)
def test_arrays_that_could_not_be_read_are_not_written(array, message, path):
    with pytest.raises(ValueError, match=rf"cannot save a\.b, a {message}; a NumPy array of"):
        write_arrays(path, KIND, {}, {"a": np.ones(3), "a.b": array})
    assert not path.exists()


@pytest.mark.parametrize("about", [{"a": {1, 2}}, {"a": object()}, {(1, 2): 3}, {"a": b"bytes"}])
def test_what_json_cannot_hold_is_not_written(about, path):
    with pytest.raises(ValueError, match="JSON cannot hold what is to be saved"):
        write_arrays(path, KIND, about, {})
    assert not path.exists()


def test_more_than_would_be_read_is_not_written(path, monkeypatch):
    write_arrays(path, KIND, {}, {})
    before = path.read_bytes()
    monkeypatch.setattr(container, "MAX_ABOUT", 1000)
    with pytest.raises(ValueError, match=r"would have \d+ bytes of JSON; it holds 1000"):
        write_arrays(path, KIND, {"a": "b" * 1000}, {})
    with pytest.raises(ValueError, match="10001 arrays are too many"):
        write_arrays(path, KIND, {}, {str(k): np.ones(1) for k in range(10_001)})
    assert path.read_bytes() == before


def test_arrays_that_change_meanwhile_are_saved_as_they_were_at_one_moment(path):
    """A thread may train what another one saves."""
    weights, done = np.zeros(10**6, np.float32), threading.Event()

    def train():
        while not done.is_set():
            np.add(weights, 1, out=weights)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(5):
            write_arrays(path, KIND, {}, {"weights": weights})
            read(path)
    finally:
        done.set()
        thread.join()


# Damage


def save_model(path):
    model = Sequential([Dense(1, 2, rng=np.random.default_rng(0))])
    model.layers[0].w.mask = np.array([[True, False]])
    nnlite.save(model, path)


def loaded_model(path):
    return [(p.value, p.mask) for p in nnlite.load(path).params]


def small_run():
    model = Sequential([Dense(1, 1, rng=np.random.default_rng(0))])
    return model, SGD(model.params, 0.1), {"batches": np.random.default_rng(0)}


def loaded_run(path):
    model, optimiser, rngs = small_run()
    progress = load_checkpoint(path, model, optimiser, rngs)
    values = [(p.value, p.mask) for p in model.params]
    return values, optimiser.state(), rngs["batches"].bit_generator.state, progress


def save_network(path):
    save_model(path)
    SparseNetwork(nnlite.load(path), max_density=0.6).save(path)


def loaded_network(path):
    network = SparseNetwork.load(path)
    return str(network), network.input_shape, network.predict(np.ones((1, 1), np.float32))


FILES = {  # how to write a small file of each kind, how to read it, and each how many bits to flip
    "nnlite model": (save_model, loaded_model, 5),
    "nnlite checkpoint": (lambda path: save_checkpoint(path, *small_run()), loaded_run, 7),
    "nnlite sparse network": (save_network, loaded_network, 7),
    "nnlite noise bank": (lambda p: save_bank(p, {(3, 0.5): np.ones((1, 1))}, "me"), load_bank, 3),
}


@pytest.fixture(params=FILES)
def kind(request):
    return request.param


def flip(file, bit):
    """Change one bit of an open file, and change it back."""
    byte = os.pread(file.fileno(), 1, bit // 8)[0]
    os.pwrite(file.fileno(), bytes([byte ^ 1 << bit % 8]), bit // 8)
    return byte


@pytest.mark.parametrize("version", [2, 1])
def test_a_flipped_bit_changes_nothing_or_is_refused(version, kind, path):
    save, load, step = FILES[kind]
    save(path)
    if version == 1:
        path, step = as_version_1(path, kind), 5 * step
    expected, n_refused = repr(load(path)), 0
    size = path.stat().st_size
    with open(path, "r+b", buffering=0) as file:
        for bit in range(0, 8 * size, step):
            byte = flip(file, bit)
            try:
                assert repr(load(path)) == expected, f"bit {bit % 8} of byte {bit // 8}"
            except ValueError as error:
                n_refused += 1
                message = str(error)
                assert str(path) in message and message.count("; ") >= 1, message
            os.pwrite(file.fileno(), bytes([byte]), bit // 8)
    assert repr(load(path)) == expected and n_refused > 4 * size / step


def test_a_truncated_file_is_refused_wherever_it_ends(kind, path):
    save, load, _ = FILES[kind]
    save(path)
    with open(path, "r+b") as file:
        for end in reversed(range(path.stat().st_size)):
            file.truncate(end)
            with pytest.raises(ValueError, match=rf"file\.npz is not a complete {kind} .*; "):
                load(path)


def as_version_1(path, kind):
    """The same file as nnlite wrote it at first: by np.savez, and without a list."""
    with opened(path, kind, "") as saved:
        about, arrays = saved.about, saved.arrays()
    about = about["made_by"] if "made_by" in about else {"format": f"{kind} 1", **about}
    name = container.ABOUT_1[kind].removesuffix(".npy")
    np.savez(path, **{name: np.array(json.dumps(about))}, **arrays)
    return path


def test_files_of_version_1_are_read(kind, path):
    save, load, _ = FILES[kind]
    save(path)
    expected = repr(load(path))
    assert repr(load(as_version_1(path, kind))) == expected
    for other in FILES.keys() - {kind}:
        with pytest.raises(ValueError, match=rf"file\.npz .*'{kind} 1'|not a complete {other}"):
            FILES[other][1](path)


def test_a_header_that_lies_about_its_length_is_refused(kind, path):
    """What follows is read from another place on, and not to the end, where its checksum is."""
    save, load, _ = FILES[kind]
    save(path)
    content = bytearray(as_version_1(path, kind).read_bytes())
    content[content.rindex(b"\x93NUMPY") + 8] -= 8
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"file\.npz is not a complete .*CRC"):
        load(path)


# Files that somebody made by hand


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)


@pytest.fixture
def members(path):
    """The members of a file with the arrays a and b."""
    write_arrays(path, KIND, {}, {"a": np.ones(3), "b": np.zeros(2)})
    return members_of(path)


def test_a_member_that_is_not_listed_is_refused(members, path):
    rezip(path, [*members.items(), ("c.npy", npy(np.ones(1)))])
    with refused(path, r"c\.npy is not listed"):
        read(path)


@pytest.mark.parametrize("name", ["a.npy", "b.npy"])
def test_a_member_that_is_listed_is_missed(name, members, path):
    rezip(path, [(key, content) for key, content in members.items() if key != name])
    with refused(path, f"{name} is missing"):
        read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["a.npy", "about.json"])
def test_a_doubled_member_is_refused(name, members, path):
    rezip(path, [*members.items(), (name, members[name])])
    with refused(path, r"its members are .*; 4 names are needed"):
        read(path)


@pytest.mark.parametrize("other", [np.zeros(3), np.ones(3, int), np.ones((1, 3)), np.ones(4)])
def test_another_array_under_a_name_is_refused(other, members, path):
    rezip(path, (members | {"a.npy": npy(other)}).items())
    with refused(path, r"a is not what was saved|a\.npy has \d+ bytes"):
        read(path)


def test_a_changed_list_is_refused(members, path):
    about = json.loads(members["about.json"])
    about["arrays"]["a"]["shape"] = [1]
    rezip(path, (members | {"about.json": json.dumps(about)}).items())
    with refused(path, r"about\.json is not what was saved"):
        read(path)


def signed(listed, **about):
    """An about.json with its digest."""
    about = {"format": f"{KIND} 2", **about, "arrays": listed}
    return json.dumps({"sha256": container.digest_of_json(about), **about})


@pytest.mark.parametrize(
    "listed",
    [
        {"a": {"dtype": "object", "shape": [3]}},
        {"a": {"dtype": ["float64"], "shape": [3]}},
        {"a": {"dtype": "float64", "shape": [-3]}},
        {"a": {"dtype": "float64", "shape": [3.0]}},
        {"a": {"dtype": "float64", "shape": [True, 3]}},
        {"a": {"dtype": "float64", "shape": 3}},
        {"a": {"dtype": "float64", "shape": [10**30]}},
        {"a": {"dtype": "float64"}},
        {"a": None},
        {"a": {"dtype": "float64", "shape": [3], "colour": "red"}},
        [],
        None,
    ],
)
def test_a_list_of_nonsense_is_refused(listed, path):
    rezip(path, [("a.npy", npy(np.ones(3))), ("about.json", signed(listed))])
    with refused(path, ""):
        read(path)


@pytest.mark.parametrize("about", ["", "[]", "3", "{}", '{"sha256": 3}', "[" * 10**5, "9" * 10**4])
def test_json_of_nonsense_is_refused(about, path):
    rezip(path, [("about.json", about)])
    with refused(path, ""):
        read(path)


@pytest.mark.parametrize("lost", [46, 2 * 46])
def test_a_list_of_members_that_begins_too_late_is_refused(lost, members, path):
    """zipfile is content with those that are left."""
    rezip(path, [("ab", b"1"), ("cd", b"2"), ("ef", b"3")])
    content = bytearray(path.read_bytes())
    lost += 2 * lost // 46  # the names
    content[-10] -= lost
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 3 - lost // 48
    with refused(path, "its members are .*; 3 names are needed"):
        read(path)


def test_another_version_or_kind_is_named(path):
    write_arrays(path, "nnlite checkpoint", {}, {})
    message = "an 'nnlite checkpoint 2', where an 'nnlite model 2' is needed; take another file"
    with pytest.raises(ValueError, match=message):  # it is whole: nobody is told to mend it
        read(path)
    write_arrays(path, "nnlite model, of tomorrow", {}, {})
    with refused(path, "its format is 'nnlite model, of tomorrow 2', not 'nnlite model 2'"):
        read(path)


def test_a_file_that_cannot_be_read_is_not_called_damaged(path, monkeypatch):
    write_arrays(path, "nnlite model", {}, {})

    def stale(file):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(container, "checked_zip", stale)
    with pytest.raises(OSError, match="Stale file handle"):
        read(path)


def test_nothing_is_unpickled(path):
    """An object array is a pickle, and a pickle runs what its author likes."""

    class Bomb:
        def __reduce__(self):
            return print, ("boom",)

    bomb = np.array([Bomb()], dtype=object)
    np.savez(path, architecture=bomb)
    with refused(path, "OBJECT array"):
        read(path)
    np.savez(path, architecture=np.array('{"format": "nnlite model 1"}'), a=bomb)
    with refused(path, "a has dtype object"):
        read(path)


# Small files that claim to be large


def claiming(path, shape):
    """A file of version 1 with an array whose header says that it has this shape."""
    header = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, about)
    text = npy(np.array('{"format": "nnlite model 1"}'))
    rezip(path, [("architecture.npy", text), ("a.npy", header.getvalue())])


@contextlib.contextmanager
def memory(limit):
    """No more than so many bytes may be allocated, in Python or NumPy."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


@pytest.mark.parametrize("shape", [(10**10,), (10**5, 10**5), (2**62, 4), (10**30,)])
def test_an_array_larger_than_the_file_is_refused_before_it_is_allocated(shape, path):
    claiming(path, shape)
    with memory(10**6), refused(path, r"a\.npy has \d+ bytes, of \d+ that are listed"):
        read(path)


def test_compressed_members_are_refused_before_they_are_unpacked(members, path):
    members["a.npy"] = npy(np.zeros(10**6))
    rezip(path, members.items(), zipfile.ZIP_DEFLATED)
    with memory(10**6), refused(path, r"a\.npy is compressed"):
        read(path)


def test_a_member_larger_than_its_array_is_not_read(members, path):
    rezip(path, (members | {"a.npy": npy(np.ones(10**6))}).items())
    with memory(10**6), refused(path, r"a\.npy has 8000128 bytes, of 24 that are listed"):
        read(path)


def test_members_that_overlap_are_refused(members, path):
    """A hundred entries of the zip that lead to the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(np.ones(1000)))
        archive.filelist *= 100
        archive.filelist = [copy.copy(member) for member in archive.filelist]
        for k, member in enumerate(archive.filelist):
            member.filename = f"{k}.npy"
    with refused(path, "its members claim more bytes than it has"):
        read(path)


def test_a_list_of_very_many_members_is_not_read(path):
    """Each would take 20 us."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"")
        archive.filelist *= 60_000
    with memory(10**6), refused(path, "the list of its members has more than 2097152 bytes"):
        read(path)


def test_very_much_json_is_not_read(path):
    rezip(path, [("about.json", "[" + "[]," * 3_000_000 + "[]]")])
    with memory(10**6), refused(path, r"it has no about\.json of at most 8388608 bytes"):
        read(path)


def test_what_is_no_file_is_not_waited_for(path):
    os.mkfifo(path)
    for other in (path, path.parent, "/dev/zero", path.with_name("nothing")):
        with pytest.raises(FileNotFoundError, match=f"there is no nnlite model {other}"):
            read(other)
    with pytest.raises(ValueError, match="None is not the name of a file"):
        read(None)


def test_a_lack_of_memory_is_not_blamed_on_the_file(path):
    write_arrays(path, KIND, {}, {})
    with pytest.raises(MemoryError), opened(path, KIND, "delete it"):
        raise MemoryError


def test_a_damaged_file_is_closed(path):
    path.write_bytes(b"a text")
    with refused(path, "its end is missing"):
        read(path)
    if sys.platform == "linux":
        assert not any(os.path.samefile(f"/proc/self/fd/{fd}", path) for fd in open_files())


def open_files():
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]


def test_only_the_version_of_the_npy_format_that_is_written_is_read():
    file = io.BytesIO(b"\x93NUMPY\x02\x00" + bytes(100))
    with pytest.raises(ValueError, match="another version of NumPy's format"):
        read_header(file)
