"""Many networks at once: each is trained as by its own fit, bit for bit."""

import json
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, python_command, same_bits, ticks_during
from test_several_inputs import LOSS, WEIGHTS
from test_several_inputs import network as two_by_two
from test_several_inputs import problem as parts_problem

STEP: dict[str, Any] = {"loss": "cross_entropy", "epochs": 3, "batch_size": 7}
N = 41


def networks(dtype: Any = np.float64, count: int = 5) -> list[nn.Network]:
    """Of several sizes, with dropout and running statistics in some."""
    nets: list[nn.Network] = []
    for k in range(count):
        layers = [nn.Dense(5 + 3 * k, "tanh", dropout=0.2 * (k % 2))]
        if k % 3 == 2:
            nets.append(
                nn.Sequential(nn.Input(4), *layers, nn.BatchNorm(), nn.Dense(3, "softmax"),
                              seed=k, dtype=dtype)
            )  # fmt: skip
        else:
            output = nn.Dense(3, "softmax")
            nets.append(nn.Sequential(nn.Input(4), *layers, output, seed=k, dtype=dtype))
    return nets


def data(rng: np.random.Generator, dtype: Any = np.float64) -> tuple[Any, Any]:
    return rng.normal(size=(N, 4)).astype(dtype), rng.integers(3, size=N)


def adam(k: int) -> nn.Optimizer:
    return nn.Adam(0.01 * (k + 1))


def fit_many(nets: list[nn.Network], x: Any, y: Any, **options: Any) -> list[nn.History]:
    return nn.fit_many(nets, x, y, **{"progress": False, **options})


def assert_same(nets: list[nn.Network], twins: list[nn.Network]) -> None:
    for net, twin in zip(nets, twins, strict=True):
        assert same_bits(net.theta, twin.theta)
        assert same_bits(net.state, twin.state)
        assert net.history is not None
        assert twin.history is not None
        for name in ("loss", "val_loss", "learning_rate", "metrics", "best_epoch"):
            assert getattr(net.history, name) == getattr(twin.history, name)


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "whole set": {"batch_size": None, "shuffle": False},
    "validation": {"validation_fraction": 0.3, "metrics": ["accuracy"]},
    "early stopping": {
        "validation_fraction": 0.3,
        "epochs": 60,
        "early_stopping": nn.EarlyStopping(2, 1e-3),
    },
    "weights": {
        "sample_weight": np.linspace(0.5, 2, N),
        "class_weight": "balanced",
        "validation_fraction": 0.2,
    },
    "regularizer": {"regularizer": nn.L2(0.1), "class_weight": {1: 3.0}},
}


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_each_is_as_its_own_fit_has_it(
    threads: int | None, rng: np.random.Generator, dtype: Any
) -> None:
    nets, twins, (x, y) = networks(dtype), networks(dtype), data(rng, dtype)
    optimizers, own = [adam(k) for k in range(5)], [adam(k) for k in range(5)]
    for _ in range(2):  # a further fit goes on
        histories = fit_many(nets, x, y, optimizers=optimizers, threads=threads, **STEP)
        for twin, optimizer in zip(twins, own, strict=True):
            fit(twin, x, y, optimizer=optimizer, **STEP)
        assert_same(nets, twins)
        assert all(net.history is history for net, history in zip(nets, histories, strict=True))


@pytest.mark.parametrize("options", list(OPTIONS))
@pytest.mark.parametrize("folds", ["no", "arrays", "pairs"])
def test_each_option_does_what_it_does_in_fit(
    options: str, folds: str, rng: np.random.Generator
) -> None:
    nets, twins, (x, y) = networks(), networks(), data(rng)
    given = STEP | OPTIONS[options]
    if folds == "pairs":
        given.pop("validation_fraction", None)
    rows = [rng.permutation(N)[: 30 + k] for k in range(5)]
    samples: Any = {
        "no": None,
        "arrays": rows,
        "pairs": [(indices[:20], indices[20:]) for indices in rows],
    }[folds]
    fit_many(nets, x, y, optimizers=adam, samples=samples, threads=2, **given)
    weight = given.pop("sample_weight", None)
    for k, twin in enumerate(twins):
        own = dict(given)
        train = {"no": slice(None), "arrays": rows[k], "pairs": rows[k][:20]}[folds]
        if weight is not None:
            own["sample_weight"] = weight[train]
        if folds == "pairs":
            held_out = rows[k][20:]
            own["validation_data"] = (x[held_out], y[held_out]) + (
                () if weight is None else (weight[held_out],)
            )
        fit(twin, x[train], y[train], optimizer=adam(k), **own)
    assert_same(nets, twins)


