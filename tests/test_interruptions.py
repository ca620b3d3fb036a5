"""What ends a fit before its time leaves the network as of its last whole step."""

from __future__ import annotations

import gc
import json
import os
import signal
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import run_python, same_bits

BATCH, STEPS = 100, 5  # of an epoch
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH * STEPS, 64)).astype(np.float32)
Y = RNG.normal(size=(BATCH * STEPS, 8)).astype(np.float32)
MANY = RNG.normal(size=(20_000, 64)).astype(np.float32), np.zeros((20_000, 8), np.float32)


class Planted(Exception):
    pass


def network() -> nn.Network:
    """With dropout and running statistics; a step of it is long enough to be ended within."""
    return nn.Sequential(
        nn.Input(64),
        nn.Dense(500, "tanh", dropout=0.2),
        nn.BatchNorm(),
        nn.Dense(500, "relu"),
        nn.Dense(8),
        seed=3,
    )


def steps_of(net: nn.Network, folder: Path) -> int:
    """The steps that the network has been trained, as its file says."""
    net.save(folder / "steps")
    contents = (folder / "steps").read_bytes()
    (length,) = struct.unpack("<Q", contents[:8])
    metadata = json.loads(contents[8 : 8 + length])["__metadata__"]
    return int(json.loads(metadata["network"])["steps_trained"])


def fit(net: nn.Network, optimizer: nn.Optimizer, rows: int, epochs: int, **options: Any) -> None:
    net.fit(
        X[:rows], Y[:rows], loss="mse", optimizer=optimizer, epochs=epochs, batch_size=BATCH,
        shuffle=False, progress=False, **options,
    )  # fmt: skip


def after(steps: int, **options: Any) -> tuple[nn.Network, nn.Optimizer, nn.History | None]:
    """The network and the optimizer of a fit that has made so many steps, and its whole epochs."""
    net, optimizer = network(), nn.SGD(0.01, momentum=0.9)
    whole, rest = divmod(steps, STEPS)
    if whole:
        fit(net, optimizer, len(X), whole, **options)
    history = net.history
    if rest:
        fit(net, optimizer, rest * BATCH, 1)
    return net, optimizer, history


