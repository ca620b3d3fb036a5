"""The lecture scripts about neurons and networks: each one's claim holds for what it returns."""

from typing import Any

import numpy as np
import pytest


def test_activations_have_the_derivatives_of_finite_differences(run_script: Any) -> None:
    found = run_script("activations")
    assert len(found.errors) == 13
    assert found.largest_error < 1e-8
    assert found.at_zero["relu"] == found.at_zero["binary"] == 0
    assert found.at_zero["sigmoid"] == 0.25
    assert found.at_zero["tanh"] == found.at_zero["identity"] == 1


def test_a_perceptron_separates_clouds_but_not_circles_as_several_neurons_do(
    run_script: Any,
) -> None:
    found = run_script("perceptron")
    assert found.clouds == 1
    assert 0.4 < found.circles < 0.6
    assert found.circles < found.best_line < 0.75
    assert found.several_neurons > 0.99


def test_the_lectures_network_has_301_parameters_and_not_305(
    run_script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_script("parameters")
    assert found.layers == [(8 + 1) * 9, (9 + 1) * 9, (9 + 1) * 9, (9 + 1) * 4]
    assert found.total == sum(found.layers) == 301
    assert (found.weights, found.biases) == (270, 31)
    printed = capsys.readouterr().out
    assert "total parameters: 301" in printed  # what the network says itself
    assert "slide says 305" in printed


def test_identities_are_one_affine_map_and_tanh_is_not(run_script: Any) -> None:
    found = run_script("identities")
    assert found.collapse_error < 1e-11
    assert found.affine == pytest.approx(found.best_line, rel=1e-6)
    assert found.deep_identity == pytest.approx(found.best_line, rel=1e-6)
    assert found.deep_identity >= found.best_line * (1 - 1e-12)
    assert found.deep_tanh < 0.01 * found.best_line


def test_batches_of_any_size_give_the_same_outputs_and_gradient(run_script: Any) -> None:
    found = run_script("batches")
    for difference in (found.forward, found.equal, found.unequal, found.total):
        assert difference < 1e-12
    sizes, spread = list(found.spread), list(found.spread.values())
    np.testing.assert_allclose(spread, list(found.expected.values()), rtol=0.15)
    slope = np.polyfit(np.log(sizes), np.log(spread), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)  # σ/√m


def test_the_error_of_a_hidden_layer_falls_with_its_units(run_script: Any) -> None:
    found = run_script("universal_approximation")
    assert list(found) == [1, 2, 4, 8, 16, 32]
    for errors in zip(*found.values(), strict=True):  # the rms errors, then the largest ones
        assert all(np.diff(errors) < 0)
    assert found[32].rms < found[1].rms / 100
    assert found[32].sup < 0.03


def test_a_few_layers_beat_one_wide_layer_and_many_layers_hang_on_the_seed(run_script: Any) -> None:
    rows = {row.depth: row for row in run_script("depth_and_width")}
    assert all(301 <= row.parameters <= 319 for row in rows.values())
    assert all(len(row.accuracies) == 5 for row in rows.values())
    accuracy = {depth: float(np.median(row.accuracies)) for depth, row in rows.items()}
    loss = {depth: float(np.median(row.losses)) for depth, row in rows.items()}
    for depth in (2, 3, 4):
        assert accuracy[depth] > accuracy[1] + 0.02
        assert loss[depth] < min(loss[1], loss[8])
    assert np.ptp(rows[8].accuracies) > 2 * np.ptp(rows[1].accuracies)


def test_the_model_of_the_first_command_predicts_the_same_when_it_is_loaded(
    run_script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run_script("digits")
    assert "model: digits.safetensors, loaded again: equal predictions" in capsys.readouterr().out