def test_validation_data_and_seeds(rng: np.random.Generator) -> None:
    nets, twins, (x, y) = networks(), networks(), data(rng)
    given = STEP | {"validation_data": (x[:9], y[:9], np.linspace(1, 2, 9))}
    fit_many(nets, x, y, seeds=range(7, 12), **given)
    for k, twin in enumerate(twins):
        fit(twin, x, y, seed=7 + k, optimizer=nn.SGD(0.01), **given)
    assert_same(nets, twins)


@pytest.mark.parametrize("by_name", [False, True])
def test_several_inputs_and_outputs(by_name: bool) -> None:
    x, y = parts_problem()
    nets, twins = [two_by_two() for _ in range(3)], [two_by_two() for _ in range(3)]
    samples = [np.arange(k, 23) for k in range(3)]
    options: dict[str, Any] = {
        "loss": LOSS, "loss_weights": WEIGHTS, "epochs": 2, "batch_size": 5,
        "validation_data": (x, y), "metrics": ["mse"],
    }  # fmt: skip
    given = (x, y) if by_name else (list(x.values()), list(y.values()))
    fit_many(nets, *given, samples=samples, **options)
    for rows, twin in zip(samples, twins, strict=True):
        own = ({name: part[rows] for name, part in parts.items()} for parts in (x, y))
        fit(twin, *own, optimizer=nn.SGD(0.01), **options)
    assert_same(nets, twins)


def test_inputs_are_found_by_name_for_each_network(rng: np.random.Generator) -> None:
    def network(order: int) -> nn.Network:
        a, b = nn.Input(3, "a"), nn.Input(3, "b")
        out = nn.Dense(1)(nn.concatenate([a, b]))
        return nn.Network([a, b][::order], out, seed=1, dtype=np.float64)

    x = {name: rng.normal(size=(N, 3)) for name in "ab"}
    y = rng.normal(size=(N, 1))
    nets, twins = [network(1), network(-1)], [network(1), network(-1)]
    options: dict[str, Any] = {"loss": "mse", "epochs": 2, "validation_data": (x, y)}
    fit_many(nets, x, y, **options)
    for twin in twins:
        fit(twin, x, y, optimizer=nn.SGD(0.01), **options)
    assert_same(nets, twins)
    assert same_bits(nets[0].theta, nets[1].theta)


def test_python_functions_are_called_on_all_threads(rng: np.random.Generator) -> None:
    wave = nn.CustomActivation(np.sin, np.cos, name="wave")
    loss = nn.CustomLoss(
        lambda y, f: np.sum((f - y) ** 2, axis=1), lambda y, f: 2 * (f - y), name="square"
    )
    x, y = rng.normal(size=(N, 4)), rng.normal(size=(N, 2))
    nets, twins = (
        [nn.mlp(4, [6], 2, activation=wave, seed=k, dtype=np.float64) for k in range(6)]
        for _ in range(2)
    )
    fit_many(nets, x, y, loss=loss, epochs=2, batch_size=8, threads=3)
    for twin in twins:
        fit(twin, x, y, loss=loss, epochs=2, batch_size=8, optimizer=nn.SGD(0.01))
    assert_same(nets, twins)


