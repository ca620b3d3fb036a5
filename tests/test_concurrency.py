"""Python threads and signals beside a training network."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, python_command, run_python, same_bits

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and fork")


def test_many_threads_predict_at_once(rng: np.random.Generator, dtype: Any) -> None:
    net = nn.mlp(20, [64, 64], 5, dtype=dtype)
    inputs = [rng.normal(size=(50 + 7 * k, 20)).astype(dtype) for k in range(16)]
    expected = [net.predict(x) for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for got, right in zip(pool.map(net.predict, inputs), expected, strict=True):
                assert same_bits(got, right)


def test_eight_threads_predict_with_a_network_while_a_copy_of_it_is_trained(
    rng: np.random.Generator, dtype: Any
) -> None:
    net = nn.mlp(20, [256, 64], 5, dtype=dtype)
    x, y = (rng.normal(size=(400, width)).astype(dtype) for width in (20, 5))
    inputs = [x[: 390 - 29 * k] for k in range(8)]  # from several threads each to one
    expected = [net.predict(samples) for samples in inputs]
    end = threading.Event()
    with ThreadPoolExecutor(9) as pool:
        copy, options = net.copy(), {"loss": "mse", "epochs": 10**9, "batch_size": 200}
        training = pool.submit(fit, copy, x, y, callbacks=[lambda *_: end.is_set()], **options)
        try:
            rounds = 25
            answers = list(pool.map(net.predict, inputs * rounds))
        finally:
            end.set()
        assert training.result().epochs > 0
    assert all(map(same_bits, answers, expected * rounds))
    assert not same_bits(copy.theta, net.theta)


def test_threads_train_networks_of_their_own(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(200, 8)), rng.normal(size=(200, 1))

    def train(seed: int) -> Any:
        net = nn.mlp(8, [32], 1, seed=seed, dtype=np.float64)
        fit(net, x, y, loss="mse", epochs=5, batch_size=16, seed=seed)
        return net.theta.copy()

    expected = [train(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for got, right in zip(pool.map(train, range(4)), expected, strict=True):
            assert same_bits(got, right)


def test_two_threads_may_not_train_one_network(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, dtype=np.float64)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    training, tried = threading.Event(), threading.Event()

    def wait(*_: Any) -> None:
        training.set()
        assert tried.wait(30)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fit, net, x, y, loss="mse", epochs=1, callbacks=[wait])
        assert training.wait(30)
        try:
            step: dict[str, Any] = {"loss": "mse", "optimizer": nn.SGD(0.1)}
            with pytest.raises(nn.BusyError, match=r"\[Network\.fit\]"):
                fit(net, x, y, epochs=1, **step)
            with pytest.raises(nn.BusyError, match=r"\[Network\.train_step\]"):
                net.train_step(x, y, **step)
            with pytest.raises(nn.BusyError, match=r"\[Network\.loss_and_gradient\]"):
                net.loss_and_gradient(x, y, "mse")
        finally:
            tried.set()
        assert first.result().epochs == 1
    assert fit(net, x, y, loss="mse", epochs=1).epochs == 1
    assert issubclass(nn.BusyError, RuntimeError)


def test_an_optimizer_in_use_may_not_be_reset(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    other = nn.mlp(3, [4], 1, dtype=np.float64)
    optimizer: nn.Optimizer
    refusals = 0

    def reset(*_: Any) -> None:
        nonlocal refusals
        with pytest.raises(nn.BusyError, match=r"\[Optimizer\.reset\] the optimizer is in use"):
            optimizer.reset()
        with pytest.raises(nn.BusyError, match=r"\[Network\.train_step\] the optimizer is in use"):
            other.train_step(x, y, loss="mse", optimizer=optimizer)
        refusals += 1

    def reset_from_thread(*_: Any) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(reset).result(30)

    def batches() -> Iterator[tuple[Any, Any]]:
        for _ in range(3):
            reset()
            yield x, y

    def value(y: Any, f: Any) -> Any:
        reset()
        return ((f - y) ** 2).sum(axis=1)

    loss = nn.CustomLoss(value, lambda y, f: 2 * (f - y))
    epochs: dict[str, Any] = {"epochs": 2, "batch_size": 8, "progress": False}
    trainings: list[Callable[[nn.Network], object]] = [
        lambda net: net.fit(x, y, loss="mse", optimizer=optimizer, callbacks=[reset], **epochs),
        lambda net: net.fit(
            x, y, loss="mse", optimizer=optimizer, callbacks=[reset_from_thread], **epochs
        ),
        lambda net: fit(net, batches(), None, loss="mse", optimizer=optimizer, epochs=1),
        lambda net: net.fit(x, y, loss=loss, optimizer=optimizer, **epochs),
        lambda net: nn.fit_many([net], x, y, loss=loss, optimizers=[optimizer], **epochs),
        lambda net: net.train_step(x, y, loss=loss, optimizer=optimizer),
    ]
    for train in trainings:
        optimizer, net, refusals = nn.Adam(0.01), nn.mlp(3, [4], 1, dtype=np.float64), 0
        train(net)
        assert refusals > 0
        assert np.isfinite(net.theta).all()
        optimizer.reset()
        assert optimizer.iterations == 0


def test_an_optimizer_in_use_may_not_be_saved(rng: np.random.Generator, tmp_path: Path) -> None:
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    nets, optimizer = [nn.mlp(3, [4], 1) for _ in range(2)], nn.Adam(0.01)
    path = tmp_path / "net"

    def save(net: nn.Network, _: nn.History) -> None:
        net.save(path, training_state=True)
        with pytest.raises(nn.BusyError, match=r"\[Network\.save\] the optimizer is in use"):
            nets[0].save(path, training_state=True)

    fit(nets[0], x, y, loss="mse", epochs=1, optimizer=optimizer)
    optimizer.reset()
    fit(nets[1], x, y, loss="mse", epochs=1, optimizer=optimizer, callbacks=[save])
    assert same_bits(nn.load(path).theta, nets[1].theta)


def test_another_thread_may_not_set_parameters_in_training(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, dtype=np.float64)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    training, tried = threading.Event(), threading.Event()

    def batches() -> Iterator[tuple[Any, Any]]:
        training.set()
        assert tried.wait(30)
        yield x, y

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fit, net, batches(), None, loss="mse", epochs=1)
        assert training.wait(30)
        try:
            with pytest.raises(nn.BusyError, match=r"\[Network\.theta\]"):
                net.theta = np.zeros(net.parameter_count)
            with pytest.raises(nn.BusyError, match=r"\[Network\.reset\]"):
                net.reset()
        finally:
            tried.set()
        assert first.result().epochs == 1
    net.theta = np.zeros(net.parameter_count)
    net.reset()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("restore_threads")
def test_a_callback_may_set_parameters(threads: int, rng: np.random.Generator) -> None:
    nn.set_num_threads(threads)
    net = nn.mlp(64, [128, 128], 1, dtype=np.float64)
    x, y = rng.normal(size=(64, 64)), rng.normal(size=(64, 1))
    first = net.theta.copy()
    step = {"loss": "mse", "shuffle": False, "optimizer": nn.SGD(0.1)}

    def start_again(network: nn.Network, _: nn.History) -> None:
        network.theta = first

    history = fit(net, x, y, epochs=3, callbacks=[start_again], **step)
    assert same_bits(net.theta, first)
    assert history.loss == [history.loss[0]] * 3


def test_a_callback_may_not_train_its_network(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, dtype=np.float64)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    with pytest.raises(nn.BusyError):
        fit(net, x, y, loss="mse", epochs=1, callbacks=[lambda n, _: fit(n, x, y, loss="mse",
                                                                         epochs=1)])  # fmt: skip


LONG_FIT = """
    import signal
    import numpy as np, nnbind as nn
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    net = nn.mlp(8, [{hidden}, {hidden}], 1, dtype=np.float64)
    x, y = np.ones(({rows}, 8)), np.ones(({rows}, 1))
    try:
        print("ready", flush=True)
        net.fit(x, y, loss="mse", epochs={epochs}, batch_size=1, progress={progress})
    except KeyboardInterrupt:
        assert np.isfinite(net.predict(x[:10])).all()
        print(len(net.history.loss), flush=True)
        net.fit(x[:10], y[:10], loss="mse", epochs=1, progress=False)
        print("usable", flush=True)
