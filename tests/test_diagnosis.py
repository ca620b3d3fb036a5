"""The training doctor: it invents no illness in healthy networks, and touches nothing."""

import warnings
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from diagnosis_cases import BINARY, BRANCH_LOSS, LABELS, ONE_HOT, X, Y, branches, chain, kinds, only
from helpers import fit, same_bits

# ---- Healthy networks ---------------------------------------------------------------------------


def test_a_healthy_network_has_no_findings(dtype: Any) -> None:
    diagnosis = nn.diagnose(chain([8, 1], dtype=dtype), X, Y, "mse", optimizer=nn.SGD(0.05))
    assert diagnosis.ok
    assert not diagnosis
    assert len(diagnosis) == 0
    assert diagnosis.findings == ()
    assert diagnosis.curvature is not None
    assert str(diagnosis).startswith("Nothing wrong was found.")
    assert "\n" not in str(diagnosis)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_digits_are_healthy_before_and_after_training(activation: str, optimizer: Any) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x, labels = datasets.load_digits(return_X_y=True)
    x = x / 16
    net = nn.mlp(64, [32, 16], 10, activation=activation, output="softmax")
    steps = optimizer(0.1 if optimizer is nn.SGD else 0.003)
    for epochs in (0, 1, 20):
        fit(net, x, labels, loss="cross_entropy", optimizer=steps, epochs=epochs, batch_size=32)
        found = nn.diagnose(net, x, labels, "cross_entropy", optimizer=steps, batch_size=32)
        assert found.ok, str(found)


def test_a_trained_regression_is_healthy(rng: np.random.Generator) -> None:
    x = rng.uniform(-3, 3, size=(200, 1))
    y = np.sin(2 * x)
    net = nn.mlp(1, [20, 20], 1, activation="tanh", dtype=np.float64)
    steps = nn.SGD(0.02, momentum=0.9)
    fit(net, x, y, loss="squared_error", optimizer=steps, epochs=1500)
    assert nn.diagnose(net, x, y, "squared_error", optimizer=steps).ok


@pytest.mark.parametrize("depth", [1, 4, 10])
@pytest.mark.parametrize("width", [16, 64])
def test_deep_relu_networks_with_he_initialization_are_healthy(depth: int, width: int) -> None:
    for seed in range(3):
        net = chain([*[width] * depth, 1], "relu", seed=seed)
        found = nn.diagnose(net, X, Y, "mse", optimizer=nn.Adam())
        assert found.ok, str(found)


def test_output_weights_that_begin_at_zero_are_healthy() -> None:
    layers = [nn.Dense(8, "tanh"), nn.Dense(8, "tanh"), nn.Dense(2, "softmax", init="zeros")]
    net = nn.Sequential(nn.Input(3), *layers)
    assert nn.diagnose(net, X, LABELS, "cross_entropy", optimizer=nn.SGD(0.1)).ok
    softmax = nn.Sequential(nn.Input(3), nn.Dense(2, "softmax", init="zeros"))
    assert nn.diagnose(softmax, X, LABELS, "cross_entropy", optimizer=nn.SGD(0.1)).ok


def test_a_sure_and_right_classifier_is_healthy() -> None:
    net = chain([1], output="sigmoid")
    net.theta[:] = [300, 0, 0, 0]
    assert nn.diagnose(net, X, BINARY, "binary_cross_entropy").ok


def test_columns_of_zeros_are_no_finding() -> None:
    assert nn.diagnose(chain([4, 1]), X * [1, 0, 1], Y, "mse").ok


# ---- The diagnosis ------------------------------------------------------------------------------


def test_the_worst_finding_comes_first() -> None:
    net = chain([1], output="identity")
    found = nn.diagnose(net, X * 100, 50 * Y, "mse", optimizer=nn.SGD(1.0))
    severities = [finding.severity for finding in found]
    assert len(severities) >= 3
    assert severities == sorted(severities, reverse=True)
    assert bool(found)
    assert not found.ok
    paragraphs = str(found).split("\n\n")
    assert len(paragraphs) == len(found)
    assert paragraphs[0].replace("\n", " ") == found.findings[0].sentence
    assert "learning_rate" in repr(found)


def test_a_finding_is_immutable() -> None:
    found = only(nn.diagnose(chain([4, 1], "relu"), X * 100, Y, "mse"))
    with pytest.raises(AttributeError):
        found.kind = "nothing"  # type: ignore[misc]
    assert str(found) == found.sentence


@pytest.mark.parametrize(
    ("y", "loss", "error"),
    [(Y[:, 0], "mse", nn.ShapeError), (Y, "cosine", ValueError), (Y.astype(str), "mse", TypeError)],
)
def test_wrong_arguments_are_refused(y: Any, loss: str, error: type[Exception]) -> None:
    net = chain([4, 1])
    theta = net.theta.copy()
    with pytest.raises(error):
        nn.diagnose(net, X, y, loss)
    assert same_bits(net.theta, theta)


