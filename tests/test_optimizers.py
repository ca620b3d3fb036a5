"""Every optimizer, ten steps against the reference; schedules, clipping, whose state it is."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import MIXED, assert_close, build, fit, randomize, same_bits

RATE = 0.05
WEIGHTS = ref.is_weight(MIXED)
# Each is made anew for each test: both kinds of object carry state.
OPTIMIZERS: dict[str, tuple[Callable[..., Any], Callable[[], Any]]] = {
    "gradient descent": (lambda rate, **k: nn.GradientDescent(rate, **k), ref.SGD),
    "sgd": (lambda rate, **k: nn.SGD(rate, **k), ref.SGD),
    "momentum": (lambda rate, **k: nn.SGD(rate, momentum=0.9, **k), lambda: ref.SGD(0.9)),
    "nesterov": (
        lambda rate, **k: nn.SGD(rate, momentum=0.8, nesterov=True, **k),
        lambda: ref.SGD(0.8, nesterov=True),
    ),
    "adam": (lambda rate, **k: nn.Adam(rate, **k), ref.Adam),
    "adam with options": (
        lambda rate, **k: nn.Adam(rate, beta1=0.8, beta2=0.99, epsilon=1e-3, **k),
        lambda: ref.Adam(0.8, 0.99, 1e-3),
    ),
    "adamw": (
        lambda rate, **k: nn.AdamW(rate, weight_decay=0.3, **k),
        lambda: ref.Adam(weight_decay=0.3, decayed=WEIGHTS),
    ),
    "rmsprop": (lambda rate, **k: nn.RMSProp(rate, rho=0.8, **k), lambda: ref.RMSProp(0.8)),
    "adagrad": (lambda rate, **k: nn.AdaGrad(rate, **k), ref.AdaGrad),
}


def problem(rng: np.random.Generator, n: int = 40) -> tuple[nn.Network, Any, Any]:
    net = build(MIXED)
    randomize(net, rng)
    return net, rng.normal(size=(n, 5)), rng.normal(size=(n, 3))


def unpickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def reference_run(
    theta: ref.Array, optimizer: Any, batches: list[tuple[Any, Any]], clip: float = math.inf
) -> ref.Array:
    for x, y in batches:
        _, gradient = ref.loss_and_gradient(MIXED, theta, x, y, "mse", l2=0.01)
        theta = optimizer.step(theta, ref.clip_norm(gradient, clip), RATE)
    return theta


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("clip", [None, 0.3])
def test_ten_train_steps_equal_the_reference(
    name: str, clip: float | None, rng: np.random.Generator
) -> None:
    (make, reference), (net, x, y) = OPTIMIZERS[name], problem(rng)
    batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 40, 4)]
    expected = reference_run(net.theta.copy(), reference(), batches, clip or math.inf)
    optimizer = make(RATE, clip_norm=clip)
    for batch in batches:
        net.train_step(*batch, loss="mse", optimizer=optimizer, regularizer=nn.L2(0.01))
    assert_close(net.theta, expected)
    assert optimizer.iterations == 10


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "gradient descent"])
@pytest.mark.parametrize("clip", [None, 0.3])
def test_ten_steps_of_fit_equal_the_reference(
    name: str, clip: float | None, rng: np.random.Generator
) -> None:
    (make, reference), (net, x, y) = OPTIMIZERS[name], problem(rng, n=18)
    order = np.stack([rng.permutation(18), rng.permutation(18)])
    rows = [part for epoch in order for part in np.split(epoch, [4, 8, 12, 16])]
    batches = [(x[r], y[r]) for r in rows]
    expected = reference_run(net.theta.copy(), reference(), batches, clip or math.inf)
    fit(net, x, y, loss="mse", optimizer=make(RATE, clip_norm=clip), epochs=2, batch_size=4,
        sample_order=order, regularizer=nn.L2(0.01))  # fmt: skip
    assert_close(net.theta, expected)


def test_gradient_descent_sees_the_whole_set_in_each_step(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    batches = [(x, y)] * 3
    expected = reference_run(net.theta.copy(), ref.SGD(), batches)
    optimizer = nn.GradientDescent(RATE)
    fit(net, x, y, loss="mse", optimizer=optimizer, epochs=3, regularizer=nn.L2(0.01))
    assert_close(net.theta, expected)
    assert optimizer.iterations == 3
    with pytest.raises(ValueError, match=r"GradientDescent uses the whole set; expected nn.SGD"):
        net.fit([(x, y)], loss="mse", optimizer=nn.GradientDescent(RATE), epochs=1)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_fit_twice_is_fit_once_longer(name: str, rng: np.random.Generator) -> None:
    make, (net, x, y) = OPTIMIZERS[name][0], problem(rng)
    whole, settings = net.copy(), {"loss": "mse", "shuffle": False}
    if name != "gradient descent":
        settings["batch_size"] = 7
    fit(whole, x, y, optimizer=make(RATE), epochs=5, **settings)
    optimizer = make(RATE)
    fit(net, x, y, optimizer=optimizer, epochs=2, **settings)
    fit(net, x, y, optimizer=optimizer, epochs=3, **settings)
    assert same_bits(net.theta, whole.theta)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_float32_steps_follow_float64_ones(name: str, rng: np.random.Generator) -> None:
    make, (net, x, y) = OPTIMIZERS[name][0], problem(rng)
    single = build(MIXED, np.float32)
    single.theta[:] = net.theta
    for each in (net, single):
        optimizer = make(0.01)
        for _ in range(5):
            data = x.astype(each.dtype), y.astype(each.dtype)
            each.train_step(*data, loss="mse", optimizer=optimizer)
    assert_close(single.theta, net.theta, 1e-4)


def test_the_default_optimizer_is_sgd(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other = net.copy()
    fit(net, x, y, loss="mse", epochs=2)
    fit(other, x, y, loss="mse", optimizer=nn.SGD(0.01), epochs=2)
    assert same_bits(net.theta, other.theta)


# ---- clipping --------------------------------------------------------------------------------


def test_clipping_shortens_a_long_gradient_and_keeps_a_short_one(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    before = net.theta.copy()
    norm = float(np.linalg.norm(net.loss_and_gradient(x, y, "mse")[1]))
    for limit, expected in ((norm / 3, norm / 3), (2 * norm, norm)):
        net.theta[:] = before
        net.train_step(x, y, loss="mse", optimizer=nn.SGD(1.0, clip_norm=limit))
        assert np.linalg.norm(net.theta - before) == pytest.approx(expected, rel=1e-9)


def test_clipping_shortens_a_gradient_whose_square_is_beyond_float32() -> None:
    net = nn.mlp(1, [], 1, dtype=np.float32)
    net.theta[:] = 0
    x = np.full((1, 1), 1e10, np.float32)
    net.train_step(x, x, loss="squared_error", optimizer=nn.SGD(1.0, clip_norm=1.0))
    assert_close(net.theta, [1.0, 1e-10], 1e-6)


@pytest.mark.parametrize("make", [nn.Adam, nn.AdamW, nn.RMSProp, nn.AdaGrad])
def test_a_gradient_whose_square_is_beyond_float32_makes_a_finite_step(make: Any) -> None:
    net = nn.Sequential(nn.Input(17), nn.Dense(1, init="zeros"), dtype=np.float32)
    gradient = np.ones(18, np.float32)
    gradient[3] = 1e20
    optimizer = make(0.01)
    for _ in range(3):
        net.apply_gradient(gradient, optimizer=optimizer)
    assert np.isfinite(net.theta).all()
    assert (net.theta < 0).all()


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("clip", [None, 0.3])
def test_an_applied_gradient_is_a_step(
    name: str, clip: float | None, dtype: Any, rng: np.random.Generator
) -> None:
    x, h = nn.Input(5), nn.Dense(40, "tanh", dropout=0.3)
    net = nn.Network(x, nn.Dense(3)(h(h(nn.Dense(40)(x)))), dtype=dtype)
    X, y = rng.normal(size=(8, 5)).astype(dtype), rng.normal(size=(8, 3)).astype(dtype)
    other = net.copy()
    first, second = (OPTIMIZERS[name][0](RATE, clip_norm=clip) for _ in range(2))
    for _ in range(4):
        net.train_step(X, y, loss="mse", optimizer=first)
        _, gradient = other.loss_and_gradient(X, y, "mse", training=True)
        other.apply_gradient(gradient, optimizer=second)
        assert same_bits(other.theta, net.theta)
    assert second.iterations == 4
    for wrong, words in [(gradient[:-1], "shape"), (gradient * np.nan, "gradient has a NaN at 0")]:
        with pytest.raises(ValueError, match=words):
            other.apply_gradient(wrong, optimizer=second)
    assert same_bits(other.theta, net.theta)


# ---- whose state it is -----------------------------------------------------------------------


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_an_optimizer_serves_the_network_it_began_with(name: str, rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other, optimizer = net.copy(), OPTIMIZERS[name][0](RATE)
    net.train_step(x, y, loss="mse", optimizer=optimizer)
    before = other.theta.copy()
    with pytest.raises(ValueError, match="optimizer"):
        other.train_step(x, y, loss="mse", optimizer=optimizer)
    with pytest.raises(ValueError, match="optimizer"):
        fit(other, x, y, loss="mse", optimizer=optimizer, epochs=1)
    assert same_bits(other.theta, before)
    assert optimizer.iterations == 1

    optimizer.reset()
    assert optimizer.iterations == 0
    other.train_step(x, y, loss="mse", optimizer=optimizer)
    assert same_bits(other.theta, net.theta)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, unpickled])
def test_a_copy_has_the_options_alone(
    name: str, copied: Callable[[Any], Any], rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)
    optimizer = OPTIMIZERS[name][0](nn.schedules.Step(RATE, 2), clip_norm=0.3)
    net.train_step(x, y, loss="mse", optimizer=optimizer)
    twin, other = copied(optimizer), net.copy()
    assert type(twin) is type(optimizer)
    assert (twin.iterations, optimizer.iterations) == (0, 1)
    optimizer.reset()
    for _ in range(4):
        net.train_step(x, y, loss="mse", optimizer=optimizer)
        other.train_step(x, y, loss="mse", optimizer=twin)
    assert same_bits(other.theta, net.theta)


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSProp, nn.AdaGrad])
@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_impossible_learning_rates_are_refused(make: Any, rate: float) -> None:
    with pytest.raises(ValueError, match="learning_rate"):
        make(rate)


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: nn.SGD(0.1, momentum=1.5), "momentum"),
        (lambda: nn.SGD(0.1, momentum=-0.1), "momentum"),
        (lambda: nn.SGD(0.1, clip_norm=-1.0), "clip_norm"),
        (lambda: nn.Adam(beta1=1.0), "beta1"),
        (lambda: nn.Adam(beta2=-0.1), "beta2"),
        (lambda: nn.Adam(epsilon=-1.0), "epsilon"),
        (lambda: nn.AdaGrad(epsilon=1e-40), "epsilon is 1e-40; expected a number >= 1.2e-38"),
        (lambda: nn.AdamW(weight_decay=-1.0), "weight_decay"),
        (lambda: nn.RMSProp(rho=1.0), "rho"),
        (lambda: nn.schedules.Step(0.1, 0), "every"),
        (lambda: nn.schedules.Exponential(0.1, 0, 0.5), "every"),
        (lambda: nn.schedules.Cosine(0.1, 5, warmup=6), "warmup"),
        (lambda: nn.schedules.ReduceOnPlateau(0.1, patience=-1), "patience"),
    ],
)
def test_impossible_options_are_refused_by_name(make: Any, option: str) -> None:
    with pytest.raises(ValueError, match=option):
        make()
