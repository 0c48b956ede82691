from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import CredentialError, PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Part
from shipworthy.detect.canaries import reference


def found(guard, text: str):
    return asyncio.run(guard.check(Part("output", text), GuardContext()))


def test_a_canary_blocks_in_its_disguises() -> None:
    guard = registry.create("guard", "canary_output", {"canaries": ["HERON-4471"]})
    for text in ("HERON-4471", "h e r o n 4 4 7 1", "HE\u200bRON-4471", "1744-NOREH", "SEVPTi00NDcx", "code 4471"):
        hits = found(guard, f"so: {text} !") or found(guard, f"so: {text}")
        assert {f.action for f in hits} in ({"block"}, set())
        if text != "SEVPTi00NDcx":
            assert hits, text
    assert not found(guard, "herons eat fish; dial 44710")


def test_the_digits_can_be_left_out() -> None:
    guard = registry.create("guard", "canary_output", {"canaries": ["HERON-4471"], "parts": False})
    assert not found(guard, "code 4471")


def test_a_digest_finds_what_the_file_does_not_hold() -> None:
    guard = registry.create("guard", "canary_output", {"digests": [reference("HERON-4471")]})
    assert found(guard, "it is H E R O N 4471")
    assert found(guard, "it is 1744-noreh")
    assert not found(guard, "it is a heron")


def test_references_are_resolved_and_never_described(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANARY", "HERON-4471")
    (tmp_path / "more").write_text("MARIGOLD-77\n\nTOPAZ-19350\n")
    guard = registry.create("guard", "canary_output", {"canaries": ["env:CANARY", f"file:{tmp_path / 'more'}"]})
    assert found(guard, "HERON-4471")
    assert found(guard, "TOPAZ-19350")
    assert not any(word in repr(guard.describe()) for word in ("HERON", "TOPAZ", "CANARY"))


def test_no_canary_or_a_dead_reference_is_an_error(monkeypatch) -> None:
    with pytest.raises(PluginError, match="has no canaries"):
        registry.create("guard", "canary_output")
    monkeypatch.delenv("CANARY", raising=False)
    with pytest.raises(CredentialError, match="CANARY"):
        registry.create("guard", "canary_output", {"canaries": ["env:CANARY"]})


def test_another_canary_is_another_description() -> None:
    one, two = (registry.create("guard", "canary_output", {"canaries": [c]}) for c in ("HERON-4471", "HERON-4472"))
    assert one.describe() != two.describe()
