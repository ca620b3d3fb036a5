"""Wrong options are refused by name, with what is allowed, and nothing moves."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from entry_points import LABELS, TRAINING, X, Y, network, refused, spoiled
from helpers import fit, same_bits


@pytest.mark.parametrize("entry", list(TRAINING))
def test_an_unknown_loss_lists_the_allowed_ones(entry: str) -> None:
    refused(entry, ValueError, "'?crossentropy'?.*squared_error.*cross_entropy", X, Y,
            loss="crossentropy")  # fmt: skip


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize("loss", [3, None, nn.SGD(0.1)])
def test_a_loss_is_a_name_or_a_loss(entry: str, loss: Any) -> None:
    with pytest.raises(TypeError):
        TRAINING[entry](network(), X, Y, loss=loss)


@pytest.mark.parametrize("entry", ["fit", "evaluate"])
def test_an_unknown_metric_lists_the_allowed_ones(entry: str) -> None:
    refused(entry, ValueError, "'?f1'?.*accuracy.*r2", X, Y, metrics=("f1",))


def test_an_unknown_activation_lists_the_allowed_ones() -> None:
    for make in (
        lambda: nn.Dense(3, "rellu"),
        lambda: nn.Activation("rellu"),
        lambda: nn.mlp(2, [3], 1, activation="rellu"),
    ):
        with pytest.raises(ValueError, match=r"'?rellu'?.*leaky_relu.*softmax"):
            make()


@pytest.mark.parametrize(
    "make", [nn.SquaredError, nn.Huber, nn.CrossEntropy, nn.BinaryCrossEntropy]
)
def test_an_unknown_reduction_lists_the_allowed_ones(make: Any) -> None:
    with pytest.raises(ValueError, match=r"'?median'?.*mean.*sum"):
        make(reduction="median")


BAD_OPTIONS: list[tuple[dict[str, Any], Any, str]] = [
    ({"epochs": -1}, ValueError, "epochs"),
    ({"epochs": 1.5}, TypeError, "epochs"),
    ({"batch_size": 0}, ValueError, "batch_size"),
    ({"batch_size": -4}, ValueError, "batch_size"),
    ({"validation_fraction": -0.1}, ValueError, "validation_fraction"),
    ({"validation_fraction": 1.0}, ValueError, "validation_fraction"),
    ({"validation_fraction": 0.5, "validation_data": (X, Y)}, ValueError, "validation"),
    ({"validation_data": (X[:, :2], Y)}, nn.ShapeError, r"validation.*\(6, 2\); expected \(n, 3\)"),
    ({"validation_data": (X, Y[:5])}, nn.ShapeError, r"validation.*\(5, 2\); expected \(6, 2\)"),
    ({"validation_data": (X, spoiled(Y, 1, np.nan))}, ValueError, "validation.*NaN in row 1"),
    ({"validation_data": (X,)}, (TypeError, ValueError), "validation_data"),
    ({"sample_order": np.arange(5)}, nn.ShapeError, r"sample_order has shape \(5,\)"),
    ({"sample_order": np.ones((3, 6), int)}, nn.ShapeError, r"sample_order has shape \(3, 6\)"),
    ({"sample_order": np.arange(1, 7)}, ValueError, "sample_order.*6"),
    ({"sample_order": np.arange(-1, 5)}, ValueError, "sample_order.*-1"),
    ({"sample_order": np.arange(6.0)}, TypeError, "sample_order.*float64"),
    ({"optimizer": "sgd"}, TypeError, "optimizer"),
    ({"regularizer": "l2"}, TypeError, "regularizer"),
    ({"early_stopping": 3}, TypeError, "early_stopping"),
    ({"callbacks": [3]}, TypeError, "callback"),
    ({"metrics": "mse"}, TypeError, "metrics"),
    ({"metrics": ("accuracy", 3)}, TypeError, "metric"),
    ({"class_weight": "even"}, ValueError, "class_weight.*balanced"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS)
def test_wrong_options_of_fit_are_refused(options: Any, error: Any, message: str) -> None:
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        fit(net, X, Y, **{"loss": "mse", "epochs": 2, **options})
    assert same_bits(net.theta, before)


def test_class_weights_must_fit_the_classes() -> None:
    net = network(output="softmax")
    for weights in (np.ones(3), np.ones((2, 1)), {0: np.nan, 1: 1.0}):
        with pytest.raises(ValueError, match="class_weight"):
            fit(net, X, LABELS, loss="cross_entropy", epochs=1, class_weight=weights)


def test_a_refused_step_does_not_count() -> None:
    net, optimizer = network(), nn.SGD(0.1)
    with pytest.raises(nn.ShapeError):
        net.train_step(X[:, :2], Y, loss="mse", optimizer=optimizer)
    assert optimizer.iterations == 0


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ((X[:, :2], Y), nn.ShapeError),
        ((X, Y[:5]), nn.ShapeError),
        ((X[:0], Y[:0]), nn.ShapeError),
        ((spoiled(X, 1, np.nan), Y), ValueError),
        ((X.astype(complex), Y), TypeError),
        ((X,), (TypeError, ValueError)),
        (3, TypeError),
    ],
)
def test_wrong_batches_of_an_iterable_are_refused(batch: Any, error: Any) -> None:
    net = network()
    before = net.theta.copy()
    with pytest.raises(error):
        fit(net, [batch], None, loss="mse", epochs=1)
    assert same_bits(net.theta, before)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 2},
        {"sample_order": np.arange(6)},
        {"validation_fraction": 0.5},
        {"sample_weight": np.ones(6)},
        {"class_weight": "balanced"},
    ],
)
def test_options_of_arrays_are_refused_with_an_iterable(options: Any) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=name):
        fit(network(), [(X, Y)], None, loss="mse", epochs=1, **options)


@pytest.mark.parametrize("patience", [-1, 1.5])
def test_impossible_patience_is_refused(patience: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        nn.EarlyStopping(patience)


# ---- networks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: nn.Input(0), ValueError),
        (lambda: nn.Input(2.5), TypeError),  # type: ignore[arg-type]
        (lambda: nn.Dense(0), ValueError),
        (lambda: nn.Dense(-3), ValueError),
        (lambda: nn.Dense("3"), TypeError),  # type: ignore[arg-type]
        (lambda: nn.Dense(3, l1=-1.0), ValueError),
        (lambda: nn.Dense(3, l2=-1.0), ValueError),
        (lambda: nn.Dense(3, 7), TypeError),  # type: ignore[arg-type]
        (lambda: nn.Activation("relu", alpha=0.1), (TypeError, ValueError)),
        (lambda: nn.Activation("elu", alpha=np.nan), ValueError),
        (lambda: nn.Huber(delta=0.0), ValueError),
        (lambda: nn.CrossEntropy(label_smoothing=1.5), ValueError),
        (lambda: nn.Sequential(), (TypeError, ValueError)),  # type: ignore[call-arg]
        (lambda: nn.Sequential(nn.Input(3)), ValueError),
        (lambda: nn.Sequential(nn.Dense(3)), (TypeError, ValueError)),  # type: ignore[arg-type]
        (lambda: nn.Sequential(nn.Input(3), nn.Input(3)), (TypeError, ValueError)),  # type: ignore[arg-type]
        (lambda: nn.Sequential(nn.Input(3), "relu"), TypeError),  # type: ignore[arg-type]
        (lambda: nn.mlp(3, [0], 1), ValueError),
        (lambda: nn.mlp(3, [4], 1, dtype=np.float16), TypeError),
        (lambda: nn.mlp(3, [4], 1, dtype=int), TypeError),
        (lambda: nn.mlp(3, [4], 1, seed=-1), ValueError),
    ],
)
def test_impossible_networks_are_refused(make: Any, error: Any) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize(
    "make",
    [
        nn.SquaredError,
        lambda: nn.Huber(0.5, reduction="sum"),
        lambda: nn.CrossEntropy(True, 0.1),
        lambda: nn.CustomLoss(np.subtract, np.multiply, "difference"),
        lambda: nn.L2(1e-3, bias=True),
        lambda: nn.EarlyStopping(3, min_delta=0.1),
    ],
)
def test_objects_of_options_are_values(make: Any) -> None:
    one, other = make(), make()
    assert one == other
    assert len({one, other, pickle.loads(pickle.dumps(one)), copy.deepcopy(one)}) == 1
    name, value = next(iter(vars(one).items()))
    with pytest.raises(AttributeError, match=rf"\[{type(one).__name__}\] {name} is .* for good"):
        setattr(one, name, value)
    with pytest.raises(AttributeError, match=rf"no option 'misspelt', only .*'{name}'"):
        one.misspelt = value
    with pytest.raises(AttributeError, match="cannot be deleted"):
        delattr(one, name)
    assert one == other


OPTIONS = [
    (nn.Dense, (4,), "units"),
    (nn.Dense, (4,), "name"),
    (nn.Dropout, (0.5,), "rate"),
    (nn.BatchNorm, (), "momentum"),
    (nn.LayerNorm, (), "epsilon"),
    (nn.CustomActivation, (np.tanh, np.cos), "function"),
    (nn.Checkpoint, ("net",), "every"),
    (nn.GradientDescent, (), "learning_rate"),
    (nn.SGD, (), "nesterov"),
    (nn.Adam, (), "beta1"),
    (nn.AdamW, (), "clip_norm"),
    (nn.RMSProp, (), "rho"),
    (nn.AdaGrad, (), "epsilon"),
    (nn.SquaredError, (), "reduction"),
]


@pytest.mark.parametrize(("cls", "arguments", "name"), OPTIONS)
def test_an_option_that_is_set_later_is_refused(cls: Any, arguments: Any, name: str) -> None:
    one = cls(*arguments)
    for each in (one, copy.copy(one)):
        before = getattr(each, name)
        with pytest.raises(AttributeError, match=rf"\[{cls.__name__}\] {name} is .* for good"):
            setattr(each, name, 0)
        with pytest.raises(AttributeError, match=rf"no option 'lr', only .*'{name}'"):
            each.lr = 5
        assert getattr(each, name) == before


@pytest.mark.parametrize(("cls", "arguments", "name"), OPTIONS)
def test_a_class_of_ones_own_has_attributes_beside(cls: Any, arguments: Any, name: str) -> None:
    class Own(cls):  # type: ignore[misc]  # of any of the classes above
        def __init__(self) -> None:
            self.lr = 1
            super().__init__(*arguments)
            self.lr += 1

    own = Own()
    own.lr += 1
    assert own.lr == 3
    del own.lr
    with pytest.raises(AttributeError, match="for good"):
        setattr(own, name, 0)


def test_objects_of_other_options_or_classes_differ() -> None:
    assert nn.Huber(1) != nn.Huber(2)
    assert nn.Huber() != nn.Huber(reduction="sum")
    assert nn.SquaredError() != nn.AbsoluteError()
    assert nn.L1(0) != nn.L2(0)
    assert nn.L1(0) != "l1"


def test_objects_of_options_show_them() -> None:
    assert repr(nn.Huber(2)) == "Huber(delta=2, reduction='mean')"
    assert repr(nn.L1(0.5)) == "L1(l1=0.5, l2=0.0, bias=False, divide_by_batch_size=False)"
    assert repr(nn.EarlyStopping(3)) == (
        "EarlyStopping(patience=3, min_delta=0.0, restore_best=True)"
    )
