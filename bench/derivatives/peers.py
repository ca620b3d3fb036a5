"""How each library is asked. A task may be written in several ways: the fastest one counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.derivatives.workload import TASKS, WIDTHS, Problem, layers

Way = Callable[[], Any]


@dataclass(frozen=True)
class Session:
    """A library ready to differentiate."""

    ways: dict[str, dict[str, Way]]  # by task, by the name of the way
    to_numpy: Callable[[str, str, Any], NDArray[np.float32]]  # task, way, its result
    version: str
    kernel: str


def nnbind(problem: Problem) -> Session:
    import nnbind as nn

    inputs, *hidden, outputs = WIDTHS
    net = nn.mlp(inputs, hidden, outputs, "tanh", dtype=np.float32)
    net.theta[:] = problem.theta
    X, y, loss = problem.X, problem.y, nn.SquaredError()
    results: dict[str, Way] = {
        "per_sample": lambda: net.per_sample_gradients(X, y, loss),
        "inputs": lambda: net.jacobian(X),
        "theta": lambda: net.jacobian(X, "theta"),
        "hessian": lambda: net.hessian_vector_product(X, y, loss, problem.v),
    }
    config = nn.show_config()
    return Session(
        {task: {"nnbind": way} for task, way in results.items()},
        lambda task, way, result: result,
        str(config["version"]),
        str(config["isa"]),
    )


def torch(problem: Problem) -> Session:
    import torch
    from torch import nn
    from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vjp, vmap

    linears = [nn.Linear(*weights.shape) for weights, _ in layers(problem.theta)]
    modules = [part for linear in linears for part in (linear, nn.Tanh())]
    network = nn.Sequential(*modules[:-1])
    names = [name for name, _ in network.named_parameters()]

    def as_parameters(theta: NDArray[np.float32]) -> dict[str, Any]:
        parts = (part for weights, bias in layers(theta) for part in (weights.T, bias))
        tensors = (torch.from_numpy(part.copy()) for part in parts)
        return dict(zip(names, tensors, strict=True))

    parameters, v = as_parameters(problem.theta), as_parameters(problem.v)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def f(p: Any, x: Any) -> Any:
        return functional_call(network, p, (x,))

    def sample_loss(p: Any, x: Any, target: Any) -> Any:
        return ((f(p, x) - target) ** 2).sum()

    def loss(p: Any) -> Any:
        return ((f(p, X) - y) ** 2).sum(dim=1).mean()

    per_sample = vmap(grad(sample_loss), in_dims=(None, 0, 0))
    reverse = vmap(jacrev(f, argnums=1), in_dims=(None, 0))
    forward = vmap(jacfwd(f, argnums=1), in_dims=(None, 0))
    # A sample's output depends on that sample alone: the rows may be summed first.
    summed = jacrev(lambda x: f(parameters, x).sum(dim=0))
    by_theta = vmap(jacrev(f), in_dims=(None, 0))
    ways: dict[str, dict[str, Way]] = {
        "per_sample": {"vmap(grad)": lambda: per_sample(parameters, X, y)},
        "inputs": {
            "vmap(jacrev)": lambda: reverse(parameters, X),
            "vmap(jacfwd)": lambda: forward(parameters, X),
            "jacrev of the sum": lambda: summed(X),
        },
        "theta": {"vmap(jacrev)": lambda: by_theta(parameters, X)},
        "hessian": {
            "jvp(grad)": lambda: jvp(grad(loss), (parameters,), (v,))[1],
            "vjp(grad)": lambda: vjp(grad(loss), parameters)[1](v)[0],
        },
    }

    def to_numpy(task: str, way: str, result: Any) -> NDArray[np.float32]:
        if task == "inputs":
            jacobian = result.transpose(0, 1) if way == "jacrev of the sum" else result
            return np.asarray(jacobian)
        # θ's order: W row by row, then b, layer after layer.
        lead = {"per_sample": 1, "theta": 2, "hessian": 0}[task]
        parts = [result[name].detach() for name in names]
        rows = [part.transpose(-1, -2) if part.ndim == lead + 2 else part for part in parts]
        return np.concatenate([row.reshape(*row.shape[:lead], -1).numpy() for row in rows], axis=-1)

    assert set(ways) == set(TASKS)
    capability = torch.backends.cpu.get_cpu_capability()
    return Session(ways, to_numpy, torch.__version__, capability)


PEERS = {"nnbind": nnbind, "torch": torch}