"""


@posix
@pytest.mark.parametrize(
    ("rows", "epochs", "progress"), [(100, 10**7, False), (100, 10**7, True), (10**6, 1, False)]
)
def test_an_interrupt_ends_a_long_fit_and_keeps_its_history(
    rows: int, epochs: int, progress: bool
) -> None:
    # Millions of short epochs, or one of half a minute.
    hidden = 8 if epochs > 1 else 256
    code = LONG_FIT.format(rows=rows, epochs=epochs, progress=progress, hidden=hidden)
    command = python_command(code)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.7)
            child.send_signal(signal.SIGINT)
            printed, _ = child.communicate(timeout=30)
        finally:
            child.kill()
    finished, usable = printed.split()
    assert usable == "usable"
    assert 0 < int(finished) < epochs if epochs > 1 else int(finished) == 0


@pytest.mark.parametrize(
    "work",
    [
        "net.fit(x, y, **options, progress=False)",
        "net.fit(x, y, **options, progress=True)",
        "net.fit(x, y, **options, progress=False, callbacks=[slow])",
        "[net.fit(x, y, loss='mse', epochs=1, progress=False) for _ in range(10**7)]",
        "[net.predict(x) for _ in range(10**7)]",
    ],
)
def test_a_process_ends_while_a_daemon_thread_works(work: str) -> None:
    printed = run_python(f"""
        import os, sys, threading, time
        import numpy as np, nnbind as nn

        class Output:
            closed = False
            def write(self, text): return len(text)
            def flush(self): time.sleep(0.2)  # what Python calls at its end: others get their turn

        def slow(*_):
            for _ in range(1_000_000): pass

        nn.set_num_threads(2)
        x, y = np.ones((1000, 64), np.float32), np.ones((1000, 64), np.float32)
        options = dict(loss="mse", epochs=10**7, batch_size=500)
        net = nn.mlp(64, [256], 64)
        sys.stdout = Output()
        thread = threading.Thread(target=lambda: {work}, daemon=True)
        thread.start()
        time.sleep(0.4)
        assert thread.is_alive()
        os.write(1, b"end\\n")
    """)
    assert printed == "end\n"


def test_a_network_can_be_used_while_python_ends() -> None:
    printed = run_python("""
        import os, sys
        import numpy as np, nnbind as nn

        class Output:
            closed = False
            def flush(self):
                net.fit(x, y, loss="mse", epochs=2, progress=False, callbacks=[lambda *_: None])
                os.write(1, str(net.predict(x).shape).encode())

        x, y = np.ones((1000, 64), np.float32), np.ones((1000, 64), np.float32)
        net = nn.mlp(64, [256], 64)
        sys.stdout = Output()
    """)
    assert "(1000, 64)" in printed
