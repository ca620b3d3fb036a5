"""scikit-learn: MLPClassifier's own loop.

It takes no sample order, so it is given rows that already lie in the order to be learned, and
does not shuffle: that spares it the gathering of every batch the others do."""

import warnings
from itertools import chain

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info

from bench.peers import Session
from bench.workloads import Floats, Problem


def prepare(problem: Problem) -> Session:
    workload = problem.workload
    X, y = problem.X[problem.order], problem.y[problem.order]
    classifier = MLPClassifier(
        workload.widths[1:-1],
        workload.activation,
        solver="sgd",
        alpha=0.0,
        batch_size=workload.batch_size,
        learning_rate_init=workload.learning_rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        n_iter_no_change=np.inf,  # no stopping rule
        warm_start=True,  # `fit` goes on from where it is
    )

    def train(epochs: int) -> None:
        classifier.set_params(max_iter=epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(X, y)

    train(1)  # makes the arrays of the parameters; from here on they hold ours
    parameters = list(zip(classifier.coefs_, classifier.intercepts_, strict=True))
    for (weights, bias), first in zip(parameters, workload.layers(problem.theta), strict=True):
        weights[:], bias[:] = first

    def theta() -> Floats:
        return np.concatenate([part.ravel() for part in chain.from_iterable(parameters)])

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    kernels = {f"{pool['internal_api']} {pool.get('architecture', '')}" for pool in pools}
    return Session(train, theta, sklearn.__version__, ", ".join(sorted(kernels)))
