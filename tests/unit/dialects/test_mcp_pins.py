"""Tools as they were pinned, and every way in which they are not."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.dialects.mcp_pins import drift, pinned_part, read_pins


def test_what_is_not_as_it_was_pinned_is_drift():
    pins = {"a": "sha256:1", "b": "sha256:2"}
    assert drift(pins, dict(pins), ["a", "b"]) == ""
    assert "never pinned" in drift(None, {}, [])
    assert "'a' is not the pinned one" in drift(pins, {**pins, "a": "sha256:9"}, ["a", "b"])
    assert "'b' is gone" in drift(pins, {"a": "sha256:1"}, ["a"])
    assert "'c' was never pinned" in drift(pins, {**pins, "c": "sha256:3"}, ["a", "b", "c"])
    assert "two tools of one name" in drift(pins, dict(pins), ["a", "b", "b"])


def test_a_renamed_tool_is_drift_too():
    assert drift({"a": "sha256:1"}, {"b": "sha256:1"}, ["b"])


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": "md5:1"}', "{"])
def test_pins_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "pins.json").write_text(text)
    with pytest.raises(UsageError, match=r"pins\.json"):
        read_pins(tmp_path / "pins.json")
    with pytest.raises(UsageError, match=r"nowhere\.json"):
        read_pins(tmp_path / "nowhere.json")


def test_what_a_model_may_read_is_pinned_and_nothing_else():
    tool = {"name": "a", "description": None, "inputSchema": {}, "icons": [], "_meta": {}, "execution": {}}
    assert pinned_part(tool) == {"name": "a", "inputSchema": {}}
