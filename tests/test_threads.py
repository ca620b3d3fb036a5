"""The number of threads: how it is set, and that it changes no bit of any result."""

import sys
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, run_python, search_path

pytestmark = pytest.mark.usefixtures("restore_threads")


def outcome(threads: int, widths: list[int], n: int, batch_size: int, dtype: Any) -> list[bytes]:
    nn.set_num_threads(threads)
    rng = np.random.default_rng(0)
    net = nn.mlp(widths[0], widths[1:-1], widths[-1], output="softmax", dtype=dtype, dropout=0.1)
    x = rng.normal(size=(n, widths[0])).astype(dtype)
    y = rng.integers(widths[-1], size=n)
    history = fit(net, x, y, loss="cross_entropy", optimizer=nn.Adam(0.01), epochs=2,
                  batch_size=batch_size, regularizer=nn.L2(1e-3), seed=1,
                  validation_fraction=0.2, metrics=("accuracy",))  # fmt: skip
    value, gradient = net.loss_and_gradient(x, y, "cross_entropy")
    numbers = [history.loss, history.val_loss, history.metrics["val_accuracy"], [value]]
    arrays = [net.theta, net.predict(x), gradient, *map(np.array, numbers)]
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize(
    ("widths", "n", "batch_size"),
    [
        ([8, 9, 9, 9, 4], 101, 32),
        ([7, 33, 3], 50, 1),
        ([65, 129, 10], 333, 97),
        ([784, 128, 10], 330, 33),
        ([300, 517, 259, 5], 1100, 1001),
        ([2, 1, 2], 4001, 3000),
    ],
)
def test_any_number_of_threads_gives_the_same_bits(
    widths: list[int], n: int, batch_size: int, dtype: Any
) -> None:
    one, two, three = (outcome(k, widths, n, batch_size, dtype) for k in (1, 2, 3))
    assert one == two
    assert one == three


def test_the_number_of_threads_can_be_set() -> None:
    for n in (1, 3, 2):
        nn.set_num_threads(n)
        assert nn.get_num_threads() == n
        assert nn.show_config()["threads"] == n


@pytest.mark.parametrize("n", [0, -1, 1025, 10**10, True, np.True_, 1.5, "2"])
def test_what_is_no_number_of_threads_is_refused(n: Any) -> None:
    before = nn.get_num_threads()
    error = ValueError if type(n) is int else TypeError
    with pytest.raises(error, match=r"^\[set_num_threads\] threads is .*; expected an integer"):
        nn.set_num_threads(n)
    assert nn.get_num_threads() == before


@pytest.mark.parametrize("n", [1, 3])
def test_the_default_follows_the_environment(n: int) -> None:
    code = "import nnbind; print(nnbind.get_num_threads())"
    assert int(run_python(code, OMP_NUM_THREADS=str(n))) == n


def test_the_default_follows_threadpoolctl_at_each_call() -> None:
    code = """
        from threadpoolctl import threadpool_limits
        import nnbind
        for limit in (1, 5):
            with threadpool_limits(limit, "openmp"):
                print(nnbind.get_num_threads() == limit)
            print(nnbind.get_num_threads() == 3)
    """
    assert set(run_python(code, OMP_NUM_THREADS="3").split()) == {"True"}


@pytest.mark.parametrize("limit", [{"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true"}])
@pytest.mark.parametrize("code", ["", "nn.set_num_threads(2)"], ids=["default", "set"])
def test_fewer_threads_than_asked_for_compute_the_same_bits(
    limit: dict[str, str], code: str
) -> None:
    code = f"""
        import hashlib
        import nnbind as nn
        from pool_work import network, work
        {code}
        print(hashlib.sha256(work(network(0))).hexdigest())
    """
    path = search_path()
    expected = run_python(code, timeout=60, PYTHONPATH=path, OMP_NUM_THREADS="2")
    assert run_python(code, timeout=60, PYTHONPATH=path, **limit) == expected


linux = pytest.mark.skipif(sys.platform != "linux", reason="affinity and /proc are Linux's")


@linux
def test_the_default_is_no_more_than_the_processors_at_hand_unless_it_was_said() -> None:
    code = """
        import os
        os.environ.pop("OMP_NUM_THREADS", None)
        from threadpoolctl import threadpool_limits
        import nnbind
        processors = os.sched_getaffinity(0)
        with threadpool_limits(len(processors) + 2, "openmp"):
            print(nnbind.get_num_threads() <= len(processors))
            os.sched_setaffinity(0, {min(processors)})
            print(nnbind.get_num_threads() == 1)
            os.environ["OMP_NUM_THREADS"] = "3"
            print(nnbind.get_num_threads() == len(processors) + 2)
    """
    assert set(run_python(code).split()) == {"True"}


@linux
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("call", ["fit(x, x, loss='mse', epochs=1, progress=False)", "predict(x)"])
def test_as_many_threads_compute_as_were_set(n: int, call: str) -> None:
    code = f"""
        import os
        import numpy as np, nnbind as nn
        nn.set_num_threads({n})
        x = np.ones((2000, 500), np.float32)
        net = nn.mlp(500, [500], 500)
        before = len(os.listdir("/proc/self/task"))
        net.{call}
        print(1 + len(os.listdir("/proc/self/task")) - before)
    """
    assert int(run_python(code)) == n


@pytest.mark.parametrize("call", ["fit(x, x, loss='mse', epochs=1, progress=False)", "predict(x)"])
def test_nothing_spins_afterwards(call: str) -> None:
    code = f"""
        import time
        import numpy as np, nnbind as nn
        nn.set_num_threads(2)
        x = np.ones((2000, 500), np.float32)
        net = nn.mlp(500, [500], 500)
        net.{call}
        start = time.process_time()
        time.sleep(1)
        print(time.process_time() - start)
    """
    assert float(run_python(code)) < 0.2


@linux
@pytest.mark.parametrize(
    ("said", "turns"),
    [({}, 1000), ({"GOMP_SPINCOUNT": "77"}, 77), ({"OMP_WAIT_POLICY": "passive"}, 0)],
)
def test_idle_threads_sleep_soon_unless_the_environment_says_otherwise(
    said: dict[str, str], turns: int
) -> None:
    code = f"""
        import os
        for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
            os.environ.pop(name, None)
        os.environ.update({said}, OMP_DISPLAY_ENV="verbose")
        before = dict(os.environ)
        os.dup2(1, 2)  # where libgomp shows what it has read
        import nnbind
        print("unchanged:", os.environ == before)
    """
    printed = run_python(code)
    assert f"GOMP_SPINCOUNT = '{turns}'" in printed
    assert "unchanged: True" in printed


def test_numpy_keeps_its_denormals(rng: np.random.Generator) -> None:
    tiny = np.full(3, 1e-310)
    net = nn.mlp(300, [400], 3, dtype=np.float64)
    x, y = rng.normal(size=(500, 300)), rng.normal(size=(500, 3))
    for threads in (1, 2):
        nn.set_num_threads(threads)
        fit(net, x, y, loss="mse", epochs=1)
        assert (tiny * 2 > 0).all()
        for samples in (x[:1], x):
            net.predict(samples)
            assert (tiny * 2 > 0).all()


def test_show_config_prints_and_returns_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    config = nn.show_config()
    assert set(config) == {"version", "isa", "threads", "eigen", "openmp", "numpy"}
    assert config["numpy"] == np.__version__
    assert config["version"] == nn.__version__
    printed = capsys.readouterr().out
    for name, value in config.items():
        assert name in printed
        assert str(value) in printed
