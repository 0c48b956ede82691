"""Levers on the disk: seen at once, entered before they count, and closed where they cannot be read."""

from __future__ import annotations

import json

import pytest

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.gateway.config import STOP
from shipworthy.gateway.levers import FILE, HISTORY, Levers, pull, read, release


def names(levers):
    return tuple(pulled.lever for pulled in levers.pulled)


def test_what_is_pulled_is_seen_by_everybody_at_once(tmp_path) -> None:
    seen = [Levers(tmp_path / "state"), Levers(tmp_path / "state")]
    assert [names(levers) for levers in seen] == [(), ()]
    pull(tmp_path / "state", "strict", "ada", "why")
    pull(tmp_path / "state", STOP, "bob", "")
    assert [names(levers) for levers in seen] == [(STOP, "strict")] * 2
    release(tmp_path / "state", STOP, "ada", "")
    assert [names(levers) for levers in seen] == [("strict",)] * 2
    release(tmp_path / "state", "strict", "ada", "")
    assert [names(levers) for levers in seen] == [(), ()]


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
    assert names(levers) == ("strict",)
    (tmp_path / FILE).write_bytes(damage.encode("latin-1"))
    assert names(levers) == (STOP,)
    with pytest.raises(StoreError, match="serves nothing"):
        read(tmp_path)
    release(tmp_path, "strict", "ada", "")  # somebody looked at it, and did not let go of the stop
    assert names(levers) == (STOP,)
    release(tmp_path, STOP, "ada", "")
    assert names(levers) == ()


def test_a_folder_that_cannot_be_looked_into_stops(tmp_path) -> None:
    (tmp_path / "state").write_text("a file")
    assert names(Levers(tmp_path / "state")) == (STOP,)


def test_a_lever_is_pulled_for_a_part_and_only_for_more_than_before(tmp_path) -> None:
    pull(tmp_path, "strict", "ada", "", share=0.1, ring="internal")
    pull(tmp_path, "strict", "ada", "", share=0.5, ring="internal")
    pull(tmp_path, "strict", "ada", "", share=0.5)
    [pulled] = read(tmp_path)
    assert (pulled.share, pulled.ring, str(pulled)) == (0.5, "", "strict for 0.5 of the traffic")
    for fewer in ({"share": 0.4}, {"share": 0.5, "ring": "internal"}, {"ring": "other"}):
        with pytest.raises(UsageError, match="release it first"):
            pull(tmp_path, "strict", "ada", "", **fewer)
    pull(tmp_path, "strict", "ada", "")
    assert [p.share for p in read(tmp_path)] == [1.0]
    history = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [(line.get("share", 1), line.get("ring", "")) for line in history] == [
        (0.1, "internal"), (0.5, "internal"), (0.5, ""), (1, "")
    ]  # fmt: skip


@pytest.mark.parametrize("part", [{"share": 0.5}, {"ring": "internal"}])
def test_the_kill_switch_is_for_everybody(tmp_path, part) -> None:
    with pytest.raises(UsageError, match="everybody"):
        pull(tmp_path, STOP, "ada", "", **part)


@pytest.mark.parametrize("share", ["0", "-1", "1.5", '"half"', "null"])
def test_a_share_that_is_none_stops(tmp_path, share) -> None:
    (tmp_path / FILE).write_text(f'[{{"lever": "strict", "by": "", "at": "", "share": {share}}}]')
    assert names(Levers(tmp_path)) == (STOP,)
