"""A Sequential as an ONNX graph, which ONNX Runtime computes for any number of images.

ONNX's convolutions take (N, C, H, W), everything else here stays (N, H, W, C): each Conv stands
between two Transposes, and Flatten numbers neurons as nnlite does.  Zeros around an image are
written out, because those of "same" depend on its size.
"""

import numpy as np
import onnxruntime
from agreement import digits
from onnx import TensorProto, helper, numpy_helper

import nnlite as nn

SAME = {"ReLU": "Relu", "Dropout": "Identity"} | {k: k for k in ("Flatten", "Sigmoid", "Tanh")}


def to_onnx(model, input_shape):
    """The ONNX model of a model for images of input_shape, (H, W, C) or (features,)."""
    nodes, weights, name, x = [], [], "images", np.zeros((1, *input_shape), np.float32)

    def add(kind, *arrays, **attributes):
        nonlocal name
        new = [f"{len(nodes)}.{k}" for k in range(len(arrays))]
        weights.extend(numpy_helper.from_array(a.astype("f4"), k) for k, a in zip(new, arrays))
        inputs, name = [name, *new], f"{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))

    for layer in model.layers:
        if isinstance(layer, nn.Conv2D):
            ((top, bottom), (left, right)), _ = layer.geometry(*x.shape[1:3])
            options = {"pads": [top, left, bottom, right], "strides": layer.stride}
            add("Transpose", perm=(0, 3, 1, 2))
            add("Conv", layer.w.value.transpose(3, 2, 0, 1), layer.b.value, **options)
            add("Transpose", perm=(0, 2, 3, 1))
        elif isinstance(layer, nn.Dense):
            add("Gemm", layer.w.value, layer.b.value)
        elif type(layer).__name__ in SAME:
            add(SAME[type(layer).__name__])
        else:
            raise ValueError(f"{layer} is not one of nnlite's layers; add its ONNX nodes above")
        x = layer.forward(x)
    first, last = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, ["N", *shape])
        for end, shape in (("images", input_shape), (name, x.shape[1:]))
    ]
    graph = helper.make_graph(nodes, "nnlite", [first], [last], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    images = nn.data.strokes.make_digits(100, rng)[0]
    dense = [nn.Flatten(), nn.Dense(784, 100, rng=rng), nn.Tanh(), nn.Dense(100, 10, rng=rng)]
    conv = [nn.Conv2D(1, 8, 5, 2, rng=rng), nn.ReLU(), nn.Flatten(), nn.Dense(1568, 10, rng=rng)]
    for name, model in (("dense", nn.Sequential(dense)), ("conv", nn.Sequential(conv))):
        graph = to_onnx(model, (28, 28, 1)).SerializeToString()
        (outputs,) = onnxruntime.InferenceSession(graph).run(None, {"images": images})
        print(f"{name}: {digits(outputs, model.predict(images))}")
