"""What the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from shipworthy.core.settings import Settings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHIPWORTHY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", "~/keys")
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(tmp_path / "grants"))
    monkeypatch.setenv("SHIPWORTHY_CONTROL_URL", " postgresql://h/d\n")
    monkeypatch.setenv("SHIPWORTHY_CACHE_KEY", str(tmp_path / "key"))
    found = Settings.load()
    there = tmp_path / "cache", Path("~/keys").expanduser(), tmp_path / "grants", "postgresql://h/d", tmp_path / "key"
    assert found == Settings(*there)
    assert not (tmp_path / "cache").exists()


def test_what_is_not_set_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE_DIR", "KEYS_DIR", "GRANTS", "CONTROL_URL", "CACHE_KEY"):
        monkeypatch.setenv(f"SHIPWORTHY_{name}", "")
    found = Settings.load()
    assert found.control_url == ""
    assert found.cache_key_file == found.grants_file.with_name("cache.key")
    assert (found.cache_dir.name, found.keys_dir.name, found.grants_file.name) == ("shipworthy", "keys", "grants.json")


def test_the_address_of_the_control_state_is_never_shown(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path, "postgresql://u:hunter2@h/d")
    for shown in (repr(settings), str(settings), f"{[settings]}", pretty_repr(settings)):
        assert "hunter2" not in shown
        assert "control_url" in shown
