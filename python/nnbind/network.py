"""Networks: f(X; θ), from and to NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _core, _training
from ._checks import metric_names
from ._checks import seed as checked_seed
from ._core import Activation, History
from ._weights import sample_weights
from .layers import Dense, Input
from .losses import Loss, core_loss
from .optimizers import Optimizer, core_optimizer
from .regularizers import L1L2, core_regularizer
from .stopping import EarlyStopping

__all__ = ["Network", "Sequential", "mlp"]

ClassWeight: TypeAlias = Mapping[int, float] | ArrayLike | Literal["balanced"] | None


class Network(_core.Network):
    """A feed-forward network, made by ``Sequential`` or ``mlp``.

    Arrays: an X of the network's dtype whose rows are contiguous is borrowed, not copied. Other
    layouts, integers, booleans and other float widths are converted once, at each call, into a new
    array. ``theta``, ``gradient`` and the layers' arrays are views that keep the network alive.
    Results own their memory.

    Errors: ShapeError (a ValueError) for a shape, TypeError for a dtype, ValueError for an option;
    each before anything is changed. NaN and infinities are a ValueError in training and evaluation;
    ``predict`` lets them through.
    """

    _layers: tuple[Dense, ...]
    history: History | None = None
    """Of the last fit, also of one that was interrupted; None before the first."""

    def __init__(self, inputs: int, layers: Sequence[Dense], seed: int, dtype: DTypeLike) -> None:
        options = [layer.options for layer in layers]
        super().__init__(inputs, options, checked_seed(seed, "Network"), np.dtype(dtype))
        self._layers = tuple(layers)

    def copy(self) -> Network:
        """The same function with parameters of its own."""
        twin = Network.__new__(Network)
        _core.Network.__init__(twin, self)
        twin._layers = self._layers
        return twin

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self.copy()

    def astype(self, dtype: DTypeLike) -> Network:
        """A copy whose parameters are of another dtype, float32 or float64."""
        twin = Network(self.inputs, self._layers, self.seed, dtype)
        twin.theta = self.theta
        return twin

    def __repr__(self) -> str:
        widths = "-".join(str(w) for w in [self.inputs, *(layer.units for layer in self.layers)])
        return f"<Network {widths}, {self.parameter_count} parameters, {self.dtype}>"

    def fit(
        self,
        X: ArrayLike | Iterable[tuple[Any, ...]],
        y: ArrayLike | None = None,
        *,
        loss: str | Loss,
        optimizer: Optimizer | None = None,
        epochs: int,
        batch_size: int | None = None,
        validation_data: tuple[Any, ...] | None = None,
        validation_fraction: float = 0.0,
        early_stopping: EarlyStopping | None = None,
        regularizer: L1L2 | None = None,
        metrics: Sequence[str] = (),
        shuffle: bool = True,
        sample_order: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
        callbacks: Sequence[Callable[[Network, History], object]] = (),
        progress: bool = True,
        seed: int | None = None,
    ) -> History:
        """Minimize L(θ) = reduce_i d(y_i, f(x_i)) + R(θ), one step for each mini-batch.

        X is (n, inputs). y is (n, outputs), or integer labels (n,) for the cross-entropy. Or X is
        an iterable of batches (X, y) or (X, y, sample_weight) and y is None; it is iterated anew
        for each epoch. An ``np.memmap`` is read batch by batch.

        ``optimizer``: by default ``nn.SGD(0.01)``. ``batch_size`` m: 1 is per-sample SGD, None the
        whole set (gradient descent); the last batch of an epoch may be smaller.
        ``validation_data``: (X, y) or (X, y, sample_weight); ``validation_fraction``: that part of
        the rows, the last ones. ``early_stopping``: an ``nn.EarlyStopping``.
        ``regularizer``: ``nn.L1``, ``nn.L2``, ``nn.L1L2``. ``metrics``: of "accuracy",
        "binary_accuracy", "mse", "mae", "r2".
        ``shuffle``: a new order for each epoch, from ``seed`` (by default the network's) and the
        number of epochs trained so far. ``sample_order``: the caller's own, (n,) or (epochs, n).
        ``sample_weight`` (n,) multiplies d; ``class_weight`` too: {label: weight}, an array of
        weights, or "balanced" for n / (classes · count).
        ``callbacks``: each is called as callback(net, history) after every epoch; a true return
        ends the fit. ``progress``: a tqdm bar.

        A fit goes on from where the last one was. It runs without the GIL; Ctrl-C ends it between
        two steps with the network and ``net.history`` as they were then. Returns the history.

        Raises ShapeError, TypeError or ValueError before anything is changed; BusyError if another
        thread trains this network; DivergenceError if the loss is no longer finite, with the
        network back at its best epoch and the optimizer reset.
        """
        call = _training.Fit(
            X=X,
            y=y,
            loss=loss,
            optimizer=optimizer,
            epochs=epochs,
            batch_size=batch_size,
            validation_data=validation_data,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            regularizer=regularizer,
            metrics=metrics,
            shuffle=shuffle,
            sample_order=sample_order,
            sample_weight=sample_weight,
            class_weight=class_weight,
            callbacks=callbacks,
            progress=progress,
            seed=seed,
        )
        history = History()
        try:
            call.run(self, history)
        finally:
            if history.started:  # a fit that was refused has no history
                self.history = history
        return history

    def evaluate(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        loss: str | Loss,
        metrics: Sequence[str] = (),
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> dict[str, float]:
        """{"loss": the reduced loss without R(θ), and each metric by its name}.

        The weights are those of the loss, as in ``fit``; metrics count every sample once.
        """
        where = "Network.evaluate"
        names = metric_names(metrics, where)
        weights = sample_weights(sample_weight, class_weight, y, self.outputs, where)
        return self._evaluate(X, y, core_loss(loss, where), names, weights)

    def train_step(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        loss: str | Loss,
        optimizer: Optimizer,
        regularizer: L1L2 | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> float:
        """One step on one batch, for loops of one's own. Dropout is on.

        Returns the loss before the step, R(θ) included. Raises DivergenceError, without a step, if
        it is not finite.
        """
        where = "Network.train_step"
        d, r = core_loss(loss, where), core_regularizer(regularizer, where)
        weights = sample_weights(sample_weight, class_weight, y, self.outputs, where)
        return self._train_step(X, y, d, core_optimizer(optimizer, where), r, weights)

    def loss_and_gradient(
        self,
        X: ArrayLike,
        y: ArrayLike,
        loss: str | Loss,
        *,
        regularizer: L1L2 | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> tuple[float, NDArray[np.floating[Any]]]:
        """L(θ) with R(θ), and ∂L/∂θ (parameter_count,), also in ``net.gradient``; no dropout."""
        where = "Network.loss_and_gradient"
        d, r = core_loss(loss, where), core_regularizer(regularizer, where)
        weights = sample_weights(sample_weight, class_weight, y, self.outputs, where)
        return self._loss_and_gradient(X, y, d, r, weights)


class Sequential(Network):
    """A chain: ``nn.Sequential(nn.Input(8), nn.Dense(9, "tanh"), nn.Dense(4))``.

    ``seed`` draws the initial θ; ``dtype`` is float32 or float64.
    """

    def __init__(
        self, source: Input, *layers: Dense, seed: int = 0, dtype: DTypeLike = np.float32
    ) -> None:
        if not isinstance(source, Input):
            raise TypeError(f"[Sequential] the first layer is {source!r}; expected nn.Input(width)")
        for layer in layers:
            if not isinstance(layer, Dense):
                raise TypeError(
                    f"[Sequential] {layer!r} is no layer; expected nn.Dense(units, ...)"
                )
        super().__init__(source.width, layers, seed, dtype)


def mlp(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    activation: str | Activation = "relu",
    output: str | Activation = "identity",
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    dropout: float = 0.0,
) -> Network:
    """A multi-layer perceptron, ``hidden`` being the units of its hidden layers.

    ``activation`` and ``dropout`` are those of the hidden layers, ``output`` is the activation of
    the output layer.
    """
    layers = [Dense(units, activation, dropout=dropout) for units in hidden]
    return Sequential(Input(inputs), *layers, Dense(outputs, output), seed=seed, dtype=dtype)
