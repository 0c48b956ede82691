"""The pack's container: a ZIP with one spelling, so that the same members always give the same bytes.

Members are stored, not compressed (a compressor's output changes with its version), sorted by name, dated 1980-01-01,
mode 0644, without comments or extra fields. The reader takes exactly that and nothing else: it reads every field by
itself, never looks at a length it has not checked against the file, and holds directory and end record against what
the writer makes of the members it found. What other ZIP readers disagree on (duplicate names, bytes between members,
two directories, comments) can therefore not hide anything. Names are those that every file system keeps apart and
takes. Any ZIP tool opens a pack. Standard library only.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple
from zlib import crc32

from shipworthy.core.errors import IntegrityError

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DATE = 0x21  # 1 January 1980, the earliest a ZIP can say
_FLAGS = 0x800  # names are UTF-8
_MODE = 0o100644 << 16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*(/[A-Za-z0-9_][A-Za-z0-9._@-]*)*")

# What Windows takes for a device, with any ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_LONGEST = 240
_PIECE = 1 << 20

MAX_BYTES = 1 << 30
"""The largest pack that is read or written."""
MAX_MEMBERS = 10_000


class ArchiveMember(NamedTuple):
    """Where a member is: its name, the place and size of its content, and the CRC that its header gives."""

    name: str
    start: int
    size: int
    crc: int


def misnamed(names: Iterable[str]) -> str:
    """Return what is wrong with the first name that no pack may have, or the empty string.

    A name is of letters, digits and ``. _ @ -``, no segment beginning with a dot or ending with one, none the name of a
    device, no two alike but for their case, and none a folder of another.
    """
    seen: dict[str, str] = {}
    for name in names:
        segments = name.split("/")
        if not _NAME.fullmatch(name) or len(name) > _LONGEST or any(segment[-1] == "." for segment in segments):
            return f"{name[:_LONGEST]!a} cannot be the name of a member"
        if any(_DEVICE.fullmatch(segment) for segment in segments):
            return f"{name} cannot be the name of a member: on some systems it is a device"
        # Files and folders alike: what differs in case alone is one file on some systems and two on others.
        for last in range(1, len(segments) + 1):
            path = "/".join(segments[:last])
            mine = path + "/" * (last < len(segments))
            if seen.setdefault(path.casefold(), mine) != mine:
                return f"{name} and {seen[path.casefold()].rstrip('/')} would be one file on some systems"
    return ""


def write(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of some members.

    Args:
        members: relative path -> content; paths as in `misnamed`.

    Raises:
        ValueError: a path is not such a one, or the archive would be too large.
    """
    if wrong := misnamed(sorted(members)):
        raise ValueError(wrong)
    body, entries = bytearray(), []
    for name, data in sorted(members.items()):
        head = _local(name, len(data), crc32(data))
        entries.append(ArchiveMember(name, len(body) + len(head), len(data), crc32(data)))
        if entries[-1].start + len(data) > MAX_BYTES or len(entries) > MAX_MEMBERS:
            raise ValueError(f"a pack holds at most {MAX_BYTES >> 20} MiB in {MAX_MEMBERS} members")
        body += head + data
    return bytes(body + b"".join(_trailer(entries)))


def find(file: BinaryIO, names: Collection[str], most: int) -> dict[str, bytes]:
    """Return some members of an archive, and read of it no more than they and the headers of the others.

    What is beside them is not checked: that is for `read`.

    Args:
        file: an archive, at any place.
        names: of the members; those that are not there are not in the answer.
        most: bytes that one of them may have.

    Raises:
        IntegrityError: it is no archive as far as it was read, or one of them is too large.
    """
    found: dict[str, bytes] = {}
    for entry in _walk(file):
        if entry.name in names:
            if entry.size > most:
                raise IntegrityError(f"{entry.name}: larger than {most >> 20} MiB, the most that is read")
            found[entry.name] = b"".join(_content(file, entry))
    return found


def read(data: bytes) -> dict[str, bytes]:
    """Return the members of an archive that `write` made.

    Raises:
        IntegrityError: it is not one, to the byte; names the member where it differs.
    """
    file, members, entries = io.BytesIO(data), {}, []
    for entry in _walk(file):
        members[entry.name] = data[entry.start : entry.start + entry.size]
        if crc32(members[entry.name]) != entry.crc:
            raise IntegrityError(f"{entry.name}: its content was changed")
        entries.append(entry)
    if wrong := misnamed(members):
        raise IntegrityError(wrong)
    _compare(data, entries)
    return members


