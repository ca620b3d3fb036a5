"""nnbind: one `fit`, whose epochs run in C++."""

import numpy as np

import nnbind as nn
from bench.peers import Session
from bench.workloads import Problem


def prepare(problem: Problem) -> Session:
    workload = problem.workload
    inputs, *hidden, outputs = workload.widths
    network = nn.mlp(inputs, hidden, outputs, "relu", output="softmax", dtype=np.float32)
    network.theta[:] = problem.theta
    optimizer = nn.SGD(workload.learning_rate)

    def train(epochs: int) -> None:
        network.fit(
            problem.X,
            problem.y,
            loss="cross_entropy",
            optimizer=optimizer,
            epochs=epochs,
            batch_size=workload.batch_size,
            sample_order=problem.order,
            progress=False,
        )

    config = nn.show_config()
    return Session(train, network.theta.copy, str(config["version"]), str(config["isa"]))
