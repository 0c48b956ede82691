"""Levers on the disk: seen at once, entered before they count, and closed where they cannot be read."""

from __future__ import annotations

import json

import pytest

from shipworthy.core.errors import StoreError
from shipworthy.gateway.config import STOP
from shipworthy.gateway.levers import FILE, HISTORY, Levers, pull, read, release


def test_what_is_pulled_is_seen_by_everybody_at_once(tmp_path) -> None:
    seen = [Levers(tmp_path / "state"), Levers(tmp_path / "state")]
    assert [levers.pulled for levers in seen] == [(), ()]
    pull(tmp_path / "state", "strict", "ada", "why")
    pull(tmp_path / "state", STOP, "bob", "")
    assert [levers.pulled for levers in seen] == [(STOP, "strict")] * 2
    release(tmp_path / "state", STOP, "ada", "")
    assert [levers.pulled for levers in seen] == [("strict",)] * 2
    release(tmp_path / "state", "strict", "ada", "")
    assert [levers.pulled for levers in seen] == [(), ()]


def test_who_pulled_first_is_who_is_named(tmp_path) -> None:
    pull(tmp_path, "strict", "ada", "first")
    pull(tmp_path, "strict", "bob", "second")
    [pulled] = read(tmp_path)
    assert (pulled.by, pulled.why) == ("ada", "first")
    lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [(line["by"], line["what"]) for line in lines] == [("ada", "pull"), ("bob", "pull")]
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["", "{", '{"lever": "a"}', '["stop"]', "\xff"])
def test_a_file_that_cannot_be_read_stops(tmp_path, damage) -> None:
    levers = Levers(tmp_path)
    pull(tmp_path, "strict", "ada", "")
    assert levers.pulled == ("strict",)
    (tmp_path / FILE).write_bytes(damage.encode("latin-1"))
    assert levers.pulled == (STOP,)
    with pytest.raises(StoreError, match="serves nothing"):
        read(tmp_path)
    release(tmp_path, "strict", "ada", "")  # somebody looked at it, and did not let go of the stop
    assert levers.pulled == (STOP,)
    release(tmp_path, STOP, "ada", "")
    assert levers.pulled == ()


def test_a_folder_that_cannot_be_looked_into_stops(tmp_path) -> None:
    (tmp_path / "state").write_text("a file")
    assert Levers(tmp_path / "state").pulled == (STOP,)
