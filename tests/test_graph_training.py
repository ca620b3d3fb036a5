"""Training graphs: normalizations, their modes and their state; threads; chains as before."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import MIXED, assert_close, build, fit, same_bits

EPSILON, MOMENTUM = 1e-3, 0.3


def batch_normed(dtype: Any = np.float64, seed: int = 0) -> nn.Network:
    """x -> batch normalization alone, of three columns."""
    norm = nn.BatchNorm(MOMENTUM, EPSILON, name="norm")
    return nn.Sequential(nn.Input(3), norm, seed=seed, dtype=dtype)


def normalized(x: Any, mean: Any, variance: Any) -> Any:
    return (x - mean) / np.sqrt(variance + EPSILON)


def data(rng: np.random.Generator, n: int = 20) -> tuple[Any, Any]:
    return rng.normal(2.0, 3.0, size=(n, 3)), rng.normal(size=(n, 3))


# ---- batch normalization ---------------------------------------------------------------------


def test_batch_norm_takes_the_batch_in_training_and_the_running_statistics_elsewhere(
    rng: np.random.Generator,
) -> None:
    net, (x, y) = batch_normed(), data(rng)
    net.parameters["norm"][:] = [[1.5, 0.5, -1.0], [0.25, -0.5, 1.0]]
    net.state = np.array([0.5, 1.0, 2.0, 4.0, 2.0, 1.0])
    scale, shift = net.parameters["norm"]
    of_batch = scale * normalized(x, x.mean(0), x.var(0)) + shift
    of_running = scale * normalized(x, net.state[:3], net.state[3:]) + shift
    assert_close(net.predict(x), of_running)
    assert net.evaluate(x, y, loss="mse")["loss"] == pytest.approx(np.mean((of_running - y) ** 2))
    losses = [net.loss_and_gradient(x, y, "mse", training=mode)[0] for mode in (False, True)]
    assert_close(losses, [np.mean((of_running - y) ** 2), np.mean((of_batch - y) ** 2)])
    assert_close(net.train_step(x, y, loss="mse", optimizer=nn.SGD(0.1)), losses[1])


def test_steps_alone_move_the_running_statistics(rng: np.random.Generator) -> None:
    net, (x, y) = batch_normed(), data(rng)
    start = net.state.copy()
    net.predict(x)
    net.evaluate(x, y, loss="mse")
    net.loss_and_gradient(x, y, "mse", training=True)
    nn.check_gradients(net, x, y, "mse", training=True)
    assert same_bits(net.state, start)
    expected = start
    for batch in (x[:8], x[8:]):
        net.train_step(batch, y[: len(batch)], loss="mse", optimizer=nn.SGD(0.1))
        of_batch = np.concatenate([batch.mean(0), batch.var(0, ddof=1)])
        expected = (1 - MOMENTUM) * expected + MOMENTUM * of_batch
        assert_close(net.state, expected)


def test_fits_move_the_running_statistics_batch_by_batch(rng: np.random.Generator) -> None:
    net, (x, y) = batch_normed(), data(rng)
    fit(net, x, y, loss="mse", epochs=2, batch_size=8, shuffle=False)
    expected = np.array([0.0, 0, 0, 1, 1, 1])
    for first in (0, 8, 16, 0, 8, 16):
        batch = x[first : first + 8]
        of_batch = np.concatenate([batch.mean(0), batch.var(0, ddof=1)])
        expected = (1 - MOMENTUM) * expected + MOMENTUM * of_batch
    assert_close(net.state, expected)
    net.reset()
    np.testing.assert_array_equal(net.state, [0, 0, 0, 1, 1, 1])


def test_validation_uses_the_running_statistics(rng: np.random.Generator) -> None:
    net, (x, y) = batch_normed(), data(rng)
    history = fit(net, x, y, loss="mse", epochs=3, validation_data=(x[:5], y[:5]))
    assert history.val_loss[-1] == pytest.approx(net.evaluate(x[:5], y[:5], loss="mse")["loss"])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("norm", [nn.BatchNorm, nn.LayerNorm])
def test_gradients_of_normalizations_are_right(
    norm: Any, training: bool, rng: np.random.Generator
) -> None:
    layers = [nn.Dense(5, "tanh"), norm(), nn.Dense(4, "gelu", dropout=0.3), norm(), nn.Dense(2)]
    net = nn.Sequential(nn.Input(3), *layers, dtype=np.float64)
    net.theta[:] += rng.normal(scale=0.2, size=net.theta.size)
    net.state = np.abs(net.state + rng.normal(scale=0.2, size=net.state.size))
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    report = nn.check_gradients(net, x, y, "mse", training=training)
    assert report.ok, report


def test_layer_norm_takes_each_row(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Input(3), nn.LayerNorm(EPSILON), nn.identity, dtype=np.float64)
    x, _ = data(rng)
    expected = normalized(x, x.mean(1, keepdims=True), x.var(1, keepdims=True))
    assert_close(net.predict(x), expected)
    assert net.state.size == 0


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((6, 1))])
def test_a_state_of_another_shape_is_refused(values: Any) -> None:
    net = batch_normed()
    with pytest.raises(nn.ShapeError, match=r"\[Network\.state\] state has .*expected \(6,\)"):
        net.state = values


def test_the_best_epoch_comes_back_with_its_running_statistics(rng: np.random.Generator) -> None:
    net, (x, y) = batch_normed(), data(rng)
    seen: list[Any] = []
    history = fit(net, x, y, loss="mse", epochs=20, optimizer=nn.SGD(1.1), batch_size=5,
                  validation_data=(x + 1, -y), early_stopping=nn.EarlyStopping(3),
                  callbacks=[lambda network, _: seen.append(network.state.copy())])  # fmt: skip
    assert history.best_epoch is not None
    assert history.best_epoch < history.epochs - 1
    assert same_bits(net.state, seen[history.best_epoch])


def test_a_divergence_leaves_finite_running_statistics(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Input(3), nn.Dense(4), nn.BatchNorm(), nn.Dense(3), dtype=np.float32)
    x, y = data(rng)
    with pytest.raises(nn.DivergenceError):
        fit(net, x, y, loss="mse", epochs=50, optimizer=nn.SGD(1e20))
    assert np.all(np.isfinite(net.state))


def test_a_step_that_is_not_made_moves_no_statistics(rng: np.random.Generator) -> None:
    net, (x, y) = batch_normed(np.float32), data(rng)
    before = net.state.copy()
    with pytest.raises(nn.DivergenceError):
        net.train_step(x, y * 1e30, loss="mse", optimizer=nn.SGD(0.1))
    assert same_bits(net.state, before)


# ---- dropout as a node -----------------------------------------------------------------------


def test_dropout_works_in_training_alone(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Input(400), nn.Dropout(0.25), nn.identity, dtype=np.float64)
    x = np.ones((50, 400))
    assert same_bits(net.predict(x), x)
    # f is 0 or 4/3: the mean of f² is 4/3 where 3 of 4 elements are kept.
    square = net.loss_and_gradient(x, np.zeros_like(x), "mse", training=True)[0]
    assert square == pytest.approx(4 / 3, rel=0.02)
    assert net.loss_and_gradient(x, np.zeros_like(x), "mse")[0] == 1


# ---- the same bits ---------------------------------------------------------------------------


def wide_graph(dtype: Any) -> nn.Network:
    """Norms, fixed parameters, shared layers, skips and two outputs, with work for threads."""
    x = nn.Input(24, "x")
    layer = nn.Dense(48, "tanh")
    h = nn.BatchNorm()(nn.Dense(48, "relu")(x))
    h = layer(layer(h)) + h * nn.Parameter((1, 48), "normal")
    mixed = h @ (nn.Parameter((48, 40), "glorot_normal") * nn.Parameter(0.5))
    g = nn.LayerNorm()(nn.concatenate([mixed, nn.Dropout(0.2)(h), x]))
    heads = {"value": nn.Dense(3)(g), "label": nn.Dense(4, "softmax")(nn.BatchNorm()(g))}
    return nn.Network(x, heads, dtype=dtype, seed=3)


@pytest.mark.usefixtures("restore_threads")
def test_graphs_train_to_the_same_bits_with_any_number_of_threads(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(700, 24)).astype(dtype)
    y = {"value": rng.normal(size=(700, 3)).astype(dtype), "label": rng.integers(4, size=700)}

    def trained(threads: int) -> list[Any]:
        nn.set_num_threads(threads)
        net = wide_graph(dtype)
        history = fit(net, x, y, loss={"value": "mse", "label": "cross_entropy"}, epochs=2,
                      batch_size=300, optimizer=nn.Adam(0.01), metrics=["accuracy"],
                      validation_data=(x[:200], {k: v[:200] for k, v in y.items()}))  # fmt: skip
        numbers = [history.loss, history.val_loss, *history.metrics.values()]
        outputs = net.predict(x)
        return [net.theta, net.state, np.array(numbers), outputs["value"], outputs["label"]]

    one = trained(1)
    for threads in (2, 3):
        assert all(map(same_bits, one, trained(threads)))


def test_a_chain_is_the_function_it_always_was(dtype: Any) -> None:
    """θ is drawn layer after layer, and the written graph is the same as the chain."""
    net = build(MIXED, dtype, seed=11)
    node = source = nn.Input(MIXED[0].inputs)
    for k in MIXED:
        activation = nn.Activation(k.activation, **k.options)
        node = nn.Dense(k.units, activation, bias=k.bias)(node)  # type: ignore[assignment]
    graph = nn.Network(source, node, seed=11, dtype=dtype)
    assert same_bits(graph.theta, net.theta)
    x = np.random.default_rng(0).normal(size=(9, 5)).astype(dtype)
    assert same_bits(graph.predict(x), net.predict(x))
    expected = ref.forward(MIXED, net.theta.astype(float), x.astype(float))[1][-1]
    assert_close(graph.predict(x), expected, 1e-12 if dtype is np.float64 else 1e-5)


PROMISED = [
    1.0525876000266894, 0.11914005502234899, 1.018669224868046, -0.11611676711292244,
    -0.10404743907402315, 0.5937394440338163, 0.0, 0.0,
    -0.16227669096286765, -0.20660305461545578, 0.0,
]  # fmt: skip


def test_the_first_parameters_of_a_seed_stay_the_same() -> None:
    """The draws of version 0.1: a seed is a promise."""
    net = nn.mlp(3, [2], 1, activation="tanh", seed=7, dtype=np.float64)
    assert_close(net.theta, PROMISED, 1e-15)
