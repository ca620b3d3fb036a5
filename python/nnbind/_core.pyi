"""
The C++ core of nnbind.
"""

from __future__ import annotations
import builtins
import collections.abc
import numpy
import numpy.typing
import os
import typing

__all__: list[str] = [
    "Activation",
    "BusyError",
    "DenseOptions",
    "DivergenceError",
    "EarlyStopping",
    "FileError",
    "FitJob",
    "FitOptions",
    "GradientCheck",
    "GradientEntry",
    "History",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Operator",
    "OperatorEntry",
    "Optimizer",
    "Regularizer",
    "Schedule",
    "ShapeError",
    "Trace",
    "TraceEdge",
    "TraceNode",
    "TraceOutput",
    "Training",
    "absolute_error",
    "activation",
    "adagrad",
    "adam",
    "adamw",
    "add",
    "batch_norm",
    "binary_cross_entropy",
    "concatenate",
    "constant",
    "constant_rate",
    "cosine_decay",
    "cross_entropy",
    "custom_activation",
    "custom_loss",
    "dense",
    "divide",
    "dropout",
    "eigen_version",
    "exp",
    "exponential_decay",
    "fit_many",
    "get_num_threads",
    "hinge",
    "huber",
    "inverse_scaling",
    "isa",
    "layer_norm",
    "log",
    "longest_name",
    "loss_from_name",
    "matmul",
    "mean",
    "mean_squared_error",
    "most_threads",
    "multiply",
    "negate",
    "numbers",
    "openmp_version",
    "parameter",
    "parts",
    "perceptron_criterion",
    "poisson",
    "power",
    "reduce_on_plateau",
    "rmsprop",
    "set_num_threads",
    "sgd",
    "slice",
    "squared_error",
    "step_decay",
    "subtract",
    "sum",
]

class ShapeError(ValueError):
    """
    An array has a shape that does not fit.
    """

class FileError(ValueError):
    """
    A model file is damaged, of a later version, or not what it claims to be.
    """

class DivergenceError(ArithmeticError):
    """
    A loss or theta stopped being finite; the network is back at its best epoch.
    """

class BusyError(RuntimeError):
    """
    The network is being trained already, or the optimizer trains already.
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
    def array(values: numpy.typing.ArrayLike, where: str) -> Initializer:
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
        std: typing.SupportsFloat | typing.SupportsIndex,
        mean: typing.SupportsFloat | typing.SupportsIndex,
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

class FitOptions:
    """
    What a fit is told besides its data.
    """
    def __init__(
        self,
        *,
        epochs: typing.SupportsInt | typing.SupportsIndex,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        early_stopping: EarlyStopping | None,
        regularizer: Regularizer,
        metrics: collections.abc.Sequence[str],
        shuffle: bool,
        seed: typing.SupportsInt | typing.SupportsIndex,
        where: str,
    ) -> None:
        """
        Raises ValueError if there is no such metric.
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
    def __getstate__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple[typing.Any, ...]) -> None: ...
    def rate(self, step: typing.SupportsIndex) -> float:
        """
        The learning rate of step t = 0, 1, ... Raises TypeError or ValueError for another.
        """

