"""The layers of a SparseNetwork as one .npz, and back."""

import json

import numpy as np
import scipy.sparse

from nnlite.files import replace_when_done
from nnlite.serialize import read_npz, rebuild
from nnlite.sparse.layers import Convolution, Linear

FORMAT = "nnlite sparse network 1"


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
    about = json.dumps({"format": FORMAT, "layers": kinds, "input_shape": input_shape})
    with replace_when_done(path) as file:
        np.savez(file, architecture=about, **arrays)


def read_layers(content):
    """(layers, input_shape) of the bytes of such a file; raises many errors for others."""
    arrays = read_npz(content)
    about = json.loads(str(arrays["architecture"]))
    if about["format"] != FORMAT:
        raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
    layers = [rebuilt(arrays, i, kind) for i, kind in enumerate(about["layers"])]
    return layers, tuple(about["input_shape"])


def rebuilt(arrays, i, kind):
    """The i-th layer of a file."""
    part = {name.split(".", 1)[1]: a for name, a in arrays.items() if name.startswith(f"{i}.")}
    if "conv" in kind:
        conv = rebuild("Conv2D", kind["conv"])
        for p, value in zip(conv.params, (part["w"], part["b"])):
            if value.shape != p.value.shape:
                raise ValueError(f"layer {i} has weights of shape {value.shape}")
            p.value = value
        return Convolution(conv, tuple(kind["shape"]), kind["relu"])
    if "csr" in kind:
        csr = part["data"], part["indices"], part["indptr"]
        return Linear(scipy.sparse.csr_array(csr, shape=kind["csr"]), part["b"], kind["relu"])
    return Linear(part["matrix"], part["b"], kind["relu"])
