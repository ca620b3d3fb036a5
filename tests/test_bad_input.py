"""Whatever array comes, by whatever argument: the answer of a plain copy, or a clear refusal.

A refusal is a ValueError or a TypeError whose message begins with the entry point and the argument,
and leaves the network as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnbind as nn
from array_arguments import ARGUMENTS, Argument, mapped, network


def snapshot(net: nn.Network) -> tuple[bytes, ...]:
    """θ, running statistics, seed, epochs, steps and gradient."""
    return net._to_bytes(), net.gradient.tobytes()


def plainly(result: Any) -> Any:
    """What can be compared bit for bit."""
    if isinstance(result, np.ndarray):
        return type(result), result.dtype.str, result.shape, result.tobytes()
    if isinstance(result, dict):
        return {key: plainly(value) for key, value in result.items()}
    if isinstance(result, tuple | list):
        return [plainly(value) for value in result]
    if isinstance(result, nn.Network):
        return snapshot(result), plainly(result.predict(np.eye(result.inputs)))
    return str(result)


def outcome(argument: Argument, value: Any) -> Any:
    """What the call gives and does to a network; or its error, which does nothing."""
    net = network(argument.output)
    before = snapshot(net)
    try:
        result = plainly(argument.call(net, value))
    except (ValueError, TypeError) as error:
        assert snapshot(net) == before
        return type(error), str(error)
    return result, snapshot(net)


def refused(argument: Argument, value: Any, *errors: type[Exception]) -> None:
    kind, message = outcome(argument, value)
    assert kind in errors, (kind, message)
    last = re.escape(argument.name.split()[-1]) if argument.of_network else ""
    assert re.match(rf"^\[{re.escape(argument.entry)}[^]]*\] .*{last}", message), message


# ---- the same numbers in another guise -------------------------------------------------------


class Own(np.ndarray[Any, Any]):
    """An array of a class of somebody's own."""


class Convertible:
    """Something that NumPy can make an array of."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array if dtype is None else self.array.astype(dtype)


def every_other(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2]


def unaligned(a: Any) -> Any:
    view = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS: list[Callable[[Any], Any]] = [
    np.array,
    np.asfortranarray,
    every_other,
    unaligned,
    read_only,
    lambda a: np.flip(np.flip(a).copy()),
    lambda a: np.hstack([a, a])[..., : a.shape[-1]],
]
GUISES: list[Callable[[Any], Any]] = [
    lambda a: a,
    lambda a: a.view(Own),
    lambda a: a.tolist(),
    lambda a: tuple(a),
    Convertible,
    lambda a: memoryview(a) if a.dtype.isnative else a,
]
INTEGERS = ["i1", "u1", ">i2", "u4", "i8", ">u8"]
REALS = [*INTEGERS, "f2", ">f2", "f4", ">f4", "f8", ">f8", "g"]


def is_shape(argument: Argument, value: Any) -> bool:
    """A tuple is the shape of a parameter."""
    return argument.entry == "Parameter" and argument.name == "value" and isinstance(value, tuple)


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
@given(data=st.data())
def test_the_same_numbers_give_the_same_answer(argument: Argument, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(REALS if argument.real else INTEGERS))
    value = data.draw(st.sampled_from(LAYOUTS))(argument.good.astype(dtype))
    value = data.draw(st.sampled_from(GUISES))(value)
    assume(not is_shape(argument, value))
    expected = outcome(argument, argument.good.copy())
    assert not isinstance(expected[0], type), expected
    assert outcome(argument, value) == expected


# ---- other shapes and numbers ----------------------------------------------------------------


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
@given(data=st.data())
def test_any_array_is_as_its_plain_copy(argument: Argument, data: st.DataObject) -> None:
    """Of any shape and numbers: the same answer or the same error."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)
    good = argument.good.shape
    near = st.sampled_from([good, good[:1], (*good, 1)])
    shape = data.draw(near | shapes)
    numbers = st.integers(0, 3) | st.floats(allow_nan=True, allow_infinity=True, width=16)
    array = data.draw(hnp.arrays(np.float64, shape, elements=numbers, fill=st.just(1.0)))
    expected = outcome(argument, array)
    if isinstance(expected[0], type):
        # A node may also be refused by the function that gets it.
        where = f"[{argument.entry}" if argument.of_network else "["
        assert expected[1].startswith(where), expected
    if array.ndim > 0:
        assert outcome(argument, every_other(array)) == expected
    assert outcome(argument, array.astype(">f8")) == expected


def masked_rows(a: Any) -> Any:
    return [np.ma.masked_equal(row, row.flat[0]) for row in a]


NO_NUMBERS: list[Callable[[Any], Any]] = [
    lambda a: np.ma.masked_equal(a, a.flat[0]),
    lambda a: np.ma.masked_equal(a, 1e9),  # nothing is masked, but it could be
    masked_rows,
    lambda a: a.astype(complex),
    lambda a: a.astype(object),
    lambda a: a.astype(str),
    lambda a: a.astype(bytes),
    lambda a: a.astype("datetime64[s]"),
    lambda a: a.astype("timedelta64[s]"),
    lambda a: np.zeros(a.shape, [("a", "f8"), ("b", "f8")]),
    lambda a: [a.tolist(), [1.0]],
    lambda a: [[1.0], [1.0, 2.0]],
    lambda _: {1.0, 2.0},
    lambda _: object(),
]


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_what_is_no_array_of_numbers_is_a_type_error(argument: Argument) -> None:
    for spoil in NO_NUMBERS:
        refused(argument, spoil(argument.good), TypeError)


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_a_word_is_no_array(argument: Argument) -> None:
    kind, message = outcome(argument, "many")
    is_name = argument.name in ("class_weight", "init")
    assert kind is (ValueError if is_name else TypeError)
    assert message.startswith("[")


# Terabytes are claimed here, of which no byte is there.
CLAIMS: list[np.ndarray[Any, Any]] = [
    np.broadcast_to(np.float64(1), (10**9, 10**3)),
    np.broadcast_to(np.float32(1), (10**12,)),
    np.broadcast_to(np.int8(1), (2**30, 2**30)),
    np.broadcast_to(np.int64(1), (6, 2**40)),
    np.broadcast_to(np.float16(1), (1, 2**50, 1)),
]


# Initial weights are copied before the layer, and so their shape, is known.
@pytest.mark.parametrize("argument", [a for a in ARGUMENTS if a.name != "init"], ids=str)
def test_a_wrong_shape_is_refused_before_memory_is_asked_for(argument: Argument) -> None:
    for claim in CLAIMS:
        kind, message = outcome(argument, claim)
        assert kind in (nn.ShapeError, TypeError), (claim.shape, message)
        assert message.startswith("["), message


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rows", [3, 3000])
def test_a_memory_map_is_looked_at_to_its_end_before_training(rows: int, value: float) -> None:
    net = network()
    before = snapshot(net)
    x = np.zeros((rows, 3))
    x[-1, 1] = value
    place = "from row 2048 on, X has .* row 951$" if rows == 3000 else "X has .* row 2$"
    with pytest.raises(ValueError, match=rf"^\[Network\.fit\] {place}"):
        net.fit(mapped(x), np.zeros((rows, 2)), loss="mse", epochs=1, batch_size=1, progress=False)
    assert snapshot(net) == before
