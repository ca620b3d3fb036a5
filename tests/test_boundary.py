"""Where NumPy meets the core: what is converted, what is refused and how, and that nothing moves.

Every message has one form: where, what came, what was expected.
"""

import pickle
import re
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnbind as nn
from entry_points import ENTRIES, LABELS, TRAINING, X, Y, network, read_only, refused, spoiled
from helpers import same_bits

BAD_X: list[tuple[Any, type[Exception], str]] = [
    (X[:, :2], nn.ShapeError, r"X has shape \(6, 2\); expected \(n, 3\)"),
    (np.ones((6, 4)), nn.ShapeError, r"X has shape \(6, 4\); expected \(n, 3\)"),
    (X[0], nn.ShapeError, r"X has shape \(3,\); expected \(n, 3\)"),
    (np.array(1.0), nn.ShapeError, r"X has shape \(\); expected \(n, 3\)"),
    (X[None], nn.ShapeError, r"X has shape \(1, 6, 3\); expected \(n, 3\)"),
    (X.astype(complex), TypeError, "X.*complex128"),
    (X.astype(object), TypeError, "X.*object"),
    (X.astype(str), TypeError, "X.*str"),
    (X.astype("datetime64[s]"), TypeError, "X.*datetime64"),
    (np.ma.masked_less(X, 1), TypeError, "X is a masked array"),
    ([[1.0, 2.0, 3.0], [4.0]], TypeError, "X is no array"),
]


@pytest.mark.parametrize("entry", list(ENTRIES))
@pytest.mark.parametrize(("x", "error", "message"), BAD_X)
def test_wrong_inputs_are_refused(entry: str, x: Any, error: type[Exception], message: str) -> None:
    refused(entry, error, message, x, Y)


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(
    ("value", "what"), [(np.nan, "a NaN"), (np.inf, "an inf"), (-np.inf, "an inf")]
)
def test_what_is_not_finite_is_refused_by_name_and_row(entry: str, value: float, what: str) -> None:
    refused(entry, ValueError, rf"X has {what}\w* in row 3", spoiled(X, 3, value), Y)
    refused(entry, ValueError, rf"y has {what}\w* in row 5", X, spoiled(Y, 5, value))
    weight = spoiled(np.ones(6), 2, value)
    refused(entry, ValueError, rf"sample_weight has {what}\w* in row 2", X, Y, sample_weight=weight)


@pytest.mark.parametrize("entry", list(TRAINING))
def test_no_rows_are_refused(entry: str) -> None:
    refused(entry, nn.ShapeError, r"X has shape \(0, 3\)", X[:0], Y[:0])


@given(shape=st.lists(st.integers(0, 5), max_size=4).map(tuple))
def test_only_rows_of_the_right_width_pass(shape: tuple[int, ...]) -> None:
    net, x = network(), np.zeros(shape)
    if len(shape) == 2 and shape[1] == 3:
        assert net.predict(x).shape == (shape[0], 2)
        return
    with pytest.raises(nn.ShapeError, match=re.escape(f"X has shape {shape}; expected (n, 3)")):
        net.predict(x)


# ---- y and the weights ----------------------------------------------------------------------

BAD_Y: list[tuple[Any, type[Exception], str]] = [
    (Y[:5], nn.ShapeError, r"y has shape \(5, 2\); expected \(6, 2\)"),
    (Y[:, :1], nn.ShapeError, r"y has shape \(6, 1\); expected \(6, 2\)"),
    (Y[None], nn.ShapeError, r"y has shape \(1, 6, 2\); expected \(6, 2\)"),
    (Y[:, 0], nn.ShapeError, r"y has shape \(6,\).*y\[:, None\]"),
    (LABELS, nn.ShapeError, r"y has shape \(6,\).*y\[:, None\]"),
    (Y.astype(complex), TypeError, "y.*complex128"),
    (Y.astype(object), TypeError, "y.*object"),
    (Y.astype(str), TypeError, "y.*str"),
    (np.ma.masked_less(Y, 1), TypeError, "y is a masked array"),
]
BAD_LABELS: list[tuple[Any, type[Exception], str]] = [
    (np.where(LABELS == 1, 2, 0), ValueError, r"y has (the )?label 2 in row 1"),
    (-LABELS, ValueError, r"y has (the )?label -1 in row 1"),
    (LABELS.astype(np.uint64) << 63, ValueError, r"y has the (label|entry) 9223372036854775808"),
    (LABELS[:4], nn.ShapeError, r"y has shape \(4,\); expected \(6,"),
    (LABELS.astype(float), nn.ShapeError, r"y has shape \(6,\)"),
    (LABELS[:, None], nn.ShapeError, r"y has shape \(6, 1\); expected \(6, 2\)"),
]
BAD_WEIGHT: list[tuple[Any, type[Exception], str]] = [
    (np.ones(5), nn.ShapeError, r"sample_weight has shape \(5,\); expected \(6,\)"),
    (np.ones((6, 1)), nn.ShapeError, r"sample_weight has shape \(6, 1\); expected \(6,\)"),
    (np.ones(6, complex), TypeError, "sample_weight.*complex128"),
    (np.ma.masked_less(np.ones(6), 1), TypeError, "sample_weight is a masked array"),
]


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(("y", "error", "message"), BAD_Y)
def test_wrong_targets_are_refused(
    entry: str, y: Any, error: type[Exception], message: str
) -> None:
    refused(entry, error, message, X, y)


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(("y", "error", "message"), BAD_LABELS)
def test_wrong_labels_are_refused(entry: str, y: Any, error: type[Exception], message: str) -> None:
    refused(entry, error, message, X, y, loss="cross_entropy", output="softmax")


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize("loss", ["hinge", "perceptron"])
@pytest.mark.parametrize("value", [0.0, 2.0, -0.5])
def test_margin_losses_take_only_signs(entry: str, loss: str, value: float) -> None:
    y = spoiled(np.where(Y > 1, 1.0, -1.0), 4, value)
    refused(entry, ValueError, "y .*row 4", X, y, loss=loss)


