"""The GoogleTest programs of cpp/tests, and files that go to C++ and come from there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from cpp_build import cpp_build, give_up, program, run


def example(name: str) -> Path:
    (path,) = cpp_build().glob(f"cpp/examples/{name}*")
    return path


def test_the_cpp_tests_pass() -> None:
    directory = cpp_build()
    if not list(directory.glob("cpp/tests/nnbind_tests*")):
        give_up("there is no GoogleTest, nor a way to download it")
    jobs = str(os.cpu_count())
    printed = run(program("ctest"), "--test-dir", directory, "-j", jobs, "--output-on-failure")
    assert re.search(r"100% tests passed.* out of [1-9]", printed), printed


def test_a_network_saved_by_cpp_is_the_same_in_python(tmp_path: Path) -> None:
    path = tmp_path / "rings"
    printed = run(example("train"), path)
    net = nn.load(path)
    assert net.input_names == ["x"]
    probability = float(printed.split()[-1])
    assert net.predict([[0.6, -0.8]])[0, 0] == pytest.approx(probability, abs=1e-5)
    assert net.summary() in printed
    net.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_network_saved_by_python_is_the_same_in_cpp(dtype: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(2, size=40)
    net = nn.Sequential(
        nn.Input(3), nn.Dense(5, "gelu"), nn.BatchNorm(), nn.Dense(2, "softmax"), dtype=dtype
    )
    net.fit(X, y, loss="cross_entropy", epochs=3, progress=False)
    net.save(tmp_path / "net", training_state=True)
    done = subprocess.run(
        [example("predict"), tmp_path / "net"],
        input="".join(f"{a!r} {b!r} {c!r}\n" for a, b, c in X.tolist()),
        capture_output=True,
        text=True,
        check=True,
    )
    predicted = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    np.testing.assert_allclose(predicted, net.predict(X), rtol=200 * np.finfo(dtype).eps)


def test_steps_of_ones_own_get_as_far_as_a_fit() -> None:
    fitted, stepped = map(float, re.findall(r"validation loss (\S+)", run(example("own_loop"))))
    assert stepped <= fitted < 0.05
