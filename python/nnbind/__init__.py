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
    datasets,
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
from .custom import CustomActivation, CustomLoss
from .diagnosis import Diagnosis, Finding, diagnose
from .drawing import GraphDrawing, plot_network
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
from .gradients import GradientReport, check_gradients
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
from .network import Network
from .optimizers import SGD, AdaGrad, Adam, AdamW, GradientDescent, Optimizer, RMSProp
from .regularizers import L1, L1L2, L2
from .sequential import Sequential, mlp
from .sources import Input, Parameter
from .stopping import EarlyStopping
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
    "Constant",
    "CrossEntropy",
    "CustomActivation",
    "CustomLoss",
    "Dense",
    "Diagnosis",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
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
    "gelu",
    "get_num_threads",
    "hard_sigmoid",
    "identity",
    "init",
    "leaky_relu",
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
