"""Units that start equal stay equal: initial weights must break the symmetry.

Units of a layer with equal weights in and out compute the same Y and get the same ∂L/∂θ, so each
step leaves them equal: f is that of one unit with the sum of their outgoing weights. XOR, here
whether x₁ and x₂ have the same sign, cannot be learned by one unit. From zeros, with tanh, even all
but the output's bias stays at 0. Look at f and the samples above, and at the way of the hidden
units' weights below: one path for the eight units that start constant, eight from random weights.
The path of "constant" goes up and that of "one unit" down: their weights start on either side, and
tanh is odd: with a unit's weights and bias and its output's weight negated, f is the same.
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "symmetry.png"
UNITS, EPOCHS = 8, 300

Array = NDArray[np.float32]


class Run(NamedTuple):
    net: nn.Network
    loss: float
    accuracy: float
    paths: Array  # (epochs + 1, 2, units): the weights into the hidden units


def make_data(samples: int = 400) -> tuple[Array, Array]:
    """XOR: 1 where x₁ and x₂ have the same sign."""
    X = np.random.default_rng(0).uniform(-1, 1, size=(samples, 2)).astype(np.float32)
    return X, (X[:, :1] * X[:, 1:] > 0).astype(np.float32)


def train(X: Array, y: Array, units: int, init: nn.init.Initializer) -> Run:
    """A network with one hidden layer of tanh units, both layers starting from ``init``."""
    net = nn.Sequential(
        nn.Input(2), nn.Dense(units, "tanh", init=init), nn.Dense(1, "sigmoid", init=init), seed=0
    )
    hidden = net.layers[0]
    paths = [hidden.weights.copy()]
    net.fit(
        X,
        y,
        loss="binary_cross_entropy",
        optimizer=nn.SGD(0.5),
        epochs=EPOCHS,
        batch_size=20,
        callbacks=[lambda *_: paths.append(hidden.weights.copy())],
        progress=False,
    )
    found = net.evaluate(X, y, loss="binary_cross_entropy", metrics=["binary_accuracy"])
    return Run(net, found["loss"], found["binary_accuracy"], np.array(paths))


def with_one_unit(net: nn.Network) -> nn.Network:
    """The network of one hidden unit that computes the same f as one whose units are all equal."""
    hidden, output = net.layers
    assert hidden.bias is not None
    assert output.bias is not None
    one = nn.mlp(2, [1], 1, activation="tanh", output="sigmoid")
    one.theta = np.r_[hidden.weights[:, 0], hidden.bias[0], output.weights.sum(), output.bias]
    return one


def draw_run(regions: Axes, paths: Axes, run: Run, X: Array, y: Array) -> None:
    """Above f(X) and the samples, below the way of the hidden units' weights."""
    line = np.linspace(-1, 1, 101, dtype=np.float32)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    f = run.net.predict(grid).reshape(101, 101)
    regions.contourf(line, line, f, levels=np.linspace(0, 1, 11), cmap="PuOr_r")
    for label, marker, colour in ((0, "^", "black"), (1, "o", "white")):
        samples = X[:150][y[:150, 0] == label]
        regions.plot(*samples.T, marker, color=colour, markeredgecolor="black", markersize=4)
    regions.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    paths.plot(run.paths[:, 0], run.paths[:, 1], linewidth=1.2)
    paths.plot(*run.paths[-1], "o", color="black", markersize=5)  # where they end
    paths.set(
        xlabel="weight of x₁", ylabel="weight of x₂", xlim=(-6, 6), ylim=(-6, 6), aspect="equal"
    )


def main() -> dict[str, Run]:
    X, y = make_data()
    starts = {
        "zeros": (UNITS, nn.init.Zeros()),
        "constant": (UNITS, nn.init.Constant(0.5)),
        "one unit": (1, nn.init.GlorotUniform()),
        "random": (UNITS, nn.init.GlorotUniform()),
    }
    runs = {name: train(X, y, units, init) for name, (units, init) in starts.items()}
    for name, run in runs.items():
        different = len(np.unique(run.paths[-1], axis=1).T)
        print(f"{name}: L = {run.loss:.4f}, accuracy {run.accuracy:.1%},", end=" ")
        print(f"{different} different hidden unit{'s' if different > 1 else ''}")
    constant = runs["constant"].net
    difference = np.abs(constant.predict(X) - with_one_unit(constant).predict(X)).max()
    print(f"constant, with one unit in place of its {UNITS}: f changes by {difference:.1g} at most")

    figure, axes = plt.subplots(2, len(runs), figsize=(15, 7), layout="constrained")
    for (name, run), (regions, paths) in zip(runs.items(), axes.T, strict=True):
        draw_run(regions, paths, run, X, y)
        regions.set_title(f"{name}: accuracy {run.accuracy:.1%}")
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return runs


if __name__ == "__main__":
    main()
