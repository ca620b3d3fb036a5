"""The networks of nnbind in plain NumPy: slow, short, and what the library must agree with.

Rows are samples. A layer is Y = g(T) with T = X W + b, where X is (n, inputs), W is
(inputs, units) and b is (units). theta is one vector: layer after layer W row by row, then b.
Read from top to bottom: activations, losses, the network and its gradient, optimizers.
"""

# mypy: disable-error-code="no-any-return"
# (NumPy declares that its ufuncs return Any.)
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# ---- Activations: name -> (g(t), g'(t)), elementwise ----------------------------------------


def sigmoid(t: Array) -> Array:
    """1 / (1 + e^-t), with no exponential of a positive number."""
    return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))


def normal_cdf(t: Array) -> Array:
    return np.vectorize(math.erfc, otypes=[float])(-t / math.sqrt(2)) / 2


def normal_pdf(t: Array) -> Array:
    return np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)


def elu(t: Array, alpha: float = 1.0) -> Array:
    return np.where(t > 0, t, alpha * np.expm1(np.minimum(t, 0)))


def elu_derivative(t: Array, alpha: float = 1.0) -> Array:
    return np.where(t > 0, 1.0, alpha * np.exp(np.minimum(t, 0)))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

ELEMENTWISE: dict[str, Any] = {
    "identity": (lambda t: t, lambda t: np.ones_like(t)),
    "binary": (lambda t: (t >= 0) * 1.0, lambda t: np.zeros_like(t)),
    "sigmoid": (sigmoid, lambda t: sigmoid(t) * sigmoid(-t)),
    "tanh": (np.tanh, lambda t: 4 * sigmoid(2 * t) * sigmoid(-2 * t)),
    "relu": (lambda t: np.maximum(t, 0), lambda t: (t > 0) * 1.0),
    "leaky_relu": (
        lambda t, alpha=0.01: np.where(t > 0, t, alpha * t),
        lambda t, alpha=0.01: np.where(t > 0, 1.0, alpha),
    ),
    "elu": (elu, elu_derivative),
    "selu": (
        lambda t: SELU_SCALE * elu(t, SELU_ALPHA),
        lambda t: SELU_SCALE * elu_derivative(t, SELU_ALPHA),
    ),
    "softplus": (lambda t: np.logaddexp(0, t), sigmoid),
    "softsign": (lambda t: t / (1 + np.abs(t)), lambda t: (1 / (1 + np.abs(t))) ** 2),
    "gelu": (lambda t: t * normal_cdf(t), lambda t: normal_cdf(t) + t * normal_pdf(t)),
    "silu": (lambda t: t * sigmoid(t), lambda t: sigmoid(t) * (1 + t * sigmoid(-t))),
    "hard_sigmoid": (lambda t: np.clip(t / 6 + 0.5, 0, 1), lambda t: (np.abs(t) < 3) / 6),
}
ACTIVATIONS = [*ELEMENTWISE, "softmax", "log_softmax"]


def log_softmax(t: Array) -> Array:
    shifted = t - t.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def activate(name: str, t: Array, **options: float) -> Array:
    """Y = g(T)."""
    if name == "softmax":
        return np.exp(log_softmax(t))
    if name == "log_softmax":
        return log_softmax(t)
    return ELEMENTWISE[name][0](t, **options)


def pull_back(name: str, t: Array, grad: Array, **options: float) -> Array:
    """dL/dT from grad = dL/dY: grad * g'(T), or with the whole Jacobian of a softmax row."""
    if name == "softmax":
        p = np.exp(log_softmax(t))
        return p * (grad - (grad * p).sum(axis=1, keepdims=True))
    if name == "log_softmax":
        return grad - np.exp(log_softmax(t)) * grad.sum(axis=1, keepdims=True)
    return grad * ELEMENTWISE[name][1](t, **options)


# ---- Losses: (y, f) -> d, one value an output (summed later), and its gradient dd/df --------


