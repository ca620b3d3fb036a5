"""Fixtures of the whole suite."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import nnbind as nn

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
