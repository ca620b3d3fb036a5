"""Data from iterables of batches and from memory maps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit, problem, run_python, same_bits


def batches(x: Any, y: Any, size: int, *weight: Any) -> list[tuple[Any, ...]]:
    return [tuple(part[i : i + size] for part in (x, y, *weight)) for i in range(0, len(x), size)]


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_from_an_iterable_equal_those_of_an_array(
    weighted: bool, rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)
    other = net.copy()
    weight = [rng.uniform(1, 2, size=23)] if weighted else []
    first = fit(net, batches(x, y, 5, *weight), None, loss="mse", epochs=3)
    second = fit(other, x, y, loss="mse", epochs=3, batch_size=5, shuffle=False,
                 sample_weight=weight[0] if weighted else None)  # fmt: skip
    assert_close(net.theta, other.theta)
    assert_close(first.loss, second.loss)


def test_a_batch_may_be_a_list(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other = net.copy()
    fit(net, batches(x, y, 5), None, loss="mse", epochs=1)
    fit(other, [list(batch) for batch in batches(x, y, 5)], None, loss="mse", epochs=1)
    assert same_bits(net.theta, other.theta)


def test_a_generator_serves_one_epoch(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other = net.copy()

    def generate() -> Iterator[tuple[Any, ...]]:
        yield from batches(x, y, 5)

    fit(net, generate(), None, loss="mse", epochs=1)
    fit(other, batches(x, y, 5), None, loss="mse", epochs=1)
    assert same_bits(net.theta, other.theta)
    with pytest.raises(ValueError, match="batch"):
        fit(net, generate(), None, loss="mse", epochs=2)


def test_an_iterable_sees_the_network_as_each_step_leaves_it() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(64, 20)), rng.normal(size=(64, 2))
    net = nn.mlp(20, [512], 2)
    other = net.copy()
    seen = []

    def looking() -> Iterator[tuple[Any, ...]]:
        for batch in batches(x, y, 16):
            seen.append((net.predict(x), net.theta.copy()))
            yield batch

    fit(net, looking(), None, loss="mse", optimizer=nn.SGD(0.01), epochs=1)
    optimizer = nn.SGD(0.01)
    for (prediction, theta), batch in zip(seen, batches(x, y, 16), strict=True):
        assert same_bits(prediction, other.predict(x))
        assert same_bits(theta, other.theta)
        other.train_step(*batch, loss="mse", optimizer=optimizer)
    assert same_bits(net.theta, other.theta)


def test_an_iterable_may_change_the_network_between_two_steps(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(64, 20)), rng.normal(size=(64, 2))
    net = nn.mlp(20, [512], 2)
    other = net.copy()

    def clipping() -> Iterator[tuple[Any, ...]]:
        for batch in batches(x, y, 16):
            np.clip(net.theta, -0.01, 0.01, out=net.theta)
            yield batch

    fit(net, clipping(), None, loss="mse", optimizer=nn.SGD(0.1), epochs=1)
    optimizer = nn.SGD(0.1)
    for batch in batches(x, y, 16):
        np.clip(other.theta, -0.01, 0.01, out=other.theta)
        other.train_step(*batch, loss="mse", optimizer=optimizer)
    assert same_bits(net.theta, other.theta)


def test_an_error_of_the_iterator_comes_through(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)

    def broken() -> Iterator[tuple[Any, ...]]:
        yield x, y
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(net, broken(), None, loss="mse", epochs=1)
    assert fit(net, x, y, loss="mse", epochs=1).epochs == 1


@pytest.mark.parametrize("file_dtype", [np.float32, np.float64])
def test_a_memory_map_trains_like_the_array(
    file_dtype: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)
    other, x = net.copy(), x.astype(file_dtype)
    on_disk = np.memmap(tmp_path / "x", file_dtype, "w+", shape=x.shape)
    on_disk[:] = x
    on_disk.flush()
    mapped = np.memmap(tmp_path / "x", file_dtype, "r", shape=x.shape)
    settings = {"loss": "mse", "epochs": 2, "batch_size": 4, "seed": 3}
    fit(net, mapped, y, **settings)
    fit(other, x, y, **settings)
    assert same_bits(net.theta, other.theta)


def test_a_memory_map_larger_than_the_memory_allowed_is_read_batch_by_batch(
    tmp_path: Path,
) -> None:
    pytest.importorskip("resource", reason="memory limits are POSIX")
    (tmp_path / "x").touch()
    printed = run_python(f"""
        import os, resource
        import numpy as np, nnbind as nn
        rows, width, path = 50_000, 640, {str(tmp_path / "x")!r}
        os.truncate(path, rows * width * 8)  # 256 MB of zeros that take no disk
        x = np.memmap(path, np.float64, "r", shape=(rows, width))
        y = np.zeros((rows, 1), np.float32)
        net = nn.mlp(width, [4], 1)
        net.fit(x[:2000], y[:2000], loss="mse", epochs=1, batch_size=1000, progress=False)
        private = [line for line in open("/proc/self/status") if line.startswith("VmData")]
        limit = int(private[0].split()[1]) * 1024 + 64 * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        history = net.fit(x, y, loss="mse", epochs=1, batch_size=1000, progress=False)
        print(history.epochs)
    """)
    assert printed.split() == ["1"]
