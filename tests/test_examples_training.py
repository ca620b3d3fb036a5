"""What the examples about training claim is what their numbers show."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close
from lecture import load_script


def test_each_step_multiplies_the_distance_by_one_minus_rate_times_curvature(
    run_script: Any,
) -> None:
    found = run_script("learning_rates")
    for rate, descent in found.parabola.items():
        distance = descent.weights - found.minimum
        assert_close(distance[1:] / distance[:-1], np.full(distance.size - 1, 1 - rate), 1e-7)


def test_small_rates_descend_on_one_side_larger_oscillate_and_too_large_diverge(
    run_script: Any,
) -> None:
    found = run_script("learning_rates")
    kinds = set()
    for rate, (weights, losses) in found.parabola.items():
        changes_side = np.diff(np.sign(weights - found.minimum)) != 0
        rises = np.diff(losses) > 0
        kinds.add((changes_side.all(), changes_side.any(), rises.all(), rises.any()))
        assert changes_side.all() == changes_side.any() == (rate > 1)
        assert rises.all() == rises.any() == (rate > 2)
    assert len(kinds) == 3


def test_a_larger_rate_steps_across_into_the_deeper_valley(run_script: Any) -> None:
    small, large = (run_script("learning_rates").valleys[rate] for rate in (0.05, 1.0))
    assert small.weights[0] == large.weights[0]
    assert small.weights[-1] < 0 < 2 < large.weights[-1]
    assert large.losses[-1] < small.losses[-1] - 0.05
    for descent in (small, large):  # both have arrived
        assert abs(descent.losses[-1] - descent.losses[-10]) < 1e-3


def test_smaller_batches_need_fewer_epochs(run_script: Any) -> None:
    single, mini, whole = run_script("gradient_descent").values()
    assert single.epochs_to(0.05) < mini.epochs_to(0.05) < whole.epochs_to(0.05) / 3


def test_no_batch_size_is_held_back_by_the_range_of_its_learning_rates(run_script: Any) -> None:
    rates = load_script("gradient_descent").RATES
    for found in run_script("gradient_descent").values():
        assert min(rates) < found.rate < max(rates)


def test_the_loss_of_small_batches_jitters_to_the_end(run_script: Any) -> None:
    single, mini, _ = run_script("gradient_descent").values()
    for found in (single, mini):
        last = np.array(found.losses[-100:])
        assert np.mean(np.diff(last) > 0) > 0.3
        assert last.max() > 1.2 * last.min()


def test_early_stopping_keeps_the_best_epoch_of_an_over_fitting_network(run_script: Any) -> None:
    to_the_end, stopped = run_script("early_stopping")
    full, short = to_the_end.history, stopped.history
    assert (
        short.epochs == short.best_epoch + 1 + load_script("early_stopping").PATIENCE < full.epochs
    )
    assert short.val_loss == full.val_loss[: short.epochs]
    assert short.best_epoch == int(np.argmin(short.val_loss))
    assert stopped.validation_loss == pytest.approx(min(short.val_loss), rel=1e-6)
    assert stopped.validation_loss <= to_the_end.validation_loss


def test_the_validation_loss_turns_up_while_the_training_loss_goes_down(run_script: Any) -> None:
    to_the_end, stopped = run_script("early_stopping")
    history, best = to_the_end.history, stopped.history.best_epoch
    assert history.val_loss[0] > 2 * history.val_loss[best]
    assert history.val_loss[-1] > 2 * history.val_loss[best]
    assert history.loss[-1] < 0.5 * history.loss[best]
    assert stopped.error < 0.5 * to_the_end.error


def test_the_weights_get_smaller_and_the_training_error_larger_with_lambda(run_script: Any) -> None:
    fits = run_script("l2")
    assert list(fits) == sorted(fits)
    assert np.all(np.diff([fit.norm for fit in fits.values()]) < 0)
    errors = [fit.training_error for fit in fits.values()]
    assert errors[0] < 0.5 * errors[-2] < 0.5 * errors[-1]


def test_some_lambda_is_better_on_new_samples_than_none_and_than_too_much(run_script: Any) -> None:
    errors = [fit.test_error for fit in run_script("l2").values()]
    best = int(np.argmin(errors))
    assert 0 < best < len(errors) - 1
    assert errors[best] < 0.7 * min(errors[0], errors[-1])


def test_a_smaller_weight_norm_makes_a_smoother_curve(run_script: Any) -> None:
    none, *_, most = run_script("l2").values()
    roughness = [np.abs(np.diff(fit.curve[:, 0], 2)).sum() for fit in (none, most)]
    assert roughness[1] < 0.1 * roughness[0]


def units_are_equal(net: nn.Network) -> bool:
    hidden, output = net.layers
    assert hidden.bias is not None
    return bool(
        np.all(hidden.weights == hidden.weights[:, :1])
        and np.all(hidden.bias == hidden.bias[0])
        and np.all(output.weights == output.weights[0])
    )


@pytest.mark.parametrize("start", ["zeros", "constant", "random"])
def test_only_random_weights_break_the_symmetry(start: str, run_script: Any) -> None:
    found = run_script("symmetry")[start]
    equal = start != "random"
    assert units_are_equal(found.net) == equal
    assert np.all(found.paths == found.paths[:, :, :1]) == equal
    moved = bool(np.any(found.paths[-1] != found.paths[0]))
    assert moved == (start != "zeros")  # zeros do not even move


@pytest.mark.parametrize("units", [2, 7, 16, 33])
def test_units_stay_equal_to_the_last_bit_in_layers_of_any_width(units: int) -> None:
    script = load_script("symmetry")
    assert units_are_equal(script.train(*script.make_data(), units, nn.init.Constant(0.5)).net)


def test_equal_units_do_no_better_than_one(run_script: Any) -> None:
    script, runs = load_script("symmetry"), run_script("symmetry")
    X, _ = script.make_data()
    for start in ("zeros", "constant"):
        assert_close(
            script.with_one_unit(runs[start].net).predict(X), runs[start].net.predict(X), 1e-5
        )
        assert runs[start].loss > 0.99 * runs["one unit"].loss
        assert runs[start].accuracy < 0.75 < 0.95 < runs["random"].accuracy
    assert runs["random"].loss < 0.2 * runs["one unit"].loss


def test_he_keeps_the_signal_of_relu_level_both_ways(run_script: Any) -> None:
    for values in run_script("initialization")["relu"]["He"]:
        assert values.max() / values.min() < 10


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_fixed_small_std_lets_the_signal_vanish_both_ways(
    activation: str, run_script: Any
) -> None:
    signal = run_script("initialization")[activation]["normal, std 0.05"]
    assert signal.forward[-1] < 1e-8 * signal.forward[0]
    assert signal.backward[0] < 1e-8 * signal.backward[-1]


def test_a_std_of_one_explodes_in_relu_and_saturates_tanh(run_script: Any) -> None:
    signals = run_script("initialization")
    relu, tanh = (signals[activation]["normal, std 1"] for activation in ("relu", "tanh"))
    assert relu.forward[-1] > 1e20 * relu.forward[0]
    assert np.all((tanh.forward > 0.85) & (tanh.forward < 1))
    for signal in (relu, tanh):
        assert signal.backward[0] > 1e8 * signal.backward[-1]


@pytest.mark.parametrize("name", ["LeCun", "Glorot"])
def test_lecun_and_glorot_keep_tanh_alive_but_not_relu(name: str, run_script: Any) -> None:
    signals = run_script("initialization")
    tanh, relu = signals["tanh"][name], signals["relu"][name]
    assert tanh.forward[-1] > 0.02 * tanh.forward[0]
    assert tanh.backward[0] > 0.01 * tanh.backward[-1]
    assert relu.forward[-1] < 1e-4 * relu.forward[0]
    assert relu.backward[0] < 1e-4 * relu.backward[-1]


@pytest.mark.parametrize(
    ("name", "gain"), [("LeCun", 0.5), ("He", 1.0), ("normal, std 0.05", 0.125)]
)
def test_relu_multiplies_the_variance_by_half_the_inputs_times_that_of_the_weights(
    name: str, gain: float, run_script: Any
) -> None:
    signal = run_script("initialization")["relu"][name]
    per_layer = (signal.forward[-1] / signal.forward[0]) ** (1 / 19)
    assert per_layer == pytest.approx(gain, rel=0.15)
