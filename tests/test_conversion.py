"""What NumPy arrays are converted, and that conversion changes no answer."""

import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnbind as nn
from entry_points import TRAINING, X, Y, network, read_only, spoiled
from helpers import fit, same_bits


def unaligned(a: Any) -> Any:
    buffer = np.zeros(a.nbytes + 1, np.uint8)
    view = buffer[1:].view(a.dtype).reshape(a.shape)
    view[:] = a
    return view


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "part of wider rows": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "unaligned": unaligned,
    "read-only": read_only,
}
DTYPES = [np.int8, np.uint8, np.int64, np.uint16, bool, np.float16, np.float32, np.float64,
          np.longdouble, ">f4", ">i4"]  # fmt: skip


def answers(net: nn.Network, x: Any, y: Any) -> list[bytes]:
    """All that each entry point makes of (x, y), by an equal network each time."""
    value, gradient = net.loss_and_gradient(x, y, "mse", sample_weight=x[:, 0])
    numbers = [value, net.evaluate(x, y, loss="mse")["loss"]]
    results = [net.predict(x), gradient]
    for entry in ("fit", "train_step"):
        twin = net.copy()
        TRAINING[entry](twin, x, y)
        results.append(twin.theta)
    return [np.asarray(result).tobytes() for result in (*results, numbers)]


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("given_dtype", [np.float32, np.float64])
def test_any_layout_gives_the_same_answers(layout: str, given_dtype: Any, dtype: Any) -> None:
    net, x, y = network(dtype), X.astype(given_dtype), Y.astype(given_dtype)
    given = LAYOUTS[layout](x), LAYOUTS[layout](y)
    assert answers(net, *given) == answers(net, x.astype(dtype), y.astype(dtype))
    np.testing.assert_array_equal(given[0], x)


@pytest.mark.parametrize("given_dtype", DTYPES, ids=lambda d: np.dtype(d).str)
def test_real_numbers_of_any_kind_are_converted(given_dtype: Any, dtype: Any) -> None:
    net, x, y = network(dtype), X > 1, Y > 1
    given = x.astype(given_dtype), y.astype(given_dtype)
    assert answers(net, *given) == answers(net, x.astype(dtype), y.astype(dtype))


# Each maker's result has contiguous rows wherever they lie.
IN_PLACE: dict[str, Callable[[Any], Any]] = {
    "part of wider rows": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "rows backwards": lambda a: a[::-1],
    "one row repeated": lambda a: np.broadcast_to(a[0], a.shape),
    "overlapping windows": lambda a: np.lib.stride_tricks.sliding_window_view(a.ravel(), 3),
    "unpickled": lambda a: pickle.loads(pickle.dumps(a)),
}


@pytest.mark.parametrize("layout", list(IN_PLACE))
def test_contiguous_rows_are_read_in_place(layout: str, dtype: Any) -> None:
    net, x = network(dtype), IN_PLACE[layout](np.arange(60_000).reshape(-1, 3).astype(dtype))
    y = np.zeros(len(x), dtype)[:, None]
    one_output = nn.mlp(3, [], 1, dtype=dtype)
    tracemalloc.start()
    try:
        out = net.predict(x)
        one_output.evaluate(x, y, loss="mse")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < out.nbytes + 10_000
    assert same_bits(out, net.predict(x.copy()))


def test_a_matrix_is_taken_and_an_array_comes_back() -> None:
    net, expected = network(), network().predict(X)
    x, y = X.view(np.matrix), Y.view(np.matrix)
    got = net.predict(x)
    assert type(got) is np.ndarray
    assert same_bits(got, expected)
    assert net.evaluate(x, y, loss="mse") == net.evaluate(X, Y, loss="mse")


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize("of", ["theta", "gradient"])
def test_training_on_views_of_the_network_is_training_on_copies(entry: str, of: str) -> None:
    def trained(copy: bool) -> list[bytes]:
        net = nn.mlp(50, [64], 50, dtype=np.float64)
        net.gradient[:] = net.theta[::-1]
        view = getattr(net, of)[:3000].reshape(60, 50)
        given = view.copy() if copy else view
        TRAINING[entry](net, given, given)
        return [net.theta.tobytes(), net.gradient.tobytes()]

    assert trained(copy=False) == trained(copy=True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
def test_an_error_of_the_conversion_comes_through(error: type[BaseException]) -> None:
    class Broken:
        def __array__(self, *_: Any, **__: Any) -> Any:
            raise error

    with pytest.raises(error):
        network().predict(Broken())


def test_a_number_too_large_for_the_dtype_is_an_infinity(dtype: Any) -> None:
    x = spoiled(X, 2, 1e300)
    if dtype is np.float64:
        assert np.isfinite(network(dtype).predict(x[:2])).all()
        return
    net = network(dtype)
    before = net.theta.copy()
    with pytest.raises(ValueError, match=r"X has .* in row 2"):
        fit(net, x, Y, loss="mse", epochs=1)
    assert same_bits(net.theta, before)


@given(n=st.integers(1, 40), width=st.integers(1, 20), skip=st.integers(1, 3))
def test_strided_rows_of_any_shape_are_read_right(n: int, width: int, skip: int) -> None:
    net = nn.mlp(width, [5], 2, dtype=np.float64)
    whole = np.random.default_rng(n).normal(size=(n * skip, width + skip))
    part = whole[::skip, :width]
    assert same_bits(net.predict(part), net.predict(part.copy()))
