"""Model files that mean harm, written piece by piece."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {"F32": np.float32, "F64": np.float64}

Tensors = dict[str, np.ndarray[Any, Any]]


def read(path: Path) -> tuple[dict[str, str], Tensors]:
    """The metadata and the tensors of a file."""
    contents = path.read_bytes()
    (length,) = struct.unpack("<Q", contents[:8])
    header, data = json.loads(contents[8 : 8 + length]), contents[8 + length :]
    metadata = header.pop("__metadata__")
    tensors = {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]])
        .reshape(entry["shape"])
        .copy()
        for name, entry in header.items()
    }
    return metadata, tensors


def write(path: Path, metadata: dict[str, str], tensors: Tensors) -> None:
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, array in tensors.items():
        dtype = "F32" if array.dtype == np.float32 else "F64"
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
        data += array.tobytes()
    write_raw(path, json.dumps(header), data)


def write_raw(path: Path, header: str, data: bytes = b"") -> None:
    text = header.encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