class Optimizer:
    """
    How a gradient moves theta.
    """
    def __getstate__(self) -> tuple[typing.Any, ...]: ...
    def __setstate__(self, arg0: tuple[typing.Any, ...]) -> None: ...
    def reset(self) -> None:
        """
        Forget momenta, network and steps. Raises BusyError during a training.
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

class Operator:
    """
    A function of the values on the edges of a graph.
    """
    def has_parameters(
        self,
        shapes: collections.abc.Sequence[
            tuple[
                typing.SupportsInt | typing.SupportsIndex | None,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
    ) -> bool:
        """
        Whether it has parameters or state, for inputs of these shapes.
        """
    def infer_shape(
        self,
        names: collections.abc.Sequence[str],
        shapes: collections.abc.Sequence[
            tuple[
                typing.SupportsInt | typing.SupportsIndex | None,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
    ) -> tuple[int | None, int]:
        """
        The shape of its output; None stands for a row for each sample.

        Raises ShapeError, with the names in it, if the shapes do not fit.
        """
    @property
    def kind(self) -> str:
        """
        What it is called.
        """
    @property
    def runs_alone(self) -> bool:
        """
        Whether it keeps a network to one thread.
        """

class History:
    """
    What a fit saw, epoch by epoch. best_epoch counts from 0.

    Each series is one list, to which a look at it adds what came since.
    """
    def __getstate__(self) -> tuple[typing.Any, ...]: ...
    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple[typing.Any, ...]) -> None: ...
    def _last(self) -> dict[str, float]:
        """
        The losses and the metrics of the last epoch, by name.
        """
    @property
    def best_epoch(self) -> int | None:
        """
        The epoch with the lowest monitored loss, counted from 0; of an early stopping with a
        min_delta the last that fell by more than that below the best before. None before any.
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
        The reduced loss of the samples as training saw them, with R(theta).
        """
    @property
    def metrics(self) -> dict[str, list[float]]:
        """
        Lists by name: "accuracy", "val_accuracy", ...; for each of several outputs
        "NAME_loss", "NAME_accuracy", "val_NAME_loss", ...
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
        W (inputs, units): a view of Network.theta.
        """

class Network:
    """
    A feed-forward network.
    """
    @typing.overload
    def __init__(
        self,
        nodes: collections.abc.Sequence[
            tuple[
                str,
                typing.SupportsInt | typing.SupportsIndex | Operator,
                collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
                typing.SupportsInt | typing.SupportsIndex | None,
            ]
        ],
        outputs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        seed: typing.SupportsInt | typing.SupportsIndex,
        dtype: numpy.dtype[typing.Any],
    ) -> None:
        """
        A graph, as a list of (name, operator or width of an input, inputs, shared), where the
        last two are numbers of earlier nodes.
        """
    @typing.overload
    def __init__(self, other: Network) -> None:
        """
        A copy with parameters of its own.
        """
    @typing.overload
    def __init__(self, contents: bytes) -> None:
        """
        From what _to_bytes made. Raises FileError if it is anything else.
        """
    @typing.overload
    def __init__(self, path: os.PathLike[builtins.str]) -> None:
        """
        From a file. Raises FileError if it is damaged, OSError if it cannot be read.
        """
    @typing.overload
    def __init__(self, path: os.PathLike[builtins.str], training: Training) -> None:
        """
        From a file, with the fit that is in it.
        """
    def _apply_gradient(self, gradient: numpy.typing.ArrayLike, optimizer: Optimizer) -> None:
        """
        The step behind nnbind.Network.apply_gradient.
        """
    def _check_batch(
        self,
        fit: Training,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        sample_weight: numpy.typing.ArrayLike | None,
        where: str,
        prefix: str,
    ) -> None:
        """
        Raise what a fit of these samples raises, with `prefix` before the name of the array.
        """
    def _check_gradients(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        regularizer: Regularizer,
        step: typing.SupportsFloat | typing.SupportsIndex,
        tolerance: typing.SupportsFloat | typing.SupportsIndex,
        training: bool,
    ) -> GradientCheck:
        """
        The comparison behind nnbind.check_gradients.
        """
    def _continue_from(self, other: Network) -> None:
        """
        Take over how many epochs and steps the other network was trained.
        """
    def _entries(self) -> list[tuple[str, int | Operator, list[int], int | None]]:
        """
        The nodes of a network that was loaded, as the constructor takes them.
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
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        metrics: collections.abc.Sequence[str],
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> dict[str, float]:
        """
        The evaluation behind nnbind.Network.evaluate.
        """
    def _fit(
        self,
        fit: Training,
        X: numpy.typing.ArrayLike
        | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike]
        | collections.abc.Iterable[tuple[typing.Any, ...]],
        y: numpy.typing.ArrayLike
        | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike]
        | None,
        *,
        validation: tuple[typing.Any, ...] | None,
        sample_order: numpy.typing.ArrayLike | None,
        sample_weight: numpy.typing.ArrayLike | None,
        end_epoch: collections.abc.Callable[[], bool] | None,
        interval: typing.SupportsFloat | typing.SupportsIndex,
        history: History,
        where: str,
    ) -> None:
        """
        The fit behind nnbind.Network.fit, begun or gone on with.
        """
    def _hessian_vector_product(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        v: numpy.typing.ArrayLike,
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
        four: bool,
    ) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        The product behind nnbind.Network.hessian_vector_product, of a float64 network, from
        four gradients or two.
        """
    def _input_gradient(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        The gradient behind nnbind.Network.input_gradient.
        """
    def _input_jacobian(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
    ) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        nnbind.Network.jacobian with respect to the inputs.
        """
    def _layer_indices(self) -> list[int]:
        """
        The longest path from an input to each node, in the order of the graph.
        """
    def _loss_and_gradient(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
        training: bool,
    ) -> tuple[float, numpy.typing.NDArray[numpy.floating[typing.Any]]]:
        """
        The gradient behind nnbind.Network.loss_and_gradient.
        """
    def _node_names(self) -> list[str]:
        """
        The names of the nodes, in the order of the graph.
        """
    def _output_places(self) -> list[int]:
        """
        The numbers of the outputs among the nodes.
        """
    def _parameter_jacobian(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
    ) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        nnbind.Network.jacobian with respect to theta.
        """
    def _per_sample_gradients(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        The gradients behind nnbind.Network.per_sample_gradients.
        """
    def _save(self, path: os.PathLike[builtins.str]) -> None:
        """
        Write a file.
        """
    def _save_with_training(self, path: os.PathLike[builtins.str], training: Training) -> None:
        """
        Write a file that has a fit of the network, too.
        """
    def _to_bytes(self) -> bytes:
        """
        The contents of a file.
        """
    def _to_dot(self) -> str:
        """
        The text behind nnbind.Network.graph.
        """
    def _trace(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
        widest: typing.SupportsInt | typing.SupportsIndex,
    ) -> Trace:
        """
        The passes behind nnbind.Network.trace.
        """
    def _train_step(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        y: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        optimizer: Optimizer,
        regularizer: Regularizer,
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> float:
        """
        The step behind nnbind.Network.train_step.
        """
    def activations(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
    ) -> dict[str, numpy.typing.NDArray[numpy.floating[typing.Any]]]:
        """
        The value of every node for X (n, inputs): a dict from names to arrays (n, width), or
        (rows, width) where no batch changes the value, as that of a parameter.

        Any number of threads may call it at once. Raises ShapeError or TypeError if X does
        not fit.
        """
    def predict(
        self,
        X: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
        out: numpy.typing.ArrayLike
        | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike]
        | None = None,
    ) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        f(X; theta), (n, outputs), for X (n, inputs). Any number of threads may call it at once.

        With several inputs X is a list of arrays in their order, or a dict by name. With several
        outputs the result is a dict by name. It is of new arrays, or `out`: C-contiguous,
        writeable and of the network's dtype.
        Raises ShapeError, TypeError or ValueError if X or out does not fit.
        """
    def reset(self) -> None:
        """
        Draw theta anew from the seed, as when the network was made. Raises BusyError in a
        training but for its callbacks.
        """
    def summary(self) -> str:
        """
        A table of the nodes and their numbers of parameters.
        """
    @property
    def dtype(self) -> numpy.dtype[numpy.floating[typing.Any]]:
        """
        The dtype of theta and of predictions: float32 or float64.
        """
    @property
    def gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        What loss_and_gradient computed last, (parameter_count,): a view.
        """
    @property
    def input_names(self) -> list[str]:
        """
        The names of the inputs, in their order.
        """
    @property
    def inputs(self) -> int:
        """
        The columns of X; with several inputs, of all together.
        """
    @property
    def layers(self) -> list[Layer]:
        """
        The fully connected layers, each once, from the input to the output.
        """
    @property
    def output_names(self) -> list[str]:
        """
        The names of the outputs, in their order.
        """
    @property
    def outputs(self) -> int:
        """
        The columns of a prediction; with several outputs, of all together.
        """
    @property
    def parameter_count(self) -> int:
        """
        The size of theta.
        """
    @property
    def parameters(self) -> dict[str, numpy.typing.NDArray[numpy.floating[typing.Any]]]:
        """
        The block of theta of each node that has one, by name: views. That of a fully connected
        layer is (inputs + 1, units) with the bias as the last row, of a normalization (2, w).
        """
    @property
    def seed(self) -> int:
        """
        The seed of the initial theta, and by default of shuffling and dropout.
        """
    @property
    def state(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        What training moves without a gradient, in one vector: the running statistics of each
        batch normalization, its means, then its variances. A view; empty without any. To set
        it raises ValueError for a NaN, an infinity or a variance below 0, and BusyError in a
        training but for its callbacks.
        """
    @state.setter
    def state(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def theta(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        All parameters in one vector, (parameter_count,): node after node W row by row, then
        b. A view: writing to it changes the network, and it sees each training step; but in a
        fit on arrays, of built-in parts, some of it only at the end of each epoch. To set it
        raises ValueError for a NaN or an infinity, and BusyError in a training but for its
        callbacks.
        """
    @theta.setter
    def theta(self, arg1: numpy.typing.ArrayLike) -> None: ...

class Training:
    """
    A fit: what it was given, and where it stands.
    """
    @typing.overload
    def __init__(self) -> None:
        """
        One that a file is to fill.
        """
    @typing.overload
    def __init__(
        self,
        network: Network,
        *,
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        optimizer: Optimizer,
        options: FitOptions,
        notes: collections.abc.Mapping[
            str,
            bool
            | typing.SupportsInt
            | typing.SupportsIndex
            | typing.SupportsFloat
            | typing.SupportsIndex
            | str,
        ],
    ) -> None:
        """
        A fit that has not begun.
        """
    @property
    def batch_size(self) -> int:
        """
        0: the whole set.
        """
    @property
    def epochs(self) -> int:
        """
        Those to be made in all.
        """
    @epochs.setter
    def epochs(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def epochs_done(self) -> int:
        """
        Those completed.
        """
    @property
    def notes(self) -> dict[str, bool | int | float | str]:
        """
        What its caller wanted to know again.
        """
    @property
    def seed(self) -> int:
        """
        That of the orders and of the dropout.
        """
    @property
    def shuffle(self) -> bool:
        """
        Whether each epoch has an order of its own.
        """

class GradientEntry:
    """
    The worst entry of a node's block of theta.
    """
    @property
    def analytic(self) -> float:
        """
        By backpropagation.
        """
    @property
    def col(self) -> int:
        """
        Where in the matrix.
        """
    @property
    def kink_col(self) -> int:
        """
        Where the first kink is.
        """
    @property
    def kink_row(self) -> int:
        """
        Where the first kink is.
        """
    @property
    def kinks(self) -> int:
        """
        How many entries are kinks.
        """
    @property
    def largest_relative_error(self) -> float:
        """
        Over all entries that are no kinks.
        """
    @property
    def node(self) -> str:
        """
        The name of the node.
        """
    @property
    def numerical(self) -> float:
        """
        By central differences.
        """
    @property
    def row(self) -> int:
        """
        Where in the matrix.
        """

class OperatorEntry(GradientEntry):
    """
    The worst entry of a gradient of one operator, or loss.
    """
    @property
    def input(self) -> int:
        """
        Which of its inputs, from 1; 0 for its own parameters.
        """
    @property
    def is_loss(self) -> bool:
        """
        Whether it is a loss.
        """
    @property
    def kind(self) -> str:
        """
        What operator; or the name of the loss.
        """
    @property
    def source(self) -> str:
        """
        The name of that input.
        """

class GradientCheck:
    """
    Gradients against central differences.
    """
    def report(self) -> str:
        """
        The check as text.
        """
    @property
    def kinks(self) -> int:
        """
        How many entries are kinks.
        """
    @property
    def largest_operator_error(self) -> float:
        """
        Over all operators and losses.
        """
    @property
    def largest_relative_error(self) -> float:
        """
        Over all parameters.
        """
    @property
    def nodes(self) -> list[GradientEntry]:
        """
        The worst entry of each block of theta.
        """
    @property
    def ok(self) -> bool:
        """
        Whether no error is above the tolerance.
        """
    @property
    def operators(self) -> list[OperatorEntry]:
        """
        The worst entry of each gradient of each operator and loss by itself.
        """
    @property
    def tolerance(self) -> float:
        """
        What errors may be.
        """

class TraceNode:
    """
    A node in a trace.
    """
    @property
    def activation(self) -> str:
        """
        The activation that it ends with.
        """
    @property
    def gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        dL/dvalue, of the same shape.
        """
    @property
    def inputs(self) -> list[int]:
        """
        The numbers of the nodes that it reads.
        """
    @property
    def is_batch(self) -> bool:
        """
        Whether it has a row for each sample.
        """
    @property
    def kind(self) -> str:
        """
        What its operator is.
        """
    @property
    def name(self) -> str:
        """
        Its name.
        """
    @property
    def parameter_gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]] | None:
        """
        dL/d(parameters), with R, or None.
        """
    @property
    def parameters(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]] | None:
        """
        Its own block of theta, or None.
        """
    @property
    def value(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        Its value, (n, width) or (rows, width).
        """

class TraceEdge:
    """
    An edge in a trace.
    """
    @property
    def consumer(self) -> int:
        """
        The number of the node it leads to.
        """
    @property
    def gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        What comes back along it: a term of the producer's gradient.
        """
    @property
    def input(self) -> int:
        """
        Which of its inputs, from 0.
        """
    @property
    def local_derivative(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]] | None:
        """
        d(consumer)/d(producer), (n, consumer's width, producer's width), or None.
        """
    @property
    def producer(self) -> int:
        """
        The number of the node it comes from.
        """

