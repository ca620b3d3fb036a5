"""nnbind: one `fit`, whose epochs run in C++."""

import numpy as np

import nnbind as nn
from bench.peers import Session
from bench.workloads import Problem


def prepare(problem: Problem) -> Session:
    workload = problem.workload
    inputs, *hidden, outputs = workload.widths
    output = "sigmoid" if workload.binary else "softmax"
    y = problem.y[:, None].astype(np.float32) if workload.binary else problem.y
    network = nn.mlp(inputs, hidden, outputs, workload.activation, output=output, dtype=np.float32)
    network.theta[:] = problem.theta
    optimizer = nn.SGD(workload.learning_rate)

    def train(epochs: int) -> None:
        network.fit(
            problem.X,
            y,
            loss="binary_cross_entropy" if workload.binary else "cross_entropy",
            optimizer=optimizer,
            epochs=epochs,
            batch_size=workload.batch_size,
            sample_order=problem.order,
            progress=False,
        )

    config = nn.show_config()
    return Session(train, network.theta.copy, str(config["version"]), str(config["isa"]))
