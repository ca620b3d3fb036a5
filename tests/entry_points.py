"""The entry points of a network, each called with X and y of the caller, the rest in order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, same_bits

TRAINING: dict[str, Callable[..., Any]] = {
    "fit": lambda net, x, y, loss="mse", **k: fit(net, x, y, loss=loss, epochs=1, **k),
    "train_step": lambda net, x, y, loss="mse", **k: net.train_step(
        x, y, loss=loss, optimizer=nn.SGD(0.1), **k
    ),
    "loss_and_gradient": lambda net, x, y, loss="mse", **k: net.loss_and_gradient(x, y, loss, **k),
    "evaluate": lambda net, x, y, loss="mse", **k: net.evaluate(x, y, loss=loss, **k),
    "input_gradient": lambda net, x, y, loss="mse", **k: net.input_gradient(x, y, loss, **k),
    "per_sample_gradients": lambda net, x, y, loss="mse", **k: net.per_sample_gradients(
        x, y, loss, **k
    ),
    "hessian_vector_product": lambda net, x, y, loss="mse", **k: net.hessian_vector_product(
        x, y, loss, np.ones(net.parameter_count), **k
    ),
}
ENTRIES = {**TRAINING, "predict": lambda net, x, _: net.predict(x)}

X = np.arange(18.0).reshape(6, 3) / 7
Y = np.arange(12.0).reshape(6, 2) / 5
LABELS = np.array([0, 1, 1, 0, 1, 0])


def network(dtype: Any = np.float64, output: str = "identity") -> nn.Network:
    return nn.mlp(3, [4], 2, output=output, dtype=dtype)


def spoiled(array: Any, row: int, value: float) -> Any:
    array = array.copy()
    array[(row, *[-1] * (array.ndim - 1))] = value
    return array


def refused(
    entry: str, error: type[Exception], message: str, x: Any, y: Any, **options: Any
) -> None:
    """The entry point raises `error` with "[Network.entry] ... message" and moves no parameter."""
    net = network(output=options.pop("output", "identity"))
    before = net.theta.copy()
    with pytest.raises(error, match=rf"^\[Network\.{entry}\] .*{message}"):
        ENTRIES[entry](net, x, y, **options)
    assert same_bits(net.theta, before)


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a
