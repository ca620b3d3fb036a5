"""Files whose training is damaged or hostile are refused by the name of the field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from hostile_files import Tensors, write
from hostile_files import read as read_file
from resuming import X, Y, assert_same, begin

FIXTURES = Path(__file__).parent / "files"


def read(path: Path) -> tuple[dict[str, str], Any, Tensors]:
    """The metadata, the training in it, and the tensors of a file."""
    metadata, tensors = read_file(path)
    return metadata, json.loads(metadata["training"]), tensors


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a training of everything: Adam, a plateau, early stopping, validation."""
    path = tmp_path_factory.mktemp("saved") / "net"
    begin(
        [nn.Checkpoint(path), lambda _, history: history.epochs == 3],
        stopping=True,
        validation_fraction=0.25,
    )
    return path


def test_a_file_that_was_taken_apart_goes_on(saved: Path, tmp_path: Path) -> None:
    metadata, _, tensors = read(saved)
    write(tmp_path / "net", metadata, tensors)
    net = nn.resume(tmp_path / "net", X, Y, progress=False)
    assert_same(net, begin(stopping=True, validation_fraction=0.25))


def at(*keys: str | int) -> Callable[[Any], tuple[Any, str | int]]:
    """Where a value stands in the JSON."""

    def find(json: Any) -> tuple[Any, str | int]:
        for key in keys[:-1]:
            json = json[key]
        return json, keys[-1]

    return find


MISSING = object()


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (at("optimizer", "name"), "Eve", 'training.optimizer: .* unknown optimizer "Eve"'),
        (at("optimizer", "options", "beta1"), 1.5, "training.optimizer: .* beta1 is 1.5"),
        (at("optimizer", "options", "beta1"), MISSING, r"\[beta1\] is missing"),
        (at("optimizer", "options", "x"), 1, r"\[x\] is no attribute of this optimizer"),
        (at("optimizer", "iterations"), -1, "training.optimizer.iterations is -1"),
        (at("optimizer", "iterations"), 2**63, "training.optimizer.iterations is 9223372036854775"),
        (at("optimizer", "iterations"), 1.5, "training.optimizer.iterations is 1.5"),
        (at("schedule", "name"), "Eve", 'training.schedule: .* unknown schedule "Eve"'),
        (at("schedule", "options", "rate"), -1, "training.schedule: .* rate is -1"),
        (at("schedule", "options", "patience"), 2**40, r"\[patience\] is 1099511627776"),
        (at("losses"), [], "training.losses: "),
        (at("losses", 0, "name"), "Eve", r'training.losses\[0\]: .* unknown loss "Eve"'),
        (at("losses", 0, "weight"), "x", r"training.losses\[0\].weight is \"x\""),
        (at("losses", 0, "options", "reduction"), "max", "unknown reduction"),
        (at("options", "epochs"), -1, "training.options.epochs is -1"),
        (at("options", "batch_size"), -1, "training.options.batch_size is -1"),
        (at("options", "seed"), -1, "training.options.seed is -1"),
        (at("options", "shuffle"), 1, "training.options.shuffle is 1; expected true or false"),
        (at("options", "metrics"), ["x"], 'training.options: .* unknown metric "x"'),
        (at("options", "metrics"), [], "history.metrics.*shape"),
        (at("options", "regularizer", "l1"), -1, "training.options: .* l1 is -1"),
        (at("options", "early_stopping", "patience"), 0, "training.options: .* patience is 0"),
        (at("options", "early_stopping", "patience"), 2**40, "patience is 1099511627776"),
        (at("state", "epoch"), 0, "training.state.epoch is 0"),
        (at("state", "epoch"), 4, r'tensor "history.loss".shape is \[3\]; expected \[4\]'),
        (at("state", "epoch"), 2**60, 'tensor "history.loss".shape'),
        (at("state", "epochs_without_improvement"), 99, "epochs_without_improvement is more"),
        (at("state", "best_epoch"), 3, "training.state.best_epoch is none of the epochs"),
        (at("state", "stopped"), None, "training.state.stopped is null"),
        (at("state", "x"), 1, 'training.state has an unknown key "x"'),
        (at("state"), MISSING, 'training has no "state"'),
        (at("notes"), [], r"training.notes is \[\]; expected an object"),
        (at("notes", "x"), None, "training.notes.x is null"),
        (at("notes", "validation_fraction"), "x", "training.notes.validation_fraction is 'x'"),
        (at("notes", "validation_fraction"), 2.0, "training.notes.validation_fraction is 2.0"),
        (at("notes", "dtype"), 1, "the fit began with 1"),
    ],
)
def test_wrong_values_are_refused_by_field(
    place: Any, value: Any, message: str, saved: Path, tmp_path: Path
) -> None:
    metadata, training, tensors = read(saved)
    container, key = place(training)
    if value is MISSING:
        del container[key]
    else:
        container[key] = value
    metadata["training"] = json.dumps(training)
    write(tmp_path / "net", metadata, tensors)
    with pytest.raises(ValueError, match=message):
        nn.resume(tmp_path / "net", X, Y, progress=False)


