"""Universal approximation: one hidden layer of q sigmoids, and the error falls as q grows.

f(x) = Σ_j v_j σ(w_j x + b_j) + c can come as close to a continuous function on [0, 1] as one likes,
if q is large enough (Cybenko, 1989). The theorem says that such θ exist, not that training finds
them; so here the steps start where the proof by staircase puts them, w_j = ±s and b_j = -w_j c_j
with centres c_j spread evenly over [0, 1], and the best of four seeds counts. The target has a
corner at 1/2; from q = 8 on the largest error is there.
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "universal_approximation.png"
UNITS = [1, 2, 4, 8, 16, 32]
DRAWN = {2: "#E69F00", 4: "#009E73", 8: "#0072B2"}
STEPS = 6000
FINE = np.linspace(0, 1, 2001)[:, None]  # where the errors are measured

Array = NDArray[np.float64]


class Errors(NamedTuple):
    """Root mean square and largest error on [0, 1]."""

    rms: float
    sup: float


def target(x: Array) -> Array:
    """Continuous, with a corner at 1/2."""
    return np.asarray(np.sin(5 * np.pi * x) / (1 + x) - 3 * np.abs(x - 0.5))


def staircase(q: int, rng: np.random.Generator) -> Array:
    """Weights and, as the last row, biases of q steps up or down at evenly spread centres."""
    centres = (np.arange(q) + 0.5) / q
    weights = max(8, 2 * q) * rng.choice([-1.0, 1.0], q)
    return np.vstack([weights, -weights * centres])


def fitted(q: int, seed: int) -> tuple[float, nn.Network]:
    """A 1-q-1 network after gradient steps on 200 samples, and its loss."""
    hidden = nn.Dense(q, "sigmoid", init=staircase(q, np.random.default_rng(seed)))
    net = nn.Sequential(nn.Input(1), hidden, nn.Dense(1), seed=seed, dtype=np.float64)
    X = np.linspace(0, 1, 200)[:, None]
    adam = nn.Adam(nn.schedules.Cosine(0.1, steps=STEPS))
    net.fit(X, target(X), loss="mse", optimizer=adam, epochs=STEPS, progress=False)
    return net.evaluate(X, target(X), loss="mse")["loss"], net


def errors(net: nn.Network) -> Errors:
    """How far the network is from the target on the fine grid."""
    gap = np.abs(net.predict(FINE) - target(FINE))
    return Errors(float(np.sqrt((gap**2).mean())), float(gap.max()))


def main() -> dict[int, Errors]:
    nets: dict[int, nn.Network] = {}
    for q in UNITS:
        _, nets[q] = min((fitted(q, seed) for seed in range(4)), key=lambda pair: pair[0])
    found = {q: errors(net) for q, net in nets.items()}
    print(" q  rms error  largest error")
    for q, error in found.items():
        print(f"{q:2}  {error.rms:.5f}    {error.sup:.5f}")

    figure, (curves, fall) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    curves.plot(FINE, target(FINE), color="0.75", linewidth=6, label="target")
    for q, color in DRAWN.items():
        curves.plot(FINE, nets[q].predict(FINE), color=color, label=f"q = {q}")
    curves.set(xlabel="x", ylabel="f(x)", title="one hidden layer of q sigmoids")
    curves.legend()
    fall.loglog(UNITS, [e.sup for e in found.values()], "o--", color="#D55E00", label="largest")
    fall.loglog(UNITS, [e.rms for e in found.values()], "o-", color="#0072B2", label="rms")
    fall.set_xticks(UNITS, [str(q) for q in UNITS])
    fall.minorticks_off()
    fall.set(xlabel="hidden units q", ylabel="error on [0, 1]", title="the error falls with q")
    fall.legend()
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return found


if __name__ == "__main__":
    main()
