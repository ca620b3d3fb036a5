"""A program: ``python import_work.py nnbind torch sklearn`` imports these in this order.

Then each computes, twice in turn, and nnbind once more in a child of a fork: the program prints
each library's name with a digest of its numbers, a line each.
"""

from __future__ import annotations

import hashlib
import importlib
import multiprocessing
import sys
import warnings
from typing import Any

import numpy as np

X = np.linspace(-1, 1, 800 * 128, dtype=np.float32).reshape(800, 128)


def nnbind() -> Any:
    import nnbind as nn

    nn.set_num_threads(2)
    net = nn.mlp(128, [256], 4)
    net.fit(X, X[:, :4], loss="mse", epochs=2, batch_size=400, progress=False)
    return net.predict(X)


def sklearn() -> Any:
    """By OpenMP, and by the threads of OpenBLAS."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    model = HistGradientBoostingRegressor(max_iter=3, max_bins=16).fit(X, X[:, 0] ** 2)
    return np.stack([model.predict(X), Ridge().fit(X, X[:, 0]).predict(X)]).round(4)


def torch() -> Any:
    import torch

    torch.set_num_threads(2)
    layer = torch.nn.Linear(128, 256)
    torch.nn.init.constant_(layer.weight, 0.01)
    torch.nn.init.zeros_(layer.bias)
    layer(torch.from_numpy(X)).square().mean().backward()
    return layer.weight.grad.numpy().round(4)


COMPUTE = {"nnbind": nnbind, "sklearn": sklearn, "torch": torch}


def digest(name: str) -> str:
    numbers = np.ascontiguousarray(COMPUTE[name]()) + 0.0  # and no -0.0
    return f"{name} {hashlib.sha256(numbers.tobytes()).hexdigest()}"


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
    for name in names:
        importlib.import_module({"sklearn": "sklearn.ensemble"}.get(name, name))
    for name in names * 2:
        print(digest(name), flush=True)
    if "nnbind" in names:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(*pool.map(digest, ["nnbind"]))


if __name__ == "__main__":
    main(sys.argv[1:])
