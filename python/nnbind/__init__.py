"""nnbind: feed-forward neural networks on the CPU, from and to NumPy arrays.

>>> import numpy as np, nnbind as nn
>>> net = nn.mlp(2, [16], 1, activation="tanh", output="sigmoid")
>>> X = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
>>> y = (X[:, :1] * X[:, 1:] > 0).astype(np.float32)
>>> history = net.fit(X, y, loss="binary_cross_entropy", optimizer=nn.Adam(0.01), epochs=100,
...                   batch_size=20, progress=False)

Rows are samples, everything is row-major, and θ, all parameters in one vector, is ``net.theta``.
"""

from typing import TYPE_CHECKING

from . import (
    _load,  # noqa: F401  (first: it chooses the extension module)
    datasets,
    init,
    schedules,
)
from ._core import (
    Activation,
    BusyError,
    DivergenceError,
    FileError,
    History,
    Layer,
    ShapeError,
    __version__,
    get_num_threads,
)
from .checkpoint import Checkpoint
from .config import set_num_threads, show_config
from .custom import CustomActivation, CustomLoss
from .functions import (
    add,
    binary,
    concatenate,
    divide,
    elu,
    exp,
    gelu,
    hard_sigmoid,
    identity,
    leaky_relu,
    log,
    log_softmax,
    matmul,
    mean,
    multiply,
    negate,
    power,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    subtract,
    sum,
    tanh,
)
from .graph import Constant, Node
from .layers import BatchNorm, Dense, Dropout, LayerNorm
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
from .model_file import load
from .network import Network
from .optimizers import SGD, AdaGrad, Adam, AdamW, GradientDescent, Optimizer, RMSProp
from .regularizers import L1, L1L2, L2
from .sequential import Sequential, mlp
from .sources import Input, Parameter
from .stopping import EarlyStopping

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, Finding, diagnose
    from .drawing import GraphDrawing, plot_network
    from .gradients import GradientReport, check_gradients
    from .many import fit_many
    from .resuming import resume
    from .trace import Trace

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
    "BatchNorm",
    "BinaryCrossEntropy",
    "BusyError",
    "Checkpoint",
    "Constant",
    "CrossEntropy",
    "CustomActivation",
    "CustomLoss",
    "Dense",
    "Diagnosis",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "FileError",
    "Finding",
    "GradientDescent",
    "GradientReport",
    "GraphDrawing",
    "Hinge",
    "History",
    "Huber",
    "Input",
    "Layer",
    "LayerNorm",
    "Loss",
    "MeanSquaredError",
    "Network",
    "Node",
    "Optimizer",
    "Parameter",
    "PerceptronCriterion",
    "Poisson",
    "RMSProp",
    "Sequential",
    "ShapeError",
    "SquaredError",
    "Trace",
    "__version__",
    "add",
    "binary",
    "check_gradients",
    "concatenate",
    "datasets",
    "diagnose",
    "divide",
    "elu",
    "exp",
    "fit_many",
    "gelu",
    "get_num_threads",
    "hard_sigmoid",
    "identity",
    "init",
    "leaky_relu",
    "load",
    "log",
    "log_softmax",
    "matmul",
    "mean",
    "mlp",
    "multiply",
    "negate",
    "plot_network",
    "power",
    "relu",
    "resume",
    "schedules",
    "selu",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "subtract",
    "sum",
    "tanh",
]

# What most programs do without is imported when it is first asked for (PEP 562): half of the time
# that importing everything takes.
_LATER = {
    "Diagnosis": "diagnosis",
    "Finding": "diagnosis",
    "GradientReport": "gradients",
    "GraphDrawing": "drawing",
    "Trace": "trace",
    "check_gradients": "gradients",
    "diagnose": "diagnosis",
    "fit_many": "many",
    "plot_network": "drawing",
    "resume": "resuming",
}

if not TYPE_CHECKING:  # which would take every name for known

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
