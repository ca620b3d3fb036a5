"""The training doctor finds each illness of parameters, units, inputs, targets and outputs."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from diagnosis_cases import BINARY, ONE_HOT, X, Y, chain, kinds, only
from helpers import fit

# ---- Parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("init", ["zeros", nn.init.Constant(0.3)])
def test_equal_units_are_found(activation: str, init: Any) -> None:
    layers = [nn.Dense(5, activation, init=init), nn.Dense(1, init=init)]
    net = nn.Sequential(nn.Input(3), *layers, dtype=np.float64)
    found = nn.diagnose(net, X, Y, "mse")
    equal = found.findings[0]
    assert equal.kind == "equal_units"
    assert equal.node == net.layers[0].name
    assert equal.numbers == {"units": 5}
    fit(net, X, Y, loss="mse", optimizer=nn.SGD(0.1), epochs=20)  # and they stay equal
    assert np.ptp(net.layers[0].weights, axis=1).max() < 1e-12


def test_equal_units_with_different_outgoing_weights_are_healthy() -> None:
    net = nn.Sequential(
        nn.Input(3), nn.Dense(5, "tanh", init=nn.init.Constant(0.3)), nn.Dense(1), dtype=np.float64
    )
    assert nn.diagnose(net, X, Y, "mse").ok  # their gradients differ


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite_parameters_are_found(value: float, dtype: Any) -> None:
    net = chain([4, 1], dtype=dtype)
    net.theta[[1, 17]] = value
    found = nn.diagnose(net, X, Y, "mse", optimizer=nn.SGD(0.1))
    first, last = (layer.name for layer in net.layers)
    one_of = {first: {"count": 1, "parameters": 16}, last: {"count": 1, "parameters": 5}}
    assert only(found).numbers == {"layers": one_of}
    assert kinds(found) == ["nonfinite_parameters"]
    assert f'2 layers ("{first}", "{last}")' in str(found)


def test_huge_weights_are_found() -> None:
    net = chain([4, 1], "relu")
    net.layers[0].weights[1, 2] = 5e4
    assert "large_weights" in kinds(nn.diagnose(net, X, Y, "mse"))


# ---- Units --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", [6, 8])
def test_dead_relus_are_counted(dead: int) -> None:
    net = chain([8, 1], "relu")
    layer = net.layers[0]
    assert layer.bias is not None
    layer.bias[:] = 1
    layer.bias[:dead] = -100
    found = only(nn.diagnose(net, X, Y, "mse"))
    assert found.kind == "dead_relu"
    assert found.node == layer.name
    assert found.numbers == {"dead": dead, "units": 8, "share": dead / 8, "rows": 200}
    assert f"{dead} of the 8 ReLU units" in found.sentence
    assert found.severity == (3 if dead == 8 else 2)


def test_leaky_relus_do_not_die() -> None:
    net = chain([8, 1], "leaky_relu")
    assert net.layers[0].bias is not None
    net.layers[0].bias[:] = -10
    assert nn.diagnose(net, X, Y, "mse").ok


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "hard_sigmoid"])
def test_saturated_units_are_found(activation: str) -> None:
    net = chain([6, 1], activation)
    net.layers[0].weights[:] *= 50
    found = only(nn.diagnose(net, X, Y, "mse"))
    assert found.kind == "saturated"
    assert found.node == net.layers[0].name
    assert 0.5 < found.numbers["share"] <= 1


def test_a_hidden_step_function_is_found() -> None:
    net = chain([6, 1], "binary")
    found = only(nn.diagnose(net, X, BINARY, "mse"))
    assert (found.kind, found.node) == ("flat_activation", net.layers[0].name)


# ---- Inputs -------------------------------------------------------------------------------------


def test_inputs_far_from_unit_scale_are_found() -> None:
    found = nn.diagnose(chain([4, 1]), X * [1, 1, 5000] + [0, 300, 0], Y, "mse")
    finding = next(f for f in found if f.kind == "input_scale")
    assert finding.node == "input"
    assert finding.numbers["columns"] == [1, 2]
    assert finding.numbers["mean"][0] == pytest.approx(300, rel=0.01)
    assert finding.numbers["standard_deviation"][1] == pytest.approx(5000, rel=0.2)
    assert "column 2 (mean" in finding.sentence


def test_tiny_inputs_are_found() -> None:
    assert only(nn.diagnose(chain([4, 1]), X * 1e-4, Y, "mse")).kind == "input_scale"


def test_columns_of_very_different_scales_are_found() -> None:
    found = only(nn.diagnose(chain([4, 1]), X * [2, 0.01, 1], Y, "mse"))
    assert found.kind == "input_scales_differ"
    assert "column 0" in found.sentence
    assert "column 1" in found.sentence


def test_constant_columns_are_found() -> None:
    found = only(nn.diagnose(chain([4, 1]), X * [1, 0, 1] + [0, 3, 0], Y, "mse"))
    assert found.kind == "constant_input"
    assert found.numbers == {"columns": [1]}
    assert "always 3" in found.sentence


# ---- Targets, outputs, losses -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "loss", "y"),
    [
        ("sigmoid", "squared_error", 3 * Y),
        ("tanh", "mse", 3 * Y),
        ("relu", "mse", Y),
        ("softplus", "huber", Y),
        ("softmax", "absolute_error", 2 * ONE_HOT),
        ("sigmoid", "hinge", 2 * BINARY - 1),
        ("identity", "hinge", BINARY),
        ("identity", "perceptron", BINARY),
        ("softplus", "poisson", Y),
        ("sigmoid", "binary_cross_entropy", 2 * BINARY - 1),
        ("softmax", "cross_entropy", 2 * ONE_HOT),
    ],
)
def test_targets_out_of_range_are_found(output: str, loss: str, y: Any) -> None:
    found = only(nn.diagnose(chain([4, y.shape[1]], output=output), X, y, loss))
    assert found.kind == "target_range"
    assert found.node == "dense_1"


def test_labels_of_the_wrong_coding_are_said_how_to_change() -> None:
    found = nn.diagnose(chain([1]), X, BINARY, "hinge")
    assert "2 * y - 1" in str(found)


def test_regression_targets_of_another_size_are_found() -> None:
    found = only(nn.diagnose(chain([4, 1]), X, 50 * Y + 200, "mse"))
    assert found.kind == "target_scale"
    assert found.numbers["mean"] == pytest.approx(200, rel=0.05)


@pytest.mark.parametrize(
    ("output", "units", "loss", "words"),
    [
        ("softmax", 2, "mse", "nearly 0"),
        ("softmax", 1, "binary_cross_entropy", "always is 1"),
        ("sigmoid", 2, "cross_entropy", "need not sum to 1"),
        ("identity", 1, "poisson", "log_input=True"),
        ("sigmoid", 1, nn.BinaryCrossEntropy(from_logits=True), "already has sigmoid"),
        ("softmax", 2, nn.CrossEntropy(from_logits=True), "already has softmax"),
    ],
)
def test_outputs_that_do_not_go_with_the_loss_are_found(
    output: str, units: int, loss: Any, words: str
) -> None:
    y = BINARY if units == 1 else ONE_HOT
    found = only(nn.diagnose(chain([4, units], output=output), X, y, loss))
    assert found.kind == "output_loss"
    assert words in found.sentence


@pytest.mark.parametrize(("units", "loss"), [(2, "cross_entropy"), (1, "binary_cross_entropy")])
def test_outputs_without_probabilities_are_found(units: int, loss: str) -> None:
    y = BINARY if units == 1 else ONE_HOT
    found = only(nn.diagnose(chain([4, units]), X, y, loss))
    assert found.kind == "refused"
    assert f"{loss} takes probabilities" in found.sentence
    x = nn.Input(3)
    formula = nn.Network(x, nn.identity(nn.Dense(units)(x)))
    found = only(nn.diagnose(formula, X, y, loss))
    assert found.kind == "output_loss"
    assert "from_logits=True" in found.sentence


def test_outputs_that_are_sure_and_wrong_are_found() -> None:
    net = chain([1], output="sigmoid")
    net.theta[:] = [-300, 0, 0, 0]
    assert only(nn.diagnose(net, X, BINARY, "mse")).kind == "wrong_and_saturated"
    assert nn.diagnose(net, X, BINARY, "binary_cross_entropy").ok  # which can still learn


def test_what_the_loss_refuses_is_said() -> None:
    x = X.copy()
    x[7, 1] = np.nan
    found = only(nn.diagnose(chain([4, 1]), x, Y, "mse", optimizer=nn.SGD(0.1)))
    assert found.kind == "refused"
    assert "NaN in row 7" in found.sentence
