"""JAX at its best: a whole epoch compiled into one program, `jit` of a `lax.scan`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers import Session
from bench.workloads import Floats, Problem, Workload

Layers = list[tuple[Any, Any]]


def mean_loss(workload: Workload, layers: Layers, X: Any, y: Any) -> Any:
    """Cross-entropy of the logits, averaged over the rows of X."""
    *hidden, (last_weights, last_bias) = layers
    for weights, bias in hidden:
        t = X @ weights + bias
        X = jnp.tanh(t) if workload.activation == "tanh" else jax.nn.relu(t)
    logits = X @ last_weights + last_bias
    if workload.binary:
        return (jax.nn.softplus(logits[:, 0]) - y * logits[:, 0]).mean()
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()


def prepare(problem: Problem) -> Session:
    workload = problem.workload
    layers = jax.tree.map(jnp.asarray, list(workload.layers(problem.theta)))
    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)
    order = jnp.asarray(problem.order.reshape(-1, workload.batch_size))

    def epoch(layers: Layers, X: Any, y: Any, order: Any) -> Layers:
        def step(layers: Layers, rows: Any) -> tuple[Layers, None]:
            gradient = jax.grad(partial(mean_loss, workload))(layers, X[rows], y[rows])
            rate = workload.learning_rate
            return jax.tree.map(lambda p, g: p - rate * g, layers, gradient), None

        layers, _ = jax.lax.scan(step, layers, order)
        return layers

    compiled_epoch = jax.jit(epoch)

    def train(epochs: int) -> None:
        nonlocal layers
        for _ in range(epochs):
            layers = compiled_epoch(layers, X, y, order)
        jax.block_until_ready(layers)

    def theta() -> Floats:
        return np.concatenate([np.ravel(part) for layer in layers for part in layer])

    return Session(train, theta, jax.__version__, "XLA")
