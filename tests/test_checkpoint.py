"""Which files nn.Checkpoint writes, and which it keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from resuming import X, Y, assert_same, begin


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_one_file_is_replaced_after_each_epoch(tmp_path: Path) -> None:
    begin([nn.Checkpoint(tmp_path / "net")], epochs=3)
    assert names(tmp_path) == {"net"}
    np.testing.assert_array_equal(nn.load(tmp_path / "net").theta, begin(epochs=3).theta)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, {12}),
        ({"keep": 3}, {10, 11, 12}),
        ({"every": 5}, {10}),
        ({"every": 5, "keep": 9}, {5, 10}),
        ({"every": 13}, set()),
    ],
)
def test_every_and_keep(options: dict[str, Any], kept: set[int], tmp_path: Path) -> None:
    begin([nn.Checkpoint(tmp_path / "a{epoch}.nn", **options)])
    assert names(tmp_path) == {f"a{epoch}.nn" for epoch in kept}
    for epoch in kept:
        saved = nn.load(tmp_path / f"a{epoch}.nn")
        np.testing.assert_array_equal(saved.theta, begin(epochs=epoch).theta)


def test_best_keeps_the_best_epoch(tmp_path: Path) -> None:
    best: list[Any] = []

    def note(net: nn.Network, history: nn.History) -> None:
        if history.best_epoch == history.epochs - 1:
            best[:] = [net.theta.copy()]

    options: dict[str, Any] = {"validation_fraction": 0.3, "optimizer": "momentum"}
    whole = begin([nn.Checkpoint(tmp_path / "net", best=True), note], **options)
    assert whole.history is not None
    assert whole.history.best_epoch not in (None, 11)  # else there were nothing to see
    np.testing.assert_array_equal(nn.load(tmp_path / "net").theta, best[0])
    assert_same(nn.resume(tmp_path / "net", X, Y, progress=False), whole)


def test_a_resumed_fit_removes_the_old_files_and_no_others(tmp_path: Path) -> None:
    for other in ("a99.nn", "a1.nn.txt", "a.nn", "a05.nn"):
        (tmp_path / other).touch()
    begin([nn.Checkpoint(tmp_path / "a{epoch}.nn", keep=2)], epochs=4)
    callback = nn.Checkpoint(tmp_path / "a{epoch}.nn", keep=2)
    nn.resume(tmp_path / "a4.nn", X, Y, epochs=5, callbacks=[callback], progress=False)
    assert names(tmp_path) == {"a99.nn", "a1.nn.txt", "a.nn", "a05.nn", "a4.nn", "a5.nn"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"every": 0}, ValueError, "every is 0; expected an integer >= 1"),
        ({"keep": 1.5}, TypeError, "keep is 1.5; expected an integer"),
        ({"keep": 2}, ValueError, "keep is 2; several files need {epoch} in their name"),
        ({"best": "yes"}, TypeError, "best is 'yes'"),
        ({"path": ""}, ValueError, "path is ''; expected that of a file"),
        ({"path": b"/"}, ValueError, "path is b'/'; expected that of a file"),
        ({"path": ".."}, ValueError, "path is '..'; expected that of a file"),
        ({"path": Path(__file__).parent}, ValueError, "path is .*tests.*; expected that of a file"),
        ({"path": "{epoch}/net"}, ValueError, "only the file's name may have {epoch}"),
        ({"path": "net{epoch:03d}"}, ValueError, "expected no braces but {epoch}"),
    ],
)
def test_wrong_options_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=r"\[Checkpoint\] .*" + message):
        nn.Checkpoint(**{"path": "net", **arguments})


def test_a_file_that_cannot_be_written_ends_the_fit_with_the_network_whole(tmp_path: Path) -> None:
    nets: list[nn.Network] = []
    with pytest.raises(OSError, match="missing"):
        begin([lambda net, _: nets.append(net), nn.Checkpoint(tmp_path / "missing" / "net")])
    assert nets[0].history is not None
    assert nets[0].history.epochs == 1
    nets[0].save(tmp_path / "net", training_state=True)
    assert_same(nn.resume(tmp_path / "net", X, Y, progress=False), begin())
