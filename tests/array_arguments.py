"""Every argument that takes an array, of every public entry point, with the rest in order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import nnbind as nn
from helpers import fit

# Small integers, which every dtype can hold.
X = np.arange(18).reshape(6, 3) % 5 - 0.0
Y = np.arange(12).reshape(6, 2) % 4 - 0.0
LABELS = np.array([0, 1, 1, 0, 1, 0])
WEIGHT = np.array([1.0, 2, 0, 1, 3, 1])
NAMES = {"loss": "mse"}
A = nn.Input(6)


def mapped(array: Any) -> Any:
    """A memory map of float32, which a network of float64 converts batch by batch."""
    with tempfile.TemporaryFile() as file:
        memory = np.memmap(file, np.float32, "w+", shape=array.shape)
    memory[:] = array
    return memory


MAPPED = mapped(X)


def network(output: str = "identity") -> nn.Network:
    return nn.Sequential(
        nn.Input(3), nn.Dense(4, "tanh"), nn.BatchNorm(), nn.Dense(2, output), dtype=np.float64
    )


@dataclass(frozen=True)
class Argument:
    """``call(net, value)`` with the value in the argument's place; ``good`` is one that fits."""

    entry: str
    name: str
    good: Any
    call: Callable[[nn.Network, Any], Any]
    output: str = "identity"
    real: bool = True
    """Whether any real numbers do; integers alone otherwise."""

    @property
    def of_network(self) -> bool:
        """Whether it is data, and no part of a network that is made of it."""
        return self.entry not in ("Constant", "Parameter", "Dense", "add")

    def __str__(self) -> str:
        return f"{self.entry} {self.name}".replace(" ", "_")


def _of_training(entry: str, call: Callable[..., Any]) -> list[Argument]:
    """X, y, sample_weight and class_weight of what takes them as ``net.evaluate`` does."""
    hot = {"loss": "cross_entropy", "sample_weight": WEIGHT}
    return [
        Argument(entry, "X", X, lambda net, v: call(net, v, Y, **NAMES)),
        Argument(entry, "y", Y, lambda net, v: call(net, X, v, **NAMES)),
        Argument(
            entry, "sample_weight", WEIGHT, lambda net, v: call(net, X, Y, sample_weight=v, **NAMES)
        ),
        Argument(
            entry,
            "y",
            LABELS,
            lambda net, v: call(net, X, v, loss="cross_entropy"),
            output="softmax",
            real=False,
        ),
        Argument(
            entry,
            "class_weight",
            np.array([1.0, 2]),
            lambda net, v: call(net, X, LABELS, class_weight=v, **hot),
            output="softmax",
        ),
        Argument(
            entry,
            "sample_weight",
            WEIGHT,
            lambda net, v: call(
                net, X, LABELS, loss="cross_entropy", sample_weight=v, class_weight="balanced"
            ),
            output="softmax",
        ),
    ]


def _once(net: nn.Network, x: Any, y: Any, **options: Any) -> Any:
    return fit(net, x, y, epochs=2, batch_size=4, **options).loss


def _many(net: nn.Network, x: Any, y: Any, **options: Any) -> Any:
    histories = nn.fit_many([net], x, y, epochs=2, batch_size=4, progress=False, **options)
    return histories[0].loss


def _batches(net: nn.Network, *batch: Any) -> Any:
    return fit(net, [batch], None, loss="mse", epochs=1).loss


def _step(net: nn.Network, x: Any, y: Any, **options: Any) -> Any:
    return net.train_step(x, y, optimizer=nn.Adam(0.1), **options)


def _product(net: nn.Network, x: Any, y: Any, *, loss: Any, **options: Any) -> Any:
    return net.hessian_vector_product(x, y, loss, np.ones(net.parameter_count), **options)


def _set_theta(net: nn.Network, value: Any) -> None:
    net.theta = value


def _set_state(net: nn.Network, value: Any) -> None:
    net.state = value


THETA = np.arange(network().parameter_count) % 3 - 0.0

