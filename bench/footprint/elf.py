"""Whether a binary carries a symbol table."""

import struct

_SYMTAB = 2  # sh_type of a section that a linker needs and a loader does not


def is_stripped(binary: bytes) -> bool:
    """Whether a 64-bit little-endian ELF file has no symbol table; True for what is no such file.

    The section headers lie at e_shoff, each e_shentsize long, e_shnum of them (ELF-64 Object File
    Format, version 1.5).
    """
    if binary[:6] != b"\x7fELF\x02\x01":
        return True
    (offset,) = struct.unpack_from("<Q", binary, 40)
    size, count = struct.unpack_from("<HH", binary, 58)
    types = [struct.unpack_from("<I", binary, offset + k * size + 4)[0] for k in range(count)]
    return _SYMTAB not in types
