"""Credential references resolve; values are never repeated."""

from __future__ import annotations

import pytest

from shipworthy.core.credentials import is_reference, resolve, revealed
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


def test_what_is_no_reference_stays_and_a_file_gives_a_value_a_line(tmp_path, monkeypatch):
    (tmp_path / "two.txt").write_text("first\n\n  second \n--\n")
    monkeypatch.setenv("ONE", "OWL-9911")
    given = ("HERON-4471", "env:ONE", f"file:{tmp_path / 'two.txt'}")
    assert [is_reference(text) for text in given] == [False, True, True]
    assert revealed(given) == ("HERON-4471", "OWL-9911", "first", "second")


def test_a_reference_to_nothing_is_an_error_and_never_an_empty_list(tmp_path, monkeypatch):
    (tmp_path / "empty.txt").write_text(" \n-\n")
    monkeypatch.delenv("ABSENT", raising=False)
    for reference, message in ((f"file:{tmp_path / 'empty.txt'}", "is empty"), ("env:ABSENT", "is not set")):
        with pytest.raises(CredentialError, match=message):
            revealed([reference])
