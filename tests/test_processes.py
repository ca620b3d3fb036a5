"""Pools of processes and threads beside a network: no hang, right answers, and how many threads."""

import sys
from pathlib import Path

import pytest

from helpers import run_program, run_python, search_path
from pool_work import KINDS

PROGRAM = Path(__file__).with_name("pool_work.py")
posix = pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX")


@posix
@pytest.mark.parametrize("kind", list(KINDS))
def test_workers_compute_the_same_bits_after_and_during_a_fit(kind: str) -> None:
    printed = run_program([sys.executable, str(PROGRAM), kind], timeout=120)
    assert printed == "after a fit: True\nduring a fit: True\nhere: True\n"


FORK_WITHIN = """
    import multiprocessing, warnings
    import numpy as np, nnbind as nn
    from pool_work import OPTIONS, X, Y, network, work

    warnings.simplefilter("ignore", DeprecationWarning)
    nn.set_num_threads(2)
    other, answers = network(1), []

    def fork(*_):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            answers.extend(pool.map(work, [other]))

    def batches():
        yield X, Y
        fork()  # the fit's threads wait for this batch
        yield X, Y

    {fit}
    print(answers == [work(other)])
"""


@posix
@pytest.mark.parametrize(
    "fit",
    [
        "network(0).fit(X, Y, epochs=1, callbacks=[fork], **OPTIONS)",
        "network(0).fit(batches(), epochs=1, loss='mse', progress=False)",
    ],
    ids=["in a callback", "in a source of batches"],
)
def test_a_fork_within_a_fit_leaves_both_sides_at_work(fit: str) -> None:
    assert run_python(FORK_WITHIN.format(fit=fit), PYTHONPATH=search_path()) == "True\n"


@posix
def test_a_child_of_a_fork_predicts_with_a_network_that_was_in_training_and_trains_a_copy() -> None:
    printed = run_python(
        """
        import os, threading, warnings
        import nnbind as nn
        from pool_work import OPTIONS, X, Y, network
        warnings.simplefilter("ignore", DeprecationWarning)
        net, begun, end = network(0), threading.Event(), threading.Event()

        def watch(*_):
            begun.set()
            return end.is_set()

        options = dict(OPTIONS, epochs=10**9, callbacks=[watch])
        thread = threading.Thread(target=net.fit, args=(X, Y), kwargs=options)
        thread.start()
        begun.wait(60)
        child = os.fork()
        if child == 0:
            try:
                net.fit(X, Y, epochs=1, **OPTIONS)
            except nn.BusyError:  # the thread that trained it is not here, and θ is of no step
                print(net.predict(X).shape, len(net.copy().fit(X, Y, epochs=1, **OPTIONS).loss),
                      flush=True)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        end.set()
        thread.join()
        print(status)
        """,
        PYTHONPATH=search_path(),
    )
    assert printed == "(600, 16) 1\n0\n"


# ---- No more threads than a worker's share -----------------------------------------------------

JOBLIB = """
    from joblib import Parallel, cpu_count, delayed, parallel_config
    with parallel_config("loky", inner_max_num_threads={inner}):
        answers = Parallel(2)(delayed(threads_of_work)(net) for net in nets)
"""
INITIALIZER = """
    with multiprocessing.get_context("{method}").Pool(2, nn.set_num_threads, (1,)) as pool:
        answers = pool.map(threads_of_work, nets)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize(
    ("pool", "share"),
    [
        (JOBLIB.format(inner=None), "max(1, cpu_count() // 2)"),
        (JOBLIB.format(inner=3), "3"),
        (INITIALIZER.format(method="fork"), "1"),
        (INITIALIZER.format(method="spawn"), "1"),
    ],
    ids=["loky", "loky with inner_max_num_threads", "fork", "spawn"],
)
def test_a_worker_has_no_more_threads_than_its_share(pool: str, share: str) -> None:
    code = f"""
    import multiprocessing, os
    os.environ.pop("OMP_NUM_THREADS", None)
    import nnbind as nn
    from pool_work import network, threads_of_work
    nets = [network(k) for k in range(4)]
    {pool}
    print(*{{allowed == {share} and used <= allowed for allowed, used in answers}})
    """
    assert run_python(code, PYTHONPATH=search_path()) == "True\n"
