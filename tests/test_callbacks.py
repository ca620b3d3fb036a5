"""Callbacks, the progress bar, and what an exception leaves behind."""

import copy
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, problem, same_bits


def test_callbacks_see_each_epoch_and_a_true_answer_stops(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    seen: list[int] = []

    def stop_at_three(network: nn.Network, history: nn.History) -> bool:
        assert network is net
        seen.append(history.epochs)
        return len(history.loss) == 3

    history = fit(net, x, y, loss="mse", epochs=10, callbacks=[stop_at_three])
    assert seen == [1, 2, 3]
    assert history.epochs == 3


def test_every_callback_is_called(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    calls: list[str] = []
    first, second = (lambda *_, k=k: calls.append(k) for k in "ab")
    fit(net, x, y, loss="mse", epochs=2, callbacks=[first, second])
    assert calls == ["a", "b", "a", "b"]


def test_a_callback_may_predict(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    seen = []
    fit(net, x, y, loss="mse", epochs=2, callbacks=[lambda n, _: seen.append(n.predict(x))])
    assert same_bits(seen[-1], net.predict(x))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_exception_in_a_callback_leaves_a_usable_network(
    error: type[BaseException], rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)

    def fail(_: nn.Network, history: nn.History) -> None:
        if history.epochs == 3:
            raise error

    with pytest.raises(error):
        fit(net, x, y, loss="mse", epochs=10, callbacks=[fail])
    assert net.history is not None
    assert len(net.history.loss) == 3
    assert np.isfinite(net.predict(x)).all()
    assert fit(net, x, y, loss="mse", epochs=1).epochs == 1


def test_progress_shows_the_loss_and_can_be_silenced(
    rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    net, x, y = problem(rng)
    net.fit(x, y, loss="mse", epochs=2, progress=False)
    assert capfd.readouterr() == ("", "")
    net.fit(x, y, loss="mse", epochs=2, progress=True, validation_data=(x, y))
    captured = capfd.readouterr()
    shown = captured.out + captured.err
    assert "loss" in shown
    assert "2/2" in shown


class Clock:
    """A clock that goes on by so many seconds each time somebody looks at it."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


class Bar:
    """What a fit does with its bar."""

    instances: ClassVar[list["Bar"]] = []

    def __init__(self, **options: Any) -> None:
        self.n = options["initial"]
        self.shown: list[int] = []
        self.leave = True
        self.instances.append(self)

    def set_postfix(self, numbers: dict[str, str], refresh: bool) -> None:
        self.numbers = numbers

    def update(self, more: int) -> None:
        self.n += more
        self.shown.append(self.n)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, []), (0.011, [10, 20]), (1.0, range(1, 26))])
def test_the_bar_keeps_to_its_interval_though_callbacks_see_each_epoch(
    seconds: float, shown: Any, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, x, y = problem(rng)
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    monkeypatch.setattr("nnbind._watcher.monotonic", Clock(seconds), raising=False)
    epochs: list[int] = []
    history = net.fit(
        x, y, loss="mse", epochs=25, validation_data=(x, y), metrics=["mae"], progress=True,
        callbacks=[lambda _, history: epochs.append(history.epochs)],
    )  # fmt: skip
    bar = Bar.instances.pop()
    assert epochs == list(range(1, 26))
    assert bar.shown == [*shown, 25]
    last = {
        "loss": history.loss,
        "val_loss": history.val_loss,
        "mae": history.metrics["mae"],
        "val_mae": history.metrics["val_mae"],
    }
    assert bar.numbers == {name: f"{values[-1]:.4f}" for name, values in last.items()}


def test_a_series_is_one_list_that_grows_and_not_a_copy(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    seen: list[Any] = []
    lengths: list[int] = []

    def look(_: nn.Network, history: nn.History) -> None:
        series = [
            history.loss, history.val_loss, history.learning_rate, history.seconds,
            *history.metrics.values(),
        ]  # fmt: skip
        seen.append([id(values) for values in series])
        lengths.extend(len(values) for values in series)

    history = fit(net, x, y, loss="mse", epochs=3, validation_data=(x, y), metrics=["mae"],
                  callbacks=[look])  # fmt: skip
    assert seen == [seen[0]] * 3
    assert lengths == [epoch for epoch in (1, 2, 3) for _ in range(6)]
    assert json.loads(json.dumps(history.metrics)) == history.metrics
    assert np.asarray(history.loss).shape == (3,)
    twin = copy.deepcopy(history)
    assert twin.loss == history.loss
    assert twin.loss is not history.loss


def test_who_changes_a_series_does_no_harm_to_the_fit(
    rng: np.random.Generator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    x, y = problem(rng)[1:]
    nets = [nn.mlp(4, [5], 2, dtype=np.float64) for _ in range(2)]

    def clear(_: nn.Network, history: nn.History) -> None:
        for values in (history.loss, history.learning_rate, *history.metrics.values()):
            values.clear()

    checkpoint = nn.Checkpoint(tmp_path / "net")
    options: dict[str, Any] = {"loss": "mse", "metrics": ["mae"], "batch_size": 9, "epochs": 4}
    history = nets[0].fit(x, y, callbacks=[clear, checkpoint], progress=True, **options)
    expected = fit(nets[1], x, y, **options)
    assert same_bits(nets[0].theta, nets[1].theta)
    assert history.epochs == 4
    assert f"loss={expected.loss[-1]:.4f}" in capfd.readouterr().err
    resumed = nn.resume(tmp_path / "net", x, y, progress=False)
    for whole in (copy.deepcopy(history), resumed.history):
        assert whole is not None
        assert whole.loss == expected.loss
        assert whole.metrics == expected.metrics
