"""What does not fit several inputs and outputs is refused by the name of the part."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from entry_points import ENTRIES, TRAINING
from helpers import fit, same_bits
from test_several_inputs import LOSS, network, problem

X, Y = problem()
BAD_X: list[tuple[Any, type[Exception], str]] = [
    ({"a": X["a"]}, ValueError, r'X has parts named "a"; expected "a", "b"'),
    ({**X, "c": X["a"]}, ValueError, r'named "a", "b", "c"; expected "a", "b"'),
    ([X["a"]], ValueError, r'X has 1 parts; expected a dict, or a list in the order "a", "b"'),
    (X["a"], TypeError, r"X is one numpy.ndarray; expected a dict, or a list"),
    ({**X, "a": X["a"][:, :1]}, nn.ShapeError, r'X\["a"\] has shape \(23, 1\)'),
    ({**X, "b": X["b"][:9]}, nn.ShapeError, r'X\["b"\] has shape \(9, 3\); expected \(23, 3\)'),
    ({**X, "a": X["a"][0]}, nn.ShapeError, r'X\["a"\] has shape \(2,\); expected \(n, 2\)'),
    ({**X, "b": X["b"] * 1j}, TypeError, r'X\["b"\] has dtype complex128'),
]  # fmt: skip


def refused(
    entry: str, error: type[Exception], message: str, x: Any, y: Any, **options: Any
) -> None:
    net = network()
    before = net.theta.copy()
    options = {"loss": LOSS, **options} if entry in TRAINING else options
    with pytest.raises(error, match=rf"^\[Network\.{entry}\] .*{message}"):
        ENTRIES[entry](net, x, y, **options)
    assert same_bits(net.theta, before)


@pytest.mark.parametrize("entry", list(ENTRIES))
@pytest.mark.parametrize(("x", "error", "message"), BAD_X)
def test_wrong_inputs_are_refused(entry: str, x: Any, error: type[Exception], message: str) -> None:
    refused(entry, error, message, x, Y)


BAD_Y: list[tuple[Any, type[Exception], str]] = [
    ({"value": Y["value"]}, ValueError, r'y has parts named "value"; expected "value", "label"'),
    (Y["value"], TypeError, "y is one numpy.ndarray"),
    (None, TypeError, "y is (one NoneType|missing)"),
    ({**Y, "label": Y["label"][:, 0]}, nn.ShapeError, r'y\["label"\].*\(23,\).*\[:, None\]'),
    ({**Y, "value": Y["label"]}, nn.ShapeError, r'y\["value"\].*\(23, 1\); expected \(23, 2\)'),
    ({**Y, "label": Y["label"] * np.nan}, ValueError, r'y\["label"\] has a NaN in row 0'),
    ({**Y, "label": Y["label"] + 2}, ValueError, r'y\["label"\] .*row 0'),
]  # fmt: skip


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(("y", "error", "message"), BAD_Y)
def test_wrong_targets_are_refused(
    entry: str, y: Any, error: type[Exception], message: str
) -> None:
    refused(entry, error, message, X, y)


BAD_LOSSES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"loss": {"value": "mse"}}, ValueError, r"loss has names \['value'\]; expected .*'label'"),
    ({"loss": ["mse"]}, ValueError, "loss has 1 entries"),
    ({"loss": ["mse", 3]}, TypeError, "loss is 3"),
    ({"loss": {"value": "mse", "label": "bce"}}, ValueError, "bce.*binary_cross_entropy"),
    ({"loss_weights": [1.0]}, ValueError, "loss_weights has 1 entries"),
    ({"loss_weights": {"other": 1.0}}, ValueError, "loss_weights has names"),
    ({"loss_weights": 2.0}, TypeError, "loss_weights is 2.0"),
    ({"loss_weights": [1.0, -1.0]}, ValueError, "weight -1"),
    ({"loss_weights": [1.0, np.nan]}, ValueError, "weight nan"),
    ({"class_weight": "balanced"}, ValueError, "class_weight is for a single output"),
]  # fmt: skip


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(("options", "error", "message"), BAD_LOSSES)
def test_wrong_losses_are_refused(
    entry: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    refused(entry, error, message, X, Y, **options)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty((23, 2)), TypeError, "out is one numpy.ndarray"),
        ({"value": np.empty((23, 2))}, ValueError, 'out has parts named "value"'),
        ([np.empty((23, 2)), np.empty((22, 1))], nn.ShapeError, r'out\["label"\].*\(23, 1\)'),
        ([np.empty((23, 2)), np.empty((23, 1), np.float32)], TypeError, r'out\["label"\].*float32'),
    ],
)
def test_a_wrong_out_is_refused(out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network().predict(X, out=out)


def test_a_fraction_and_an_order_are_checked_against_all_parts() -> None:
    x = {"a": X["a"], "b": X["b"][:9]}
    with pytest.raises(nn.ShapeError, match=r"\(23, 2\) and \(9, 3\)"):
        fit(network(), x, Y, loss=LOSS, epochs=1, validation_fraction=0.2)
    with pytest.raises(nn.ShapeError, match=r"sample_order has shape \(9,\)"):
        fit(network(), X, Y, loss=LOSS, epochs=1, sample_order=np.arange(9))
    with pytest.raises(ValueError, match=r'validation X has parts named "a"'):
        fit(network(), X, Y, loss=LOSS, epochs=1, validation_data=({"a": X["a"]}, Y))


def test_a_wrong_batch_of_an_iterator_is_refused_by_name() -> None:
    with pytest.raises(nn.ShapeError, match=r'batch 0\] X\["b"\]'):
        fit(network(), [({"a": X["a"], "b": X["a"]}, Y)], None, loss=LOSS, epochs=1)


def two(first: str, second: str) -> nn.Network:
    x = nn.Input(2)
    return nn.Network(x, {first: nn.Dense(1)(x), second: nn.Dense(1)(x)}, dtype=np.float64)


CLASHES: list[tuple[str, dict[str, Any], str]] = [
    ("val_x", {"validation_fraction": 0.5}, "val_x_loss"),
    ("val_x", {"validation_data": (X["a"], [Y["label"], Y["label"]])}, "val_x_loss"),
    ("x_binary", {"metrics": ["accuracy", "binary_accuracy"]}, "x_binary_accuracy"),
]


@pytest.mark.parametrize(("other", "options", "name"), CLASHES)
@pytest.mark.parametrize("reverse", [False, True])
def test_two_series_of_one_name_are_refused(
    other: str, options: dict[str, Any], name: str, reverse: bool
) -> None:
    names = (other, "x") if reverse else ("x", other)
    message = f'metrics of the outputs "{names[0]}" and "{names[1]}" would both be "{name}"'
    nets = [two(*names), two(*names)]
    before = nets[0].theta.copy()
    data: Any = (X["a"], [Y["label"], Y["label"]])
    options = {"loss": "mse", "epochs": 1, "progress": False, **options}
    with pytest.raises(ValueError, match=rf"^\[Network\.fit\] .*{message}"):
        nets[0].fit(*data, **options)
    with pytest.raises(ValueError, match=rf"^\[fit_many, network 0\] .*{message}"):
        nn.fit_many(nets, *data, **options)
    assert all(same_bits(net.theta, before) for net in nets)
    if "metrics" in options:
        with pytest.raises(ValueError, match=rf"^\[Network\.evaluate\] .*{message}"):
            nets[0].evaluate(*data, loss="mse", metrics=options["metrics"])


def test_names_that_would_clash_in_a_validation_are_good_without_one() -> None:
    net, y = two("x", "val_x"), [Y["label"], Y["label"]]
    history = fit(net, X["a"], y, loss="mse", epochs=2, metrics=["mae", "mae"])
    assert list(history.metrics) == ["x_loss", "x_mae", "val_x_loss", "val_x_mae"]
    assert "val_x_loss" in net.evaluate(X["a"], y, loss="mse")
