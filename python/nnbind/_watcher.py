"""What is called during fits: after epochs the caller's callbacks, and the progress bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from ._core import History, Network

BAR_INTERVAL = 0.1  # seconds between two updates of the bar


class Watcher:
    """Hears of epochs during a fit; a context manager that opens and closes the bar."""

    def __init__(
        self,
        net: Network,
        history: History,
        callbacks: Sequence[Callable[[Any, History], object]],
        epochs: int,
        progress: bool,
        first_epoch: int = 0,
    ) -> None:
        self.net, self.history, self.callbacks, self.epochs = net, history, callbacks, epochs
        self.progress, self.first_epoch = progress, first_epoch
        self.bar: Any = None
        self.shown_at = 0.0

    @property
    def end_epoch(self) -> Callable[[], bool] | None:
        """What the core is to call, if anything."""
        return self._end_epoch if self.callbacks or self.progress else None

    @property
    def interval(self) -> float:
        """Seconds that may pass without a call: callbacks want every epoch, the bar does not."""
        return 0.0 if self.callbacks else BAR_INTERVAL

    def __enter__(self) -> Watcher:
        if self.progress:
            from tqdm.auto import tqdm  # here, since most imports of nnbind show no bar

            self.bar = tqdm(total=self.epochs, unit="epoch", initial=self.first_epoch)
            self.shown_at = monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self._show()
            self.bar.leave = self.history.started  # a fit that was refused leaves no bar
            self.bar.close()

    def _end_epoch(self) -> bool:
        if self.bar is not None and (not self.callbacks or self._is_due()):
            self._show()
        answers = [callback(self.net, self.history) for callback in self.callbacks]
        return any(answers)

    def _is_due(self) -> bool:
        now = monotonic()
        due = now - self.shown_at >= BAR_INTERVAL
        if due:
            self.shown_at = now
        return due

    def _show(self) -> None:
        last = self.history._last()
        self.bar.set_postfix({name: f"{value:.4f}" for name, value in last.items()}, refresh=False)
        self.bar.update(max(self.history.epochs - self.bar.n, 0))


class NetworksBar:
    """The bar of networks that are trained, for a context."""

    def __init__(self, histories: Sequence[History], progress: bool) -> None:
        self.histories, self.progress = histories, progress
        self.bar: Any = None

    @property
    def show(self) -> Callable[[int], None] | None:
        """What the core is to call with the number of those that are done, if anything."""
        return self._show if self.progress else None

    def finish(self) -> None:
        """All are done."""
        if self.bar is not None:
            self._show(len(self.histories))

    def __enter__(self) -> NetworksBar:
        if self.progress:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=len(self.histories), unit="network")
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.leave = any(history.started for history in self.histories)
            self.bar.close()

    def _show(self, done: int) -> None:
        self.bar.update(done - self.bar.n)
