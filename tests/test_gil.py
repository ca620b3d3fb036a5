"""The interpreter is free while the core computes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, ticks_during

# Each a single call of some tens of milliseconds.
COMPUTES: dict[str, Callable[[nn.Network, Any, Any], object]] = {
    "fit": lambda net, x, y: fit(net, x, y, loss="mse", epochs=3, batch_size=32),
    "train_step": lambda net, x, y: net.train_step(x, y, loss="mse", optimizer=nn.SGD(0.1)),
    "loss_and_gradient": lambda net, x, y: net.loss_and_gradient(x, y, "mse"),
    "evaluate": lambda net, x, y: net.evaluate(x, y, loss="mse"),
    "predict": lambda net, x, _: net.predict(x),
    "trace": lambda net, x, y: net.trace(x[:6000], y[:6000], loss="mse"),
    "activations": lambda net, x, _: net.activations(x),
    "input_gradient": lambda net, x, y: net.input_gradient(x, y, "mse"),
    "per_sample_gradients": lambda net, x, y: net.per_sample_gradients(x[:2700], y[:2700], "mse"),
    "jacobian": lambda net, x, _: net.jacobian(x[:6000]),
    "hessian_vector_product": lambda net, x, y: net.hessian_vector_product(
        x[:6000], y[:6000], "mse", np.ones(net.parameter_count)
    ),
}


@pytest.mark.parametrize("name", list(COMPUTES))
@pytest.mark.usefixtures("restore_threads")
def test_other_python_threads_go_on_during(name: str, rng: np.random.Generator) -> None:
    nn.set_num_threads(1)  # for it to take long
    net = nn.mlp(64, [512], 10)
    x, y = (rng.normal(size=(40_000, width)).astype(np.float32) for width in (64, 10))
    ticks = ticks_during(lambda: COMPUTES[name](net, x, y))
    assert ticks >= 3  # a held lock lets it tick once at most


def test_a_fit_in_a_thread_leaves_the_main_thread_at_work(rng: np.random.Generator) -> None:
    net = nn.mlp(64, [256], 10)
    x, y = (rng.normal(size=(4000, width)).astype(np.float32) for width in (64, 10))
    ticks = 0
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(fit, net, x, y, loss="mse", epochs=20, batch_size=32)
        while not training.done():
            time.sleep(0.001)
            ticks += 1
    assert training.result().epochs == 20
    assert ticks >= 3
