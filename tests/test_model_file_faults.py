"""A save that is interrupted, or finds the disk full, leaves the old file whole."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import nnbind as nn
from helpers import run_python
from resuming import X, Y, assert_same, begin

pytest.importorskip("resource", reason="limits of a file's size are POSIX")

# A child for each number of bytes after which the system lets no file grow: its signal kills it in
# the middle of the write, or, ignored, makes the write an error. Then the parent looks.
CHILDREN = """
import os, resource, signal, warnings
from pathlib import Path
import nnbind as nn

path, action = Path(os.environ["DIRECTORY"]) / "net", os.environ["ACTION"]
old, new = nn.mlp(3, [8], 2, seed=1), nn.mlp(3, [8], 2, seed=2)
new.save(path)
size = path.stat().st_size
old.save(path)
whole = path.read_bytes()
assert size == len(whole)
warnings.simplefilter("ignore")  # of fork, while the core's threads wait

for limit in [*range(0, size, 29), size - 1, size]:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if action == "kill" else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            new.save(path)
        except OSError as error:
            named = error.filename.startswith(str(path)) and "File too large" in str(error)
            os._exit(7 if named else 8)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    expected = 0 if limit >= size else signal.SIGXFSZ if action == "kill" else 7 << 8
    assert status == expected, (limit, status)
    assert (path.read_bytes() == whole) == (limit < size), limit
    nn.load(path)
    if action == "error":
        assert os.listdir(path.parent) == ["net"], limit
print("looked at", size)
"""


@pytest.mark.parametrize("action", ["kill", "error"])
def test_a_save_that_stops_at_any_byte_leaves_the_old_file(action: str, tmp_path: Path) -> None:
    output = run_python(CHILDREN, DIRECTORY=str(tmp_path), ACTION=action)
    assert output.startswith("looked at")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system can only be mounted by root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_an_error_that_names_path_and_reason(small_disk: Path) -> None:
    small, large = nn.mlp(4, [8], 1), nn.mlp(100, [300], 1)
    small.save(small_disk / "net")
    with pytest.raises(OSError, match=r"No space left on device: '.*disk/net"):
        large.save(small_disk / "net")
    assert os.listdir(small_disk) == ["net"]
    np.testing.assert_array_equal(nn.load(small_disk / "net").theta, small.theta)


def test_a_disk_that_fills_up_ends_a_fit_with_the_old_checkpoint_whole(small_disk: Path) -> None:
    path = small_disk / "net"

    def fill(_: nn.Network, history: nn.History) -> None:
        if history.epochs == 3:
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            (small_disk / "other").write_bytes(bytes(free))

    nets: list[nn.Network] = []
    with pytest.raises(OSError, match=r"No space left on device: '.*disk/net"):
        begin([lambda net, _: nets.append(net), fill, nn.Checkpoint(path)])
    (net, *_), at_three = nets, begin(epochs=3)
    assert_same(net, at_three)
    assert set(os.listdir(small_disk)) == {"net", "other"}
    assert_same(nn.resume(path, X, Y, epochs=2, progress=False), begin(epochs=2))
    assert_same(nn.resume(path, X, Y, progress=False), begin())
    (small_disk / "other").unlink()
    net.save(path, training_state=True)  # and what could not be saved then goes on now
    assert_same(nn.resume(path, X, Y, progress=False), begin())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_is_a_permission_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="net"):
        nn.mlp(2, [3], 1).save(tmp_path / "net")
