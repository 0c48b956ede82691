"""The key that seals kept replies: made once, readable by the user alone, and never taken from anything else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipworthy.core.errors import StoreError
from shipworthy.exchange.local_key import SIZE, local_key


def test_it_is_made_once_and_read_by_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "cache.key"
    before = os.umask(0)
    try:
        key = local_key(file)
    finally:
        os.umask(before)
    assert len(key) == SIZE
    assert file.stat().st_mode & 0o777 == 0o600
    assert local_key(file) == key
    assert local_key(tmp_path / "other") != key
    assert [path.name for path in file.parent.iterdir()] == ["cache.key"]


def test_all_that_make_it_at_once_have_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(local_key, [tmp_path / "cache.key"] * 32))) == 1


@pytest.mark.parametrize("text", ["", "no hex", "00" * 31, "00" * 33, "\u0660" * 64])
def test_a_file_that_holds_something_else_is_not_a_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cache.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(StoreError, match="holds no key"):
        local_key(file)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o666])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "cache.key"
    local_key(file)
    file.chmod(mode)
    with pytest.raises(StoreError, match="others can read"):
        local_key(file)


def test_a_place_that_cannot_hold_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"SHIPWORTHY_CACHE_KEY, or use --no-cache"):
        local_key(tmp_path / "file" / "cache.key")