class TraceOutput:
    """
    What the loss makes of an output.
    """
    @property
    def fused(self) -> bool:
        """
        Whether each d/d(output) is d/dt of its pre-activation instead.
        """
    @property
    def gradient(self) -> numpy.typing.NDArray[numpy.floating[typing.Any]]:
        """
        dL/d(output): a term of its gradient.
        """
    @property
    def loss(self) -> str:
        """
        The name of the loss.
        """
    @property
    def node(self) -> int:
        """
        The number of the output's node.
        """
    @property
    def value(self) -> float:
        """
        Its value over the batch.
        """
    @property
    def weight(self) -> float:
        """
        Its weight in L.
        """

class Trace:
    """
    One forward and one backward pass.
    """
    @property
    def edges(self) -> list[TraceEdge]:
        """
        The edges, in the order of their consumers.
        """
    @property
    def loss(self) -> float:
        """
        L, R(theta) included.
        """
    @property
    def nodes(self) -> list[TraceNode]:
        """
        The nodes, in their order.
        """
    @property
    def outputs(self) -> list[TraceOutput]:
        """
        The outputs and their losses.
        """
    @property
    def penalty(self) -> float:
        """
        R(theta).
        """

class FitJob:
    """
    The fit of one network of many.
    """
    def __init__(
        self,
        *,
        network: Network,
        losses: collections.abc.Sequence[tuple[Loss, typing.SupportsFloat | typing.SupportsIndex]],
        optimizer: Optimizer,
        options: FitOptions,
        data: typing.SupportsInt | typing.SupportsIndex,
        sample_weight: numpy.typing.ArrayLike | None,
        samples: numpy.typing.ArrayLike | None,
        validation: typing.SupportsInt | typing.SupportsIndex | None,
        validation_weight: numpy.typing.ArrayLike | None,
        validation_samples: numpy.typing.ArrayLike | None,
        history: History,
    ) -> None:
        """
        data and validation are numbers in the list of sets.
        """

