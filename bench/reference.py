"""The truth every library is held to: the same epoch in plain NumPy and float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workloads import Problem

Layers = list[list[NDArray[np.float64]]]  # [weights, bias] of each layer


def loss_of(problem: Problem, theta: NDArray[Any]) -> float:
    """Mean cross-entropy of the network with parameters `theta` over all samples."""
    layers = _layers(problem, theta)
    probabilities = _forward(layers, problem.X.astype(np.float64))[-1]
    return float(-np.log(probabilities[np.arange(len(problem.y)), problem.y]).mean())


def loss_after_epoch(problem: Problem) -> float:
    """The loss an exact library reaches after one epoch of SGD in the problem's sample order."""
    layers = _layers(problem, problem.theta)
    for rows in problem.order.reshape(-1, problem.workload.batch_size):
        _step(layers, problem.X[rows], problem.y[rows], problem.workload.learning_rate)
    return loss_of(problem, np.concatenate([part.ravel() for layer in layers for part in layer]))


def _layers(problem: Problem, theta: NDArray[Any]) -> Layers:
    return [
        [weights.astype(np.float64), bias.astype(np.float64)]
        for weights, bias in problem.workload.layers(theta)
    ]


def _forward(layers: Layers, X: NDArray[Any]) -> list[NDArray[np.float64]]:
    """X and the outputs of every layer, the last one's as probabilities."""
    outputs = [X]
    for weights, bias in layers:
        outputs.append(np.maximum(outputs[-1] @ weights + bias, 0))
    scores = outputs[-2] @ layers[-1][0] + layers[-1][1]
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    outputs[-1] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return outputs


def _step(layers: Layers, X: NDArray[Any], y: NDArray[np.int64], learning_rate: float) -> None:
    outputs = _forward(layers, X)
    delta = outputs[-1]  # softmax and cross-entropy together: dT = (probabilities - onehot) / m
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    for (weights, bias), inputs in zip(reversed(layers), reversed(outputs[:-1]), strict=True):
        delta_below = (delta @ weights.T) * (inputs > 0)
        weights -= learning_rate * (inputs.T @ delta)
        bias -= learning_rate * delta.sum(axis=0)
        delta = delta_below
