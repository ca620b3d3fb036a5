"""What NumPy arrays are converted, and that conversion changes no answer."""

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


def test_one_row_repeated_without_copies_is_taken() -> None:
    row, net = X[1], network()
    repeated = np.broadcast_to(row, (5, 3))
    assert same_bits(net.predict(repeated), net.predict(repeated.copy()))


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
