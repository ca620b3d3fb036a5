"""
The C++ core of nnbind.
"""

from __future__ import annotations
import builtins
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "Activation",
    "BusyError",
    "DenseOptions",
    "DivergenceError",
    "EarlyStopping",
    "GradientCheck",
    "GradientEntry",
    "History",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Optimizer",
    "Regularizer",
    "Schedule",
    "ShapeError",
    "absolute_error",
    "adagrad",
    "adam",
    "adamw",
    "binary_cross_entropy",
    "constant_rate",
    "cosine_decay",
    "cross_entropy",
    "eigen_version",
    "exponential_decay",
    "get_num_threads",
    "hinge",
    "huber",
    "inverse_scaling",
    "isa",
    "loss_from_name",
    "mean_squared_error",
    "openmp_version",
    "perceptron_criterion",
    "poisson",
    "reduce_on_plateau",
    "rmsprop",
    "set_num_threads",
    "sgd",
    "squared_error",
    "step_decay",
]

class ShapeError(ValueError):
    """
    An array has a shape that does not fit.
    """

class DivergenceError(ArithmeticError):
    """
    The loss stopped being finite; the network is back at its best epoch.
    """

class BusyError(RuntimeError):
    """
    The network is being trained by another thread.
    """

class Activation:
    """
    An activation g by name, with the alpha of leaky_relu or elu.
    """
    @staticmethod
    def names() -> list[str]:
        """
        The names of all activations.
        """
    def __eq__(self, other: builtins.object) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self, name: str, alpha: typing.SupportsFloat | typing.SupportsIndex | None = None
    ) -> None:
        """
        Raises ValueError if there is no such activation, or it takes no alpha.
        """
    def __repr__(self) -> str: ...
    def __str__(self) -> str: ...
    @property
    def alpha(self) -> float:
        """
        The slope or scale below 0.
        """
    @property
    def name(self) -> str:
        """
        The name of the activation.
        """

class Initializer:
    """
    How the weights of a layer are drawn.
    """
    @staticmethod
    def array(values: numpy.typing.ArrayLike) -> Initializer:
        """
        The user's own weights.
        """
    @staticmethod
    def constant(value: typing.SupportsFloat | typing.SupportsIndex) -> Initializer:
        """
        All weights equal.
        """
    @staticmethod
    def names() -> list[str]:
        """
        The names of all initializers.
        """
    @staticmethod
    def normal(
        mean: typing.SupportsFloat | typing.SupportsIndex,
        std: typing.SupportsFloat | typing.SupportsIndex,
    ) -> Initializer:
        """
        Normal draws.
        """
    @staticmethod
    def uniform(
        low: typing.SupportsFloat | typing.SupportsIndex,
        high: typing.SupportsFloat | typing.SupportsIndex,
    ) -> Initializer:
        """
        Uniform draws.
        """
    def __init__(self, name: str) -> None:
        """
        By name. Raises ValueError if there is no such initializer.
        """
    @property
    def name(self) -> str:
        """
        The name of the initializer.
        """

class DenseOptions:
    """
    What a fully connected layer is made from.
    """
    def __init__(
        self,
        units: typing.SupportsInt | typing.SupportsIndex,
        activation: Activation,
        init: Initializer | None,
        bias: bool,
        l1: typing.SupportsFloat | typing.SupportsIndex,
        l2: typing.SupportsFloat | typing.SupportsIndex,
        dropout: typing.SupportsFloat | typing.SupportsIndex,
        name: str,
    ) -> None:
        """
        Raises ValueError if an option is not allowed.
        """

class Regularizer:
    """
    R = l1 |W| + l2/2 |W|^2, added to the loss.
    """
    def __init__(
        self,
        l1: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        l2: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        bias: bool = False,
        divide_by_batch_size: bool = False,
    ) -> None:
        """
        Raises ValueError unless l1 and l2 are finite and >= 0.
        """

