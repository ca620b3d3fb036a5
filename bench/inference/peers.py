"""How each library is asked for a prediction, from a NumPy array to a NumPy array."""

import importlib.util
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import machine
from bench.inference.workload import Workload, parameters, samples

Ways = dict[str, Callable[[], Any]]  # by title


def nnbind(workload: Workload) -> Ways:
    import nnbind as nn

    inputs, *hidden, outputs = workload.widths
    net = nn.mlp(inputs, hidden, outputs, workload.activation, dtype=np.float32)
    net.theta[:] = np.concatenate([np.ravel(p) for layer in parameters(workload) for p in layer])
    X = samples(workload)
    out = np.empty((len(X), outputs), np.float32)
    return {
        "nnbind": lambda: net.predict(X),
        "nnbind, out=": lambda: net.predict(X, out=out),
    }


def sklearn(workload: Workload) -> Ways:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    X = samples(workload)
    hidden, g = workload.widths[1:-1], workload.activation
    regressor = MLPRegressor(hidden_layer_sizes=hidden, activation=g, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regressor.fit(X[[0, 0]], np.zeros((2, workload.widths[-1]), np.float32))  # makes the arrays
    regressor.coefs_, regressor.intercepts_ = zip(*parameters(workload), strict=True)
    return {"scikit-learn": lambda: regressor.predict(X)}


def torch(workload: Workload) -> Ways:
    import torch
    from torch import nn

    torch.set_grad_enabled(False)
    modules: list[nn.Module] = []
    for weights, bias in parameters(workload):
        linear = nn.Linear(*weights.shape)
        linear.weight.copy_(torch.from_numpy(weights.T))
        linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, nn.ReLU() if workload.activation == "relu" else nn.Tanh()]
    network = nn.Sequential(*modules[:-1])
    X = samples(workload)
    return {"PyTorch": lambda: network(torch.from_numpy(X)).numpy()}


def jax(workload: Workload) -> Ways:
    import jax
    import jax.numpy as jnp

    layers = [(jnp.asarray(weights), jnp.asarray(bias)) for weights, bias in parameters(workload)]
    g = jax.nn.relu if workload.activation == "relu" else jnp.tanh

    def predict(values: Any) -> Any:
        for weights, bias in layers[:-1]:
            values = g(values @ weights + bias)
        return values @ layers[-1][0] + layers[-1][1]

    compiled = jax.jit(predict)
    X = samples(workload)
    return {"JAX": lambda: np.asarray(compiled(X))}


def onnxruntime(workload: Workload) -> Ways:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, arrays, value = [], [], "X"
    layers = parameters(workload)
    for k, (weights, bias) in enumerate(layers):
        arrays += [
            numpy_helper.from_array(a, f"{kind}{k}")
            for kind, a in zip("Wb", (weights, bias), strict=True)
        ]
        nodes.append(helper.make_node("Gemm", [value, f"W{k}", f"b{k}"], [f"t{k}"]))
        value = f"t{k}"
        if k < len(layers) - 1:
            value = f"y{k}"
            nodes.append(helper.make_node(workload.activation.title(), [f"t{k}"], [value]))
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])]
        for name, width in (("X", workload.widths[0]), (value, workload.widths[-1]))
    ]
    graph = helper.make_graph(nodes, "mlp", *ends, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", machine.cores()))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    X = samples(workload)
    return {"ONNX Runtime": lambda: session.run(None, {"X": X})[0]}


PEERS = {
    "nnbind": nnbind,
    "onnxruntime": onnxruntime,
    "jax": jax,
    "torch": torch,
    "sklearn": sklearn,
}


def installed() -> list[str]:
    """The libraries that can be asked here."""
    needs = {name: (name,) for name in PEERS} | {"onnxruntime": ("onnxruntime", "onnx")}
    return [name for name, modules in needs.items() if all(map(importlib.util.find_spec, modules))]
