"""Dense networks in PyTorch, ONNX Runtime and OpenVINO, for inference, each in its best form.

    predict = engine(weights, parts)

weights   [(w, b), ...], see shared/networks.py
parts     images (n, 28, 28, 1), each as many: the batches that the network is given
predict   a function of nothing: the outputs for all images

As many threads as OMP_NUM_THREADS says, float32, denormal numbers taken as zero.
"""

import os

import numpy as np

from shared.networks import IMAGE, channels_first, convolutions_and_dense, torch_images, torch_model


def threads():
    return int(os.environ["OMP_NUM_THREADS"])


def torch_with_threads():
    import torch

    torch.set_num_threads(threads())
    torch.set_flush_denormal(True)
    return torch


def pytorch(weights, parts):
    torch = torch_with_threads()
    model, parts = torch_model(weights).eval(), [torch_images(x) for x in parts]
    return torch.inference_mode()(lambda: torch.cat([model(x) for x in parts]).numpy())


def onnx_runtime(weights, parts):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    graph = onnx_graph(weights, len(parts[0]))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    parts = [in_channels_first(x) for x in parts]
    return lambda: np.concatenate([session.run(None, {"x": x})[0] for x in parts])


def openvino(weights, parts):
    os.environ["CI"] = "true"  # or importing it starts a process that reports its use to its makers
    import openvino

    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads(),
        "INFERENCE_PRECISION_HINT": "f32",
        "CPU_DENORMALS_OPTIMIZATION": True,
    }
    core = openvino.Core()
    model = core.read_model(onnx_graph(weights, len(parts[0])))
    request = core.compile_model(model, "CPU", options).create_infer_request()
    parts = [in_channels_first(x) for x in parts]

    def outputs(x):
        return request.infer([x], share_inputs=True)[0]

    return lambda: np.concatenate([outputs(x) for x in parts])


def in_channels_first(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def onnx_graph(weights, batch):
    """The network as the bytes of an ONNX file, for images (batch, C, H, W)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, arrays = [], []

    def append(operation, *constants, **attributes):
        names = [f"{operation} {len(nodes)}, {i}" for i in range(len(constants))]
        arrays.extend(map(numpy_helper.from_array, constants, names))
        x = nodes[-1].output[0] if nodes else "x"
        nodes.append(helper.make_node(operation, [x, *names], [str(len(nodes))], **attributes))

    convolutions, dense = convolutions_and_dense(channels_first(weights))
    for w, b in convolutions:
        append("Conv", w.transpose(3, 2, 0, 1), b, auto_pad="SAME_UPPER")
        append("Relu")
    append("Flatten")
    for w, b in dense:
        append("Gemm", w, b)
        append("Relu")
    nodes.pop()  # the outputs are raw

    def tensor(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    x = tensor("x", (batch, IMAGE[2], *IMAGE[:2]))
    y = tensor(nodes[-1].output[0], (batch, len(b)))
    graph = helper.make_graph(nodes, "network", [x], [y], arrays)
    old = {"ir_version": 10, "opset_imports": [helper.make_opsetid("", 17)]}  # all engines read it
    return helper.make_model(graph, **old).SerializeToString()
