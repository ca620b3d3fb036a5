"""Networks of several inputs and outputs: every way to hand them over, and what they learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import assert_close, fit, same_bits

LOSS = {"value": "mse", "label": "binary_cross_entropy"}
WEIGHTS = {"value": 0.7, "label": 2.0}


def network(dtype: Any = np.float64) -> nn.Network:
    """h = tanh([a b] W + c); value = h V + d, and label = sigmoid(h U + e)."""
    a, b = nn.Input(2, "a"), nn.Input(3, "b")
    h = nn.Dense(4, "tanh", name="h")(nn.concatenate([a, b]))
    outputs = {"value": nn.Dense(2)(h), "label": nn.Dense(1, "sigmoid")(h)}
    return nn.Network([a, b], outputs, seed=2, dtype=dtype)


def problem(n: int = 23) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(6)
    x = {"a": rng.normal(size=(n, 2)), "b": rng.normal(size=(n, 3))}
    return x, {"value": rng.normal(size=(n, 2)), "label": rng.integers(2, size=(n, 1)) * 1.0}


def rows(parts: dict[str, Any], of: slice) -> dict[str, Any]:
    return {name: part[of] for name, part in parts.items()}


# ---- against NumPy ---------------------------------------------------------------------------


def by_hand(theta: Any, x: Any, y: Any, weight: Any = 1.0) -> tuple[float, float, Any]:
    """The losses of both outputs, and the gradient of their weighted sum."""
    hidden, value, label = (
        part.reshape(-1, units)
        for part, units in zip(np.split(theta, [24, 34]), (4, 2, 1), strict=True)
    )
    source = np.column_stack([x["a"], x["b"], np.ones(len(x["a"]))])
    h = np.tanh(source @ hidden)
    ones = np.column_stack([h, np.ones(len(h))])
    f, p = ones @ value, ref.sigmoid(ones @ label)
    n, w = len(h), np.reshape(np.broadcast_to(weight, len(h)), (-1, 1))
    losses = (
        float(np.sum(w * (f - y["value"]) ** 2) / 2 / n),
        float(np.sum(w * ref.binary_cross_entropy(y["label"], p)[0]) / n),
    )
    grad_f = WEIGHTS["value"] * w * (f - y["value"]) / n
    grad_t = WEIGHTS["label"] * w * (p - y["label"]) / n
    grad_h = (grad_f @ value[:-1].T + grad_t @ label[:-1].T) * (1 - h**2)
    blocks = (source.T @ grad_h, ones.T @ grad_f, ones.T @ grad_t)
    return *losses, np.concatenate([block.ravel() for block in blocks])


@pytest.mark.parametrize("weighted", [False, True])
def test_losses_and_their_gradient_are_weighted_sums(weighted: bool) -> None:
    net, (x, y) = network(), problem()
    weight = np.linspace(0.5, 2.0, 23) if weighted else None
    value, label, gradient = by_hand(net.theta, x, y, 1.0 if weight is None else weight)
    options: dict[str, Any] = {"loss_weights": WEIGHTS, "sample_weight": weight}
    got = net.loss_and_gradient(x, y, LOSS, **options)
    assert_close(got[0], 0.7 * value + 2.0 * label)
    assert_close(got[1], gradient)
    assert net.evaluate(x, y, loss=LOSS, **options) == pytest.approx(
        {"loss": 0.7 * value + 2.0 * label, "value_loss": value, "label_loss": label}
    )
    assert nn.check_gradients(net, x, y, LOSS, loss_weights=WEIGHTS).ok


def test_training_follows_the_weighted_sum() -> None:
    net, (x, y) = network(), problem()
    theta, seen = net.theta.copy(), []
    for _ in range(3):
        losses = []
        for of in (slice(0, 8), slice(8, 16), slice(16, 23)):
            *both, gradient = by_hand(theta, rows(x, of), rows(y, of))
            losses.append((of.stop - of.start) * np.array(both))
            theta = theta - 0.3 * gradient
        seen.append(sum(losses) / 23)
    history = fit(net, x, y, loss=LOSS, loss_weights=WEIGHTS, epochs=3, batch_size=8,
                  shuffle=False, optimizer=nn.SGD(0.3))  # fmt: skip
    assert_close(net.theta, theta)
    assert_close(history.metrics["value_loss"], np.array(seen)[:, 0])
    assert_close(history.metrics["label_loss"], np.array(seen)[:, 1])
    assert_close(history.loss, np.array(seen) @ [0.7, 2.0])


def test_history_and_evaluation_name_the_metrics_of_each_output() -> None:
    net, (x, y) = network(), problem()
    history = fit(net, x, y, loss=LOSS, epochs=2, metrics=["mse", "binary_accuracy"],
                  validation_data=(x, y))  # fmt: skip
    names = [f"{output}_{metric}" for output in LOSS
             for metric in ("loss", "mse", "binary_accuracy")]  # fmt: skip
    assert set(history.metrics) == {*names, *(f"val_{name}" for name in names)}
    last = net.evaluate(x, y, loss=LOSS, metrics=["mse", "binary_accuracy"])
    assert list(last) == ["loss", *names]
    for name in names:
        assert history.metrics[f"val_{name}"][-1] == last[name]


# ---- the forms of X and y --------------------------------------------------------------------

FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": lambda parts: parts,
    "dict in another order": lambda parts: dict(reversed(parts.items())),
    "list": lambda parts: list(parts.values()),
    "tuple": lambda parts: tuple(parts.values()),
    "nested lists": lambda parts: [part.tolist() for part in parts.values()],
    "Fortran order": lambda parts: {k: np.asfortranarray(part) for k, part in parts.items()},
}


@pytest.mark.parametrize("form", list(FORMS))
def test_parts_come_by_name_or_in_order(form: str) -> None:
    net, (x, y) = network(), problem()
    given = FORMS[form](x), FORMS[form](y)
    expected = net.predict(x)
    got = net.predict(given[0])
    assert list(got) == net.output_names == ["value", "label"]
    assert all(same_bits(got[name], expected[name]) for name in expected)
    assert net.evaluate(*given, loss=LOSS) == net.evaluate(x, y, loss=LOSS)
    twins = [net.copy(), net.copy()]
    for twin, (one, other) in zip(twins, [(x, y), given], strict=True):
        fit(twin, one, other, loss=LOSS, epochs=2, batch_size=5, validation_fraction=0.2)
        twin.train_step(one, other, loss=LOSS, optimizer=nn.SGD(0.1))
    assert same_bits(twins[0].theta, twins[1].theta)


def test_the_order_of_the_inputs_is_the_callers() -> None:
    a, b = nn.Input(2, "a"), nn.Input(3, "b")
    y = nn.sum(a) - nn.sum(b)
    net = nn.Network([b, a], y)
    assert net.input_names == ["b", "a"]
    assert net.predict([np.ones((1, 3)), np.ones((1, 2))]) == [[-1.0]]


def test_a_single_input_may_come_by_name_too() -> None:
    net = nn.Network(x := nn.Input(2, "x"), {"y": nn.Dense(1)(x)}, dtype=np.float64)
    x_values, y_values = np.ones((3, 2)), np.ones((3, 1))
    assert same_bits(net.predict({"x": x_values}), net.predict(x_values))
    by_name = net.evaluate({"x": x_values}, {"y": y_values}, loss={"y": "mse"})
    assert by_name == net.evaluate(x_values, y_values, loss="mse")
    out = np.empty((3, 1))
    assert same_bits(net.predict({"x": x_values}, out={"y": out})["y"], net.predict(x_values))


def test_predictions_go_into_the_callers_arrays(dtype: Any) -> None:
    net, (x, _) = network(dtype), problem()
    expected = net.predict(x)
    out = {"label": np.empty((23, 1), dtype), "value": np.empty((23, 2), dtype)}
    assert net.predict(x, out=out) is out
    assert all(same_bits(out[name], expected[name]) for name in expected)
    memory = np.empty(69, dtype)  # where the second lies over the first
    over = [memory[:46].reshape(23, 2), memory[40:63].reshape(23, 1)]
    net.predict(x, out=over)
    assert same_bits(over[1], expected["label"])


def test_an_out_over_an_input_is_as_good_as_one_beside_it() -> None:
    net, (x, _) = network(), problem()
    expected = net.predict(x)
    out = {"value": x["a"], "label": np.empty((23, 1))}
    net.predict(x, out=out)
    assert same_bits(out["value"], expected["value"])
    assert same_bits(out["label"], expected["label"])


def test_labels_and_values_go_side_by_side() -> None:
    x = nn.Input(3)
    net = nn.Network(x, {"c": nn.Dense(4, "softmax")(x), "r": nn.Dense(1)(x)}, dtype=np.float64)
    rng = np.random.default_rng(7)
    data, labels, values = rng.normal(size=(9, 3)), rng.integers(4, size=9), np.ones((9, 1))
    loss = {"c": "cross_entropy", "r": "mse"}
    of_labels = net.loss_and_gradient(data, {"c": labels, "r": values}, loss)
    of_rows = net.loss_and_gradient(data, {"c": np.eye(4)[labels], "r": values}, loss)
    assert_close(of_labels[1], of_rows[1])


# ---- other sources ---------------------------------------------------------------------------


def test_batches_and_fractions_of_several_parts() -> None:
    x, y = problem()
    parts = [slice(i, i + 5) for i in range(0, 20, 5)]
    batches = [(rows(x, of), list(rows(y, of).values()), np.ones(5)) for of in parts]
    nets = [network() for _ in range(3)]
    last = (rows(x, slice(20, 23)), rows(y, slice(20, 23)))
    options: dict[str, Any] = {"loss": LOSS, "epochs": 3}
    histories = [
        fit(nets[0], batches, None, validation_data=last, **options),
        fit(nets[1], x, y, validation_fraction=3 / 23, batch_size=5, shuffle=False, **options),
        fit(nets[2], x, y, validation_fraction=3 / 23, batch_size=5,
            sample_order=np.arange(20), sample_weight=np.ones(23), **options),
    ]  # fmt: skip
    for net, history in zip(nets[1:], histories[1:], strict=True):
        assert_close(net.theta, nets[0].theta)
        assert_close(history.val_loss, histories[0].val_loss)


def test_a_memory_map_may_be_one_of_several_inputs(tmp_path: Path) -> None:
    x, y = problem()
    mapped = np.memmap(tmp_path / "b", np.float32, "w+", shape=x["b"].shape)
    mapped[:] = x["b"]
    on_disk, in_memory = network(), network()
    options: dict[str, Any] = {"loss": LOSS, "epochs": 2, "batch_size": 4, "seed": 3}
    fit(on_disk, {"a": x["a"], "b": mapped}, y, **options)
    fit(in_memory, {"a": x["a"], "b": np.array(mapped)}, y, **options)
    assert same_bits(on_disk.theta, in_memory.theta)
