"""What is differentiated, and what the answers are: plain NumPy in float64."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workloads import Floats

WIDTHS = (40, 100, 100, 10)  # tanh but for the last layer; squared error, mean over the samples
BATCHES = (1, 32, 256)
TASKS = {
    "per_sample": "gradients of each sample",
    "inputs": "Jacobian by the inputs",
    "theta": "Jacobian by θ",
    "hessian": "Hessian · v",
}
CHECKED = 4  # samples whose rows are compared: all would fill the memory

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """X (n, 40), y (n, 10), and in nnbind's order θ and v (parameters,)."""

    X: Floats
    y: Floats
    theta: Floats
    v: Floats


def make_problem(batch: int) -> Problem:
    """The same arrays in every process."""
    random = np.random.default_rng(1)
    size = sum((p + 1) * q for p, q in pairwise(WIDTHS))
    theta, v = np.zeros(size), random.standard_normal(size)
    for weights, bias in layers(theta):
        weights[:] = random.normal(0.0, np.sqrt(1 / len(weights)), weights.shape)
        bias[:] = random.normal(0.0, 0.1, bias.shape)
    X = random.standard_normal((batch, WIDTHS[0]))
    y = random.standard_normal((batch, WIDTHS[-1]))
    return Problem(*(a.astype(np.float32) for a in (X, y, theta, v)))


def layers(theta: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Views of each layer's weights (inputs, units) and bias (units,) in `theta`."""
    start = 0
    for inputs, units in pairwise(WIDTHS):
        block = theta[start : start + (inputs + 1) * units].reshape(inputs + 1, units)
        yield block[:-1], block[-1]
        start += block.size


def answers(problem: Problem) -> dict[str, Doubles]:
    """The right result of each task; those of each sample for the first few."""
    n = len(problem.X)
    X, y, theta, v = (a.astype(float) for a in (problem.X, problem.y, problem.theta, problem.v))
    few = slice(CHECKED)
    values = forward(X[few], theta)
    units = np.eye(WIDTHS[-1])
    jacobians = [backward(values, theta, np.tile(unit, (len(values[0]), 1))) for unit in units]
    errors = 2 * (values[-1] - y[few])
    return {
        "per_sample": backward(values, theta, errors)[0],
        "inputs": np.stack([by_inputs for _, by_inputs in jacobians], axis=1),
        "theta": np.stack([by_theta for by_theta, _ in jacobians], axis=1),
        "hessian": hessian_vector_product(X, y, theta, v) / n,
    }


def forward(X: Doubles, theta: Doubles) -> list[Doubles]:
    """The values of X and of each layer."""
    values = [X]
    for k, (weights, bias) in enumerate(layers(theta)):
        t = values[-1] @ weights + bias
        values.append(t if k == len(WIDTHS) - 2 else np.tanh(t))
    return values


def backward(values: list[Doubles], theta: Doubles, delta: Doubles) -> tuple[Doubles, Doubles]:
    """For each row, its gradients by θ and by X; `delta` (n, outputs) is that by the output."""
    by_theta = np.zeros((len(delta), theta.size))
    blocks = [list(layers(row)) for row in by_theta]
    for k, (weights, _) in reversed(list(enumerate(layers(theta)))):
        for i, block in enumerate(blocks):
            block[k][0][:], block[k][1][:] = np.outer(values[k][i], delta[i]), delta[i]
        delta = delta @ weights.T
        if k > 0:
            delta = delta * (1 - values[k] ** 2)
    return by_theta, delta


def hessian_vector_product(X: Doubles, y: Doubles, theta: Doubles, v: Doubles) -> Doubles:
    """Of Σ (y - f)²: the derivative of backpropagation along v (Pearlmutter, 1994)."""
    values, moves = forward(X, theta), [np.zeros_like(X)]  # of each value, along v
    parameters, directions = list(layers(theta)), list(layers(v))
    for k, (weights, _) in enumerate(parameters):
        to_weights, to_bias = directions[k]
        move = moves[k] @ weights + values[k] @ to_weights + to_bias
        moves.append(move if k == len(parameters) - 1 else move * (1 - values[k + 1] ** 2))
    delta, delta_move = 2 * (values[-1] - y), 2 * moves[-1]
    product = np.zeros(theta.size)
    for k, (to_weights, to_bias) in reversed(list(enumerate(layers(product)))):
        to_weights[:] = moves[k].T @ delta + values[k].T @ delta_move
        to_bias[:] = delta_move.sum(axis=0)
        weights, direction = parameters[k][0], directions[k][0]
        below, below_move = delta @ weights.T, delta_move @ weights.T + delta @ direction.T
        slope = 1 - values[k] ** 2
        delta = below * slope
        delta_move = below_move * slope - 2 * below * values[k] * moves[k]
    return product
