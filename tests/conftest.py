"""Fixtures of the whole suite."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from matplotlib import pyplot as plt

import nnbind as nn
from lecture import load_script

# Shapes are what matters here, not speed: a busy machine must not fail a test.
settings.register_profile("nnbind", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile("nnbind")


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def restore_threads() -> Iterator[None]:
    before = nn.get_num_threads()
    yield
    nn.set_num_threads(before)


@pytest.fixture(scope="module")
def run_script(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """What main() of a script in examples/ returns, run once; its picture must have come out."""
    results: dict[str, Any] = {}

    def run_once(name: str) -> Any:
        if name not in results:
            directory = tmp_path_factory.mktemp(name)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(directory)
                results[name] = load_script(name).main()
            assert (directory / f"{name}.png").stat().st_size > 10_000
            plt.close("all")
        return results[name]

    return run_once
