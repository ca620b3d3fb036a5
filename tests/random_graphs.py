"""Random graphs of smooth operators, written for nnbind and for NumPy at the same time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

import nnbind as nn
import reference as ref

SMOOTH = ("sigmoid", "tanh", "softplus", "silu", "gelu", "softsign", "softmax", "log_softmax")


@dataclass(frozen=True, eq=False)
class Value:
    """A node, and the same numbers by NumPy out of x, z and the network's parameters by name."""

    node: nn.Node
    numbers: Callable[[dict[str, Any]], Any]

    @property
    def width(self) -> int:
        return self.node.shape[1]

    @property
    def is_batch(self) -> bool:
        return self.node.shape[0] is None


@dataclass
class RandomGraph:
    """Grows by a value at a time, out of any earlier ones: values fan out, skip and are shared."""

    rng: np.random.Generator
    values: list[Value] = field(default_factory=list)
    layers: dict[int, list[nn.Dense]] = field(default_factory=dict)  # by the width of their input
    count: int = 0

    def __post_init__(self) -> None:
        for name, width in (("x", 3), ("z", 2)):
            self.values.append(Value(nn.Input(width, name), itemgetter(name)))
        self.parameter(1, int(self.rng.integers(1, 4)))
        self.parameter(1, 1)

    def name(self) -> str:
        self.count += 1
        return f"p{self.count}"

    def parameter(self, rows: int, columns: int) -> Value:
        name = self.name()
        node = nn.Parameter(self.rng.normal(size=(rows, columns)), name=name)
        self.values.append(Value(node, itemgetter(name)))
        return self.values[-1]

    def pick(self, fits: Callable[[Value], bool] = lambda _: True) -> Value:
        choice = [value for value in self.values if fits(value)]
        return choice[self.rng.integers(len(choice))]

    def pair(self) -> tuple[Value, Value]:
        """Two values that go together, after repeating dimensions of 1."""
        a = self.pick()
        return a, self.pick(lambda b: a.width == b.width or 1 in (a.width, b.width))

    def add(self, node: nn.Node, numbers: Callable[[dict[str, Any]], Any]) -> None:
        self.values.append(Value(node, numbers))

    def grow(self) -> None:
        kinds = [self.arithmetic, self.power, self.unary, self.activation, self.row_wise,
                 self.columns, self.concatenate, self.product, self.dense, self.norm]  # fmt: skip
        kinds[self.rng.integers(len(kinds))]()

    def arithmetic(self) -> None:
        a, b = self.pair()
        match self.rng.integers(4):
            case 0:
                self.add(a.node + b.node, lambda g: a.numbers(g) + b.numbers(g))
            case 1:
                self.add(a.node - b.node, lambda g: a.numbers(g) - b.numbers(g))
            case 2:
                self.add(nn.tanh(a.node) * b.node, lambda g: np.tanh(a.numbers(g)) * b.numbers(g))
            case 3:
                self.add(
                    a.node / (1 + nn.sigmoid(b.node)),
                    lambda g: a.numbers(g) / (1 + ref.sigmoid(b.numbers(g))),
                )

    def power(self) -> None:
        a, b = self.pair()
        self.add(
            (nn.sigmoid(a.node) + 0.5) ** nn.tanh(b.node),
            lambda g: (ref.sigmoid(a.numbers(g)) + 0.5) ** np.tanh(b.numbers(g)),
        )

    def unary(self) -> None:
        a = self.pick()
        match self.rng.integers(4):
            case 0:
                self.add(-a.node, lambda g: -a.numbers(g))
            case 1:
                self.add(nn.exp(nn.tanh(a.node)), lambda g: np.exp(np.tanh(a.numbers(g))))
            case 2:
                self.add(
                    nn.log(1 + nn.softplus(a.node)),
                    lambda g: np.log(1 + np.logaddexp(0, a.numbers(g))),
                )
            case 3:
                self.add(nn.tanh(a.node) ** 3, lambda g: np.tanh(a.numbers(g)) ** 3)

    def activation(self) -> None:
        a, name = self.pick(), SMOOTH[self.rng.integers(len(SMOOTH))]
        self.add(getattr(nn, name)(a.node), lambda g: ref.activate(name, a.numbers(g)))

    def row_wise(self) -> None:
        a = self.pick()
        if self.rng.integers(2):
            self.add(nn.sum(a.node), lambda g: a.numbers(g).sum(axis=1, keepdims=True))
        else:
            self.add(nn.mean(a.node), lambda g: a.numbers(g).mean(axis=1, keepdims=True))

    def columns(self) -> None:
        a = self.pick()
        first = int(self.rng.integers(a.width))
        last = int(self.rng.integers(first, a.width)) + 1
        self.add(a.node[:, first:last], lambda g: a.numbers(g)[:, first:last])

    def concatenate(self) -> None:
        parts = [self.pick(lambda v: v.is_batch) for _ in range(self.rng.integers(2, 4))]
        self.add(
            nn.concatenate([part.node for part in parts]),
            lambda g: np.hstack([part.numbers(g) for part in parts]),
        )

    def product(self) -> None:
        a = self.pick()
        w = self.parameter(a.width, int(self.rng.integers(1, 4)))
        self.values.pop()  # of its rows only a product knows what to make
        self.add(a.node @ w.node, lambda g: a.numbers(g) @ w.numbers(g))

    def dense(self) -> None:
        a = self.pick(lambda v: v.is_batch)
        known = self.layers.setdefault(a.width, [])
        if not known or self.rng.integers(2):
            activation = SMOOTH[self.rng.integers(len(SMOOTH))]
            known.append(nn.Dense(int(self.rng.integers(1, 5)), activation, name=self.name()))
        layer = known[self.rng.integers(len(known))]
        name, activation = str(layer.name), layer.activation.name

        def numbers(given: dict[str, Any]) -> Any:
            block = given[name]
            return ref.activate(activation, a.numbers(given) @ block[:-1] + block[-1])

        self.add(layer(a.node), numbers)

    def norm(self) -> None:
        a, name = self.pick(lambda v: v.is_batch and v.width > 1), self.name()
        if self.rng.integers(2):
            node: nn.Node = nn.LayerNorm(0.1, name=name)(a.node)
        else:
            node = nn.BatchNorm(epsilon=0.1, name=name)(a.node)
        by_row = node.kind == "layer_norm"

        def numbers(given: dict[str, Any]) -> Any:
            (scale, shift), t = given[name], a.numbers(given)
            if by_row:
                t = t - t.mean(axis=1, keepdims=True)
                t = t / np.sqrt((t**2).mean(axis=1, keepdims=True) + 0.1)
            else:  # running statistics as at the beginning
                t = t / np.sqrt(1.1)
            return scale * t + shift

        self.add(node, numbers)

    def network(self, seed: int) -> tuple[nn.Network, Callable[[dict[str, Any]], Any]]:
        """Over all values that nothing else reads, and both inputs."""
        read = {source for value in self.values for source in value.node.inputs}
        batches = [v for v in self.values if v.is_batch and v.node not in read][-14:]
        parts = [value for value in self.values[:2] if value not in batches] + batches
        name = self.name()
        output = nn.Dense(2, name=name)(nn.concatenate([part.node for part in parts]))

        def numbers(given: dict[str, Any]) -> Any:
            block = given[name]
            return np.hstack([part.numbers(given) for part in parts]) @ block[:-1] + block[-1]

        sources = [value.node for value in self.values[:2]]
        return nn.Network(sources, output, seed=seed, dtype=np.float64), numbers


def random_network(seed: int, steps: int) -> tuple[nn.Network, Callable[[dict[str, Any]], Any]]:
    """A network with parameters of some size, and its function in NumPy."""
    rng = np.random.default_rng(seed)
    graph = RandomGraph(rng)
    for _ in range(steps):
        graph.grow()
    net, numbers = graph.network(seed)
    net.theta[:] += rng.normal(scale=0.3, size=net.theta.size)
    return net, lambda x: numbers({**x, **net.parameters})
