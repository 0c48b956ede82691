"""The container: one spelling, and nothing else is read."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from zlib import crc32

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import archive

MEMBERS = {"a.json": b"x" * 10, "runs/R-1/b.txt": b"hello", "z": b""}
WHOLE = archive.write(MEMBERS)


def test_members_come_back_and_other_tools_read_them() -> None:
    assert archive.read(WHOLE) == MEMBERS
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == MEMBERS
        assert {i.external_attr >> 16 for i in opened.infolist()} == {0o100644}


def test_the_order_of_members_does_not_matter() -> None:
    assert archive.write(dict(reversed(MEMBERS.items()))) == WHOLE


NAMES = st.from_regex(r"[A-Za-z0-9_]{1,8}(/[A-Za-z0-9_][A-Za-z0-9._@-]{0,8}){0,2}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=300), min_size=1, max_size=6))
def test_any_members_come_back(members: dict[str, bytes]) -> None:
    assume(not archive.misnamed(members))
    assert archive.read(archive.write(members)) == members


def test_every_byte_counts() -> None:
    for place in range(len(WHOLE)):
        for flip in (1, 0x20, 0x80, 0xFF):
            changed = bytearray(WHOLE)
            changed[place] ^= flip
            with pytest.raises(IntegrityError):
                archive.read(bytes(changed))


def test_a_shortened_archive_is_refused() -> None:
    for cut in range(len(WHOLE)):
        with pytest.raises(IntegrityError):
            archive.read(WHOLE[:cut])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(WHOLE)))
def test_added_bytes_are_refused_wherever_they_are(added: bytes, place: int) -> None:
    data = WHOLE[:place] + added + WHOLE[place:]
    if data != WHOLE:
        with pytest.raises(IntegrityError):
            archive.read(data)


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as made:
        warnings.simplefilter("ignore")  # zipfile warns of the duplicate names that are wanted here
        made.comment = comment
        for name, data in entries:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(("a.json", b"1"), ("a.json", b"2")), "a.json"),
        (zipped(("a.json", b"1" * 1000), method=zipfile.ZIP_DEFLATED), "a.json: compressed"),
        (zipped(("a.json", b"\0" * 50_000_000), method=zipfile.ZIP_DEFLATED), "a.json: compressed"),
        (zipped(("../a.json", b"1")), "name that no pack has"),
        (zipped(("/etc/x", b"1")), "name that no pack has"),
        (zipped(("a/../../x", b"1")), "name that no pack has"),
        (zipped(("a\\b", b"1")), "name that no pack has"),
        (zipped(("C:x", b"1")), "name that no pack has"),
        (zipped((".hidden", b"1")), "name that no pack has"),
        (zipped(("a//b", b"1")), "name that no pack has"),
        (zipped(("a/", b"")), "name that no pack has"),
        (zipped(("a.json", b"1"), comment=b"hello"), "a.json|end record"),
        (b"", "not begin"),
        (b"PK\5\6" + bytes(18), "not begin"),
        (b"MZ" + WHOLE, "not begin"),
        (WHOLE + b"\0", "1 bytes were added after the end"),
        (WHOLE + WHOLE, "added after the end"),
    ],
)
def test_hostile_archives_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        archive.read(data)


def test_a_length_beyond_the_file_is_refused_without_reading_it() -> None:
    huge = 0xFFFFFFF0
    header = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0x800, 0, 0, 0x21, crc32(b""), huge, huge, 1, 0) + b"a"
    with pytest.raises(IntegrityError, match="a: cut off, or its length"):
        archive.read(header)


@pytest.mark.parametrize(
    "names",
    [
        ("con",), ("CON.json",), ("nul",), ("NUL.txt",), ("aux.yaml",), ("prn",), ("com1",), ("LPT9.log",),
        ("a/con/b",), ("runs/aux.json",), ("a.",), ("a./b",), ("a/b.",),
        ("A.json", "a.json"), ("Runs/b", "runs/c"), ("a", "a/b"), ("A", "a/b"), ("x/A/y", "x/a"),
    ],
)  # fmt: skip
def test_names_that_not_every_system_keeps_apart_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"cannot be the name|would be one file"):
        archive.write(dict.fromkeys(names, b""))
    made = unchecked(names)
    with pytest.raises(IntegrityError, match=r"cannot be the name|would be one file"):
        archive.read(made)


def unchecked(names: tuple[str, ...]) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "misnamed", lambda names: "")
        return archive.write(dict.fromkeys(names, b"x"))


def test_members_are_found_without_reading_the_others() -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    file = Counted(archive.write({"a": b"a" * 5_000_000, "b": b"wanted", "c": b"c" * 5_000_000}))
    assert archive.find(file, ("b", "d"), 100) == {"b": b"wanted"}
    assert file.taken < 2000
    with pytest.raises(IntegrityError, match="c: larger than"):
        archive.find(file, ("c",), 100)


@pytest.mark.parametrize("name", ["", "../x", "/x", ".x", "a b", "a/", "a//b", "é", "x" * 300])
def test_the_writer_refuses_such_names_too(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        archive.write({name: b""})
