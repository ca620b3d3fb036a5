"""How large a wheel is: that of a file, or what the package that is imported would fill of one."""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import nnbind
from bench.footprint.elf import is_stripped
from nnbind._load import LEVELS

LIMIT = 5e6  # bytes


@dataclass(frozen=True)
class Size:
    """Bytes of a wheel, or of the package compressed like one, and of each extension module in it.

    A developer's build has one instruction set only, and the limit says nothing of it: `missing`
    are those that a wheel of x86-64 has besides.
    """

    total: int
    modules: dict[str, int]  # compressed
    levels: list[str]
    missing: list[str]
    stripped: bool  # no symbol table in any of them
    limit: float = LIMIT


def measure(wheel: Path | None = None) -> Size:
    """Of that wheel, or of the package."""
    content = wheel.read_bytes() if wheel else compressed(Path(nnbind.__file__).parent)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        modules = [entry for entry in archive.infolist() if entry.filename.endswith(".so")]
        stripped = all(is_stripped(archive.read(entry)) for entry in modules)
    levels = sorted(Path(entry.filename).name.split(".")[0][6:] for entry in modules)
    return Size(
        total=len(content),
        modules={Path(entry.filename).name: entry.compress_size for entry in modules},
        levels=levels,
        missing=[level for level in LEVELS[1:] if level not in levels and levels != ["base"]],
        stripped=stripped,
    )


def compressed(package: Path) -> bytes:
    """The package's files as a wheel would hold them."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(package.parent))
    return buffer.getvalue()