def _walk(file: BinaryIO) -> Iterator[ArchiveMember]:
    """Yield the members by their headers alone, each checked to lie behind the one before and inside the file."""
    whole, offset, before, count = file.seek(0, io.SEEK_END), 0, "", 0
    while True:
        file.seek(offset)
        head = file.read(_LOCAL.size + _LONGEST)
        if head[:4] != b"PK\3\4":
            break
        if count >= MAX_MEMBERS:
            raise IntegrityError(f"the archive has more than {MAX_MEMBERS} members")
        entry = _header(head, offset, f"the member after {before!r}" if before else "the first member")
        if entry.name <= before:
            raise IntegrityError(f"{entry.name}: there twice, or out of order")
        if entry.start + entry.size > whole:
            raise IntegrityError(f"{entry.name}: cut off, or its length was changed")
        yield entry
        offset, before, count = entry.start + entry.size, entry.name, count + 1
    if not count:
        raise IntegrityError("this is no evidence pack: it does not begin with a member")


def _content(file: BinaryIO, entry: ArchiveMember) -> Iterator[bytes]:
    """Yield a member's content in pieces; its CRC is checked at the end."""
    file.seek(entry.start)
    left, crc = entry.size, 0
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise IntegrityError(f"{entry.name}: cut off, or its length was changed")
        left, crc = left - len(piece), crc32(piece, crc)
        yield piece
    if crc != entry.crc:
        raise IntegrityError(f"{entry.name}: its content was changed")


def _header(head: bytes, offset: int, where: str) -> ArchiveMember:
    """Return what a member's header says of it.

    Args:
        head: the archive's bytes from `offset` on: the header, and more.
    """
    if len(head) < _LOCAL.size:
        raise IntegrityError(f"{where} is cut off")
    _, needs, flags, method, time, date, crc, packed, size, name_length, extra = _LOCAL.unpack_from(head)
    raw = head[_LOCAL.size : _LOCAL.size + name_length]
    name = raw.decode("ascii", "replace")
    if name_length > _LONGEST or not _NAME.fullmatch(name):
        raise IntegrityError(f"{where} has a name that no pack has: {raw[:80]!r}")
    if method:
        raise IntegrityError(f"{name}: compressed; a pack is stored (was it packed anew?)")
    if (needs, flags, time, date, extra) != (20, _FLAGS, 0, _DATE, 0) or packed != size:
        raise IntegrityError(f"{name}: its header was changed")
    return ArchiveMember(name, offset + _LOCAL.size + name_length, size, crc)


def _local(name: str, size: int, crc: int) -> bytes:
    raw = name.encode()
    return _LOCAL.pack(b"PK\3\4", 20, _FLAGS, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw


def _trailer(entries: Iterable[ArchiveMember]) -> Iterator[bytes]:
    """Yield the directory, a piece for each member, and the end record."""
    length = count = end = 0
    for name, start, size, crc in entries:
        raw = name.encode()
        at = start - _LOCAL.size - len(raw)
        piece = _CENTRAL.pack(
            b"PK\1\2", 0x0314, 20, _FLAGS, 0, 0, _DATE, crc, size, size, len(raw), 0, 0, 0, 0, _MODE, at
        )
        length, count, end = length + len(piece) + len(raw), count + 1, start + size
        yield piece + raw
    yield _END.pack(b"PK\5\6", 0, 0, count, count, length, end, 0)


def _compare(data: bytes, entries: Iterable[ArchiveMember]) -> None:
    """Hold what is behind the members against directory and end record as the writer makes them."""
    known = list(entries)
    offset = known[-1].start + known[-1].size
    *pieces, end = _trailer(known)
    for entry, piece in zip(known, pieces, strict=True):
        if data[offset : offset + len(piece)] != piece:
            raise IntegrityError(
                f"{entry.name}: its entry in the archive's directory was changed, or bytes were put before it"
            )
        offset += len(piece)
    if data[offset : offset + len(end)] != end:
        raise IntegrityError("the archive's end record was changed or cut off")
    if more := len(data) - offset - len(end):
        raise IntegrityError(f"{more} bytes were added after the end of the archive")