def cross_entropy(
    y: Array, f: Array, from_logits: bool = False, log: bool = False, label_smoothing: float = 0.0
) -> tuple[Array, Array]:
    """-y log p, where f holds probabilities p, their logarithms (log), or logits."""
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[1]
    if from_logits:
        log_p = log_softmax(f)
        return -y * log_p, np.exp(log_p) * y.sum(axis=1, keepdims=True) - y
    return (-y * f, -y) if log else (-y * np.log(f), -y / f)


def binary_cross_entropy(y: Array, f: Array, from_logits: bool = False) -> tuple[Array, Array]:
    if from_logits:
        return np.logaddexp(0, f) - y * f, sigmoid(f) - y
    return -y * np.log(f) - (1 - y) * np.log1p(-f), (f - y) / (f * (1 - f))


def huber(y: Array, f: Array, delta: float = 1.0) -> tuple[Array, Array]:
    r = f - y
    linear = delta * (np.abs(r) - delta / 2)
    return np.where(np.abs(r) <= delta, r**2 / 2, linear), np.clip(r, -delta, delta)


def poisson(y: Array, f: Array, log_input: bool = False) -> tuple[Array, Array]:
    return (np.exp(f) - y * f, np.exp(f) - y) if log_input else (f - y * np.log(f), 1 - y / f)


LOSSES: dict[str, Any] = {
    "squared_error": lambda y, f: ((y - f) ** 2, 2 * (f - y)),
    "mse": lambda y, f: ((y - f) ** 2 / y.shape[1], 2 * (f - y) / y.shape[1]),
    "absolute_error": lambda y, f: (np.abs(y - f), np.sign(f - y)),
    "huber": huber,
    "hinge": lambda y, f: (np.maximum(0, 1 - y * f), -y * (y * f < 1)),
    "perceptron": lambda y, f: (np.maximum(0, -y * f), -y * (y * f <= 0)),
    "poisson": poisson,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}

# ---- The network: its layers say how theta is cut -------------------------------------------


@dataclass(frozen=True)
class Layer:
    inputs: int
    units: int
    activation: str = "identity"
    alpha: float | None = None  # the option of leaky_relu and elu
    bias: bool = True
    l1: float = 0.0
    l2: float = 0.0

    @property
    def options(self) -> dict[str, float]:
        return {} if self.alpha is None else {"alpha": self.alpha}

    @property
    def size(self) -> int:
        return (self.inputs + self.bias) * self.units


def blocks(layers: list[Layer], theta: Array) -> list[Array]:
    """Each layer's view of theta, (inputs + bias, units): the weights, and any bias as last row."""
    parts = np.split(theta, np.cumsum([layer.size for layer in layers])[:-1])
    return [part.reshape(-1, k.units) for k, part in zip(layers, parts, strict=True)]


def with_ones(layer: Layer, x: Array) -> Array:
    """[X 1], so that X W + b is the one product [X 1] @ block."""
    return np.column_stack([x, np.ones(len(x))]) if layer.bias else x


def forward(layers: list[Layer], theta: Array, x: Array) -> tuple[list[Array], list[Array]]:
    """The pre-activations T of each layer, and the values [X, Y_1, Y_2, ...]."""
    pre_activations: list[Array] = []
    values = [x]
    for layer, block in zip(layers, blocks(layers, theta), strict=True):
        pre_activations.append(with_ones(layer, values[-1]) @ block)
        values.append(activate(layer.activation, pre_activations[-1], **layer.options))
    return pre_activations, values


def is_weight(layers: list[Layer]) -> NDArray[np.bool_]:
    """A mask over theta: true for weights, false for biases."""
    return np.concatenate([np.arange(k.size) < k.inputs * k.units for k in layers])


def penalty(
    layers: list[Layer], theta: Array, l1: float, l2: float, bias: bool
) -> tuple[float, Array]:
    """R = l1 ||W||_1 + l2/2 ||W||^2 and its gradient l1 sign(W) + l2 W."""
    w = theta if bias else theta * is_weight(layers)
    return l1 * np.abs(w).sum() + l2 / 2 * (w**2).sum(), l1 * np.sign(w) + l2 * w


