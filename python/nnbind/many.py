"""Training of many networks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from numpy.typing import ArrayLike

from . import _core
from ._checks import MOST_INT, integer, listed
from ._core import History
from ._jobs import WHERE, Jobs
from ._training import Fit
from ._watcher import NetworksBar
from .losses import LossArgument, LossWeights
from .network import ClassWeight, Network, Parts
from .optimizers import SGD, Optimizer
from .regularizers import L1L2
from .stopping import EarlyStopping

__all__ = ["fit_many"]

Optimizers: TypeAlias = Sequence[Optimizer] | Callable[[int], Optimizer] | None
Rows: TypeAlias = ArrayLike | tuple[ArrayLike, ArrayLike]


def fit_many(
    networks: Sequence[Network],
    X: Parts,
    y: Parts,
    *,
    loss: LossArgument,
    loss_weights: LossWeights = None,
    optimizers: Optimizers = None,
    epochs: int,
    batch_size: int | None = None,
    validation_data: tuple[Any, ...] | None = None,
    validation_fraction: float = 0.0,
    early_stopping: EarlyStopping | None = None,
    regularizer: L1L2 | None = None,
    metrics: Sequence[str] = (),
    shuffle: bool = True,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    samples: Iterable[Rows] | None = None,
    progress: bool = True,
    seeds: Sequence[int] | None = None,
    threads: int | None = None,
) -> list[History]:
    """Train many networks on the same data, side by side, each exactly as its own ``fit`` would.

    For searches and ensembles: other seeds, learning rates, architectures or folds. Each network is
    trained by one thread, which then takes the next, the largest first; so networks that are too
    small to be shared out keep all cores busy, and the results are those of ``net.fit``, bit for
    bit, for any number of ``threads`` (by default ``nn.get_num_threads()``; one if there are
    activations or losses in Python). X and y are borrowed once for all; the networks are of one
    dtype.

    The options are those of ``Network.fit``, given once for all, but for:
    ``optimizers``: one for each network, since its momenta belong to it, in a list or from a
    function of the network's number k, as ``lambda k: nn.Adam(rates[k])``; by default
    ``nn.SGD(0.01)``. ``seeds``: of the shuffles, by default each network's own.
    ``samples``: for each network k the rows it is trained on, as an array of integers; it does what
    ``networks[k].fit(X[samples[k]], y[samples[k]], ...)`` does, without that copy. Or two arrays,
    of the rows to train and to validate on, as scikit-learn's ``KFold(5).split(X)`` has them.
    ``progress``: a tqdm bar of networks. There are no callbacks: Python is not called in between.
    No training state is kept for ``net.save`` and ``nn.resume``.

    Returns the histories, which are also ``net.history``. Ctrl-C ends all, with each network as of
    its last whole step and its history of whole epochs; those that had not begun stay as they were.

    Raises what ``fit`` raises before it changes anything, before any network is changed; also
    ValueError if a network or an optimizer is there twice. DivergenceError, at the end, if networks
    diverged: it gives their numbers; they are back at their best epochs, and the others are
    trained.

    >>> nets = [nn.mlp(2, [16], 1, seed=k) for k in range(8)]
    >>> histories = nn.fit_many(nets, X, y, loss="mse", optimizers=lambda k: nn.Adam(0.01),
    ...                         epochs=50, batch_size=20, progress=False)
    """
    nets = _networks(networks)
    common: dict[str, Any] = {
        "X": X, "y": y, "loss": loss, "loss_weights": loss_weights, "epochs": epochs,
        "batch_size": batch_size, "validation_data": validation_data,
        "validation_fraction": validation_fraction, "early_stopping": early_stopping,
        "regularizer": regularizer, "metrics": metrics, "shuffle": shuffle,
        "sample_weight": sample_weight, "class_weight": class_weight,
        "progress": progress, "where": WHERE,
    }  # fmt: skip
    jobs = Jobs()
    for net, optimizer, seed, rows in zip(
        nets,
        _optimizers(optimizers, nets),
        _for_each(seeds, nets, "seeds"),
        _for_each(samples, nets, "samples"),
        strict=True,
    ):
        fit = Fit(**common, optimizer=optimizer, seed=seed)
        jobs.add(fit, net, rows)
    histories = [history for _, history in jobs.trained]
    try:
        with NetworksBar(histories, fit.progress) as bar:
            _core.fit_many(
                jobs.list,
                jobs.sets,
                threads=0 if threads is None else integer(threads, "threads", 1, WHERE, MOST_INT),
                progress=bar.show,
            )
            bar.finish()
    finally:
        for net, history in jobs.trained:
            if history.started:
                net.history, net._training = history, None
    return histories


def _networks(networks: Sequence[Network]) -> list[Network]:
    nets = listed(networks, "networks", WHERE)
    for net in nets:
        if not isinstance(net, Network):
            raise TypeError(f"[{WHERE}] networks has {net!r}; expected networks alone")
    if not nets:
        raise ValueError(f"[{WHERE}] networks is empty; expected at least one")
    return nets


def _optimizers(optimizers: Optimizers, nets: list[Network]) -> list[Optimizer]:
    if optimizers is None:
        return [SGD(0.01) for _ in nets]
    if isinstance(optimizers, Optimizer):
        raise TypeError(
            f"[{WHERE}] optimizers is {optimizers!r}, whose momenta belong to one network; "
            "expected a list with one for each, or a function as lambda k: nn.SGD(0.01)"
        )
    if callable(optimizers):
        return [optimizers(k) for k in range(len(nets))]
    return _for_each(optimizers, nets, "optimizers")


def _for_each(values: Any, nets: list[Network], name: str) -> list[Any]:
    """The values as a list, one for each network; or None for each."""
    if values is None:
        return [None] * len(nets)
    given = listed(values, name, WHERE)
    if len(given) != len(nets):
        raise ValueError(
            f"[{WHERE}] {name} has {len(given)} entries; expected one for each of the "
            f"{len(nets)} networks"
        )
    return given
