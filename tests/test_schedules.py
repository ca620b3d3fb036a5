"""Learning rates over time: each schedule's formula, in the history and in the steps."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, problem


def cosine(t: int, steps: int, warmup: int, final: float) -> float:
    if t < warmup:
        return 0.2 * (t + 1) / warmup
    part = min(1.0, (t - warmup) / (steps - warmup))
    return final + (0.2 - final) * (1 + math.cos(math.pi * part)) / 2


SCHEDULES: list[tuple[Any, Callable[[int], float]]] = [
    (0.2, lambda t: 0.2),
    (nn.schedules.Constant(0.2), lambda t: 0.2),
    (nn.schedules.Step(0.2, 3), lambda t: 0.2 * 0.1 ** (t // 3)),
    (nn.schedules.Step(0.2, 2, factor=0.5), lambda t: 0.2 * 0.5 ** (t // 2)),
    (nn.schedules.Exponential(0.2, 4, 0.5), lambda t: 0.2 * 0.5 ** (t / 4)),
    (nn.schedules.Cosine(0.2, 8), lambda t: cosine(t, 8, 0, 0.0)),
    (nn.schedules.Cosine(0.2, 8, warmup=3, final=0.01), lambda t: cosine(t, 8, 3, 0.01)),
    (nn.schedules.InverseScaling(0.2), lambda t: 0.2 / math.sqrt(t + 1)),
    (nn.schedules.InverseScaling(0.2, power=0.25), lambda t: 0.2 / (t + 1) ** 0.25),
]


@pytest.mark.parametrize(("schedule", "rate"), SCHEDULES)
def test_schedules_in_the_history(
    schedule: Any, rate: Callable[[int], float], rng: np.random.Generator
) -> None:
    net, x, y = problem(rng, n=6)
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(schedule), epochs=12)
    np.testing.assert_allclose(history.learning_rate, [rate(t) for t in range(12)], atol=1e-15)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in SCHEDULES[1:]])
def test_a_copied_schedule_is_the_same(schedule: Any) -> None:
    for twin in (copy.copy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert twin is not schedule
        assert [twin.rate(t) for t in range(12)] == [schedule.rate(t) for t in range(12)]


def test_a_copied_plateau_starts_anew(rng: np.random.Generator) -> None:
    net, x, y = problem(rng, n=6)
    schedule = nn.schedules.ReduceOnPlateau(0.2, patience=1, min_delta=1e9)
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(schedule), epochs=3)
    assert history.learning_rate[-1] < 0.2
    assert copy.deepcopy(schedule).rate(0) == 0.2


@pytest.mark.parametrize(("schedule", "rate"), SCHEDULES)
def test_schedules_count_steps_and_set_the_step_length(
    schedule: Any, rate: Callable[[int], float]
) -> None:
    # The gradient of |y - w x| with y far above is -1 for each sample: each step adds its rate.
    net = nn.Sequential(nn.Input(1), nn.Dense(1, init="zeros", bias=False), dtype=np.float64)
    x, y = np.ones((4, 1)), np.full((4, 1), 100.0)
    fit(net, x, y, loss="absolute_error", optimizer=nn.SGD(schedule), epochs=3, batch_size=1)
    assert net.theta[0] == pytest.approx(sum(rate(t) for t in range(12)), rel=1e-12)


@pytest.mark.parametrize("validated", [False, True])
def test_plateaus_reduce_the_rate_down_to_a_least_one(validated: bool) -> None:
    # With a rate this small nothing improves: after each `patience` epochs the rate falls.
    net = nn.Sequential(nn.Input(1), nn.Dense(1), dtype=np.float64)
    x, y = np.ones((4, 1)), np.ones((4, 1))
    schedule = nn.schedules.ReduceOnPlateau(1e-9, factor=0.1, patience=2, min_rate=5e-12)
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(schedule), epochs=9,
                  validation_data=(x, y) if validated else None)  # fmt: skip
    expected = [1e-9] * 3 + [1e-10] * 2 + [1e-11] * 2 + [5e-12] * 2
    np.testing.assert_allclose(history.learning_rate, expected, rtol=1e-9)


def test_a_step_is_an_index_of_the_core() -> None:
    schedule = nn.schedules.InverseScaling(0.1, 0.5)
    assert schedule.rate(2**63 - 1) > 0
    with pytest.raises(
        ValueError, match=r"^\[Schedule.rate\] step is 9223372036854775808; .* < 2\^63"
    ):
        schedule.rate(2**63)


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        (nn.schedules.Constant(0.1), "Constant(rate=0.1)"),
        (nn.schedules.Step(0.1, 30), "Step(rate=0.1, every=30, factor=0.1)"),
        (nn.schedules.InverseScaling(2), "InverseScaling(rate=2, power=0.5)"),
        (
            nn.schedules.ReduceOnPlateau(1e-3),
            "ReduceOnPlateau(rate=0.001, factor=0.1, patience=10, min_delta=1e-04, min_rate=0)",
        ),
    ],
)
def test_schedules_show_their_options(schedule: Any, shown: str) -> None:
    assert repr(schedule) == shown


def test_progress_keeps_the_rate() -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1), dtype=np.float64)
    schedule = nn.schedules.ReduceOnPlateau(0.01, factor=0.1, patience=2)
    history = fit(net, np.ones((4, 1)), np.full((4, 1), 100.0), loss="mse",
                  optimizer=nn.SGD(schedule), epochs=9)  # fmt: skip
    assert history.learning_rate == [0.01] * 9