class EarlyStopping:
    """
    When to end a fit that no longer improves.
    """
    def __init__(
        self,
        patience: typing.SupportsInt | typing.SupportsIndex,
        min_delta: typing.SupportsFloat | typing.SupportsIndex,
        restore_best: bool,
    ) -> None:
        """
        Raises ValueError unless patience >= 1 and min_delta >= 0.
        """

class Loss:
    """
    A loss d(y, f).
    """
    @staticmethod
    def names() -> list[str]:
        """
        The names of all losses.
        """
    @property
    def name(self) -> str:
        """
        The name of the loss.
        """

class Schedule:
    """
    The learning rate as a function of the step.
    """
    def rate(self, step: typing.SupportsInt | typing.SupportsIndex) -> float:
        """
        The learning rate of step t = 0, 1, ...
        """

class Optimizer:
    """
    How a gradient moves theta.
    """
    def reset(self) -> None:
        """
        Forget momenta, network and steps.
        """
    @property
    def iterations(self) -> int:
        """
        Steps made so far.
        """
    @property
    def learning_rate(self) -> float:
        """
        The learning rate of the next step.
        """
    @property
    def name(self) -> str:
        """
        The name of the optimizer.
        """

class Layer:
    """
    A fully connected layer of a network.
    """
    def __repr__(self) -> str: ...
    @property
    def activation(self) -> Activation:
        """
        Its activation.
        """
    @property
    def bias(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]] | None:
        """
        b (units,): a view of theta; None without a bias.
        """
    @property
    def inputs(self) -> int:
        """
        The rows of its weights.
        """
    @property
    def name(self) -> str:
        """
        The name of the layer.
        """
    @property
    def parameter_count(self) -> int:
        """
        Numbers in its weights and bias.
        """
    @property
    def units(self) -> int:
        """
        The columns of its weights.
        """
    @property
    def weights(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        W (inputs, units): a view of theta, which sees each step.
        """

class Network:
    """
    A feed-forward network.
    """
    @typing.overload
    def __init__(
        self,
        inputs: typing.SupportsInt | typing.SupportsIndex,
        layers: collections.abc.Sequence[DenseOptions],
        seed: typing.SupportsInt | typing.SupportsIndex,
        dtype: numpy.dtype[typing.Any],
    ) -> None:
        """
        A chain of fully connected layers.
        """
    @typing.overload
    def __init__(self, other: Network) -> None:
        """
        A copy with parameters of its own.
        """
    def _check_gradients(
        self,
        X: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        loss: Loss,
        regularizer: Regularizer,
        step: typing.SupportsFloat | typing.SupportsIndex,
    ) -> GradientCheck:
        """
        The comparison behind nnbind.check_gradients.
        """
    def _epoch_order(
        self,
        seed: typing.SupportsInt | typing.SupportsIndex,
        samples: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.int64]:
        """
        The order in which the next epoch of a shuffled fit takes its samples.
        """
    def _evaluate(
        self,
        X: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        loss: Loss,
        metrics: collections.abc.Sequence[str],
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> dict[str, float]:
        """
        The evaluation behind nnbind.Network.evaluate.
        """
    def _fit(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Iterable[tuple[numpy.typing.ArrayLike, ...]],
        y: numpy.typing.ArrayLike | None,
        *,
        loss: Loss,
        optimizer: Optimizer,
        epochs: typing.SupportsInt | typing.SupportsIndex,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        validation: tuple[numpy.typing.ArrayLike, ...] | None,
        early_stopping: EarlyStopping | None,
        regularizer: Regularizer,
        metrics: collections.abc.Sequence[str],
        shuffle: bool,
        sample_order: numpy.typing.ArrayLike | None,
        sample_weight: numpy.typing.ArrayLike | None,
        seed: typing.SupportsInt | typing.SupportsIndex | None,
        end_epoch: collections.abc.Callable[[], bool] | None,
        interval: typing.SupportsFloat | typing.SupportsIndex,
        history: History,
    ) -> None:
        """
        The fit behind nnbind.Network.fit.
        """
    def _loss_and_gradient(
        self,
        X: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        loss: Loss,
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> tuple[float, numpy.typing.NDArray[numpy.floating[typing.Any]]]:
        """
        The gradient behind nnbind.Network.loss_and_gradient.
        """
    def _train_step(
        self,
        X: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        loss: Loss,
        optimizer: Optimizer,
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> float:
        """
        The step behind nnbind.Network.train_step.
        """
    def predict(
        self,
        X: numpy.typing.ArrayLike,
        out: numpy.typing.NDArray[numpy.floating[typing.Any]] | None = None,
    ) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        f(X; theta), (n, outputs), for X (n, inputs). Any number of threads may call it at once.

        The result is a new array, or `out`: C-contiguous, writeable and of the network's dtype.
        Raises ShapeError, TypeError or ValueError if X or out does not fit.
        """
    def reset(self) -> None:
        """
        Draw theta anew from the seed, as when the network was made.
        """
    def summary(self) -> str:
        """
        A table of the layers and their numbers of parameters.
        """
    @property
    def dtype(self) -> numpy.dtype[numpy.floating[typing.Any]]:
        """
        The dtype of theta and of predictions: float32 or float64.
        """
    @property
    def gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        What loss_and_gradient, or a step with clip_norm, computed last, (parameter_count,):
        a view.
        """
    @property
    def inputs(self) -> int:
        """
        The columns of X.
        """
    @property
    def layers(self) -> list[Layer]:
        """
        The fully connected layers, from the input to the output.
        """
    @property
    def outputs(self) -> int:
        """
        The columns of a prediction.
        """
    @property
    def parameter_count(self) -> int:
        """
        The size of theta.
        """
    @property
    def seed(self) -> int:
        """
        The seed of the initial theta, and by default of shuffling and dropout.
        """
    @property
    def theta(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        All parameters in one vector, (parameter_count,): layer after layer W row by row, then
        b. A view: writing to it changes the network, and it sees each training step.
        """
    @theta.setter
    def theta(self, arg1: numpy.typing.ArrayLike) -> None: ...

class History:
    """
    What a fit saw, epoch by epoch. best_epoch counts from 0.
    """
    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
    @property
    def best_epoch(self) -> int | None:
        """
        The epoch with the lowest monitored loss, counted from 0; None before the first.
        """
    @property
    def epochs(self) -> int:
        """
        Epochs that were completed.
        """
    @property
    def learning_rate(self) -> list[float]:
        """
        That of the epoch's last step.
        """
    @property
    def loss(self) -> list[float]:
        """
        Mean over the samples as training saw them, with R(theta).
        """
    @property
    def metrics(self) -> dict[str, list[float]]:
        """
        Lists by name: "accuracy", "val_accuracy", ...
        """
    @property
    def seconds(self) -> list[float]:
        """
        Wall time, with the validation.
        """
    @property
    def started(self) -> bool:
        """
        Whether the fit passed its checks and began.
        """
    @property
    def val_loss(self) -> list[float]:
        """
        Validation loss, without R(theta); empty without a validation set.
        """

class GradientEntry:
    """
    The worst entry of one layer.
    """
    @property
    def analytic(self) -> float:
        """
        By backpropagation.
        """
    @property
    def col(self) -> int:
        """
        Where in its block of theta.
        """
    @property
    def largest_relative_error(self) -> float:
        """
        Over the parameters of the layer.
        """
    @property
    def node(self) -> str:
        """
        The name of the layer.
        """
    @property
    def numerical(self) -> float:
        """
        By central differences.
        """
    @property
    def row(self) -> int:
        """
        Where in its block of theta.
        """

class GradientCheck:
    """
    Gradients against central differences.
    """
    @property
    def largest_relative_error(self) -> float:
        """
        Over all parameters.
        """
    @property
    def nodes(self) -> list[GradientEntry]:
        """
        The worst entry of each layer.
        """

def absolute_error(reduction: str) -> Loss:
    """
    The absolute error.
    """

def adagrad(
    schedule: Schedule,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    clip_norm: typing.SupportsFloat | typing.SupportsIndex | None,
) -> Optimizer:
    """
    AdaGrad.
    """

def adam(
    schedule: Schedule,
    beta1: typing.SupportsFloat | typing.SupportsIndex,
    beta2: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    clip_norm: typing.SupportsFloat | typing.SupportsIndex | None,
) -> Optimizer:
    """
    Adam.
    """

def adamw(
    schedule: Schedule,
    beta1: typing.SupportsFloat | typing.SupportsIndex,
    beta2: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    weight_decay: typing.SupportsFloat | typing.SupportsIndex,
    clip_norm: typing.SupportsFloat | typing.SupportsIndex | None,
) -> Optimizer:
    """
    Adam with decoupled weight decay.
    """

def binary_cross_entropy(from_logits: bool, reduction: str) -> Loss:
    """
    Binary cross-entropy.
    """

def constant_rate(rate: typing.SupportsFloat | typing.SupportsIndex) -> Schedule:
    """
    Always the same rate.
    """

def cosine_decay(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    steps: typing.SupportsInt | typing.SupportsIndex,
    warmup: typing.SupportsInt | typing.SupportsIndex,
    final: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    Half a cosine after a linear warm-up.
    """

def cross_entropy(
    from_logits: bool, label_smoothing: typing.SupportsFloat | typing.SupportsIndex, reduction: str
) -> Loss:
    """
    Categorical cross-entropy.
    """

def eigen_version() -> str:
    """
    The version of Eigen that was compiled in.
    """

def exponential_decay(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    every: typing.SupportsInt | typing.SupportsIndex,
    factor: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    rate * factor^(t / every).
    """

def get_num_threads() -> int:
    """
    Threads that a fit or a prediction may use.

    Until set, what OpenMP says at each call (OMP_NUM_THREADS), and where that is unset
    no more than the processors this process may run on and its cgroup's quota.
    """

def hinge(reduction: str) -> Loss:
    """
    The hinge loss.
    """

def huber(delta: typing.SupportsFloat | typing.SupportsIndex, reduction: str) -> Loss:
    """
    Huber's loss.
    """

def inverse_scaling(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    power: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    rate / (t + 1)^power.
    """

def loss_from_name(name: str, where: str) -> Loss:
    """
    A loss with its usual options. Raises ValueError if there is none such.
    """

def mean_squared_error(reduction: str) -> Loss:
    """
    The squared error, averaged over outputs.
    """

def openmp_version() -> int:
    """
    The date of the OpenMP standard that was compiled in, as 201511.
    """

def perceptron_criterion(reduction: str) -> Loss:
    """
    The perceptron criterion.
    """

def poisson(log_input: bool, reduction: str) -> Loss:
    """
    The Poisson loss.
    """

def reduce_on_plateau(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    factor: typing.SupportsFloat | typing.SupportsIndex,
    patience: typing.SupportsInt | typing.SupportsIndex,
    min_delta: typing.SupportsFloat | typing.SupportsIndex,
    min_rate: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    Reduced when the loss no longer falls.
    """

def rmsprop(
    schedule: Schedule,
    rho: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    clip_norm: typing.SupportsFloat | typing.SupportsIndex | None,
) -> Optimizer:
    """
    RMSProp.
    """

def set_num_threads(threads: typing.SupportsInt | typing.SupportsIndex | None) -> None:
    """
    Set the number of threads for the whole process; None returns to the default.

    Results are the same, bit for bit, for any number. Raises ValueError unless it is >= 1.
    """

def sgd(
    schedule: Schedule,
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    nesterov: bool,
    clip_norm: typing.SupportsFloat | typing.SupportsIndex | None,
) -> Optimizer:
    """
    Stochastic gradient descent, with momentum.
    """

def squared_error(reduction: str) -> Loss:
    """
    The squared error, summed over outputs.
    """

def step_decay(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    every: typing.SupportsInt | typing.SupportsIndex,
    factor: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    rate * factor^floor(t / every).
    """

__version__: str
isa: str
