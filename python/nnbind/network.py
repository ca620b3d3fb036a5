"""Networks: f(X; θ), from and to NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from ._assembly import Assembly, Inputs, Outputs, assemble
from ._checks import flag, metric_names
from ._checks import seed as checked_seed
from ._core import DivergenceError, History
from ._derivatives import Derivatives
from ._inspection import Inspection
from ._objective import core_objective
from ._saving import Saving
from .graph import Node
from .losses import LossArgument, LossWeights
from .optimizers import Optimizer, core_optimizer
from .regularizers import L1L2
from .stopping import EarlyStopping

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Network"]

ClassWeight: TypeAlias = "Mapping[int, float] | ArrayLike | Literal['balanced'] | None"
Parts: TypeAlias = "ArrayLike | Mapping[str, ArrayLike]"
Same = TypeVar("Same", bound="Network")


class Network(Derivatives, Inspection, Saving):
    """The function from input nodes to output nodes: ``nn.Network(x, nn.Dense(1)(h))``.

    ``inputs`` is an ``nn.Input`` or a list of them; ``outputs`` a node, a list, or a dict that
    names them. Nodes may be part of several networks: each has a θ of its own, drawn from ``seed``.
    ``dtype`` is float32 or float64. Raises TypeError or ValueError unless the inputs are those that
    the outputs need, and each output has a row for each sample.

    With several inputs an X is a list of arrays in their order, or a dict by name; with several
    outputs a y is likewise, and a prediction is a dict by name.

    Arrays: an X of the network's dtype whose rows are contiguous is borrowed, not copied. Other
    layouts, integers, booleans and other float widths are converted once, at each call, into a new
    array. ``theta``, ``gradient`` and the layers' arrays are views that keep the network alive.
    Results own their memory.

    Errors: ShapeError (a ValueError) for a shape, TypeError for a dtype, ValueError for an option;
    each before anything is changed. NaN and infinities are a ValueError in training and evaluation;
    ``predict`` lets them through.
    """

    history: History | None = None
    """Of the last fit, also of one that was interrupted; None before the first."""

    def __init__(
        self, inputs: Inputs, outputs: Outputs, *, seed: int = 0, dtype: DTypeLike = np.float32
    ) -> None:
        if hasattr(self, "_assembly"):  # vars(self) would slow down all access to attributes
            raise RuntimeError("[Network] this network is made already; make a new one")
        self._make(assemble(inputs, outputs), checked_seed(seed, "Network"), dtype)

    def _make(self, assembly: Assembly, seed: int, dtype: DTypeLike) -> None:
        try:
            core_dtype = np.dtype("O" if dtype is None else dtype)  # NumPy's None is float64
        except TypeError:
            raise TypeError(f"[Network] dtype is {dtype!r}; expected float32 or float64") from None
        super().__init__(assembly.entries, assembly.outputs, seed, core_dtype)
        self._assembly = assembly

    def astype(self: Same, dtype: DTypeLike) -> Same:
        """A copy whose parameters and state are of another dtype, float32 or float64.

        It goes on as this one would: with the same dropout in its next step, the same next order.
        """
        twin = type(self).__new__(type(self))
        twin._make(self._assembly, self.seed, dtype)
        twin.__dict__.update(self._attributes())
        with np.errstate(over="ignore"):  # too large for float32: an infinity
            twin.theta[:], twin.state[:] = self.theta, self.state
        twin._continue_from(self)
        return twin

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that it is made from, each after those it reads."""
        return self._assembly.nodes

    def node(self, name: str) -> Node:
        """The node of a name, given or made up. Raises ValueError if there is none such."""
        return self.nodes[self._place(name)]

    def layer_index(self, node: Node | str) -> int:
        """The longest path from an input to the node; 0 for an input."""
        return self._layer_indices()[self._place(node)]

    def _place(self, node: Node | str) -> int:
        known: Sequence[Node | str] = (
            self._node_names() if isinstance(node, str) else list(self.nodes)
        )
        if node not in known:
            whose = " in it, but in another network" if isinstance(node, Node) else ""
            raise ValueError(
                f"[Network] there is no node {node!r}{whose}; expected one of {self._node_names()}"
            )
        return known.index(node)

    def __repr__(self) -> str:
        return f"<Network {self._path()}, {self.parameter_count} parameters, {self.dtype}>"

    def _is_chain(self) -> bool:
        """Whether each node reads the one before it alone."""
        return all(after.inputs == (before,) for before, after in pairwise(self.nodes))

    def _path(self) -> str:
        """ "8-9-4", the widths of a chain, or the number of nodes."""
        first, *others = self.nodes
        if not self._is_chain():
            return f"of {len(self.nodes)} nodes"
        units = [node.shape[1] for node in others if node.kind == "dense"]
        return "-".join(str(width) for width in [first.shape[1], *units])

    def fit(
        self,
        X: Parts | Iterable[tuple[Any, ...]],
        y: Parts | None = None,
        *,
        loss: LossArgument,
        loss_weights: LossWeights = None,
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
        """Minimize L(θ) = Σ_k w_k reduce_i d_k(y_i, f(x_i)) + R(θ) by steps on mini-batches.

        X is (n, inputs). y is (n, outputs), or integer labels (n,) for the cross-entropy. Or X is
        an iterable of batches (X, y) or (X, y, sample_weight) and y is None; it is iterated anew
        for each epoch. An ``np.memmap`` is read batch by batch, after a first look at all of it.

        ``loss``: one for all outputs k, a list, or a dict by name; ``loss_weights``: w, likewise,
        1 by default. With several outputs ``history.metrics`` has "NAME_loss", "NAME_accuracy", ...
        ``optimizer``: by default ``nn.SGD(0.01)``. ``batch_size`` m: 1 is per-sample SGD, None the
        whole set (gradient descent); the last batch of an epoch may be smaller.
        ``validation_data``: (X, y) or (X, y, sample_weight); ``validation_fraction``: that part of
        the rows, the last ones. ``early_stopping``: an ``nn.EarlyStopping``.
        ``regularizer``: ``nn.L1``, ``nn.L2``, ``nn.L1L2``. ``metrics``: of "accuracy", the part of
        samples whose largest output is at the right class, or with one output as
        "binary_accuracy", the part of all outputs on the right side of 1/2 (of 0 for logits and
        margins, and where targets are -1 and 1: where one of training or validation is below 0);
        "mse", "mae", "r2", of the outputs as they are: the last is 1 for a constant that is met,
        and else 0 for a constant.
        ``shuffle``: a new order for each epoch, from ``seed`` (by default the network's) and the
        number of epochs trained so far. ``sample_order``: the caller's own, (n,) or (epochs, n).
        ``sample_weight`` (n,) multiplies d; ``class_weight`` too, for a single output:
        {label: weight}, an array of weights, or "balanced" for n / (classes · count).
        ``callbacks``: each is called as callback(net, history) after every epoch; a true return
        ends the fit; ``nn.Checkpoint`` is one that saves it, to be gone on with by ``nn.resume``.
        ``progress``: a tqdm bar.

        A fit goes on from where the last one was. It runs without the GIL. Ctrl-C ends it, also
        within a long step; so does what a callback or an iterable raises. The network is then as of
        its last whole step, and ``net.history`` of its whole epochs. Returns the history.

        Raises ShapeError, TypeError or ValueError before anything is changed; BusyError if another
        thread trains this network; DivergenceError if the loss of a step, or θ or the validation
        loss after an epoch, is no longer finite, with the network back at its best epoch and the
        optimizer reset; it says what ``nn.diagnose`` sees.
        """
        from ._training import Fit  # what only a fit needs, with the first

        call = Fit(
            X=X,
            y=y,
            loss=loss,
            loss_weights=loss_weights,
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
        except DivergenceError as error:
            from .diagnosis import explanation

            if why := explanation(self, call, history):
                raise DivergenceError(f"{error}\n\n{why}") from error
            raise
        finally:
            if history.started:  # a fit that was refused has no history
                self.history = history
        return history

    def evaluate(
        self,
        X: Parts,
        y: Parts,
        *,
        loss: LossArgument,
        loss_weights: LossWeights = None,
        metrics: Sequence[str] = (),
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> dict[str, float]:
        """{"loss": the reduced loss without R(θ), and each metric by its name}.

        With several outputs also "NAME_loss", before its weight, and "NAME_accuracy", ... of each.
        The weights are those of the loss, as in ``fit``; metrics count every sample once. Targets
        none of which is below 0 are taken for 0 and 1 by "accuracy" and "binary_accuracy", also
        where they are but the +1 of -1 and 1: the hinge loss and the perceptron criterion part the
        two at 0 anyway.
        """
        where = "Network.evaluate"
        losses, _, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight
        )
        return self._evaluate(X, y, losses, metric_names(metrics, where), weights)

    def train_step(
        self,
        X: Parts,
        y: Parts,
        *,
        loss: LossArgument,
        loss_weights: LossWeights = None,
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
        losses, r, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight, regularizer
        )
        return self._train_step(X, y, losses, core_optimizer(optimizer, where), r, weights)

    def apply_gradient(self, gradient: ArrayLike, *, optimizer: Optimizer) -> None:
        """One step of the optimizer with a gradient (parameter_count,) of one's own.

        In the order of θ, as ``loss_and_gradient`` gives it: a sum of several, or one with
        something added; ``clip_norm`` cuts it too. With the gradient of ``loss_and_gradient(...,
        training=True)`` θ becomes what ``train_step`` makes of it; ``net.state`` stays as it is.
        Raises ShapeError or ValueError, without a step, if it is of another size or not finite.
        """
        self._apply_gradient(gradient, core_optimizer(optimizer, "Network.apply_gradient"))

    def loss_and_gradient(
        self,
        X: Parts,
        y: Parts,
        loss: LossArgument,
        *,
        loss_weights: LossWeights = None,
        regularizer: L1L2 | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
        training: bool = False,
    ) -> tuple[float, NDArray[np.floating[Any]]]:
        """L(θ) with R(θ), and ∂L/∂θ (parameter_count,), also in ``net.gradient``.

        Of the network as it predicts; or, with ``training``, as the next ``train_step`` sees it:
        with its dropout, and normalized by the batch. ``net.state`` stays as it is.
        """
        where = "Network.loss_and_gradient"
        losses, r, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight, regularizer
        )
        return self._loss_and_gradient(X, y, losses, r, weights, flag(training, "training", where))