@pytest.mark.parametrize("entry", list(TRAINING))
@pytest.mark.parametrize(("weight", "error", "message"), BAD_WEIGHT)
def test_wrong_weights_are_refused(
    entry: str, weight: Any, error: type[Exception], message: str
) -> None:
    refused(entry, error, message, X, Y, sample_weight=weight)


@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}])
def test_masked_weights_are_refused_with_class_weights_too(options: dict[str, Any]) -> None:
    weight = np.ma.masked_less(np.ones(6), 2)
    message = "sample_weight is a masked array"
    refused("fit", TypeError, message, X, LABELS, loss="cross_entropy", output="softmax",
            sample_weight=weight, **options)  # fmt: skip


def test_masked_targets_of_a_memory_map_are_refused(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=X.shape)
    refused("fit", TypeError, "y is a masked array", mapped, np.ma.masked_less(Y, 1))


def test_masked_initial_weights_are_refused() -> None:
    with pytest.raises(TypeError, match=r"\[Dense\] init is a masked array"):
        nn.Dense(2, init=np.ma.masked_less(np.ones((3, 2)), 2))


# ---- out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty((6, 3)), nn.ShapeError, r"out has shape \(6, 3\); expected \(6, 2\)"),
        (np.empty((5, 2)), nn.ShapeError, r"out has shape \(5, 2\); expected \(6, 2\)"),
        (np.empty(12), nn.ShapeError, r"out has shape \(12,\); expected \(6, 2\)"),
        (np.empty((6, 2), np.float32), TypeError, "out.*float32.*float64"),
        (np.empty((6, 2), int), TypeError, "out.*int64.*float64"),
        (np.empty((6, 2), ">f8"), TypeError, "out"),
        (read_only(np.empty((6, 2))), ValueError, "out.*read-only"),
        (np.empty((6, 2), order="F"), ValueError, "out.*contiguous"),
        (np.empty((6, 4))[:, ::2], ValueError, "out.*contiguous"),
        ([[0.0, 0.0]] * 6, TypeError, "out"),
        (np.ma.zeros((6, 2)), TypeError, "out is a masked array"),
    ],
)
def test_an_out_that_cannot_take_the_result_is_refused(
    out: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=rf"^\[Network\.predict\] .*{message}"):
        network().predict(X, out=out)


@pytest.mark.parametrize("shift", [0, 1, 3, 200])
def test_an_out_over_the_input_is_as_good_as_one_beside_it(shift: int) -> None:
    net = nn.mlp(3, [4], 3, output="softmax", dtype=np.float64)
    memory = np.arange(3.0 * 700).reshape(700, 3) / 99
    x, out = memory[:500], memory[shift : shift + 500]
    expected = net.predict(x)
    assert net.predict(x, out=out) is out
    assert same_bits(out, expected)


def test_an_out_over_the_parameters_is_as_good_as_one_beside_them() -> None:
    net = nn.mlp(3, [100], 2, dtype=np.float64)
    x = np.arange(900.0).reshape(300, 3)
    expected = net.predict(x)
    assert same_bits(net.predict(x, out=net.theta[:600].reshape(300, 2)), expected)


def test_arguments_of_predict_go_by_place_or_by_name(dtype: Any) -> None:
    net = nn.mlp(3, [4], 2, dtype=dtype)
    for x in (X.astype(dtype), X.astype(dtype)[:1], np.tile(X, (9000, 1)).astype(dtype)):
        expected = net.predict(np.asfortranarray(x))  # converted
        for samples in (x, x.tolist()):
            out = np.empty_like(expected)
            results = [
                net.predict(samples),
                net.predict(X=samples),
                net.predict(samples, None),
                net.predict(samples, out),
                net.predict(samples, out=out),
                net.predict(out=out, X=samples),
                nn.Network.predict(net, samples, out),
            ]
            assert all(same_bits(result, expected) for result in results)
            assert all(result is out for result in results[3:])
    call: Any = net.predict
    wrong: list[tuple[Any, Any]] = [
        ((), {}),
        ((X, None, X), {}),
        ((X,), {"X": X}),
        ((X,), {"Out": X}),
    ]
    for arguments, named in wrong:
        with pytest.raises(TypeError, match="predict"):
            call(*arguments, **named)


def test_predictions_leave_nothing_behind(dtype: Any) -> None:
    net = nn.mlp(3, [4], 2, dtype=dtype)
    x, out = X.astype(dtype), np.empty((len(X), 2), dtype)
    objects = [net, x, out, x.dtype, None]
    calls = 5000
    ways: list[Callable[[], Any]] = [
        lambda: net.predict(x),
        lambda: net.predict(x, out=out),
        lambda: net.predict(x[:, ::-1]),  # converted
        lambda: net.predict(x[:, ::-1], out=out),
    ]
    for predict in ways:
        predict()
        references = [sys.getrefcount(o) for o in objects]
        tracemalloc.start()
        try:
            for _ in range(calls):
                predict()
            left, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # Less than the smallest object a call: NumPy keeps some 20 KB for its next conversion.
        assert left < 16 * calls
        # With a little room for what else the interpreter does.
        assert np.allclose([sys.getrefcount(o) for o in objects], references, rtol=0, atol=20)


def test_an_out_of_an_equal_dtype_is_taken() -> None:
    out = pickle.loads(pickle.dumps(np.empty((6, 2))))
    assert out.dtype is not np.dtype(np.float64)
    assert network().predict(X, out=out) is out
