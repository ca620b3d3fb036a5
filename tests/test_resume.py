"""A fit that is gone on with equals one that was never interrupted, bit for bit."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import python_command
from resuming import VALIDATION, X, Y, assert_same, begin


class Interruption(Exception):
    pass


def interrupt(at: int, error: type[BaseException] = Interruption) -> Any:
    def callback(_: nn.Network, history: nn.History) -> None:
        if history.epochs == at:
            raise error

    return callback


# The process dies by kill -9 in the callback after the checkpoint's; nothing in it has a last word.
CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from nnbind import Checkpoint
from resuming import VALIDATION, begin
def die(net, history):
    if history.epochs == {epoch}:
        os.kill(os.getpid(), signal.SIGKILL)
begin([Checkpoint({path!r}), die], validation_data=VALIDATION, **{options!r})
"""


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("dropout", [0.0, 0.25])
@pytest.mark.parametrize("plateau", [False, True])
@pytest.mark.parametrize("stopping", [False, True])
def test_a_fit_that_was_killed_goes_on_to_the_same_bits(
    optimizer: str, dropout: float, plateau: bool, stopping: bool, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"optimizer": optimizer, "dropout": dropout}
    options |= {"plateau": plateau, "stopping": stopping}
    whole = begin(validation_data=VALIDATION, **options)
    assert whole.history is not None
    path = tmp_path / "net"
    for epoch in {1, 4, whole.history.epochs}:
        with pytest.raises(Interruption):
            begin([nn.Checkpoint(path), interrupt(epoch)], validation_data=VALIDATION, **options)
        net = nn.resume(path, X, Y, validation_data=VALIDATION, progress=False)
        assert_same(net, whole)