def test_rows_that_do_not_match_are_refused() -> None:
    many = np.tile(X, (100, 1))
    with pytest.raises(nn.ShapeError):
        nn.diagnose(chain([4, 1]), many, np.tile(Y, (100, 1))[:-1], "mse")


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^\[diagnose\] net is None; expected an nn\.Network$"):
        nn.diagnose(None, X, Y, "mse")  # type: ignore[arg-type]


@pytest.mark.parametrize(("x", "y"), [(X[:0], Y[:0]), (X, Y[:-1]), (X[:, :2], Y), (X, ONE_HOT)])
def test_errors_name_diagnose(x: Any, y: Any) -> None:
    with pytest.raises(nn.ShapeError, match=r"^\[diagnose\] [Xy] has shape"):
        nn.diagnose(chain([4, 1]), x, y, "mse")


def test_a_network_without_parameters_is_said_to_have_none() -> None:
    x = nn.Input(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = nn.diagnose(nn.Network(x, x[:, :1]), X, Y, "mse", optimizer=nn.SGD(0.1))
    assert only(found).kind == "no_parameters"


def test_the_network_and_the_optimizer_are_as_before(dtype: Any) -> None:
    net = chain([*[10] * 6, 1], "sigmoid", dtype=dtype)
    steps = nn.SGD(10.0, momentum=0.9)
    net.train_step(X, Y, loss="mse", optimizer=steps)
    theta, gradient = net.theta.copy(), net.gradient.copy()
    assert nn.diagnose(net, X, Y, "mse", optimizer=steps, batch_size=4)
    assert same_bits(net.theta, theta)
    assert same_bits(net.gradient, gradient)
    assert steps.iterations == 1


# ---- Graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_name", [True, False])
def test_graphs_of_several_inputs_and_outputs_are_examined(by_name: bool, dtype: Any) -> None:
    net = branches(dtype=dtype)
    x: Any = {"b": X[:, :2], "a": X} if by_name else [X, X[:, :2]]
    y: Any = {"kind": LABELS, "value": Y} if by_name else [Y, LABELS]
    loss: Any = BRANCH_LOSS if by_name else ["mse", "cross_entropy"]
    assert nn.diagnose(net, x, y, loss, optimizer=nn.SGD(0.05), batch_size=32).ok
    ill = {"a": X, "b": X[:, :2] * 1000}
    found = nn.diagnose(net, ill, {"value": 50 * Y, "kind": LABELS}, BRANCH_LOSS)
    nodes = {finding.kind: finding.node for finding in found}
    assert nodes["input_scale"] == "b"
    assert nodes["saturated"] == "squashed"
    assert nodes["target_scale"] == "value"


def test_every_call_of_a_shared_layer_is_looked_at() -> None:
    net = branches()
    assert net.layers[0].bias is not None
    layer = next(layer for layer in net.layers if layer.name == "shared")
    assert layer.bias is not None
    layer.bias[:] = -100
    found = nn.diagnose(net, [X, X[:, :2]], [Y, LABELS], BRANCH_LOSS)
    dead = next(f for f in found if f.kind == "dead_relu")
    assert len(dead.numbers["layers"]) == 2


def test_loss_weights_count_in_the_curvature() -> None:
    x = nn.Input(3)
    net = nn.Network(x, [nn.Dense(1)(x), nn.Dense(1)(x)], dtype=np.float64)
    plain = nn.diagnose(net, X, [Y, Y], "squared_error").curvature
    weighted = nn.diagnose(net, X, [Y, Y], "squared_error", loss_weights=[1, 5]).curvature
    assert plain is not None
    assert weighted == pytest.approx(5 * plain, rel=1e-2)


def test_inputs_that_the_network_normalizes_itself_are_healthy() -> None:
    net = nn.Sequential(nn.Input(3), nn.BatchNorm(), nn.Dense(8, "tanh"), nn.Dense(1))
    state = net.state.copy()
    for epochs in (0, 200):
        fit(net, X * 1000, Y, loss="mse", optimizer=nn.SGD(0.05), epochs=epochs)
        state = net.state.copy()
        found = nn.diagnose(net, X * 1000, Y, "mse", optimizer=nn.SGD(0.05))
        assert "input_scale" not in kinds(found)
        assert same_bits(net.state, state)
    assert found.ok, str(found)


def test_dropout_and_normalization_are_healthy() -> None:
    net = nn.Sequential(
        nn.Input(3),
        nn.Dense(16, "relu"),
        nn.BatchNorm(),
        nn.Dropout(0.3),
        nn.Dense(16, "relu"),
        nn.LayerNorm(),
        nn.Dense(1),
    )
    assert nn.diagnose(net, X, Y, "mse", optimizer=nn.SGD(0.01)).ok


def test_losses_and_activations_of_ones_own_are_examined() -> None:
    cube = nn.CustomActivation(lambda t: t**3, lambda t: 3 * t**2, "cube")
    square = nn.CustomLoss(lambda y, f: ((y - f) ** 2).sum(axis=1), lambda y, f: 2 * (f - y))
    net = nn.Sequential(nn.Input(3), nn.Dense(4, cube), nn.Dense(1))
    assert nn.diagnose(net, X, Y, square, optimizer=nn.SGD(0.001)).ok
    assert "input_scale" in kinds(nn.diagnose(net, X * 100, Y, square))
