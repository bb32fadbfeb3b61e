"""The layers of a SparseNetwork as one .npz, and back; see nnlite/container.py."""

import scipy.sparse

from nnlite.checks import check_count
from nnlite.container import write_arrays
from nnlite.conv import Conv2D
from nnlite.serialize import rebuilt
from nnlite.sparse.layers import Convolution, Linear

KIND = "nnlite sparse network"


def write_layers(path, layers, input_shape):
    """Write them, complete or not at all."""
    arrays, kinds = {}, []
    for i, layer in enumerate(layers):
        kind = {"relu": layer.relu}
        if isinstance(layer, Convolution):
            conv = layer.conv
            args = {key: getattr(conv, key) for key in ("c_in", "c_out", "kernel", "stride")}
            kind |= {"conv": args | {"padding": conv.padding}, "shape": layer.input_shape}
            parts = {"w": conv.w.value, "b": conv.b.value}
        elif layer.is_sparse:
            a = layer.matrix
            kind["csr"] = a.shape
            parts = {"data": a.data, "indices": a.indices, "indptr": a.indptr, "b": layer.bias}
        else:
            parts = {"matrix": layer.matrix, "b": layer.bias}
        arrays |= {f"{i}.{name}": part for name, part in parts.items()}
        kinds.append(kind)
    about = {"layers": kinds, "input_shape": input_shape}
    write_arrays(path, KIND, about, arrays)


def read_layers(saved):
    """(layers, input_shape) of a file that is open; many kinds of error for a damaged one."""
    kinds = saved.about["layers"]
    needed = {f"{i}.{name}": d for i, kind in enumerate(kinds) for name, d in dtypes(kind).items()}
    found = {name: entry["dtype"] for name, entry in saved.listed.items()}
    if found != needed:
        raise ValueError(f"it lists {found}; its layers consist of {needed}")
    arrays = saved.arrays()
    layers = [rebuilt_layer(arrays, i, kind) for i, kind in enumerate(kinds)]
    return layers, tuple(check_count("input_shape", n) for n in saved.about["input_shape"])


def dtypes(kind):
    """{name: dtype} of the arrays of a layer."""
    if "csr" in kind:
        return {"data": "float32", "indices": "int32", "indptr": "int32", "b": "float32"}
    return {"w" if "conv" in kind else "matrix": "float32", "b": "float32"}


def rebuilt_layer(arrays, i, kind):
    """The i-th layer of a file."""
    part, relu = {name: arrays[f"{i}.{name}"] for name in dtypes(kind)}, kind["relu"]
    if not isinstance(relu, bool):
        raise ValueError(f"relu of layer {i} is {relu!r}")
    if "conv" in kind:
        conv = rebuilt(Conv2D, kind["conv"])
        for p, value in zip(conv.params, (part["w"], part["b"])):
            if value.shape != p.value.shape:
                raise ValueError(f"layer {i}, {conv}, has weights of shape {value.shape}")
            p.value = value
        return Convolution(conv, tuple(kind["shape"]), relu)
    if "csr" in kind:
        csr = part["data"], part["indices"], part["indptr"]
        return Linear(scipy.sparse.csr_array(csr, shape=tuple(kind["csr"])), part["b"], relu)
    return Linear(part["matrix"], part["b"], relu)
