"""What is refused is named: the message says what came, and what is expected."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn

MESSAGES: list[tuple[Callable[[Any, Any], Any], type[Exception], str]] = [
    # layers
    (lambda x, a: nn.Dense(a), TypeError, "[Dense] units is 'a'; expected an integer"),
    (lambda x, a: nn.Dense(3.0), TypeError, "[Dense] units is 3.0; expected an integer"),  # type: ignore[arg-type]
    (lambda x, a: nn.Dense(True), TypeError, "[Dense] units is True"),
    (lambda x, a: nn.Dense(2, np.tanh), TypeError, "[Dense] activation is <ufunc 'tanh'>"),  # type: ignore[arg-type]
    (lambda x, a: nn.Dense(2, nn.tanh), TypeError, "[Dense] activation is <function tanh"),  # type: ignore[arg-type]
    (lambda x, a: nn.Dense(2, None), TypeError, "[Dense] activation is None"),  # type: ignore[arg-type]
    (lambda x, a: nn.Dense(2, name=7), TypeError, "[Dense] name is 7"),  # type: ignore[arg-type]
    (lambda x, a: nn.Dense(2, l1=a), TypeError, "[Dense] l1 is 'a'; expected a number"),
    (lambda x, a: nn.Dense(2, dropout=a), TypeError, "[Dense] dropout is 'a'"),
    (lambda x, a: nn.Dense(2, bias=a), TypeError, "[Dense] bias is 'a'; expected True or False"),
    (lambda x, a: nn.Dropout(a), TypeError, "[Dropout] rate is 'a'"),
    (lambda x, a: nn.BatchNorm(a), TypeError, "[BatchNorm] momentum is 'a'"),
    (lambda x, a: nn.BatchNorm(name=""), TypeError, "[BatchNorm] name is ''"),
    (lambda x, a: nn.Dense(2, name="é" * 513), ValueError, "[Dense] name has 1026 bytes; expect"),
    (lambda x, a: nn.Input(2, name=a * 1025), ValueError, "[Node] name has 1025 bytes; expected a"),
    (lambda x, a: nn.LayerNorm(a), TypeError, "[LayerNorm] epsilon is 'a'"),
    (lambda x, a: nn.Dropout(1), ValueError, "[Dropout] rate is 1; expected 0 <= rate < 1"),
    (lambda x, a: nn.BatchNorm(2), ValueError, "[BatchNorm] momentum is 2; expected 0 <= momentum"),
    (lambda x, a: nn.LayerNorm(0), ValueError, "[LayerNorm] epsilon is 0; expected a number >="),
    (lambda x, a: nn.init.Normal(a), TypeError, "[Normal] std is 'a'"),
    (lambda x, a: nn.init.Normal(-1), ValueError, "[Normal] std is -1; expected a number >= 0"),
    (lambda x, a: nn.init.Normal(mean=np.nan), ValueError, "[Normal] mean is nan; expected a fin"),
    # optimizers
    (lambda x, a: nn.SGD(a), TypeError, "[SGD] learning_rate is 'a'; expected a number or a sched"),
    (lambda x, a: nn.SGD(True), TypeError, "[SGD] learning_rate is True"),
    (lambda x, a: nn.SGD(momentum=a), TypeError, "[SGD] momentum is 'a'"),
    (lambda x, a: nn.SGD(nesterov=a), TypeError, "[SGD] nesterov is 'a'"),
    (lambda x, a: nn.GradientDescent(None), TypeError, "[GradientDescent] learning_rate is None"),  # type: ignore[arg-type]
    (lambda x, a: nn.Adam(beta2=a), TypeError, "[Adam] beta2 is 'a'"),
    (lambda x, a: nn.AdamW(weight_decay=a), TypeError, "[AdamW] weight_decay is 'a'"),
    (lambda x, a: nn.RMSProp(clip_norm=a), TypeError, "[RMSProp] clip_norm is 'a'; expected a n"),
    (lambda x, a: nn.AdaGrad(epsilon=a), TypeError, "[AdaGrad] epsilon is 'a'"),
    (lambda x, a: nn.SGD(-1), ValueError, "[SGD] learning_rate is -1; expected a positive number"),
    (lambda x, a: nn.Adam(np.nan), ValueError, "[Adam] learning_rate is nan; expected a positive"),
    # schedules
    (lambda x, a: nn.schedules.Step(a, 2), TypeError, "[Step] rate is 'a'; expected a number"),
    (lambda x, a: nn.schedules.Step(-1, 2), ValueError, "[Step] rate is -1; expected a positive"),
    (lambda x, a: nn.schedules.Step(1, 0), ValueError, "[Step] every is 0; expected an integer >="),
    (lambda x, a: nn.schedules.Exponential(1, 1, 2), ValueError, "[Exponential] factor is 2; expe"),
    (lambda x, a: nn.schedules.Cosine(1, 5, 5), ValueError, "warmup is 5 and steps is 5; expected"),
    (lambda x, a: nn.schedules.InverseScaling(1, -1), ValueError, "[InverseScaling] power is -1;"),
    (lambda x, a: nn.schedules.ReduceOnPlateau(1, min_delta=-1), ValueError, "min_delta is -1; ex"),
    # formulas
    (lambda x, a: nn.Input(True), TypeError, "[Input] width is True; expected an integer"),
    (lambda x, a: x[:, True], TypeError, "expected columns"),
    (lambda x, a: nn.leaky_relu(x, a), TypeError, "[leaky_relu] alpha is 'a'"),
    (lambda x, a: nn.elu(x, a), TypeError, "[elu] alpha is 'a'"),
    (lambda x, a: x + a, TypeError, "[add] got 'a'; expected real numbers"),
    (lambda x, a: None - x, TypeError, "[subtract] got None; expected real numbers"),
    (lambda x, a: x * [[1, 2], [3]], TypeError, "[multiply] got [[1, 2], [3]]; expected real num"),
    (lambda x, a: x + np.inf, ValueError, "[add] value has a NaN or an infinity"),
    (lambda x, a: nn.Constant(-1e300), ValueError, "[Constant] value has -1e+300, which does not "),
    (lambda x, a: [1, 1e39] * x, ValueError, "[multiply] value has 1e+39, which does not fit"),
    (lambda x, a: nn.Parameter(np.nan), ValueError, "[Parameter] value has a NaN"),
    (lambda x, a: nn.Parameter((0.5, -1.0)), TypeError, "(0.5, -1.0); expected two integers: a"),
    (lambda x, a: nn.Parameter((1, 2, 3)), nn.ShapeError, "(1, 2, 3); expected (rows, columns): a"),
    (lambda x, a: np.negative(x), TypeError, "negative does not take it; expected nn.negate"),
    (lambda x, a: np.sum(x), TypeError, "expected nn.sum"),
    (lambda x, a: np.sin(x), TypeError, "nn.CustomActivation makes one"),
    (lambda x, a: np.ones(2) < x, TypeError, '"x" is a formula, not numbers: NumPy\'s less'),
    (lambda x, a: np.ones((1, 2)).__iadd__(x), TypeError, '"x" is a formula, not numbers'),
    # networks
    (lambda x, a: nn.Network(x, {3: nn.tanh(x)}), TypeError, "the name of an output is 3"),  # type: ignore[dict-item]
    (lambda x, a: nn.Network(x, {a * 1025: nn.tanh(x)}), ValueError, "name of a node has 1025 byt"),
    (lambda x, a: nn.Network(x, {"": nn.tanh(x)}), TypeError, "the name of an output is ''"),
    (lambda x, a: nn.Network(x, nn.tanh(x), dtype="foo"), TypeError, "dtype is 'foo'; expected f"),
    (lambda x, a: nn.mlp(2, [], 1).astype("foo"), TypeError, "dtype is 'foo'; expected float32"),
    (lambda x, a: nn.Sequential(x, a), TypeError, "'a' is no layer; expected what makes a node"),
    (lambda x, a: nn.Sequential(x, nn.mlp(2, [], 1)), TypeError, "<Network 2-1, 3 parameters, flo"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("write", "error", "message"), MESSAGES)
def test_the_message_names_what_came(
    write: Callable[[Any, Any], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        write(nn.Input(2, name="x"), "a")


def test_numbers_of_numpy_are_numbers() -> None:
    nn.Dense(np.int64(3), dropout=np.float32(0.5), bias=np.bool_(True))  # type: ignore[arg-type]
    nn.Adam(np.float32(0.1), beta1=np.array(0.9), clip_norm=1)  # type: ignore[arg-type]
    assert nn.BatchNorm(np.float64(0.5)).momentum == 0.5


def test_an_activation_is_a_layer_of_a_chain() -> None:
    net = nn.Sequential(nn.Input(2), nn.Dense(3), nn.Activation("elu", 0.5), nn.Dense(1))
    assert [node.kind for node in net.nodes] == ["input", "dense", "elu", "dense"]
