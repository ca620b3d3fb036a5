"""Callbacks, the progress bar, and what an exception leaves behind."""

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