@pytest.mark.parametrize("epoch", [1, 6, 11])
def test_a_process_that_was_killed_loses_nothing(epoch: int, tmp_path: Path) -> None:
    path = tmp_path / "net"
    options: dict[str, Any] = {"stopping": False}
    tests = str(Path(__file__).parent)
    code = CHILD.format(tests=tests, epoch=epoch, path=str(path), options=options)
    done = subprocess.run(python_command(code), capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    net = nn.resume(path, X, Y, validation_data=VALIDATION, progress=False)
    assert_same(net, begin(validation_data=VALIDATION, **options))


def test_interrupted_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "net"
    with pytest.raises(Interruption):
        begin([nn.Checkpoint(path), interrupt(2)])
    for epoch in (3, 7):
        with pytest.raises(Interruption):
            nn.resume(path, X, Y, callbacks=[nn.Checkpoint(path), interrupt(epoch)], progress=False)
    assert_same(nn.resume(path, X, Y, progress=False), begin())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_that_has_ended_makes_more_epochs(dtype: Any, tmp_path: Path) -> None:
    path = tmp_path / "net"
    begin(epochs=5, dtype=dtype).save(path, training_state=True)
    net = nn.resume(path, X, Y, epochs=12, progress=False)
    assert_same(net, begin(dtype=dtype))
    assert isinstance(net, nn.Sequential)


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_options_without_end_are_saved(name: str, tmp_path: Path) -> None:
    def fit(**options: Any) -> nn.Network:
        net = nn.mlp(4, [3], 2, dtype=np.float64)
        net.fit(X, Y, loss="mse", progress=False, **{"epochs": 4, **options})
        return net

    path = tmp_path / "net"
    with pytest.raises(Interruption):
        fit(callbacks=[nn.Checkpoint(path), interrupt(2)], **{name: sys.maxsize})
    assert_same(nn.resume(path, X, Y, epochs=4, progress=False), fit())


def test_what_was_resumed_can_be_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "net"
    begin(epochs=3).save(path, training_state=True)
    nn.resume(path, X, Y, epochs=7, progress=False).save(path, training_state=True)
    assert_same(nn.resume(path, X, Y, epochs=12, progress=False), begin())


def test_a_finished_fit_has_nothing_left_to_do(tmp_path: Path) -> None:
    path = tmp_path / "net"
    whole = begin(stopping=True, epochs=100)
    whole.save(path, training_state=True)
    assert_same(nn.resume(path, X, Y, progress=False), whole)
    assert_same(nn.resume(path, X, Y, epochs=200, progress=False), whole)


RETURNED = (
    "the fit had ended and returned to its best epoch, from where it cannot go on to epoch 3; "
    "a file saved before its end can, and a fit with restore_best off"
)


def test_a_fit_that_returned_to_its_best_epoch_makes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "net"
    begin(stopping=True, epochs=2, min_delta=10).save(path, training_state=True)
    with pytest.raises(ValueError, match=RETURNED):
        nn.resume(path, X, Y, epochs=3, progress=False)


def nothing(net: nn.Network, history: nn.History) -> None:
    pass


@pytest.mark.parametrize("callbacks", [[], [nothing]])
@pytest.mark.parametrize("validation", [None, VALIDATION])
def test_a_fit_whose_last_epoch_was_its_best_makes_more(
    callbacks: Any, validation: Any, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"stopping": True, "validation_data": validation}
    net = begin(callbacks, epochs=4, **options)
    assert net.history is not None
    assert net.history.best_epoch == 3
    net.save(tmp_path / "net", training_state=True)
    more = nn.resume(tmp_path / "net", X, Y, epochs=12, validation_data=validation, progress=False)
    assert_same(more, begin(**options))


def test_a_fit_that_returned_from_where_a_callback_took_it_makes_no_more(tmp_path: Path) -> None:
    def shift(net: nn.Network, _: nn.History) -> None:
        net.theta += 0.1

    net = begin([shift], stopping=True, epochs=1)
    assert net.history is not None
    assert net.history.best_epoch == 0
    net.save(tmp_path / "net", training_state=True)
    with pytest.raises(ValueError, match=RETURNED):
        nn.resume(tmp_path / "net", X, Y, epochs=3, progress=False)


ORDER = np.random.default_rng(1).permuted(np.tile(np.arange(60), (12, 1)), axis=1)
WEIGHT = np.random.default_rng(2).uniform(0.5, 1.5, size=60)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_order": ORDER},
        {"sample_order": ORDER[0]},
        {"sample_weight": WEIGHT},
        {"validation_data": VALIDATION},
        {"validation_fraction": 0.25},
        {"shuffle": False, "seed": 5},
        {"regularizer": nn.L1L2(1e-4, 1e-3, bias=True)},
    ],
    ids=lambda options: ", ".join(options),
)
def test_options_are_kept_or_given_again(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "net"
    with pytest.raises(Interruption):
        begin([nn.Checkpoint(path), interrupt(5)], **options)
    again = {"sample_order", "sample_weight", "validation_data"} & set(options)
    net = nn.resume(path, X, Y, progress=False, **{name: options[name] for name in again})
    assert_same(net, begin(**options))
    for name in again:
        with pytest.raises(ValueError, match=f"the fit began with {name}; give it again"):
            nn.resume(path, X, Y, progress=False)


def test_memory_maps_and_iterables_go_on(tmp_path: Path) -> None:
    path = tmp_path / "net"
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    batches = [(X[k : k + 9], Y[k : k + 9]) for k in range(0, 60, 9)]
    for data in ((mapped, Y), (mapped, Y, {"sample_order": ORDER})):
        options: dict[str, Any] = data[2] if len(data) == 3 else {}
        with pytest.raises(Interruption):
            begin([nn.Checkpoint(path), interrupt(5)], data=data[:2], **options)
        net = nn.resume(path, *data[:2], progress=False, **options)
        assert_same(net, begin(data=data[:2], **options))

    def fit(net: nn.Network, **options: Any) -> nn.Network:
        net.fit(batches, loss="mse", epochs=6, optimizer=nn.Adam(0.01), progress=False, **options)
        return net

    with pytest.raises(Interruption):
        fit(nn.mlp(4, [5], 2), callbacks=[nn.Checkpoint(path), interrupt(2)])
    assert_same(nn.resume(path, batches, progress=False), fit(nn.mlp(4, [5], 2)))


@pytest.mark.parametrize("sizes", [(1, 8, 8), (4, 8, 40)])
def test_batches_that_grow_go_on(sizes: tuple[int, ...], tmp_path: Path) -> None:
    """What the first batch was like is as if forgotten by the second epoch."""
    rng = np.random.default_rng(1)
    batches = [(rng.normal(size=(n, 60)), rng.normal(size=(n, 3))) for n in sizes]

    def fit(**options: Any) -> nn.Network:
        net = nn.mlp(60, [70, 50], 3, dtype=np.float32)
        net.fit(batches, loss="mse", epochs=4, optimizer=nn.SGD(0.05), regularizer=nn.L2(0.1),
                progress=False, **options)  # fmt: skip
        return net

    path = tmp_path / "net"
    with pytest.raises(Interruption):
        fit(callbacks=[nn.Checkpoint(path), interrupt(2)])
    assert_same(nn.resume(path, batches, progress=False), fit())


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((X[:50], Y[:50]), {}, r"\[resume\] X has samples 50; the fit began with 60"),
        ((X.astype(np.float32), Y), {}, "X has dtype float32; the fit began with float64"),
        ((X, Y), {"validation_data": VALIDATION}, "the fit began without validation_data"),
        ((X, Y), {"sample_weight": WEIGHT}, "the fit began without sample_weight"),
        (([(X, Y)], None), {}, r"\[resume\] the fit began with arrays X and y"),
        ((X[:, :3], Y), {}, r"\[resume\] X has shape \(60, 3\)"),
        ((X, Y[:-1]), {}, r"\[resume\] y has shape \(59, 2\)"),
        ((X, Y * np.nan), {}, r"\[resume\] y has a NaN in row 0"),
        ((X, Y), {"epochs": -1}, "epochs is -1"),
    ],
)
def test_other_data_are_refused(
    data: Any, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "net"
    begin(epochs=2).save(path, training_state=True)
    with pytest.raises(ValueError, match=message):
        nn.resume(path, *data, progress=False, **options)


def test_only_a_whole_epoch_of_the_last_fit_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "net"
    with pytest.raises(ValueError, match=r"there is no training_state: Network\.fit keeps one"):
        nn.mlp(4, [5], 2).save(path, training_state=True)
    optimizer = nn.Adam()
    net = nn.mlp(4, [5], 2)
    net.fit(X, Y, loss="mse", optimizer=optimizer, epochs=2, progress=False)
    net.train_step(X, Y, loss="mse", optimizer=optimizer)
    with pytest.raises(ValueError, match="the network has made steps since the last whole epoch"):
        net.save(path, training_state=True)
    net.reset()
    with pytest.raises(ValueError, match="the network was reset since the last whole epoch"):
        net.save(path, training_state=True)
    net.fit(X, Y, loss="mse", optimizer=optimizer, epochs=1, progress=False)
    optimizer.reset()
    with pytest.raises(ValueError, match="the optimizer of the last fit no longer trains"):
        net.save(path, training_state=True)
    assert not path.exists()
    net.save(path)
    with pytest.raises(
        nn.FileError, match=r"^\[resume\] .*: the file has a network and no training"
    ):
        nn.resume(path, X, Y)


def test_a_loss_of_ones_own_is_refused_by_name(tmp_path: Path) -> None:
    loss = nn.CustomLoss(lambda y, f: ((y - f) ** 2).sum(1), lambda y, f: 2 * (f - y), "mine")
    net = nn.mlp(4, [5], 2)
    net.fit(X, Y, loss=loss, epochs=1, progress=False)
    with pytest.raises(ValueError, match='the loss "mine" is no built-in one'):
        net.save(tmp_path / "net", training_state=True)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_fit_leaves_the_training_state_of_the_last(tmp_path: Path) -> None:
    net = begin(epochs=3)
    with pytest.raises(ValueError, match="shape"):
        net.fit(X[:, :2], Y, loss="mse", epochs=1, progress=False)
    net.save(tmp_path / "net", training_state=True)
    assert_same(nn.resume(tmp_path / "net", X, Y, epochs=12, progress=False), begin())


def test_the_network_alone_loads_from_such_a_file(tmp_path: Path) -> None:
    net = begin()
    net.save(tmp_path / "net", training_state=True)
    loaded = nn.load(tmp_path / "net")
    np.testing.assert_array_equal(loaded.theta, net.theta)
    with pytest.raises(ValueError, match=r"there is no training_state: .* nn\.load do not"):
        loaded.save(tmp_path / "other", training_state=True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interruption])
