"""Depth against width: which shape learns two spirals best with about 300 parameters?

ReLU networks with 1 to 8 hidden layers of equal width, the width chosen so that θ has 301 to 319
entries. All see the same 600 samples of two spirals of 2.5 turns for the same number of Adam steps,
with whichever of five learning rates gives the lowest training loss (median of five seeds), and are
tested on 2000 other samples. Two to four layers are well ahead of a single wide one; more layers
make the training harder, and its end hang on the seed. Their order among themselves changes with
seeds, rates and epochs, and this is one target only: other targets may rank them otherwise.
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "depth_and_width.png"
SHAPES = {1: 75, 2: 15, 3: 11, 4: 9, 6: 7, 8: 6}  # hidden layers: units of each
RATES = [0.002, 0.005, 0.012, 0.03, 0.07]
SEEDS = range(5)
EPOCHS, BATCH = 150, 20
TURNS = 2.5

Array = NDArray[np.float32]


class Row(NamedTuple):
    """A shape, its size, its best learning rate, and what each seed came to with that."""

    depth: int
    width: int
    parameters: int
    rate: float
    losses: list[float]  # of the last epoch, on the training set
    accuracies: list[float]  # on the test set


def run(depth: int, width: int, rate: float, train: tuple[Array, Array]) -> list[nn.Network]:
    """One trained network for each seed."""
    X, y = train
    nets = [nn.mlp(2, [width] * depth, 1, output="sigmoid", seed=seed) for seed in SEEDS]
    for net in nets:
        schedule = nn.schedules.Cosine(rate, steps=EPOCHS * len(X) // BATCH)
        net.fit(
            X,
            y,
            loss="binary_cross_entropy",
            optimizer=nn.Adam(schedule),
            epochs=EPOCHS,
            batch_size=BATCH,
            progress=False,
        )
    return nets


def measured(nets: list[nn.Network], data: tuple[Array, Array], what: str) -> list[float]:
    """The loss or the accuracy of each network."""
    loss, metrics = "binary_cross_entropy", ["binary_accuracy"]
    return [net.evaluate(*data, loss=loss, metrics=metrics)[what] for net in nets]


def best_rate(depth: int, width: int, train: tuple[Array, Array], test: tuple[Array, Array]) -> Row:
    """The shape with the learning rate that fits the training set best; the test has no say."""
    tried = [(rate, run(depth, width, rate, train)) for rate in RATES]
    losses = [measured(nets, train, "loss") for _, nets in tried]
    best = int(np.argmin([np.median(loss) for loss in losses]))
    rate, nets = tried[best]
    size = nets[0].parameter_count
    return Row(depth, width, size, rate, losses[best], measured(nets, test, "binary_accuracy"))


def draw(rows: list[Row]) -> None:
    """Every seed as a dot, the medians as a line."""
    figure, panels = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    labels = [f"{row.depth} × {row.width}\n{row.parameters}" for row in rows]
    for axes, values in zip(
        panels, ([r.losses for r in rows], [r.accuracies for r in rows]), strict=True
    ):
        for place, seeds in enumerate(values):
            label = "one seed" if place == 0 else None
            axes.plot([place] * len(seeds), seeds, "o", color="#56B4E9", label=label)
        axes.plot(np.median(values, axis=1), "_-", color="#D55E00", markersize=20, label="median")
        axes.set_xticks(range(len(rows)), labels)
        axes.set_xlabel("hidden layers × units, parameters")
        axes.legend()
    panels[0].set(ylabel="cross-entropy", yscale="log", title="after training, training set")
    panels[1].set(ylabel="accuracy", title="after training, test set")
    figure.suptitle("Two spirals of 2.5 turns, about 300 parameters")
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")


def main() -> list[Row]:
    train = nn.datasets.spirals(600, turns=TURNS, seed=0)
    test = nn.datasets.spirals(2000, turns=TURNS, seed=1)
    rows = [best_rate(depth, width, train, test) for depth, width in SHAPES.items()]
    print("layers x width  parameters  rate   training loss  test accuracy: median (min to max)")
    for row in rows:
        low, middle, high = np.quantile(row.accuracies, [0, 0.5, 1])
        print(
            f"{row.depth:6} x {row.width:<5}  {row.parameters:10}  {row.rate:<5}  "
            f"{np.median(row.losses):13.3f}  {middle:.3f} ({low:.3f} to {high:.3f})"
        )
    draw(rows)
    return rows


if __name__ == "__main__":
    main()
