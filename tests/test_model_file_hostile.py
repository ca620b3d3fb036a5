"""Files that ask for memory or time are refused by name, within what this process may have."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers import run_python
from hostile_files import write_raw

pytest.importorskip("resource", reason="limits of memory are POSIX")

LONGEST_HEADER = 16 << 20  # of those that are read at all
INPUT = {"name": "x", "op": "input", "attributes": {"width": 1}}


def header_of(nodes: list[dict[str, Any]], outputs: list[int]) -> str:
    network = {"dtype": "float32", "seed": 0, "epochs_trained": 0, "steps_trained": 0}
    network |= {"nodes": nodes, "outputs": outputs}
    text = json.dumps(network, separators=(",", ":"))
    metadata = {"format": "nnbind", "version": "1", "network": text}
    return json.dumps({"__metadata__": metadata}, separators=(",", ":"))


def repeated(item: str, ends: tuple[str, str] = ("[", "]")) -> str:
    """As many as the longest header holds."""
    count = (LONGEST_HEADER - 2) // (len(item) + 1)
    return ends[0] + ",".join([item] * count) + ends[1]


def chain(count: int, last: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = [
        {"name": f"{k}", "op": "tanh", "inputs": [k], "attributes": {}} for k in range(count - 2)
    ]
    return [INPUT, *nodes, {"inputs": [count - 2], "attributes": {}} | last]


def doubling(count: int) -> list[dict[str, Any]]:
    """Each node is twice as wide as the one before."""
    nodes = [
        {"name": f"{k}", "op": "concatenate", "inputs": [k, k], "attributes": {}}
        for k in range(count)
    ]
    return [INPUT, *nodes]


def many_tensors() -> str:
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    count = LONGEST_HEADER // (len(entry) + 10) - 1
    return "{" + ",".join(f'"{k:06}":{entry}' for k in range(count)) + "}"


OPTIONS = {"activation": "relu", "bias": True, "l1": 0.0, "l2": 0.0, "dropout": 0.0}
DENSE = {"op": "dense", "name": "d", "inputs": [0], "attributes": {"units": 2**30, **OPTIONS}}

HEADERS: dict[str, tuple[Callable[[], str], str]] = {
    "spaces": (lambda: " " * LONGEST_HEADER, "the header is no JSON"),
    "deep": (lambda: "[" * LONGEST_HEADER, "nested deeper than 8 levels"),
    "deep objects": (lambda: '{"a":' * (LONGEST_HEADER // 5), "nested deeper than 8 levels"),
    "lists": (lambda: repeated("[]"), "the header is a list of "),
    "a long number": (lambda: "9" * LONGEST_HEADER, "the header is"),
    "a long name": (lambda: '{"' + "é" * 2**22 + '":1}', 'tensor "éé'),
    "one key": (lambda: repeated('"a":1', ("{", "}")), 'the header has the key "a" twice'),
    "tensors": (many_tensors, '__metadata__ has no "format"'),
    "a chain": (
        lambda: header_of(chain(30_000, {"op": "conv", "name": "n"}), [1]),
        'nodes[29999] "n": [conv] is no operator that is built in',
    ),
    "one name": (
        lambda: header_of(chain(30_000, {"op": "tanh", "name": "7"}), [1]),
        'nodes[29999] "7": ',
    ),
    "doubling": (lambda: header_of(doubling(64), [64]), "expected at most 2147483647 values"),
    "weights": (
        lambda: header_of([INPUT, DENSE], [1]),
        'nodes[1] "d" takes the numbers of the network to 2147483648; the file has 0',
    ),
}

# Each file is opened with 700 MB to spare, and named with what was said of it.
LOAD = """
import json, os, resource
from pathlib import Path
import nnbind as nn

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (700 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
said = {}
for path in sorted(Path(os.environ["DIRECTORY"]).iterdir()):
    try:
        nn.load(path)
    except nn.FileError as error:
        said[path.name] = str(error)
print(json.dumps(said))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc")
def test_no_file_takes_more_memory_or_time_than_it_should(tmp_path: Path) -> None:
    expected = {name: message for name, (_, message) in HEADERS.items()}
    for name, (make, _) in HEADERS.items():
        write_raw(tmp_path / name, make())
    # A header of a gigabyte that is there, as a hole.
    gigabyte = tmp_path / "gigabyte"
    gigabyte.write_bytes(struct.pack("<Q", 1 << 30) + b"{")
    os.truncate(gigabyte, 8 + (1 << 30))
    expected["gigabyte"] = "the header claims 1073741824 bytes; expected at most 16777216: it"
    said = json.loads(run_python(LOAD, DIRECTORY=str(tmp_path)))
    assert said.keys() == expected.keys()
    for name, message in expected.items():
        assert f"[load] {tmp_path / name}: " in said[name]
        assert message in said[name], (name, said[name])
        assert len(said[name]) < 3000
