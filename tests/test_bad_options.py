"""Every option that is a number or a flag, given what is none: refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from array_arguments import LABELS, X, Y, network
from helpers import fit

Make = Callable[[Any], object]


def fitted(**options: Any) -> nn.History:
    return fit(network(), X, Y, **{"loss": "mse", "epochs": 1, **options})


def classified(**options: Any) -> nn.History:
    return fit(network("softmax"), X, LABELS, loss="cross_entropy", epochs=1, **options)


def many(**options: Any) -> object:
    options = {"progress": False, **options}
    return nn.fit_many([network()], X, Y, loss="mse", epochs=1, **options)


def gradient(**options: Any) -> object:
    return network().loss_and_gradient(X, Y, "mse", **options)


def checked(**options: Any) -> object:
    return nn.check_gradients(network(), X, Y, "mse", **options)


SCHEDULES, INIT = nn.schedules, nn.init

REALS: dict[str, Make] = {
    "validation_fraction": lambda v: fitted(validation_fraction=v),
    "weight of a loss": lambda v: fitted(loss_weights=[v]),
    "class_weight": lambda v: classified(class_weight={0: v}),
    "learning_rate": nn.SGD,
    "momentum": lambda v: nn.SGD(0.1, v),
    "clip_norm": lambda v: nn.SGD(0.1, clip_norm=v),
    "beta1": lambda v: nn.Adam(0.1, v),
    "beta2": lambda v: nn.AdamW(0.1, 0.9, v),
    "weight_decay": lambda v: nn.AdamW(weight_decay=v),
    "rho": lambda v: nn.RMSProp(0.1, v),
    "epsilon": lambda v: nn.AdaGrad(0.1, v),
    "rate": SCHEDULES.Constant,
    "factor": lambda v: SCHEDULES.Step(0.1, 3, v),
    "final": lambda v: SCHEDULES.Cosine(1.0, 3, 0, v),
    "power": lambda v: SCHEDULES.InverseScaling(1.0, v),
    "min_rate": lambda v: SCHEDULES.ReduceOnPlateau(1.0, min_rate=v),
    "value": INIT.Constant,
    "std": INIT.Normal,
    "low": lambda v: INIT.Uniform(v, 9.0),
    "min_delta": lambda v: nn.EarlyStopping(3, v),
    "l1": nn.L1,
    "l2": nn.L2,
    "delta": nn.Huber,
    "label_smoothing": lambda v: nn.CrossEntropy(label_smoothing=v),
    "l1 of Dense": lambda v: nn.Dense(1, l1=v),
    "dropout": lambda v: nn.Dense(1, dropout=v),
    "rate of Dropout": nn.Dropout,
    "epsilon of LayerNorm": nn.LayerNorm,
    "momentum of BatchNorm": nn.BatchNorm,
    "alpha": lambda v: nn.elu(nn.Input(1), v),
    "step": lambda v: checked(step=v),
    "tolerance": lambda v: checked(tolerance=v),
    "noise": lambda v: nn.datasets.moons(4, noise=v),
    "ratio": lambda v: nn.datasets.circles(4, ratio=v),
}
COUNTS: dict[str, Make] = {
    "epochs": lambda v: fitted(epochs=v),
    "batch_size": lambda v: fitted(batch_size=v),
    "seed": lambda v: fitted(seed=v),
    "seed of fit_many": lambda v: many(seeds=[v]),
    "threads": lambda v: many(threads=v),
    "every": lambda v: SCHEDULES.Step(0.1, v),
    "every of Exponential": lambda v: SCHEDULES.Exponential(0.1, v, 0.5),
    "steps": lambda v: SCHEDULES.Cosine(0.1, v),
    "warmup": lambda v: SCHEDULES.Cosine(0.1, 9, v),
    "patience": nn.EarlyStopping,
    "patience of ReduceOnPlateau": lambda v: SCHEDULES.ReduceOnPlateau(0.1, 0.1, v),
    "every of Checkpoint": lambda v: nn.Checkpoint("net", v),
    "width": nn.Input,
    "units": nn.Dense,
    "shape": lambda v: nn.Parameter((v, 1)),
    "units of mlp": lambda v: nn.mlp(1, [v], 1),
    "seed of mlp": lambda v: nn.mlp(1, [1], 1, seed=v),
    "widest": lambda v: network().trace(X, Y, "mse", widest=v),
    "batch_size of diagnose": lambda v: nn.diagnose(network(), X, Y, "mse", batch_size=v),
    "n": nn.datasets.moons,
    "seed of moons": lambda v: nn.datasets.moons(4, seed=v),
    "step of a schedule": SCHEDULES.InverseScaling(0.1, 0.5).rate,
}
FLAGS: dict[str, Make] = {
    "shuffle": lambda v: fitted(shuffle=v),
    "progress": lambda v: fitted(progress=v),
    "shuffle of fit_many": lambda v: many(shuffle=v),
    "progress of fit_many": lambda v: many(progress=v),
    "training": lambda v: gradient(training=v),
    "training of check_gradients": lambda v: checked(training=v),
    "training_state": lambda v: network().save("/nowhere/net", training_state=v),
    "nesterov": lambda v: nn.SGD(0.1, 0.9, v),
    "restore_best": lambda v: nn.EarlyStopping(3, 0.0, v),
    "bias": lambda v: nn.Dense(1, bias=v),
    "bias of L2": lambda v: nn.L2(0.1, v),
    "divide_by_batch_size": lambda v: nn.L1(0.1, True, v),
    "from_logits": lambda v: nn.CrossEntropy(from_logits=v),
    "from_logits of BinaryCrossEntropy": lambda v: nn.BinaryCrossEntropy(from_logits=v),
    "log_input": lambda v: nn.Poisson(log_input=v),
    "best": lambda v: nn.Checkpoint("net", best=v),
}
LISTS: dict[str, Make] = {
    "metrics": lambda v: fitted(metrics=v),
    "callbacks": lambda v: fitted(callbacks=v),
    "hidden": lambda v: nn.mlp(1, v, 1),
    "networks": lambda v: nn.fit_many(v, X, Y, loss="mse", epochs=1),
    "seeds": lambda v: many(seeds=v),
    "labels": lambda v: nn.datasets.moons(4, labels=v),
}

# What is no number at all; None stands for a default where it is allowed.
NOTHING = ["3", b"3", 1j, np.complex128(1), np.complex64(2), np.ma.masked, [1], (1,), {}, object()]
NO_NUMBER = [*NOTHING, True, np.True_, np.array([1.0]), np.datetime64(1, "s"), np.timedelta64(1)]


def refused(make: Make, name: str, value: Any, *errors: type[Exception]) -> None:
    with pytest.raises(errors, match=rf"^\[.*\] .*{name.split(' of ')[0]}"):
        make(value)


def taken_or_refused(make: Make, value: Any) -> None:
    """Within a moment, and with a message of ours."""
    try:
        make(value)
    except ValueError as error:
        message = str(error)
    else:
        return
    assert message.startswith("["), message


@pytest.mark.parametrize("name", REALS)
def test_a_number_is_a_real_number(name: str) -> None:
    for value in NO_NUMBER:
        refused(REALS[name], name, value, TypeError)
    for value in (np.nan, np.float32(np.nan), 10**400, -(10**400), -1):
        if value != -1 or name not in ("value", "low"):
            refused(REALS[name], name, value, ValueError)
    for value in (np.inf, 2**70, 1e-320, np.longdouble(2), np.array(0.5)):
        taken_or_refused(REALS[name], value)


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_an_integer(name: str) -> None:
    for value in [*NO_NUMBER, 1.0, np.float64(2), np.nan, Fraction(2)]:
        refused(COUNTS[name], name, value, TypeError)
    for value in (-1, -(2**70), np.int8(-1)):
        refused(COUNTS[name], name, value, ValueError)
    for value in (0, np.uint8(3), np.array(2)):
        taken_or_refused(COUNTS[name], value)
    if name not in ("epochs", "n"):  # which would be made
        for value in (2**31, 2**63 - 1, 2**63, 2**64, 2**70):
            taken_or_refused(COUNTS[name], value)


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false(name: str) -> None:
    for value in [*NOTHING, None, 0, 1, 0.5, "yes", "", np.int64(1), np.array([True])]:
        refused(FLAGS[name], name, value, TypeError)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_no_number_and_no_word(name: str) -> None:
    for value in (3, None, 1.5, np.array(1), True, object()):
        if name not in ("seeds", "labels") or value is not None:
            with pytest.raises((TypeError, ValueError), match=rf"^\[.*\] .*{name}"):
                LISTS[name](value)
    for word in ("many", b"many"):
        refused(LISTS[name], name, word, TypeError)


INPUT = nn.Input(3)
TEXTS: dict[str, Make] = {
    "name": nn.Activation,
    "activation": lambda v: nn.Dense(1, v),
    "init": INIT.Initializer,
    "name of a layer": lambda v: nn.Dense(1, name=v),
    "name of an input": lambda v: nn.Input(1, name=v),
    "name of an output": lambda v: nn.Network(INPUT, {v: nn.Dense(1)(INPUT)}),
    "name of a loss": lambda v: nn.CustomLoss(len, len, v),
    "name of an activation": lambda v: nn.CustomActivation(len, len, v),
    "loss": lambda v: fitted(loss=v),
    "reduction": lambda v: nn.SquaredError(reduction=v),
    "metric": lambda v: fitted(metrics=[v]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_word_is_text(name: str) -> None:
    for value, error in ((7, TypeError), ("\ud800", ValueError), ("a\udfffb", ValueError)):
        with pytest.raises(error, match=r"^\[[\w.]+\] .*" + re.escape(ascii(value))):
            TEXTS[name](value)


def test_what_all_losses_have_is_no_loss() -> None:
    with pytest.raises(TypeError, match=r"^\[Loss\] has no formula"):
        nn.Loss()


def test_an_optimizer_is_initialized() -> None:
    class Own(nn.Optimizer):
        def __init__(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"^\[Network\.fit\] .*super\(\).__init__\(\)"):
        fitted(optimizer=Own())


def test_labels_of_class_weights_are_integers() -> None:
    wrong: list[Any] = [1.5, np.nan, np.inf, "1", b"1", None, 1j, True, np.True_]
    for label in wrong:
        with pytest.raises(TypeError, match=r"^\[Network.fit\] class_weight has the label"):
            classified(class_weight={label: 2.0})
    expected = classified(class_weight={1: 2.0}).loss
    right: list[Any] = [1.0, np.int8(1), np.float32(1)]
    for label in right:
        assert classified(class_weight={label: 2.0}).loss == expected


def test_weights_of_classes_are_numbers() -> None:
    with pytest.raises(TypeError, match=r"^\[Network.fit\] class_weight has dtype bool"):
        classified(class_weight=[True, False])


@pytest.mark.parametrize("optimizer", [0, "", [], False, np.ma.masked])
def test_what_is_false_is_no_default_optimizer(optimizer: Any) -> None:
    with pytest.raises(TypeError, match=r"^\[Network.fit\] optimizer is"):
        fitted(optimizer=optimizer)
    with pytest.raises(TypeError, match=r"^\[diagnose\] optimizer is"):
        nn.diagnose(network(), X, Y, "mse", optimizer=optimizer)


@pytest.mark.parametrize("dtype", [None, "f2", "f16", complex, object, "three", 3])
def test_a_dtype_is_float32_or_float64(dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"^\[Network\] .*dtype"):
        nn.mlp(1, [1], 1, dtype=dtype)
    with pytest.raises(TypeError, match=r"^\[Network\] .*dtype"):
        network().astype(dtype)


@pytest.mark.parametrize("net", [None, 3, "net", X])
def test_only_a_network_is_drawn(net: Any) -> None:
    with pytest.raises(TypeError, match=r"^\[plot_network\] net is"):
        nn.plot_network(net)