def test_an_error_of_a_python_function_ends_all(rng: np.random.Generator) -> None:
    calls = 0

    def fails(t: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise ZeroDivisionError("planted")
        return t

    broken = nn.CustomActivation(fails, np.ones_like, name="broken")
    nets = [nn.mlp(4, [6], 3, activation=broken, dtype=np.float64, seed=k) for k in range(4)]
    x, y = data(rng)
    options = STEP | {"loss": nn.CrossEntropy(from_logits=True), "epochs": 10**6}
    with pytest.raises(ZeroDivisionError, match="planted"):
        fit_many(nets, x, y, threads=2, **options)
    assert any(net.history is not None for net in nets)
    assert all(np.isfinite(net.theta).all() for net in nets)


def test_one_schedule_may_serve_many_optimizers(rng: np.random.Generator) -> None:
    nets, twins, (x, y) = networks(), networks(), data(rng)
    plateau = nn.schedules.ReduceOnPlateau(0.5, factor=0.1, patience=1, min_delta=0.05)
    options = STEP | {"epochs": 12}
    fit_many(nets, x, y, optimizers=lambda _: nn.SGD(plateau), threads=2, **options)
    for twin in twins:
        fit(twin, x, y, optimizer=nn.SGD(plateau), **options)
    assert_same(nets, twins)
    assert any(net.history.learning_rate[-1] < 0.5 for net in nets if net.history)


def test_data_are_shared(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(4000, 200)).astype(np.float32), np.zeros((4000, 1), np.float32)
    nets = [nn.mlp(200, [2], 1, seed=k) for k in range(8)]
    folds = [np.delete(np.arange(4000), slice(500 * k, 500 * k + 500)) for k in range(8)]
    tracemalloc.start()
    try:
        fit_many(nets, x, y, loss="mse", epochs=1, batch_size=500, samples=folds)
        assert tracemalloc.get_traced_memory()[1] < 0.2 * x.nbytes
    finally:
        tracemalloc.stop()


def test_converted_data_are_converted_once(rng: np.random.Generator) -> None:
    nets, twins, (x, y) = networks(np.float32), networks(np.float32), data(rng)
    fit_many(nets, x, y, **STEP)
    for twin in twins:
        fit(twin, x, y, optimizer=nn.SGD(0.01), **STEP)
    assert_same(nets, twins)


def test_data_that_are_parameters_of_one_of_them_are_copied(rng: np.random.Generator) -> None:
    nets = [nn.mlp(4, [8], 4, dtype=np.float64, seed=k) for k in range(3)]
    twins = [net.copy() for net in nets]
    x = nets[2].theta[:32].reshape(8, 4)
    copy = x.copy()
    fit_many(nets, x, x, loss="mse", epochs=3, batch_size=3)
    for twin in twins:
        fit(twin, copy, copy, loss="mse", epochs=3, batch_size=3, optimizer=nn.SGD(0.01))
    assert_same(nets, twins)


# ---- divergence and interruption -------------------------------------------------------------


def test_the_others_go_on_when_some_diverge(rng: np.random.Generator) -> None:
    nets, twins, (x, y) = networks(), networks(), data(rng)
    start = nets[3].theta.copy()
    with pytest.raises(nn.DivergenceError, match=r"^\[fit_many\] .*: 1, 3 of 5 networks"):
        fit_many(nets, x, y, optimizers=lambda k: nn.SGD(1e308 if k in (1, 3) else 0.1), **STEP)
    for k in (0, 2, 4):
        fit(twins[k], x, y, optimizer=nn.SGD(0.1), **STEP)
    assert_same(nets[::2], twins[::2])
    assert same_bits(nets[3].theta, start)
    assert all(net.history is not None for net in nets)


def test_no_training_state_is_kept_and_save_says_so(
    rng: np.random.Generator, tmp_path: Any
) -> None:
    nets, (x, y) = networks(count=2), data(rng)
    fit(nets[0], x, y, **STEP)
    fit_many(nets, x, y, **STEP)
    message = "there is no training_state: Network.fit keeps one, nn.fit_many and nn.load do not"
    for net in nets:
        with pytest.raises(ValueError, match=message):
            net.save(tmp_path / "net", training_state=True)
    fit(nets[0], x, y, **STEP)
    nets[0].save(tmp_path / "net", training_state=True)
    with pytest.raises(ValueError, match="shape"):  # refused: that of the last fit stays
        fit_many(nets, x[:, :2], y, **STEP)
    nets[0].save(tmp_path / "net", training_state=True)


def test_a_divergence_names_its_network_and_no_other_function(rng: np.random.Generator) -> None:
    nets, (x, y) = networks(), data(rng)
    with pytest.raises(nn.DivergenceError, match=r"these: \[fit_many, network 3\] .* no longer"):
        fit_many(nets, x, y, optimizers=lambda k: nn.SGD(1e308 if k == 3 else 0.1), **STEP)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("progress", [False, True])
def test_an_interrupt_ends_all(threads: int, progress: bool) -> None:
    command = python_command(f"""
        import os, signal, threading, time
        import numpy as np, nnbind as nn
        nets = [nn.mlp(8, [8], 1, seed=k) for k in range(6)]
        x, y = np.ones((1000, 8), np.float32), np.ones((1000, 1), np.float32)
        options = dict(loss="mse", batch_size=1, threads={threads}, progress={progress})
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
        def interrupt():
            end = time.process_time() + 0.5  # of CPU time: all fits at work are in full swing
            while time.process_time() < end:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        try:
            threading.Thread(target=interrupt).start()
            nn.fit_many(nets, x, y, epochs=10**7, **options)
        except KeyboardInterrupt:
            epochs = [net.history.epochs for net in nets if net.history is not None]
            assert all(np.isfinite(net.predict(x)).all() for net in nets)
            nn.fit_many(nets, x, y, epochs=1, **options)
            print(epochs)
    """)
    child = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert child.returncode == 0, child.stderr
    epochs = json.loads(child.stdout)
    assert 1 <= len(epochs) <= threads
    assert all(0 < count < 10**7 for count in epochs)


def test_other_python_threads_go_on(rng: np.random.Generator) -> None:
    nets = [nn.mlp(64, [64], 10, seed=k) for k in range(8)]
    x, y = rng.normal(size=(2000, 64)).astype(np.float32), np.zeros((2000, 10), np.float32)
    assert ticks_during(lambda: fit_many(nets, x, y, loss="mse", epochs=30, batch_size=8)) >= 3


# ---- what is refused -------------------------------------------------------------------------


REFUSED: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (ValueError, "networks is empty", {"networks": []}),
    (TypeError, "expected networks alone", {"networks": [3]}),
    (TypeError, "networks is 3; expected a list", {"networks": 3}),
    (TypeError, "momenta belong to one network", {"optimizers": nn.SGD(0.1)}),
    (ValueError, "optimizers has 1 entries; .* 5 networks", {"optimizers": [nn.SGD(0.1)]}),
    (ValueError, "has the optimizer of another", {"optimizers": [nn.SGD(0.1)] * 5}),
    (TypeError, "optimizer is 3", {"optimizers": [3] * 5}),
    (ValueError, "whole set", {"optimizers": lambda _: nn.GradientDescent(0.1)}),
    (ValueError, "seeds has 2 entries", {"seeds": [1, 2]}),
    (ValueError, "seed is -1", {"seeds": [1, 2, 3, 4, -1]}),
    (ValueError, "samples has 1 entries", {"samples": [np.arange(3)]}),
    (nn.ShapeError, r"samples\[0\] has shape \(0,\)", {"samples": [[]] * 5}),
    (TypeError, r"samples\[0\] has dtype float64", {"samples": [np.ones(3)] * 5}),
    (TypeError, r"samples\[0\] has dtype bool", {"samples": [np.ones(N, bool)] * 5}),
    (ValueError, rf"samples\[0\] has the entry {N}; .* < {N}", {"samples": [[0, N]] * 5}),
    (ValueError, "the entry -1", {"samples": [[0, -1]] * 5}),
    (ValueError, "no validation_fraction",
     {"samples": [([0, 1], [2])] * 5, "validation_fraction": 0.5}),
    (nn.ShapeError, "cannot split", {"samples": [[0]] * 5, "validation_fraction": 0.5}),
    (ValueError, "validation_fraction is 1", {"validation_fraction": 1}),
    (ValueError, "threads is 0", {"threads": 0}),
    (ValueError, "epochs is -1", {"epochs": -1}),
    (ValueError, "crossentropy", {"loss": "crossentropy"}),
    (nn.ShapeError, r"\[fit_many, network 0\] X has shape", {"X": np.ones((N, 5))}),
    (ValueError, r"\[fit_many, network 0\] X has a NaN in row 0", {"X": np.full((N, 4), np.nan)}),
    (nn.ShapeError, "y has shape", {"y": np.zeros(N - 1, int)}),
    (nn.ShapeError, r"\[fit_many\] sample_weight", {"sample_weight": np.ones(3)}),
    (ValueError, "sample_weight is -1", {"sample_weight": -np.ones(N)}),
    (TypeError, "masked", {"sample_weight": np.ma.masked_array(np.ones(N)),
                           "class_weight": "balanced", "samples": [np.arange(9)] * 5}),
    (ValueError, "validation X has a NaN",
     {"validation_data": (np.full((2, 4), np.nan), np.zeros(2, int))}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "options"), REFUSED, ids=[r[1] for r in REFUSED])
