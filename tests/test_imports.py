"""nnbind beside libraries with threads and an OpenMP of their own, imported in any order.

PyTorch is not in the extra `test`, since it is larger than all else there together: the orders with
it are skipped unless it is installed, as the extra `bench` does.
"""

import functools
import sys
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path

import pytest

from helpers import run_program

PROGRAM = Path(__file__).with_name("import_work.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX")


@functools.cache
def digests(*names: str) -> list[str]:
    """What the libraries compute, imported in this order."""
    return run_program([sys.executable, str(PROGRAM), *names], timeout=120).splitlines()


@pytest.mark.parametrize(
    "order",
    [*permutations(("nnbind", "sklearn")), *permutations(("nnbind", "sklearn", "torch"))],
    ids="-".join,
)
def test_each_computes_what_it_does_alone(order: tuple[str, ...]) -> None:
    for name in order:
        if find_spec(name) is None:
            pytest.skip(f"there is no {name}: pip install 'nnbind[bench]' brings it")
    alone = [digests(name)[0] for name in order]
    assert digests(*order) == [*alone, *alone, *digests("nnbind")[:1]]
