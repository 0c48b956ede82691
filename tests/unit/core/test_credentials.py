"""Credential references resolve; values are never repeated."""

from __future__ import annotations

import pytest

from shipworthy.core.credentials import resolve
from shipworthy.core.errors import CredentialError


def test_env_and_file(monkeypatch, tmp_path):
    monkeypatch.setenv("SHIPWORTHY_TEST_KEY", "k-1")
    (tmp_path / "key").write_text("k-2\n")
    assert resolve("env:SHIPWORTHY_TEST_KEY") == "k-1"
    assert resolve(f"file:{tmp_path / 'key'}") == "k-2"


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("SHIPWORTHY_TEST_KEY", raising=False)
    with pytest.raises(CredentialError, match="SHIPWORTHY_TEST_KEY is not set"):
        resolve("env:SHIPWORTHY_TEST_KEY")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CredentialError, match="no-such-file"):
        resolve(f"file:{tmp_path / 'no-such-file'}")


def test_a_pasted_value_is_not_repeated():
    with pytest.raises(CredentialError) as caught:
        resolve("sk-very-secret-0123456789")
    assert "secret-0123456789" not in str(caught.value)