ARGUMENTS = [
    *_of_training("Network.fit", _once),
    *_of_training("fit_many", _many),
    *_of_training("Network.evaluate", nn.Network.evaluate),
    *_of_training("Network.train_step", _step),
    *_of_training("Network.loss_and_gradient", nn.Network.loss_and_gradient),
    *_of_training("Network.input_gradient", nn.Network.input_gradient),
    *_of_training("Network.per_sample_gradients", nn.Network.per_sample_gradients),
    *_of_training("Network.hessian_vector_product", _product),
    *_of_training("Network.trace", nn.Network.trace),
    Argument("Network.fit", "validation X", X,
             lambda net, v: _once(net, X, Y, loss="mse", validation_data=(v, Y))),
    Argument("Network.fit", "validation y", Y,
             lambda net, v: _once(net, X, Y, loss="mse", validation_data=(X, v))),
    Argument("Network.fit", "validation sample_weight", WEIGHT,
             lambda net, v: _once(net, X, Y, loss="mse", validation_data=(X, Y, v))),
    Argument("Network.fit", "X", X,
             lambda net, v: _once(net, v, Y, loss="mse", validation_fraction=0.3)),
    Argument("Network.fit", "sample_order", np.arange(6)[::-1],
             lambda net, v: _once(net, X, Y, loss="mse", sample_order=v), real=False),
    Argument("Network.fit, batch 0", "X", X, lambda net, v: _batches(net, v, Y)),
    Argument("Network.fit, batch 0", "y", Y, lambda net, v: _batches(net, X, v)),
    Argument("Network.fit, batch 0", "sample_weight", WEIGHT,
             lambda net, v: _batches(net, X, Y, v)),
    Argument("Network.fit", "y", Y, lambda net, v: _once(net, MAPPED, v, loss="mse")),
    Argument("Network.fit", "sample_weight", WEIGHT,
             lambda net, v: _once(net, MAPPED, Y, loss="mse", sample_weight=v)),
    Argument("Network.fit", "sample_order", np.arange(6)[::-1],
             lambda net, v: _once(net, MAPPED, Y, loss="mse", sample_order=v), real=False),
    Argument("fit_many", "samples[0]", np.array([3, 1, 1, 5]),
             lambda net, v: _many(net, X, Y, loss="mse", samples=[v]), real=False),
    Argument("Network.predict", "X", X, nn.Network.predict),
    Argument("Network.activations", "X", X, nn.Network.activations),
    Argument("Network.jacobian", "X", X, nn.Network.jacobian),
    Argument("Network.jacobian", "X", X, lambda net, v: net.jacobian(v, "theta")),
    Argument("Network.hessian_vector_product", "v", THETA,
             lambda net, v: net.hessian_vector_product(X, Y, "mse", v)),
    Argument("check_gradients", "X", X, lambda net, v: nn.check_gradients(net, v, Y, "mse")),
    Argument("check_gradients", "y", Y, lambda net, v: nn.check_gradients(net, X, v, "mse")),
    Argument("diagnose", "X", X, lambda net, v: nn.diagnose(net, v, Y, "mse")),
    Argument("diagnose", "y", Y, lambda net, v: nn.diagnose(net, X, v, "mse")),
    Argument("diagnose", "sample_weight", WEIGHT,
             lambda net, v: nn.diagnose(net, X, Y, "mse", sample_weight=v)),
    Argument("Network.apply_gradient", "gradient", THETA,
             lambda net, v: net.apply_gradient(v, optimizer=nn.Adam(0.1))),
    Argument("Network.theta", "theta", THETA, _set_theta),
    Argument("Network.state", "state", np.arange(8.0), _set_state),
    Argument("Constant", "value", Y, lambda _, v: nn.Network(A, A @ nn.Constant(v))),
    Argument("Parameter", "value", Y, lambda _, v: nn.Network(A, A @ nn.Parameter(v))),
    Argument("Parameter", "init", Y, lambda _, v: nn.Network(A, A @ nn.Parameter((6, 2), v))),
    Argument("Dense", "init", Y, lambda _, v: nn.Network(A, nn.Dense(2, init=v)(A))),
    Argument("add", "value", Y[:, 0], lambda _, v: nn.Network(A, A + v)),
]  # fmt: skip
