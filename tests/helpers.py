"""What several test files share: networks made from the reference's layers, data, comparison."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnbind as nn
import reference as ref

LOSS_CLASSES: dict[str, Callable[..., nn.Loss]] = {
    "squared_error": nn.SquaredError,
    "mse": nn.MeanSquaredError,
    "absolute_error": nn.AbsoluteError,
    "huber": nn.Huber,
    "hinge": nn.Hinge,
    "perceptron": nn.PerceptronCriterion,
    "poisson": nn.Poisson,
    "binary_cross_entropy": nn.BinaryCrossEntropy,
    "cross_entropy": nn.CrossEntropy,
}

# Several activations, a layer without a bias, options: one network that has everything.
MIXED = [
    ref.Layer(5, 7, "tanh"),
    ref.Layer(7, 6, "leaky_relu", alpha=0.2),
    ref.Layer(6, 8, "gelu", bias=False),
    ref.Layer(8, 9, "softplus"),
    ref.Layer(9, 6, "silu"),
    ref.Layer(6, 3, "identity"),
]


def build(layers: list[ref.Layer], dtype: Any = np.float64, seed: int = 0) -> nn.Network:
    """The nnbind network that the reference's layers describe."""
    dense = [
        nn.Dense(
            layer.units,
            nn.Activation(layer.activation, **layer.options),
            bias=layer.bias,
            l1=layer.l1,
            l2=layer.l2,
        )
        for layer in layers
    ]
    return nn.Sequential(nn.Input(layers[0].inputs), *dense, seed=seed, dtype=dtype)


def randomize(net: nn.Network, rng: np.random.Generator, scale: float = 0.5) -> None:
    """Give every parameter, biases too, a value of its own."""
    net.theta[:] = rng.normal(scale=scale, size=net.theta.shape)


def with_output(layers: list[ref.Layer], activation: str) -> list[ref.Layer]:
    last = layers[-1]
    return [*layers[:-1], ref.Layer(last.inputs, last.units, activation)]


def targets(loss: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Random targets that the loss can take."""
    if loss in ("hinge", "perceptron"):
        return rng.choice([-1.0, 1.0], size=shape)
    if loss == "poisson":
        return rng.poisson(2.0, size=shape).astype(float)
    if loss == "binary_cross_entropy":
        return rng.uniform(0.0, 1.0, size=shape)
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(shape[1]), size=shape[0])
    return rng.normal(size=shape)


def problem(rng: np.random.Generator, n: int = 23) -> tuple[nn.Network, Any, Any]:
    """A small regression: a network and its X and y."""
    net = nn.mlp(4, [6, 5], 2, activation="tanh", dtype=np.float64)
    return net, rng.normal(size=(n, 4)), rng.normal(size=(n, 2))


def fit(net: nn.Network, x: Any, y: Any, **options: Any) -> nn.History:
    """net.fit without a progress bar."""
    return net.fit(x, y, **{"progress": False, **options})


def assert_close(actual: Any, expected: Any, tolerance: float = 1e-12) -> None:
    """The largest error is within `tolerance` of the largest value (or of 1e-3 of a tiny one)."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    error = np.max(np.abs(actual - expected), initial=0.0)
    size = np.max(np.abs(expected), initial=1e-3)
    assert error <= tolerance * size, f"error {error:.3e} against values of size {size:.3e}"


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def python_command(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def run_program(command: list[str], timeout: float = 60, **environment: str) -> str:
    """What a program prints; its failure or a hang fails the test, and leaves no process behind."""
    with subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            printed, errors = program.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)  # its children hold the pipes
            raise
    assert program.returncode == 0, errors
    return printed


def run_python(code: str, timeout: float = 60, **environment: str) -> str:
    """What a fresh interpreter prints for `code`."""
    return run_program(python_command(code), timeout, **environment)


def search_path() -> str:
    """PYTHONPATH by which a fresh interpreter finds the modules beside this one."""
    return os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])


def ticks_during(work: Callable[[], object]) -> int:
    """How often another thread of Python's could run, a thousand times a second at most."""
    ticks, done = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    before = ticks
    work()
    during = ticks - before
    done.set()
    thread.join()
    return during