@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_huge_batch_size_takes_no_more_than_the_samples(is_mapped: bool, tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    data: tuple[Any, ...] = (mapped, Y) if is_mapped else (X, Y)
    net = nn.mlp(4, [5], 2, dtype=np.float64)
    net.fit(*data, loss="mse", epochs=1, progress=False)
    net.save(tmp_path / "net", training_state=True)
    metadata, training, tensors = read(tmp_path / "net")
    training["options"]["batch_size"] = 2**60
    write(tmp_path / "net", {**metadata, "training": json.dumps(training)}, tensors)
    resumed = nn.resume(tmp_path / "net", *data, epochs=3, progress=False)
    net = nn.mlp(4, [5], 2, dtype=np.float64)
    net.fit(*data, loss="mse", epochs=3, progress=False)
    assert_same(resumed, net)


def with_nan(array: Any) -> Any:
    array = array.copy()
    array.flat[0] = np.nan
    return array


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("optimizer.0", lambda a: a[:-1], r'tensor "optimizer.0".shape is \[.*; the architecture'),
        ("optimizer.1", lambda _: None, 'there is no tensor "optimizer.1"'),
        ("optimizer.0", with_nan, 'tensor "optimizer.0" has a NaN'),
        ("optimizer.0", lambda a: a.astype(np.float32), '"optimizer.0".dtype is "F32"'),
        ("optimizer.1", lambda a: -1 - a, 'tensor "optimizer.1" has a sum of squares below 0'),
        ("optimizer.2", lambda _: np.zeros(3), 'tensor "optimizer.2" belongs to no node'),
        ("schedule.state", with_nan, 'tensor "schedule.state": .* expected its rate'),
        ("schedule.state", lambda a: a[:2], r'"schedule.state".shape is \[2\]; expected \[3\]'),
        ("fit.best", with_nan, 'tensor "fit.best" has a NaN'),
        ("fit.best_theta", lambda a: a[:1], '"fit.best_theta".shape'),
        (
            "fit.best_state",
            lambda a: -1 - a,
            r'batch_norm.running_variance" has a variance below 0',
        ),
        ("fit.best_state", lambda _: None, 'there is no tensor "fit.best_state"'),
        ("history.loss", lambda a: a[:2], r'"history.loss".shape is \[2\]; expected \[3\]'),
        ("history.val_metrics", lambda _: None, 'no tensor "history.val_metrics"'),
        ("history.val_loss", lambda _: None, "belongs to no node"),
    ],
)
def test_wrong_tensors_are_refused_by_name(
    name: str, change: Any, message: str, saved: Path, tmp_path: Path
) -> None:
    metadata, _, tensors = read(saved)
    changed = change(tensors.get(name))
    tensors.pop(name, None)
    if changed is not None:
        tensors[name] = changed
    write(tmp_path / "net", metadata, tensors)
    with pytest.raises(nn.FileError, match=message):
        nn.resume(tmp_path / "net", X, Y, progress=False)


def test_the_best_theta_is_missed_where_the_last_is_not_it(saved: Path, tmp_path: Path) -> None:
    metadata, training, tensors = read(saved)
    training["state"]["best_epoch"] = 0
    del tensors["fit.best_theta"]
    write(tmp_path / "net", {**metadata, "training": json.dumps(training)}, tensors)
    with pytest.raises(nn.FileError, match=r'there is no tensor "fit.best_theta"'):
        nn.resume(tmp_path / "net", X, Y, progress=False)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 99, '{"state": 1, "state": 2}'])
def test_what_is_no_training_is_refused(text: str, saved: Path, tmp_path: Path) -> None:
    metadata, _, tensors = read(saved)
    write(tmp_path / "net", {**metadata, "training": text}, tensors)
    with pytest.raises(nn.FileError, match="training"):
        nn.resume(tmp_path / "net", X, Y, progress=False)
    assert nn.load(tmp_path / "net").parameter_count == begin(epochs=0).parameter_count


def test_a_file_that_is_cut_off_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for size in range(0, len(whole), 97):
        (tmp_path / "net").write_bytes(whole[:size])
        with pytest.raises(nn.FileError):
            nn.resume(tmp_path / "net", X, Y, progress=False)


def test_a_file_of_version_2_goes_on() -> None:
    known = np.load(FIXTURES / "version2_float64.npz")
    net = nn.resume(
        FIXTURES / "version2_float64.safetensors", known["x"], known["y"], progress=False
    )
    assert net.history is not None
    assert net.history.epochs == 8
    np.testing.assert_allclose(net.theta, known["theta"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(net.history.loss, known["loss"], rtol=1e-6)
