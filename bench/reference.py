"""The truth every library is held to: the same epoch in plain NumPy and float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workloads import Problem, Workload

Layers = list[list[NDArray[np.float64]]]  # [weights, bias] of each layer


def loss_of(problem: Problem, theta: NDArray[Any]) -> float:
    """Mean cross-entropy of the network with parameters `theta` over all samples."""
    layers = _layers(problem, theta)
    p = _forward(problem.workload, layers, problem.X.astype(np.float64))[-1]
    if problem.workload.binary:
        p = np.hstack([1 - p, p])
    return float(-np.log(p[np.arange(len(problem.y)), problem.y]).mean())


def loss_after_epoch(problem: Problem) -> float:
    """The loss an exact library reaches after one epoch of SGD in the problem's sample order."""
    layers = _layers(problem, problem.theta)
    for rows in problem.order.reshape(-1, problem.workload.batch_size):
        _step(problem.workload, layers, problem.X[rows], problem.y[rows])
    return loss_of(problem, np.concatenate([part.ravel() for layer in layers for part in layer]))


def _layers(problem: Problem, theta: NDArray[Any]) -> Layers:
    return [
        [weights.astype(np.float64), bias.astype(np.float64)]
        for weights, bias in problem.workload.layers(theta)
    ]


def _forward(workload: Workload, layers: Layers, X: NDArray[Any]) -> list[NDArray[np.float64]]:
    """X and the outputs of every layer, the last one's as probabilities."""
    outputs = [X]
    for weights, bias in layers[:-1]:
        t = outputs[-1] @ weights + bias
        outputs.append(np.tanh(t) if workload.activation == "tanh" else np.maximum(t, 0))
    scores = outputs[-1] @ layers[-1][0] + layers[-1][1]
    if workload.binary:
        outputs.append(1 / (1 + np.exp(-scores)))
    else:
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        outputs.append(exponentials / exponentials.sum(axis=1, keepdims=True))
    return outputs


def _step(workload: Workload, layers: Layers, X: NDArray[Any], y: NDArray[np.int64]) -> None:
    outputs = _forward(workload, layers, X)
    # Of sigmoid or softmax and cross-entropy together: dT = (probabilities - targets) / m.
    targets = y[:, None] if workload.binary else np.eye(workload.widths[-1])[y]
    delta = (outputs[-1] - targets) / len(y)
    for (weights, bias), values in zip(reversed(layers), reversed(outputs[:-1]), strict=True):
        slope = 1 - values**2 if workload.activation == "tanh" else values > 0
        delta_below = (delta @ weights.T) * slope
        weights -= workload.learning_rate * (values.T @ delta)
        bias -= workload.learning_rate * delta.sum(axis=0)
        delta = delta_below