def test_what_does_not_fit_is_refused_before_anything_changes(
    error: type[Exception], message: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    nets, (x, y) = networks(), data(rng)
    before = [net.theta.copy() for net in nets]
    given = {"networks": nets, "X": x, "y": y, "progress": False, **STEP, **options}
    with pytest.raises(error, match=message):
        nn.fit_many(**given)
    assert all(same_bits(net.theta, theta) for net, theta in zip(nets, before, strict=True))
    assert all(net.history is None for net in nets)


def test_a_network_may_be_there_once(rng: np.random.Generator) -> None:
    nets, (x, y) = networks(), data(rng)
    with pytest.raises(ValueError, match=r"network 5\] is there twice"):
        fit_many([*nets, nets[2]], x, y, **STEP)
    assert nets[0].history is None


def test_networks_are_of_one_dtype(rng: np.random.Generator) -> None:
    x, y = data(rng)
    with pytest.raises(TypeError, match="network 1 has another dtype"):
        fit_many([networks()[0], networks(np.float32)[0]], x, y, **STEP)


def test_the_last_network_may_be_the_one_that_does_not_fit(rng: np.random.Generator) -> None:
    nets, (x, y) = networks(), data(rng)
    optimizers = [adam(k) for k in range(6)]
    with pytest.raises(nn.ShapeError, match=r"\[fit_many, network 5\] X has shape"):
        fit_many(
            [*nets, nn.mlp(5, [], 3, output="softmax", dtype=np.float64)],
            x,
            y,
            optimizers=optimizers,
            **STEP,
        )
    fit_many(nets[::-1], x, y, optimizers=optimizers[:5], **STEP)  # none was bound


def test_a_network_that_is_being_trained_is_refused(rng: np.random.Generator) -> None:
    nets, (x, y) = networks(), data(rng)

    def during(*_: Any) -> None:
        with pytest.raises(nn.BusyError, match=r"\[fit_many, network 2\]"):
            fit_many(nets, x, y, **STEP)

    fit(nets[2], x, y, callbacks=[during], **STEP | {"epochs": 1})
    assert [net.history is None for net in nets] == [True, True, False, True, True]
    fit_many(nets, x, y, **STEP)


@pytest.mark.parametrize("refused", [False, True])
def test_the_bar_counts_networks(
    refused: bool, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    nets, (x, y) = networks(), data(rng)
    if refused:
        with pytest.raises(ValueError, match="NaN"):
            nn.fit_many(nets, x * np.nan, y, **STEP)
        assert "5/5" not in capsys.readouterr().err
    else:
        nn.fit_many(nets, x, y, **STEP)
        assert "5/5" in capsys.readouterr().err
