"""PyTorch: the loop its users write, on slices of a shuffled index."""

import numpy as np
import torch
from torch import nn

from bench.peers import Session
from bench.workloads import Floats, Problem


def prepare(problem: Problem) -> Session:
    workload = problem.workload
    modules: list[nn.Module] = []
    for weights, bias in workload.layers(problem.theta):
        linear = nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, nn.ReLU() if workload.activation == "relu" else nn.Tanh()]
    network = nn.Sequential(*modules[:-1])  # the loss applies softmax or sigmoid
    y = torch.from_numpy(problem.y)
    loss_of: nn.Module = nn.CrossEntropyLoss()
    if workload.binary:
        y, loss_of = y[:, None].float(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(network.parameters(), workload.learning_rate)
    X, order = torch.from_numpy(problem.X), torch.from_numpy(problem.order)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for rows in order.split(workload.batch_size):
                optimizer.zero_grad()
                loss_of(network(X[rows]), y[rows]).backward()
                optimizer.step()

    def theta() -> Floats:
        with torch.no_grad():
            return np.concatenate([part.numpy().T.ravel() for part in network.parameters()])

    return Session(train, theta, torch.__version__, torch.backends.cpu.get_cpu_capability())