@pytest.fixture
def interrupt_soon() -> Iterator[Callable[[float], None]]:
    """Sends this process SIGINT, as Ctrl-C does, after so many seconds."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers: list[threading.Timer] = []

    def start(seconds: float) -> None:
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("validating", [False, True])
@pytest.mark.parametrize("delay", [0.2, 0.33])
@pytest.mark.usefixtures("restore_threads")
def test_ctrl_c_leaves_the_last_whole_step(
    threads: int,
    validating: bool,
    delay: float,
    interrupt_soon: Callable[[float], None],
    tmp_path: Path,
) -> None:
    nn.set_num_threads(threads)
    options: dict[str, Any] = {"validation_data": MANY} if validating else {}
    net, optimizer = network(), nn.SGD(0.01, momentum=0.9)
    interrupt_soon(delay)
    with pytest.raises(KeyboardInterrupt):
        fit(net, optimizer, len(X), 10**9, **options)
    steps = steps_of(net, tmp_path)
    expected, same_optimizer, history = after(steps, **options)
    assert same_bits(net.theta, expected.theta)
    assert same_bits(net.state, expected.state)
    assert net.history is not None
    whole = net.history.epochs
    assert whole * STEPS <= steps <= (whole + 1) * STEPS  # the last may have been in validation
    if history is not None:
        assert net.history.loss == history.loss[:whole]
        assert net.history.val_loss == history.val_loss[:whole]
    for trained, its_optimizer in ((net, optimizer), (expected, same_optimizer)):
        assert np.isfinite(trained.predict(X)).all()
        fit(trained, its_optimizer, 3 * BATCH, 1)
    assert same_bits(net.theta, expected.theta)


class Epochs:
    """Serves a whole epoch, and then so many batches and an error."""

    def __init__(self, count: int, end: Exception | None) -> None:
        self.count, self.end, self.served = count, end, 0

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        self.served += 1
        for k in range(STEPS if self.served == 1 else self.count):
            yield X[k * BATCH : (k + 1) * BATCH], Y[k * BATCH : (k + 1) * BATCH]
        if self.served > 1 and self.end is not None:
            raise self.end


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("count", "end", "error", "message"),
    [
        (0, None, ValueError, "the iterator gave no batch in epoch 1"),
        (0, Planted("mine"), Planted, "mine"),
        (3, Planted("mine"), Planted, "mine"),
    ],
)
@pytest.mark.usefixtures("restore_threads")
def test_batches_that_end_early_leave_the_last_whole_step(
    count: int,
    end: Exception | None,
    error: type[Exception],
    message: str,
    threads: int,
    tmp_path: Path,
) -> None:
    nn.set_num_threads(threads)
    net, optimizer = network(), nn.SGD(0.01, momentum=0.9)
    with pytest.raises(error, match=message):
        net.fit(Epochs(count, end), loss="mse", optimizer=optimizer, epochs=9, progress=False)
    assert steps_of(net, tmp_path) == STEPS + count
    expected, _, history = after(STEPS + count)
    assert same_bits(net.theta, expected.theta)
    assert same_bits(net.state, expected.state)
    assert net.history is not None
    assert history is not None
    assert net.history.loss == history.loss
    net.fit(Epochs(STEPS, None), loss="mse", optimizer=optimizer, epochs=2, progress=False)


def test_a_callback_that_raises_leaves_its_epoch() -> None:
    def fail(_: nn.Network, history: nn.History) -> None:
        if history.epochs == 2:
            raise Planted

    net = network()
    with pytest.raises(Planted):
        fit(net, nn.SGD(0.01, momentum=0.9), len(X), 9, callbacks=[fail])
    expected, _, history = after(2 * STEPS)
    assert same_bits(net.theta, expected.theta)
    assert net.history is not None
    assert history is not None
    assert net.history.loss == history.loss


class Failing:
    """Batches, and a callback, that raise."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield X[:BATCH].copy(), Y[:BATCH].copy()
        raise Planted

    def __call__(self, net: nn.Network, history: nn.History) -> None:
        raise Planted


@pytest.mark.parametrize("from_batches", [False, True])
def test_an_error_leaves_no_reference(from_batches: bool) -> None:
    def fail() -> list[weakref.ref[Any]]:
        net, failing = network(), Failing()
        x, y = X.copy(), Y.copy()
        options: dict[str, Any] = {"loss": "mse", "epochs": 1, "progress": False}
        data = (failing, None) if from_batches else (x, y)
        callbacks = [] if from_batches else [failing]
        with pytest.raises(Planted):
            net.fit(*data, **options, callbacks=callbacks)
        return [weakref.ref(thing) for thing in (net, failing, x, y)]

    references = fail()
    gc.collect()
    assert [reference() for reference in references] == [None] * 4


def test_errors_leave_no_memory() -> None:
    pytest.importorskip("resource", reason="the largest memory so far is POSIX's")
    printed = run_python("""
        import resource
        import numpy as np, nnbind as nn
        def fail(net, history):
            raise ZeroDivisionError
        def batches():
            yield x, y
            raise ZeroDivisionError
        x, y = np.ones((500, 300), np.float32), np.ones((500, 300), np.float32)
        net, optimizer = nn.mlp(300, [300, 300], 300), nn.Adam()  # some 10 MB for a fit
        def errors(count):
            for k in range(count):
                data = (batches(),) if k % 2 else (x, y)
                callbacks = [] if k % 2 else [fail]
                try:
                    net.fit(*data, loss="mse", optimizer=optimizer, epochs=2, callbacks=callbacks,
                            progress=False)
                except ZeroDivisionError:
                    pass
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        first = errors(6)
        print(errors(40) - first)
    """)
    assert float(printed) < 40  # MB; ten times as much if each left its own
