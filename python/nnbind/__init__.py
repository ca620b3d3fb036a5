"""nnbind: feed-forward neural networks on the CPU, from and to NumPy arrays.

>>> import numpy as np, nnbind as nn
>>> net = nn.mlp(2, [16], 1, activation="tanh", output="sigmoid")
>>> X = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
>>> y = (X[:, :1] * X[:, 1:] > 0).astype(np.float32)
>>> history = net.fit(X, y, loss="binary_cross_entropy", optimizer=nn.Adam(0.01), epochs=100,
...                   batch_size=20, progress=False)

Rows are samples, everything is row-major, and θ, all parameters in one vector, is ``net.theta``.
"""

from . import (
    _load,  # noqa: F401  (first: it chooses the extension module)
    init,
    schedules,
)
from ._core import (
    Activation,
    BusyError,
    DivergenceError,
    History,
    Layer,
    ShapeError,
    __version__,
    get_num_threads,
    set_num_threads,
)
from .config import show_config
from .gradients import GradientReport, check_gradients
from .layers import Dense, Input
from .losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    Loss,
    MeanSquaredError,
    PerceptronCriterion,
    Poisson,
    SquaredError,
)
from .network import Network, Sequential, mlp
from .optimizers import SGD, AdaGrad, Adam, AdamW, GradientDescent, Optimizer, RMSProp
from .regularizers import L1, L1L2, L2
from .stopping import EarlyStopping

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "SGD",
    "AbsoluteError",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "BusyError",
    "CrossEntropy",
    "Dense",
    "DivergenceError",
    "EarlyStopping",
    "GradientDescent",
    "GradientReport",
    "Hinge",
    "History",
    "Huber",
    "Input",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "Network",
    "Optimizer",
    "PerceptronCriterion",
    "Poisson",
    "RMSProp",
    "Sequential",
    "ShapeError",
    "SquaredError",
    "__version__",
    "check_gradients",
    "get_num_threads",
    "init",
    "mlp",
    "schedules",
    "set_num_threads",
    "show_config",
]
