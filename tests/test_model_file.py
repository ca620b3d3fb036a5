"""Networks in files, pickles and copies: what comes back is what was saved."""

from __future__ import annotations

import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import nnbind as nn
from random_graphs import random_network

DTYPES = [np.float32, np.float64]
FIXTURES = Path(__file__).parent / "files"


def trained(dtype: Any = np.float32) -> tuple[nn.Network, NDArray[Any], NDArray[Any]]:
    """A small network after a fit, with its data."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)).astype(dtype), rng.normal(size=(40, 2)).astype(dtype)
    net = nn.Sequential(
        nn.Input(3, name="pixels"),
        nn.Dense(5, nn.Activation("elu", 0.5), dropout=0.25, l2=0.1),
        nn.BatchNorm(),
        nn.Dense(2, init=np.eye(5, 2), bias=False, name="out"),
        seed=7,
        dtype=dtype,
    )
    fit(net, X, y)
    return net, X, y


def fit(net: nn.Network, X: NDArray[Any], y: NDArray[Any]) -> None:
    net.fit(X, y, loss="mse", optimizer=nn.SGD(0.05), epochs=3, batch_size=8, progress=False)


def by_file(net: nn.Network, directory: Path) -> nn.Network:
    net.save(directory / "net.safetensors")
    return nn.load(directory / "net.safetensors")


def by_pickle(net: nn.Network, _: Path) -> nn.Network:
    return pickle.loads(pickle.dumps(net))  # type: ignore[no-any-return]


def by_joblib(net: nn.Network, directory: Path) -> nn.Network:
    joblib.dump(net, directory / "net.joblib", compress=True)
    return joblib.load(directory / "net.joblib")  # type: ignore[no-any-return]


def by_deepcopy(net: nn.Network, _: Path) -> nn.Network:
    return copy.deepcopy(net)


WAYS = [by_file, by_pickle, by_joblib, by_deepcopy]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_comes_back_is_the_same_and_trains_the_same(
    way: Any, dtype: Any, tmp_path: Path
) -> None:
    net, X, y = trained(dtype)
    twin = way(net, tmp_path)
    assert type(twin) is nn.Sequential
    assert twin.dtype == dtype
    assert twin.summary() == net.summary()
    assert repr(twin) == repr(net)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in net.layers]
    for _ in range(2):
        np.testing.assert_array_equal(twin.theta, net.theta)
        np.testing.assert_array_equal(twin.state, net.state)
        np.testing.assert_array_equal(twin.predict(X), net.predict(X))
        fit(net, X, y)  # the next order of the samples, the next dropout
        fit(twin, X, y)
    net.reset()
    twin.reset()
    np.testing.assert_array_equal(twin.theta, net.theta)


@pytest.mark.parametrize("seed", range(20))
def test_any_graph_comes_back(seed: int, tmp_path: Path) -> None:
    net, _ = random_network(seed, steps=25)
    twin = by_file(net, tmp_path)
    np.testing.assert_array_equal(twin.theta, net.theta)
    assert twin.summary() == net.summary()
    assert str(twin.graph()) == str(net.graph())
    assert [(n.kind, n.shape, type(n)) for n in twin.nodes] == [
        (n.kind, n.shape, type(n)) for n in net.nodes
    ]
    assert twin.output_names == net.output_names


def test_a_loaded_network_can_be_built_upon(tmp_path: Path) -> None:
    net, X, _ = trained()
    twin = by_file(net, tmp_path)
    hidden = nn.Network(twin.nodes[0], twin.node("batch_norm"))
    assert hidden.predict(X).shape == (40, 5)
    np.testing.assert_array_equal(twin.astype(np.float64).theta, net.theta)
    assert twin.copy().parameters.keys() == net.parameters.keys()


def test_history_and_attributes_of_ones_own_are_pickled() -> None:
    net: Any = trained()[0]
    net.note = {"labels": ["a", "b"]}
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert twin.note == net.note
        assert twin.note is not net.note
        assert twin.history.loss == net.history.loss
        assert twin.history.best_epoch == net.history.best_epoch


def test_the_file_is_readable_by_safetensors(tmp_path: Path) -> None:
    net, _, _ = trained()
    net.save(tmp_path / "net.safetensors")
    tensors = load_file(tmp_path / "net.safetensors")
    assert set(tensors) == {
        *("dense.weights", "dense.bias", "batch_norm.gamma", "batch_norm.beta"),
        *("batch_norm.running_mean", "batch_norm.running_variance"),
        *("out.weights", "out.init_values"),
    }
    np.testing.assert_array_equal(tensors["dense.weights"], net.layers[0].weights)
    np.testing.assert_array_equal(tensors["dense.bias"], net.layers[0].bias)
    np.testing.assert_array_equal(tensors["batch_norm.running_variance"], net.state[5:])
    np.testing.assert_array_equal(tensors["out.init_values"], np.eye(5, 2))


def test_a_file_that_safetensors_wrote_loads(tmp_path: Path) -> None:
    net, X, _ = trained()
    net.save(tmp_path / "net")
    with safe_open(tmp_path / "net", "np") as file:
        metadata = file.metadata()
    tensors = load_file(tmp_path / "net")
    save_file(dict(reversed(tensors.items())), tmp_path / "again", metadata)
    assert (tmp_path / "again").read_bytes() != (tmp_path / "net").read_bytes()  # another order
    twin = nn.load(tmp_path / "again")
    np.testing.assert_array_equal(twin.predict(X), net.predict(X))
    tensors["dense.bias"] += 1
    save_file(tensors, tmp_path / "again", metadata)
    bias = nn.load(tmp_path / "again").layers[0].bias
    np.testing.assert_array_equal(bias, tensors["dense.bias"])


def test_preprocessing_in_the_graph_is_in_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(5, 3, size=(30, 4))
    x = nn.Input(4)
    scaled = (x - X.mean(axis=0)) / X.std(axis=0)
    net = nn.Network(x, nn.Dense(2)(nn.LayerNorm()(nn.concatenate([scaled[:, :2], scaled]))))
    twin = by_file(net, tmp_path)
    np.testing.assert_array_equal(twin.predict(X), net.predict(X))
    tensors = load_file(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(tensors["constant.values"][0], X.mean(axis=0).astype(np.float32))


def test_a_file_of_version_1_loads(tmp_path: Path) -> None:
    for dtype in DTYPES:
        name = np.dtype(dtype).name
        net = nn.load(FIXTURES / f"version1_{name}.safetensors")
        known = np.load(FIXTURES / f"version1_{name}.npz")
        assert net.dtype == dtype
        np.testing.assert_array_equal(net.theta, known["theta"])
        np.testing.assert_array_equal(net.state, known["state"])
        predicted: Any = net.predict({"x": known["x"], "z": known["z"]})
        for output in ("classes", "beside"):
            np.testing.assert_allclose(
                predicted[output], known[f"predicted_{output}"], rtol=1e-5, atol=1e-6
            )
        net.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (
            FIXTURES / f"version1_{name}.safetensors"
        ).read_bytes()


def test_numbers_that_are_not_finite_are_told(tmp_path: Path) -> None:
    net, _, _ = trained()
    net.layers[1].weights[0, 0] = np.nan
    net.save(tmp_path / "net")
    with pytest.warns(RuntimeWarning, match=r'\[load\] "out" has a NaN or an infinity') as warned:
        twin = nn.load(tmp_path / "net")
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(twin.theta, net.theta)


def test_a_network_that_no_file_may_hold_is_not_saved(tmp_path: Path) -> None:
    net = trained()[0]
    net.save(tmp_path / "net")
    before = (tmp_path / "net").read_bytes()
    net.state[-1] = -1e-9  # a view: only whoever reads it can look
    for save in (
        lambda: net.save(tmp_path / "net"),
        lambda: net.save(tmp_path / "net", training_state=True),
        lambda: pickle.dumps(net),
    ):
        with pytest.raises(ValueError, match=r'"batch_norm.running_variance" has a variance below'):
            save()
    assert (tmp_path / "net").read_bytes() == before


def test_a_callback_saves_what_the_network_is_then(tmp_path: Path) -> None:
    net, X, y = trained()
    thetas = []

    def checkpoint(net: nn.Network, history: nn.History) -> None:
        net.save(tmp_path / f"{history.epochs}")
        thetas.append(net.theta.copy())

    net.fit(X, y, loss="mse", epochs=3, callbacks=[checkpoint], progress=False)
    for epoch, theta in enumerate(thetas):
        np.testing.assert_array_equal(nn.load(tmp_path / f"{epoch + 1}").theta, theta)


def test_operators_of_ones_own_cannot_be_saved(tmp_path: Path) -> None:
    g = nn.CustomActivation(np.tanh, lambda t: 1 - np.tanh(t) ** 2, name="mine")
    x = nn.Input(2)
    net = nn.Network(x, nn.Dense(1)(g(x, name="own")))
    with pytest.raises(ValueError, match=r'\[save\] "own" is of the operator "mine"'):
        net.save(tmp_path / "net")
    with pytest.raises(ValueError, match="a file holds no code"):
        pickle.dumps(net)
    assert copy.deepcopy(net).parameter_count == net.parameter_count
    assert not list(tmp_path.iterdir())


def test_paths_may_be_of_any_type_and_name(tmp_path: Path) -> None:
    net = nn.mlp(2, [3], 1)
    for name in ("net", "nät 神", "n\udcffet"):
        path = tmp_path / name
        for given in (path, str(path), str(path).encode("utf-8", "surrogateescape")):
            net.save(given)
            np.testing.assert_array_equal(nn.load(given).theta, net.theta)


def test_a_path_that_is_no_file_is_an_os_error_that_names_it(tmp_path: Path) -> None:
    net = nn.mlp(2, [3], 1)
    with pytest.raises(FileNotFoundError, match=r"none/net'$"):
        net.save(tmp_path / "none" / "net")
    with pytest.raises(FileNotFoundError, match="none"):
        nn.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        nn.load(tmp_path)
    with pytest.raises(IsADirectoryError):
        net.save(tmp_path)
    with pytest.raises(OSError, match="Invalid argument"):
        nn.load("/dev/zero")
    for wrong in (3, None, io.BytesIO()):
        with pytest.raises(TypeError):
            nn.load(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            net.save(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["a\0b", b"a\0b", Path("a\0b"), "a\ud800b"], ids=["str", "bytes", "Path", "surrogate"]
)
def test_a_path_that_no_file_can_have_is_a_value_error(path: Any) -> None:
    net, X, y = trained()
    for where, use in (
        (r"Network\.save", net.save),
        ("load", nn.load),
        ("resume", lambda path: nn.resume(path, X, y)),
        ("Checkpoint", nn.Checkpoint),
    ):
        with pytest.raises(ValueError, match=rf"^\[{where}\] path is .*; expected no NUL"):
            use(path)


def test_a_damaged_file_is_a_file_error_that_names_path_and_field(tmp_path: Path) -> None:
    net, _, _ = trained()
    path = tmp_path / "net"
    net.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"[2,3]", b"[3,2]").replace(b'"F32"', b'"F16"', 1))
    with pytest.raises(nn.FileError, match=r'\[load\] .*net: tensor ".*".dtype is "F16"'):
        nn.load(path)
    assert issubclass(nn.FileError, ValueError)


def test_bytes_that_are_no_text_are_told_by_a_sign_for_them(tmp_path: Path) -> None:
    net, X, y = trained()
    path = tmp_path / "n\udcffet"
    net.save(path, training_state=True)
    whole = path.read_bytes()
    for text in (b"float32", b"F32", b"elu", b"__metadata__"):
        path.write_bytes(whole.replace(text, b"\xfa" + text[1:], 1))
        for read in (nn.load, lambda path: nn.resume(path, X, y)):
            with pytest.raises(nn.FileError, match=r"n\ufffdet: the header is no JSON: .*\ufffd"):
                read(path)


def test_no_byte_of_a_file_can_do_harm(tmp_path: Path) -> None:
    """Each byte of the header changed, and cut off there: an error or a network, never a crash."""
    path = tmp_path / "net"
    net = nn.mlp(2, [3], 1)
    net.save(path)
    whole = path.read_bytes()
    refused = 0
    for place in range(8 + int.from_bytes(whole[:8], "little")):
        for damaged in (
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            whole[:place] + b"9" + whole[place:],
            whole[:place],
        ):
            path.write_bytes(damaged)
            try:
                nn.load(path).predict([[1.0, 2.0]])
            except nn.FileError:
                refused += 1
    assert refused > 1000


def test_the_architecture_is_json_in_the_metadata(tmp_path: Path) -> None:
    net, _, _ = trained()
    net.save(tmp_path / "net")
    contents = (tmp_path / "net").read_bytes()
    header = json.loads(contents[8 : 8 + int.from_bytes(contents[:8], "little")])
    metadata = header["__metadata__"]
    assert metadata["format"] == "nnbind"
    assert metadata["version"] == "1"
    nodes = json.loads(metadata["network"])["nodes"]
    assert [node["op"] for node in nodes] == ["input", "dense", "batch_norm", "dense"]
    assert nodes[1]["attributes"]["alpha"] == 0.5
