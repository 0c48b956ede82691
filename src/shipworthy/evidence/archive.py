"""The pack's container: a ZIP with one spelling, so that the same members always give the same bytes.

Members are stored, not compressed (a compressor's output changes with its version), sorted by name, dated 1980-01-01,
mode 0644, without comments or extra fields. The reader takes exactly that and nothing else: it reads every field by
itself, never looks at a length it has not checked against the file, and compares the whole archive with what the
writer makes of the members it found. What other ZIP readers disagree on (duplicate names, bytes between members,
two directories, comments) can therefore not hide anything. Any ZIP tool opens a pack. Standard library only.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from zlib import crc32

from shipworthy.core.errors import IntegrityError

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DATE = 0x21  # 1 January 1980, the earliest a ZIP can say
_FLAGS = 0x800  # names are UTF-8
_MODE = 0o100644 << 16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*(/[A-Za-z0-9_][A-Za-z0-9._@-]*)*")

MAX_BYTES = 1 << 30
"""The largest pack that is read or written."""
MAX_MEMBERS = 10_000


def write(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of some members.

    Args:
        members: relative path -> content; paths of letters, digits and ``. _ @ -``, no segment starting with a dot.

    Raises:
        ValueError: a path is not such a one, or the archive would be too large.
    """
    body, directory, count = bytearray(), bytearray(), 0
    for name, data in sorted(members.items()):
        if not _NAME.fullmatch(name) or len(name) > 240:
            raise ValueError(f"{name!r} cannot be the name of a member")
        raw, crc, size = name.encode(), crc32(data), len(data)
        offset, count = len(body), count + 1
        if offset + size > MAX_BYTES or count > MAX_MEMBERS:
            raise ValueError(f"a pack holds at most {MAX_BYTES >> 20} MiB in {MAX_MEMBERS} members")
        body += _LOCAL.pack(b"PK\3\4", 20, _FLAGS, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw + data
        directory += (
            _CENTRAL.pack(
                b"PK\1\2", 0x0314, 20, _FLAGS, 0, 0, _DATE, crc, size, size, len(raw), 0, 0, 0, 0, _MODE, offset
            )
            + raw
        )
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def read(data: bytes) -> dict[str, bytes]:
    """Return the members of an archive that `write` made.

    Raises:
        IntegrityError: it is not one, to the byte; names the member where it differs.
    """
    members: dict[str, bytes] = {}
    offset, before = 0, ""
    while data[offset : offset + 4] == b"PK\3\4":
        if len(members) >= MAX_MEMBERS:
            raise IntegrityError(f"the archive has more than {MAX_MEMBERS} members")
        name, start, size, crc = _header(data, offset, f"the member after {before!r}" if before else "the first member")
        if name <= before:
            raise IntegrityError(f"{name}: there twice, or out of order")
        if start + size > len(data):
            raise IntegrityError(f"{name}: cut off, or its length was changed")
        content = data[start : start + size]
        if crc32(content) != crc:
            raise IntegrityError(f"{name}: its content was changed")
        members[name], before, offset = content, name, start + size
    if not members:
        raise IntegrityError("this is no evidence pack: it does not begin with a member")
    _compare(data, write(members), offset, members)
    return members


def _header(data: bytes, offset: int, where: str) -> tuple[str, int, int, int]:
    """Return name, start of the content, its size and its CRC of the member at an offset."""
    if offset + _LOCAL.size > len(data):
        raise IntegrityError(f"{where} is cut off")
    _, needs, flags, method, time, date, crc, packed, size, name_length, extra = _LOCAL.unpack_from(data, offset)
    start = offset + _LOCAL.size + name_length
    raw = data[offset + _LOCAL.size : start]
    name = raw.decode("ascii", "replace")
    if not _NAME.fullmatch(name):
        raise IntegrityError(f"{where} has a name that no pack has: {raw[:80]!r}")
    if method:
        raise IntegrityError(f"{name}: compressed; a pack is stored (was it packed anew?)")
    if (needs, flags, time, date, extra) != (20, _FLAGS, 0, _DATE, 0) or packed != size:
        raise IntegrityError(f"{name}: its header was changed")
    return name, start, size, crc


def _compare(data: bytes, expected: bytes, directory: int, members: Mapping[str, bytes]) -> None:
    """Hold the archive against what the writer makes of its members: the rest is directory and end record."""
    if data == expected:
        return
    if len(data) > len(expected) and data.startswith(expected):
        raise IntegrityError(f"{len(data) - len(expected)} bytes were added after the end of the archive")
    place, offset = (
        next((i for i, (a, b) in enumerate(zip(data, expected, strict=False)) if a != b), len(data)),
        directory,
    )
    for name in sorted(members):
        offset += _CENTRAL.size + len(name)
        if place < offset:
            raise IntegrityError(
                f"{name}: its entry in the archive's directory was changed, or bytes were put before it"
            )
    raise IntegrityError("the archive's end record was changed or cut off")