def absolute_error(reduction: str) -> Loss:
    """
    The absolute error.
    """

def activation(activation: Activation) -> Operator:
    """
    g(x).
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

def add() -> Operator:
    """
    a + b.
    """

def batch_norm(
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
) -> Operator:
    """
    Batch normalization.
    """

def binary_cross_entropy(from_logits: bool, reduction: str) -> Loss:
    """
    Binary cross-entropy.
    """

def concatenate() -> Operator:
    """
    Columns side by side.
    """

def constant(values: numpy.typing.ArrayLike) -> Operator:
    """
    A copy of the values.
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

def custom_activation(name: str, owner: builtins.object) -> Operator:
    """
    The caller's own g: the function and the derivative of an object, kept alive by this one.
    """

def custom_loss(name: str, owner: builtins.object, reduction: str) -> Loss:
    """
    The caller's own d: the value and the derivative of an object, as long as it lives.
    """

def dense(options: DenseOptions) -> Operator:
    """
    A fully connected layer.
    """

def divide() -> Operator:
    """
    a / b.
    """

def dropout(rate: typing.SupportsFloat | typing.SupportsIndex) -> Operator:
    """
    Drops elements in training.
    """

def eigen_version() -> str:
    """
    The version of Eigen that was compiled in.
    """

def exp() -> Operator:
    """
    e^x.
    """