def test_an_exception_leaves_a_state_that_can_be_saved(
    error: type[BaseException], tmp_path: Path
) -> None:
    caught: list[nn.Network] = []

    def fail(net: nn.Network, history: nn.History) -> None:
        if history.epochs == 4:
            caught.append(net)
            raise error

    with pytest.raises(error):
        begin([fail])
    assert caught[0].history is not None
    assert caught[0].history.epochs == 4
    caught[0].save(tmp_path / "net", training_state=True)
    assert_same(nn.resume(tmp_path / "net", X, Y, progress=False), begin())


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interruption])
def test_batches_that_end_in_an_error_leave_the_last_whole_step(
    error: type[BaseException], tmp_path: Path
) -> None:
    batches = [(X[k : k + 10], Y[k : k + 10]) for k in range(0, 60, 10)]

    class Batches:
        epochs = 0

        def __iter__(self) -> Any:
            self.epochs += 1
            yield from batches if self.epochs < 3 else batches[:4]
            if self.epochs == 3:
                raise error

    def fit(net: nn.Network, batches: Any, epochs: int, optimizer: nn.Optimizer) -> None:
        net.fit(batches, loss="mse", optimizer=optimizer, epochs=epochs, progress=False)

    net, expected, optimizer = nn.mlp(4, [5], 2), nn.mlp(4, [5], 2), nn.Adam(0.01)
    with pytest.raises(error):
        fit(net, Batches(), 5, nn.Adam(0.01))
    fit(expected, batches, 2, optimizer)
    history = expected.history
    fit(expected, batches[:4], 1, optimizer)
    assert net.theta.tobytes() == expected.theta.tobytes()
    assert net.history is not None
    assert history is not None
    assert net.history.loss == history.loss
    with pytest.raises(ValueError, match="has made steps since the last whole epoch"):
        net.save(tmp_path / "net", training_state=True)


def test_the_bar_of_a_resumed_fit_starts_where_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    begin(epochs=4).save(tmp_path / "net", training_state=True)
    nn.resume(tmp_path / "net", X, Y, epochs=8)
    assert "8/8" in capfd.readouterr().err
