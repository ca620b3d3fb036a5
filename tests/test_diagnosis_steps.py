"""The training doctor on steps that are too long, and on a fit that diverges."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from diagnosis_cases import BRANCH_LOSS, LABELS, X, Y, branches, chain, kinds, linear, only
from helpers import fit

# ---- Steps -------------------------------------------------------------------------------------


def test_gradients_that_are_huge_beside_the_weights_are_found() -> None:
    layers = [nn.Dense(30, "relu", init=nn.init.Normal(1.0)) for _ in range(6)]
    net = nn.Sequential(nn.Input(3), *layers, nn.Dense(1), dtype=np.float64)
    assert only(nn.diagnose(net, X, Y, "mse")).kind == "large_gradient"


def test_a_step_longer_than_the_weights_is_found() -> None:
    net, y, _ = linear()
    found = nn.diagnose(net, X, 1000 * y, "mse", optimizer=nn.SGD(0.1))
    assert "large_gradient" in kinds(found)
    clipped = nn.diagnose(net, X, 1000 * y, "mse", optimizer=nn.SGD(0.1, clip_norm=1))
    assert "large_gradient" not in kinds(clipped)


def test_the_curvature_of_a_linear_model_is_right(dtype: Any) -> None:
    net, y, curvature = linear()
    found = nn.diagnose(net.astype(dtype), X, y, "squared_error").curvature
    assert found == pytest.approx(curvature, rel=1e-2)
    found = nn.diagnose(net, X, y, "squared_error", regularizer=nn.L2(3.0, bias=True)).curvature
    assert found == pytest.approx(curvature + 3.0, rel=1e-2)
    found = nn.diagnose(net, X, y, nn.SquaredError(reduction="sum")).curvature
    assert found == pytest.approx(curvature * len(X), rel=1e-2)
    twice = np.full(len(X), 2.0)
    found = nn.diagnose(net, X, y, "squared_error", sample_weight=twice).curvature
    assert found == pytest.approx(curvature * 2, rel=1e-2)


@pytest.mark.parametrize(
    ("factor", "options"),
    [
        (2.0, {}),
        (2 * 1.9, {"momentum": 0.9}),
        (2 * 1.9 / 2.8, {"momentum": 0.9, "nesterov": True}),
    ],
)
def test_a_learning_rate_beyond_stability_is_found_and_does_diverge(
    factor: float, options: dict[str, Any]
) -> None:
    net, y, curvature = linear()
    limit = factor / curvature
    below, above = (nn.SGD(share * limit, **options) for share in (0.9, 1.1))

    assert nn.diagnose(net, X, y, "squared_error", optimizer=below).ok
    history = fit(net.copy(), X, y, loss="squared_error", optimizer=below, epochs=1500)
    assert history.loss[-1] < 1e-12

    found = only(nn.diagnose(net, X, y, "squared_error", optimizer=above))
    assert found.kind == "learning_rate"
    assert found.numbers["limit"] == pytest.approx(limit, rel=1e-2)
    assert found.numbers["curvature"] == pytest.approx(curvature, rel=1e-2)
    assert f"Learning rate {1.1 * limit:.3g} is above 2" in found.sentence
    with pytest.raises(nn.DivergenceError):
        fit(net.copy(), X, y, loss="squared_error", optimizer=above, epochs=10000)


def test_mini_batches_bear_only_smaller_learning_rates() -> None:
    net, y, curvature = linear()
    steps = nn.SGD(1.5 / curvature)
    assert nn.diagnose(net, X, y, "squared_error", optimizer=steps).ok
    found = only(nn.diagnose(net, X, y, "squared_error", optimizer=steps, batch_size=1))
    assert found.kind == "learning_rate"
    assert "mini-batch" in found.sentence
    with pytest.raises(nn.DivergenceError):
        fit(net.copy(), X, y, loss="squared_error", optimizer=steps, epochs=100, batch_size=1)


def test_a_network_bears_somewhat_more_than_2_by_curvature() -> None:
    net = chain([8, 1], dtype=np.float64)
    curvature = nn.diagnose(net, X, Y, "squared_error").curvature
    assert curvature is not None
    near, far = nn.SGD(1.3 * 2 / curvature), nn.SGD(8 * 2 / curvature)
    assert nn.diagnose(net, X, Y, "squared_error", optimizer=near).ok
    fit(net.copy(), X, Y, loss="squared_error", optimizer=near, epochs=500)
    found = nn.diagnose(net, X, Y, "squared_error", optimizer=far)
    assert found.findings[0].kind == "learning_rate"
    assert found.findings[0].numbers["limit"] == pytest.approx(2 / curvature, rel=1e-6)
    with pytest.raises(nn.DivergenceError):
        fit(net, X, Y, loss="squared_error", optimizer=far, epochs=500)


def test_gradient_clipping_keeps_steps_from_growing() -> None:
    net, y, curvature = linear()
    steps = nn.SGD(3 / curvature, clip_norm=1)
    found = only(nn.diagnose(net, X, y, "squared_error", optimizer=steps))
    assert "only clip_norm" in found.sentence
    fit(net, X, y, loss="squared_error", optimizer=steps, epochs=10000)


def test_a_saddle_does_not_hide_the_largest_curvature() -> None:
    # L = (w₁ w₂ - y)² has the Hessian [[0, -2y], [-2y, 0]] at 0, whose eigenvalues are ±2y.
    layers = [nn.Dense(1, bias=False, init="zeros"), nn.Dense(1, bias=False, init="zeros")]
    net = nn.Sequential(nn.Input(1), *layers, dtype=np.float64)
    found = nn.diagnose(net, np.ones((4, 1)), np.full((4, 1), 1.5), "squared_error")
    assert found.curvature == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("optimizer", [nn.Adam, nn.AdamW, nn.RMSProp])
def test_steps_of_adam_that_wipe_out_the_weights_are_found(optimizer: Any) -> None:
    found = only(nn.diagnose(chain([4, 1]), X, Y, "mse", optimizer=optimizer(5.0)))
    assert found.kind == "learning_rate"
    assert nn.diagnose(chain([4, 1]), X, Y, "mse", optimizer=optimizer(0.01)).ok


# ---- In a fit that diverges ---------------------------------------------------------------------


def test_a_fit_that_diverges_says_why(dtype: Any) -> None:
    net, y, curvature = linear()
    net = net.astype(dtype)
    with pytest.raises(nn.DivergenceError) as caught:
        fit(net, X, y, loss="squared_error", optimizer=nn.SGD(3 / curvature), epochs=10000)
    first, *rest = str(caught.value).split("\n\n")
    assert first.startswith("[Network.fit] the loss is no longer finite in epoch")
    assert any(line.startswith(f"Learning rate {3 / curvature:.3g} is above 2/λ") for line in rest)
    assert isinstance(caught.value.__cause__, nn.DivergenceError)
    assert str(caught.value.__cause__) == first
    assert np.isfinite(net.theta).all()


def test_a_per_sample_fit_that_diverges_says_why() -> None:
    net, y, curvature = linear()
    steps = nn.SGD(1.5 / curvature)
    with pytest.raises(nn.DivergenceError, match=r"typical\s+mini-batch"):
        fit(net, X, y, loss="squared_error", optimizer=steps, epochs=100, batch_size=1)


def test_the_message_of_a_fit_has_the_worst_findings_only() -> None:
    with pytest.raises(nn.DivergenceError) as caught:
        fit(chain([4, 1]), X * 1000 + 50, 50 * Y, loss="mse", optimizer=nn.SGD(1.0), epochs=1000)
    paragraphs = str(caught.value).split("\n\n")
    assert paragraphs[1] == "What nn.diagnose sees there:"
    assert paragraphs[2].startswith("Learning rate 1 is above")
    assert len(paragraphs) <= 6


def test_a_diverging_fit_from_an_iterator_still_raises() -> None:
    net, y, _ = linear()
    with pytest.raises(nn.DivergenceError, match=r"^\[Network\.fit\]"):
        fit(net, [(X, y)], None, loss="squared_error", optimizer=nn.SGD(100.0), epochs=10000)


def test_a_diverging_graph_says_why() -> None:
    steps, x, y = nn.SGD(50.0), {"a": X, "b": X[:, :2]}, {"value": Y, "kind": LABELS}
    net = branches()
    with pytest.raises(nn.DivergenceError, match=r"Learning\s+rate\s+50"):
        net.fit(x, y, loss=BRANCH_LOSS, optimizer=steps, epochs=10000, progress=False)


def test_a_diverging_memmap_of_another_dtype_says_why(tmp_path: Any) -> None:
    net, y, curvature = linear()
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=X.shape)
    x[:] = X
    with pytest.raises(nn.DivergenceError, match="2/λ"):
        fit(net, x, y, loss="squared_error", optimizer=nn.SGD(3 / curvature), epochs=10000)


def test_a_large_network_is_diagnosed_too() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5000, 784)), rng.normal(size=(5000, 10))
    net = nn.mlp(784, [1024, 1024], 10)
    with pytest.raises(nn.DivergenceError, match=r"nn\.diagnose"):
        fit(net, x, y, loss="mse", optimizer=nn.SGD(1e6), epochs=5, batch_size=100)


def test_a_failing_diagnosis_does_not_hide_the_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the doctor is ill")

    monkeypatch.setattr("nnbind._doctor.probe.examine", fail)
    net, y, _ = linear()
    with pytest.raises(nn.DivergenceError, match=r"^\[Network\.fit\]") as caught:
        fit(net, X, y, loss="squared_error", optimizer=nn.SGD(100.0), epochs=10000)
    assert "nn.diagnose" not in str(caught.value)