def exponential_decay(
    rate: typing.SupportsFloat | typing.SupportsIndex,
    every: typing.SupportsInt | typing.SupportsIndex,
    factor: typing.SupportsFloat | typing.SupportsIndex,
) -> Schedule:
    """
    rate * factor^(t / every).
    """

def fit_many(
    jobs: collections.abc.Sequence[FitJob],
    sets: collections.abc.Sequence[
        tuple[
            numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
            numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
            str,
        ]
    ],
    *,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: collections.abc.Callable[[int], None] | None,
) -> None:
    """
    The fits behind nnbind.fit_many. A set is (X, y, what messages call it).
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

def layer_norm(epsilon: typing.SupportsFloat | typing.SupportsIndex) -> Operator:
    """
    Layer normalization.
    """

def log() -> Operator:
    """
    log x.
    """

def loss_from_name(name: str, where: str) -> Loss:
    """
    A loss with its usual options. Raises ValueError if there is none such.
    """

def matmul() -> Operator:
    """
    a @ b.
    """

def mean() -> Operator:
    """
    Of each row.
    """

def mean_squared_error(reduction: str) -> Loss:
    """
    The squared error, averaged over outputs.
    """

def multiply() -> Operator:
    """
    a * b.
    """

def negate() -> Operator:
    """
    -x.
    """

def numbers(values: numpy.typing.ArrayLike, what: str) -> numpy.typing.NDArray[typing.Any]:
    """
    The values as an array of real numbers, which may be the same object.

    Raises TypeError, with `what` in it, if they are none, or an array of them is masked.
    """

def openmp_version() -> int:
    """
    The date of the OpenMP standard that was compiled in, as 201511.
    """

def parameter(
    rows: typing.SupportsInt | typing.SupportsIndex,
    cols: typing.SupportsInt | typing.SupportsIndex,
    init: Initializer,
) -> Operator:
    """
    Values of its own in theta.
    """

def parts(
    values: numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike],
    names: collections.abc.Sequence[str],
    what: str,
) -> list[typing.Any]:
    """
    The parts of an X or a y in the order of the names.

    Raises TypeError or ValueError, with `what` in it, if it is no list or dict of those.
    """

def perceptron_criterion(reduction: str) -> Loss:
    """
    The perceptron criterion.
    """

def poisson(log_input: bool, reduction: str) -> Loss:
    """
    The Poisson loss.
    """

def power(exponent: typing.SupportsFloat | typing.SupportsIndex | None) -> Operator:
    """
    x^exponent, or a^b where it is None.
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

    Results are the same, bit for bit, for any number. Raises ValueError unless it is 1 to
    most_threads.
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

def slice(
    first: typing.SupportsInt | typing.SupportsIndex,
    count: typing.SupportsInt | typing.SupportsIndex,
) -> Operator:
    """
    Some columns.
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

def subtract() -> Operator:
    """
    a - b.
    """

def sum() -> Operator:
    """
    Of each row.
    """

__version__: str
isa: str
longest_name: int = 1024
most_threads: int = 1024
