"""Checking the file of `serve` from the command line."""

from __future__ import annotations

import pytest

from shipworthy.cli import run as shipworthy

pytest.importorskip("duckdb", reason="needs the extra 'serve'")

FILE = """\
key_file: store.key
clients: {agents: {key: "env:SENDER"}, ada: {key: "file:ada.key", may: [content]}}
"""
KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "serve.yaml").write_text(FILE)
    (tmp_path / "ada.key").write_text("fedcba9876543210\n")
    monkeypatch.setenv("SENDER", KEY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check() -> int:
    return shipworthy(["serve", "--config", "serve.yaml", "--check"])


def test_keys_that_are_set_are_fit_to_serve(folder, capsys) -> None:
    assert check() == 0
    assert "serve.yaml: fit to serve" in capsys.readouterr().out
    assert not (folder / "store.key").exists()  # a check makes nothing


def test_a_key_that_is_not_set_is_said_before_anybody_serves(monkeypatch, capsys) -> None:
    monkeypatch.delenv("SENDER")
    assert check() == 2
    assert "SENDER" in capsys.readouterr().err


def test_a_key_that_is_none_is_said_without_it(monkeypatch, capsys) -> None:
    monkeypatch.setenv("SENDER", "too-short")
    assert check() == 2
    err = capsys.readouterr().err
    assert "the key of the client 'agents'" in err
    assert "too-short" not in err


def test_a_store_key_that_cannot_be_used_is_said(folder, capsys) -> None:
    (folder / "store.key").write_text("no key")
    (folder / "store.key").chmod(0o600)
    assert check() == 4
    assert "store.key holds no key" in capsys.readouterr().err
