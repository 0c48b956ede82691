"""A file is there whole or not at all; what is no file is never replaced by one."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from shipworthy.store.files import takes_bytes, write_atomic, written_after


def test_an_error_before_the_end_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")
    with pytest.raises(RuntimeError), written_after(path, b"new"):
        raise RuntimeError
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_pipe_takes_the_bytes_and_stays_a_pipe(tmp_path: Path) -> None:
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_atomic(path, b"bytes")
    reader.join()
    assert got == [b"bytes"] and stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_stays_a_device() -> None:
    device = Path("/dev/null")
    assert takes_bytes(device)
    before = device.stat().st_ino
    write_atomic(device, b"bytes")
    assert stat.S_ISCHR(device.stat().st_mode) and device.stat().st_ino == before


def test_a_file_a_folder_and_nothing_take_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert not any(map(takes_bytes, (tmp_path, tmp_path / "a", tmp_path / "none")))
