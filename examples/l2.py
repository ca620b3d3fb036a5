"""L2 regularization: the weights get smaller with λ, and the curve smoother.

Training lessens L(θ) + λ/2 ‖W‖², with all weights in ‖W‖ and no biases. One network learns 20 noisy
samples of y = sin(2x) with several λ. Look for ‖W‖, which falls with λ; for the error on new
samples, which is worse without L2 (over-fitting) and with too much of it (under-fitting); and for
the curves of three λ. In earnest a validation set chooses λ; here the test set shows what it does.
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "l2.png"
LAMBDAS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
EPOCHS = 4000

Array = NDArray[np.float32]


class Fit(NamedTuple):
    norm: float  # ‖W‖ over all layers
    training_error: float  # mean squared, without R(θ)
    test_error: float
    curve: Array  # f(x) on GRID


GRID = np.linspace(-2, 2, 401, dtype=np.float32)[:, None]


def make_data(samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """y = sin(2x) + noise."""
    x = rng.uniform(-2, 2, size=(samples, 1))
    y = np.sin(2 * x) + rng.normal(scale=0.3, size=x.shape)
    return x.astype(np.float32), y.astype(np.float32)


def train(training: tuple[Array, Array], test: tuple[Array, Array], strength: float) -> Fit:
    """The same network from the same initial θ, with λ = ``strength``."""
    net = nn.mlp(1, [50, 50], 1, activation="tanh", seed=0)
    net.fit(
        *training,
        loss="mse",
        optimizer=nn.Adam(nn.schedules.Cosine(0.01, steps=EPOCHS)),  # down to 0: it settles
        epochs=EPOCHS,
        regularizer=nn.L2(strength),
        progress=False,
    )
    norm = float(np.sqrt(sum(np.sum(layer.weights**2) for layer in net.layers)))
    training_error = net.evaluate(*training, loss="mse")["loss"]
    test_error = net.evaluate(*test, loss="mse")["loss"]
    return Fit(norm, training_error, test_error, net.predict(GRID))


def draw_by_strength(norms: Axes, errors: Axes, fits: dict[float, Fit]) -> None:
    """‖W‖ and the errors over λ, with equal steps from λ to λ, so that 0 has its place."""
    values, ticks = list(fits.values()), range(len(fits))
    norms.plot(ticks, [fit.norm for fit in values], "o-", color="black")
    norms.set(title="Size of the weights", ylabel="‖W‖")
    errors.plot(
        ticks, [fit.training_error for fit in values], "o-", color="#0072B2", label="training"
    )
    errors.plot(ticks, [fit.test_error for fit in values], "s-", color="#D55E00", label="test")
    errors.set(title="Error", ylabel="mean squared error", yscale="log")
    errors.legend()
    for axes in (norms, errors):
        axes.set_xticks(ticks, [f"{strength:g}" for strength in fits])
        axes.set_xlabel("λ")


def draw_curves(
    axes: Axes, fits: dict[float, Fit], best: float, training: tuple[Array, Array]
) -> None:
    """Without L2, with the λ of the least test error, and with the largest."""
    axes.plot(*training, "o", color="black", markersize=4, label="training samples")
    axes.plot(GRID, np.sin(2 * GRID), color="gray", linestyle=":", label="sin(2x)")
    chosen = zip((0.0, best, LAMBDAS[-1]), ("#D55E00", "#0072B2", "#009E73"), strict=True)
    for strength, colour in chosen:
        axes.plot(GRID, fits[strength].curve, color=colour, label=f"λ = {strength:g}")
    axes.set(title="What is learned", xlabel="x", ylabel="f(x)")
    axes.legend()


def main() -> dict[float, Fit]:
    rng = np.random.default_rng(1)
    training, test = make_data(20, rng), make_data(1000, rng)
    fits = {strength: train(training, test, strength) for strength in LAMBDAS}
    for strength, fit in fits.items():
        print(
            f"λ = {strength:g}: ‖W‖ = {fit.norm:.2f}, mean squared error {fit.training_error:.4f}"
        )
        print(f"  in training, {fit.test_error:.4f} on new samples")
    best = min(fits, key=lambda strength: fits[strength].test_error)
    print(f"the least test error is that of λ = {best:g}")

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    draw_by_strength(left, middle, fits)
    draw_curves(right, fits, best, training)
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return fits


if __name__ == "__main__":
    main()
