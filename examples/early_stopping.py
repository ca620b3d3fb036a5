"""Early stopping: a network that fits the noise of 20 samples, and one that stops in time.

Two equal networks learn y = sin(2x) + noise. On the training set L(θ) goes down to the end, but for
small spikes; on the validation set it falls, then rises, since f bends to meet the noisy samples.
Early stopping waits PATIENCE epochs for a new least validation loss, and takes back the θ of the
best epoch. Look at the rising validation loss on the left, and at the two curves on the right.
"""

from typing import Any, NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "early_stopping.png"
EPOCHS, PATIENCE = 4000, 200
BLUE, ORANGE = "#0072B2", "#D55E00"

Array = NDArray[np.float32]


class Run(NamedTuple):
    history: nn.History
    validation_loss: float  # of the θ that training leaves
    error: float  # mean squared distance to sin(2x), without noise
    curve: Array  # f(x) on GRID


class Result(NamedTuple):
    to_the_end: Run
    stopped: Run


GRID = np.linspace(-2, 2, 401, dtype=np.float32)[:, None]


def make_data(samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """y = sin(2x) + noise."""
    x = rng.uniform(-2, 2, size=(samples, 1))
    y = np.sin(2 * x) + rng.normal(scale=0.3, size=x.shape)
    return x.astype(np.float32), y.astype(np.float32)


def train(training: tuple[Array, Array], validation: tuple[Array, Array], **options: Any) -> Run:
    """The same network from the same initial θ, with other options of fit."""
    net = nn.mlp(1, [50, 50], 1, activation="tanh", seed=0)
    history = net.fit(
        *training,
        loss="mse",
        optimizer=nn.Adam(0.003),
        epochs=EPOCHS,
        validation_data=validation,
        progress=False,
        **options,
    )
    curve = net.predict(GRID)
    error = float(np.mean((curve - np.sin(2 * GRID)) ** 2))
    return Run(history, net.evaluate(*validation, loss="mse")["loss"], error, curve)


def draw_losses(axes: Axes, result: Result) -> None:
    """Both losses by epoch; up to where it stops, the stopped training is the same."""
    stopped = result.stopped.history
    best = int(np.argmin(stopped.val_loss))
    epochs = range(1, EPOCHS + 1)
    axes.plot(epochs, result.to_the_end.history.loss, color=BLUE, label="training set")
    axes.plot(epochs, result.to_the_end.history.val_loss, color=ORANGE, label="validation set")
    axes.axvline(best + 1, color="black", linestyle=":", label=f"best epoch, {best + 1}")
    axes.axvline(stopped.epochs, color="gray", linestyle="--", label=f"stop, {stopped.epochs}")
    axes.set(title="L(θ)", xlabel="epochs", ylabel="mean squared error", xscale="log", yscale="log")
    axes.legend()


def draw_curves(axes: Axes, result: Result, training: tuple[Array, Array]) -> None:
    """What the two networks have learned."""
    axes.plot(*training, "o", color="black", markersize=4, label="training samples")
    axes.plot(GRID, np.sin(2 * GRID), color="gray", linestyle=":", label="sin(2x)")
    axes.plot(GRID, result.to_the_end.curve, color=ORANGE, label=f"after {EPOCHS} epochs")
    axes.plot(GRID, result.stopped.curve, color=BLUE, label="stopped early")
    axes.set(title="f(x)", xlabel="x", ylabel="y")
    axes.legend()


def main() -> Result:
    rng = np.random.default_rng(1)
    training, validation = make_data(20, rng), make_data(100, rng)
    stopping = nn.EarlyStopping(PATIENCE)
    result = Result(
        to_the_end=train(training, validation),
        stopped=train(training, validation, early_stopping=stopping),
    )
    for name, run in zip(("to the end", "stopped early"), result, strict=True):
        print(f"{name}: {run.history.epochs} epochs; the θ that is left has a validation loss of")
        print(f"  {run.validation_loss:.4f} and an error from sin(2x) of {run.error:.4f}")
    print(f"the least validation loss was {min(result.to_the_end.history.val_loss):.4f}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    draw_losses(left, result)
    draw_curves(right, result, training)
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return result


if __name__ == "__main__":
    main()
