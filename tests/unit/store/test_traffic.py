"""The traffic log: whole lines, chained, redacted, and what is told where it cannot be written."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.core.records import Said, say
from shipworthy.core.served import Served
from shipworthy.detect.redact import seal, seal_served
from shipworthy.store import traffic
from shipworthy.store.traffic import TrafficLog, read


def served(number: int, text: str = "hello") -> Served:
    return Served(id=f"GR-{number}", route="/v1/x", ending="answered", events=(Said(1, say("user", text)),))


def write(folder, number: int, **options) -> None:
    async def main() -> None:
        log = TrafficLog(folder, **options)
        await asyncio.gather(*(log.append(seal_served(served(n))) for n in range(number)))
        log.close()

    asyncio.run(main())


def test_what_is_appended_is_read(tmp_path) -> None:
    write(tmp_path / "t", 50)
    assert {line.served.id for line in read(tmp_path / "t")} == {f"GR-{n}" for n in range(50)}
    assert [line.number for line in read(tmp_path / "t")] == list(range(1, 51))
    assert (tmp_path / "t").stat().st_mode & 0o077 == 0


def test_a_full_file_is_followed_by_a_new_one(tmp_path) -> None:
    async def main() -> None:
        log = TrafficLog(tmp_path, rotate_bytes=300)
        for number in range(6):
            await log.append(seal_served(served(number)))
        log.close()

    asyncio.run(main())
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert len(list(read(tmp_path))) == 6


def test_only_what_was_sealed_is_written(tmp_path) -> None:
    from shipworthy.core.records import Attempt

    made = Attempt(id="AT-1", suite="s", sample="q", attack="none", number=1, cluster="q", seed=1, content_hash="",
                   outcome="scored")  # fmt: skip

    async def main() -> None:
        log = TrafficLog(tmp_path)
        for wrong in (served(1), seal(made, "synthetic")):
            with pytest.raises(TypeError, match="seal_served"):
                await log.append(wrong)  # type: ignore[arg-type]
        log.close()
        with pytest.raises(StoreError, match="closed"):
            await log.append(seal_served(served(1)))

    asyncio.run(main())


def test_half_a_surrogate_pair_ends_nothing(tmp_path) -> None:
    async def main() -> None:
        log = TrafficLog(tmp_path)
        await log.append(seal_served(served(1, "half \ud800 a pair")))
        log.close()

    asyncio.run(main())
    [line] = read(tmp_path)
    assert line.served.events[0].message.text == "half \ufffd a pair"


def test_a_torn_line_is_left_out_and_a_changed_one_is_refused(tmp_path) -> None:
    write(tmp_path, 5)
    [file] = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-7])
    assert len(list(read(tmp_path))) == 4
    lines = whole.splitlines(keepends=True)
    file.write_bytes(whole.replace(b"hello", b"hallo", 1))
    with pytest.raises(IntegrityError, match=r"jsonl:1: "):
        list(read(tmp_path))
    file.write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(IntegrityError):
        list(read(tmp_path))
    file.write_bytes(whole)
    file.rename(tmp_path / "other.jsonl")  # a chain starts from the name of its file
    with pytest.raises(IntegrityError):
        list(read(tmp_path))


def test_after_a_failure_nothing_more_is_acknowledged(tmp_path, monkeypatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        log = TrafficLog(tmp_path)
        await log.append(seal_served(served(1)))
        monkeypatch.setattr(traffic, "_datasync", full)
        with pytest.raises(StoreError, match="No space left"):
            await log.append(seal_served(served(2)))
        monkeypatch.undo()
        with pytest.raises(StoreError, match="No space left"):
            await log.append(seal_served(served(3)))
        assert log.failure
        log.close()

    asyncio.run(main())


def test_a_file_is_made_longer_in_advance_and_is_as_long_as_its_lines_in_the_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(traffic, "ROOM_BYTES", 2000)

    async def main() -> None:
        log = TrafficLog(tmp_path)
        [file] = tmp_path.glob("*.jsonl")
        assert file.read_bytes() == bytes(2000)
        for number in range(40):
            await log.append(seal_served(served(number)))
        await log.append(seal_served(served(40, "long " * 1000)))
        written = file.read_bytes()
        assert written.rstrip(b"\0").endswith(b"}\n")
        assert written.endswith(b"\0")
        assert len(list(read(tmp_path))) == 41  # while it is written to
        log.close()
        assert file.read_bytes().endswith(b"}\n")

    asyncio.run(main())
    assert len(list(read(tmp_path))) == 41


def test_a_line_that_was_written_in_part_is_left_out(tmp_path) -> None:
    write(tmp_path, 3)
    [file] = tmp_path.glob("*.jsonl")
    whole = bytearray(file.read_bytes())
    # A page of the last line did not come to the disk, and what stands behind it did.
    whole[-60:-20] = bytes(40)
    file.write_bytes(whole + bytes(100))
    assert len(list(read(tmp_path))) == 2