def loss_and_gradient(
    layers: list[Layer], theta: Array, x: Array, y: Array, loss: str, *,
    reduction: str = "mean", sample_weight: Array | None = None, l1: float = 0.0, l2: float = 0.0,
    penalize_bias: bool = False, divide_by_batch_size: bool = False, **options: Any,
) -> tuple[float, Array]:  # fmt: skip
    """L = reduce_i w_i d(y_i, f(x_i)) + R(theta) and dL/dtheta, by backpropagation."""
    t, values = forward(layers, theta, x)
    f, output = values[-1], layers[-1].activation
    if loss == "perceptron" and output == "binary":  # it learns from what the step hides
        f, output = t[-1], "identity"
    if loss == "cross_entropy" and output == "log_softmax":
        options["log"] = True

    scale = np.ones((len(x), 1)) if sample_weight is None else sample_weight[:, None]
    scale = scale / len(x) if reduction == "mean" else scale
    d, grad = LOSSES[loss](y, f, **options)
    value, grad = float((scale * d).sum()), scale * grad

    gradient = np.zeros_like(theta)
    for i in reversed(range(len(layers))):
        layer, block = layers[i], blocks(layers, theta)[i]
        name = output if i == len(layers) - 1 else layer.activation
        grad = pull_back(name, t[i], grad, **layer.options)  # dL/dT = dL/dY * g'(T)
        r, r_gradient = penalty([layer], block.ravel(), layer.l1, layer.l2, bias=False)
        value += r
        own = with_ones(layer, values[i]).T @ grad + r_gradient.reshape(block.shape)
        blocks(layers, gradient)[i][:] = own
        grad = grad @ block[: layer.inputs].T  # dL/dX: the dL/dY of the layer below

    r, r_gradient = penalty(layers, theta, l1, l2, penalize_bias)
    share = len(x) if divide_by_batch_size else 1
    return value + r / share, gradient + r_gradient / share


# ---- Optimizers: step(theta, gradient, rate) -> the next theta ------------------------------


def clip_norm(g: Array, limit: float) -> Array:
    """g, shortened to the length `limit` if it is longer."""
    return g * min(1.0, limit / float(np.linalg.norm(g)))


@dataclass
class SGD:
    """v = momentum v - rate g; theta + v, or with Nesterov theta + momentum v - rate g."""

    momentum: float = 0.0
    nesterov: bool = False
    v: Any = 0.0

    def step(self, theta: Array, g: Array, rate: float) -> Array:
        self.v = self.momentum * self.v - rate * g
        return theta + (self.momentum * self.v - rate * g if self.nesterov else self.v)


@dataclass
class Adam:
    """Moving means of g and g^2, corrected for their start at 0; AdamW shrinks weights first."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    decayed: Any = True  # AdamW: the mask is_weight(layers)
    m: Any = 0.0
    v: Any = 0.0
    t: int = 0

    def step(self, theta: Array, g: Array, rate: float) -> Array:
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat, v_hat = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        theta = theta * (1 - rate * self.weight_decay * self.decayed)
        return theta - rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


@dataclass
class RMSProp:
    """v = rho v + (1 - rho) g^2; theta - rate g / (sqrt(v) + epsilon)."""

    rho: float = 0.9
    epsilon: float = 1e-8
    v: Any = 0.0

    def step(self, theta: Array, g: Array, rate: float) -> Array:
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        return theta - rate * g / (np.sqrt(self.v) + self.epsilon)


@dataclass
class AdaGrad:
    """G = the sum of all g^2; theta - rate g / (sqrt(G) + epsilon)."""

    epsilon: float = 1e-10
    total: Any = 0.0

    def step(self, theta: Array, g: Array, rate: float) -> Array:
        self.total = self.total + g**2
        return theta - rate * g / (np.sqrt(self.total) + self.epsilon)
