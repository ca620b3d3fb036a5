"""Gradient descent, per-sample SGD and mini-batches on one regression, by epochs and by seconds.

θ ← θ - γ/m Σ ∂d/∂θ over the m samples of a batch: m = n is gradient descent, m = 1 SGD; an epoch
makes n/m steps. Each m has its own γ: of the same RATES, a factor √2 apart, that whose loss is the
least on average over all epochs. Look on the left for who needs the fewest epochs (SGD), on the
right for who needs the least time (mini-batches): an epoch of single samples takes longest, and one
step an epoch is too few. Small batches pay with noise: their loss jitters to the end.
"""

from contextlib import suppress
from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "gradient_descent.png"
SAMPLES = 512
BATCH_SIZES = {"SGD, m = 1": 1, "mini-batches, m = 32": 32, "gradient descent, m = n": SAMPLES}
COLOURS = ("#D55E00", "#0072B2", "#009E73")
RATES = [2.0 ** (k / 2) for k in range(-14, 1)]  # γ: 0.008 to 1
EPOCHS, TARGET = 300, 0.05

Array = NDArray[np.float32]


class Run(NamedTuple):
    """L(θ) over all samples after each epoch, and the seconds that each epoch took."""

    rate: float
    losses: list[float]
    seconds: list[float]

    def epochs_to(self, loss: float) -> int:
        """Epochs until L(θ) is at most ``loss``. Raises StopIteration if it never is."""
        return next(epoch for epoch, value in enumerate(self.losses, 1) if value <= loss)

    def seconds_to(self, loss: float) -> float:
        """So many epochs of median length: one interruption by the system does not count."""
        return self.epochs_to(loss) * float(np.median(self.seconds))


def make_data() -> tuple[Array, Array]:
    """y = sin(3 x₁) cos(3 x₂) + noise."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(SAMPLES, 2))
    y = np.sin(3 * X[:, :1]) * np.cos(3 * X[:, 1:]) + rng.normal(scale=0.1, size=(SAMPLES, 1))
    return X.astype(np.float32), y.astype(np.float32)


def train(X: Array, y: Array, batch_size: int, rate: float) -> Run:
    """Plain steps from the same initial θ for all. Raises DivergenceError if γ is too large."""
    net = nn.mlp(2, [16, 16], 1, activation="tanh", seed=0)
    losses: list[float] = []

    def note_loss(network: nn.Network, _: nn.History) -> None:
        losses.append(network.evaluate(X, y, loss="mse")["loss"])  # not counted in the seconds

    history = net.fit(
        X,
        y,
        loss="mse",
        optimizer=nn.SGD(rate),
        epochs=EPOCHS,
        batch_size=batch_size,
        callbacks=[note_loss],
        progress=False,
    )
    return Run(rate, losses, history.seconds)


def best_run(X: Array, y: Array, batch_size: int) -> Run:
    """Of all γ that do not diverge the run whose loss is the least on average over its epochs."""
    runs = []
    for rate in RATES:
        with suppress(nn.DivergenceError):
            runs.append(train(X, y, batch_size, rate))
    return min(runs, key=lambda run: np.mean(run.losses))


def main() -> dict[str, Run]:
    X, y = make_data()
    runs = {}
    for name, m in BATCH_SIZES.items():
        run = runs[name] = best_run(X, y, m)
        print(f"{name}: γ = {run.rate:.3f}, L = {run.losses[-1]:.4f} after {EPOCHS} epochs;")
        epochs, seconds = run.epochs_to(TARGET), run.seconds_to(TARGET)
        print(f"  L <= {TARGET} after {epochs} epochs or {1e3 * seconds:.2f} ms")

    figure, (by_epoch, by_second) = plt.subplots(
        1, 2, figsize=(12, 4.5), sharey=True, layout="constrained"
    )
    for (name, run), colour in zip(runs.items(), COLOURS, strict=True):
        label = f"{name}, γ = {run.rate:.3f}"
        by_epoch.plot(range(1, EPOCHS + 1), run.losses, color=colour, label=label)
        by_second.plot(1e3 * np.cumsum(run.seconds), run.losses, color=colour)
    by_epoch.set(xlabel="epochs", ylabel="L(θ) of all samples", xscale="log", yscale="log")
    by_second.set(xlabel="milliseconds", xscale="log")
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle("One loss, three batch sizes, each with its best γ")
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return runs


if __name__ == "__main__":
    main()
